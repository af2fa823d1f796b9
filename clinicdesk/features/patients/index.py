"""Keeps the search index equal to the patients' rows: called by every verb that writes one, in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, tuple_
from sqlalchemy.orm import Session

from clinicdesk.features.patients.folding import SHORTEST_WORD, Entry, entry_of
from clinicdesk.features.patients.fulltext import matching, settle
from clinicdesk.features.patients.models import Patient, PatientSearch, PatientSpelling

SPELLED = 9
"""The letters of a word, from its start, that typing errors are looked for in."""
TWO_ERRORS_FROM = 6
"""The length from which a stored word may be two edits away from what is typed."""
_BATCH = 2000

_INSERT_ENTRY = insert(PatientSearch.__table__)  # type: ignore[arg-type]
_INSERT_SPELLING = insert(PatientSpelling.__table__)  # type: ignore[arg-type]
_SEARCHED = (
    select(
        Patient.id, Patient.number, Patient.family, Patient.given, Patient.birth_family, Patient.other_names,
        Patient.birth_date, Patient.phone, Patient.mobile, Patient.identifiers, Patient.deceased, Patient.active,
    )
    .where(Patient.merged_into_id.is_(None))
    .order_by(Patient.id)
    .limit(_BATCH)
)  # fmt: skip
_KNOWN_WORDS = select(PatientSpelling.word).where(
    tuple_(PatientSpelling.deletion, PatientSpelling.word).in_(bindparam("words", expanding=True))
)


def deletions(word: str) -> set[str]:
    """The start of a word with no, one or (in longer words) two letters left out."""
    start = word[:SPELLED]
    most = 2 if len(word) >= TWO_ERRORS_FROM else 1
    kept = {start}
    for count in range(1, most + 1):
        kept.update("".join(letters) for letters in combinations(start, len(start) - count))
    return kept


def add_to_index(session: Session, patients: Sequence[Patient]) -> None:
    """Let search find patients who have just been added (and flushed); for many at once, give them together."""
    entries = {patient.id: (entry_of(patient), patient.deceased or not patient.active) for patient in patients}
    _insert_entries(session, entries)
    _add_words(session, {word for entry, _ in entries.values() for word in entry.words})


def index_patient(session: Session, patient: Patient) -> None:
    """Make the search index say what the patient's edited (and flushed) row says."""
    stored = session.scalars(select(PatientSearch).where(PatientSearch.patient_id == patient.id)).one_or_none()
    if stored is None:
        add_to_index(session, [patient])
        return
    entry, before = entry_of(patient), Entry(stored.terms, stored.phones)
    stored.terms, stored.phones, stored.gone = entry.terms, entry.phones, patient.deceased or not patient.active
    session.flush()
    _add_words(session, entry.words - before.words)
    _drop_unused_words(session, before.words - entry.words)


def remove_from_index(session: Session, patient: Patient) -> None:
    """Let search no longer find a patient."""
    stored = session.scalars(select(PatientSearch).where(PatientSearch.patient_id == patient.id)).one_or_none()
    if stored is None:
        return
    session.delete(stored)
    session.flush()
    _drop_unused_words(session, Entry(stored.terms, stored.phones).words)


def rebuild_index(session: Session) -> None:
    """Make the whole search index anew from the patients' rows, in the order in which they were registered."""
    session.flush()
    session.execute(delete(PatientSearch))
    session.execute(delete(PatientSpelling))
    words: set[str] = set()
    last: UUID | None = None
    while batch := session.execute(_SEARCHED if last is None else _SEARCHED.where(Patient.id > last)).all():
        last = batch[-1].id
        entries = {patient.id: (entry_of(patient), patient.deceased or not patient.active) for patient in batch}
        _insert_entries(session, entries)
        words.update(word for entry, _ in entries.values() for word in entry.words)
    _add_words(session, words)
    settle(session)


def _insert_entries(session: Session, entries: dict[UUID, tuple[Entry, bool]]) -> None:
    session.execute(
        _INSERT_ENTRY,
        [
            {"patient_id": id_, "terms": entry.terms, "phones": entry.phones, "gone": gone}
            for id_, (entry, gone) in entries.items()
        ],
    )


def _add_words(session: Session, words: set[str]) -> None:
    """Offer words as corrections of typing errors; those that are offered already cost a look each."""
    long_enough = sorted(word for word in words if len(word) >= SHORTEST_WORD)
    for at in range(0, len(long_enough), _BATCH):
        batch = long_enough[at : at + _BATCH]
        known = set(session.scalars(_KNOWN_WORDS, {"words": [(word[:SPELLED], word) for word in batch]}))
        rows = sorted((deletion, word) for word in batch if word not in known for deletion in deletions(word))
        if rows:
            session.execute(_INSERT_SPELLING, [{"deletion": deletion, "word": word} for deletion, word in rows])


def _drop_unused_words(session: Session, words: set[str]) -> None:
    for word in words:
        if not matching(session, f"n{word}", 1):
            session.execute(
                delete(PatientSpelling).where(
                    PatientSpelling.word == word, PatientSpelling.deletion.in_(deletions(word))
                )
            )
