"""Keeps the search index equal to the patients' rows: called by every verb that writes one, in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from uuid import UUID

from sqlalchemy import Integer, delete, insert, select, text, tuple_, update
from sqlalchemy.orm import Session

from clinicdesk.features.patients.folding import SHORTEST_WORD, Entry, entry_of
from clinicdesk.features.patients.models import Patient, PatientSearch, PatientSpelling

SPELLED = 9
"""The letters of a word, from its start, that typing errors are looked for in."""
TWO_ERRORS_FROM = 6
"""The length from which a stored word may be two edits away from what is typed."""
_BATCH = 2000

_IN_USE = text("SELECT rowid FROM patient_fts WHERE patient_fts MATCH :query LIMIT 1").columns(rowid=Integer)


def deletions(word: str) -> set[str]:
    """The start of a word with no, one or (in longer words) two letters left out."""
    start = word[:SPELLED]
    most = 2 if len(word) >= TWO_ERRORS_FROM else 1
    kept = {start}
    for count in range(1, most + 1):
        kept.update("".join(letters) for letters in combinations(start, len(start) - count))
    return kept


def index_patient(session: Session, patient: Patient) -> None:
    """Make the search index say what the patient's (flushed) row says."""
    index_patients(session, [patient])


def index_patients(session: Session, patients: Iterable[Patient]) -> None:
    """`index_patient` for many at once, in fewer statements."""
    entries = {patient.id: (entry_of(patient), patient.deceased or not patient.active) for patient in patients}
    table = PatientSearch
    known = session.execute(
        select(table.docid, table.patient_id, table.terms, table.phones, table.gone).where(
            table.patient_id.in_(entries)
        )
    ).all()
    dropped: set[str] = set()
    for docid, patient_id, terms, phones, gone in known:
        entry, now_gone = entries.pop(patient_id)
        if (terms, phones, gone) != (entry.terms, entry.phones, now_gone):
            session.execute(
                update(table).where(table.docid == docid).values(terms=entry.terms, phones=entry.phones, gone=now_gone)
            )
            _add_words(session, entry.words)
            dropped |= Entry(terms, phones).words - entry.words
    _drop_unused_words(session, dropped)
    _insert(session, entries)


def rebuild_index(session: Session) -> None:
    """Make the whole search index anew from the patients' rows, oldest first."""
    session.execute(delete(PatientSearch))
    session.execute(delete(PatientSpelling))
    for batch in session.scalars(select(Patient).order_by(Patient.id).execution_options(yield_per=_BATCH)).partitions():
        _insert(session, {p.id: (entry_of(p), p.deceased or not p.active) for p in batch})
        session.expunge_all()
    for name in ("patient_fts", "patient_phone_fts"):
        session.execute(text(f"INSERT INTO {name} ({name}) VALUES ('optimize')"))  # noqa: S608


def _insert(session: Session, entries: dict[UUID, tuple[Entry, bool]]) -> None:
    if not entries:
        return
    session.execute(
        insert(PatientSearch),
        [
            {"patient_id": id_, "terms": entry.terms, "phones": entry.phones, "gone": gone}
            for id_, (entry, gone) in entries.items()
        ],
    )
    _add_words(session, {word for entry, _ in entries.values() for word in entry.words})


def _add_words(session: Session, words: set[str]) -> None:
    """Offer words as corrections of typing errors; those that are offered already cost a look each."""
    offered = {word for word in words if len(word) >= SHORTEST_WORD}
    table = PatientSpelling
    looked_up = sorted(offered)
    for at in range(0, len(looked_up), _BATCH):
        whole = [(word[:SPELLED], word) for word in looked_up[at : at + _BATCH]]
        offered.difference_update(
            session.scalars(select(table.word).where(tuple_(table.deletion, table.word).in_(whole)))
        )
    rows = sorted((deletion, word) for word in offered for deletion in deletions(word))
    if rows:
        session.execute(insert(table), [{"deletion": deletion, "word": word} for deletion, word in rows])


def _drop_unused_words(session: Session, words: set[str]) -> None:
    for word in words:
        if session.scalar(_IN_USE, {"query": f"n{word}"}) is None:
            session.execute(
                delete(PatientSpelling).where(
                    PatientSpelling.word == word, PatientSpelling.deletion.in_(deletions(word))
                )
            )
