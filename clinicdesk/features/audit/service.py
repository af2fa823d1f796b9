"""Reads the audit trail for people: the log, who looked at one patient, and whether the chain holds. Reading it is audited."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, String, Uuid, and_, column, literal_column, or_, select, table, true
from sqlalchemy.orm import Session

from clinicdesk.core import binding, trail
from clinicdesk.core.clock import from_micros, to_micros
from clinicdesk.core.errors import Conflict, InvalidInput, NotPermitted, Unavailable
from clinicdesk.core.paging import (
    MOST_PER_PAGE,
    Page,
    PageRequest,
    decode_cursor,
    encode_cursor,
    plan_for_values,
    total_of,
)
from clinicdesk.core.permissions import Permission
from clinicdesk.core.trail import AuditEntry, Kept, Progress, Verification
from clinicdesk.core.tx import Action, Actor, Change, Database, Tx, verb
from clinicdesk.features.audit.schemas import AuditPage, AuditQuery, AuditRow, VerificationPage

_ENTRY = AuditEntry.__table__.c
_NEWEST_FIRST = select(AuditEntry.__table__).order_by(_ENTRY.seq.desc())

# People know a patient by the number, entries by the id. Patients is a feature above this one, so its model is not.
_PATIENT = table("patient", column("id", Uuid), column("number", String), column("merged_into_id", Uuid))
_MOST_NUMBERS = 200
MOST_EXPORTED = 10_000
MOST_VERIFIED = 100_000
"""Entries that are exported, and verified, at once: less than a second's work."""

_BROKEN_END = frozenset({"cut", "head", "added"})


@verb(Permission.READ_AUDIT, concurrent=True)
def list_entries(tx: Tx, query: AuditQuery) -> AuditPage:
    """The entries that the query asks for, newest first, at most `limit` of them."""
    wanted = _NEWEST_FIRST.where(*_conditions(tx.session, query)).limit(query.limit + 1)
    found = tx.session.execute(wanted).all()
    rows = _rows(tx.session, found[: query.limit])
    tx.record(Change("audit_entry", None, Action.READ, patient_id=query.patient_id, note=f"{len(rows)} entries"))
    return AuditPage(rows, rows[-1].seq if len(found) > query.limit else None)


@verb(Permission.READ_AUDIT, concurrent=True)
def find_entries(tx: Tx, query: AuditQuery, page: PageRequest) -> Page[AuditRow]:
    """The entries that the query asks for, newest first, a page at a time: the page says how many and behind which, not the
    query. Raises InvalidInput("cursor_not_right", "out_of_range")."""
    found = _page(tx, and_(true(), *_conditions(tx.session, query)), page, MOST_PER_PAGE)
    tx.record(Change("audit_entry", None, Action.READ, patient_id=query.patient_id, note=f"{len(found.items)} entries"))
    return found


@verb(Permission.SIGN_IN, concurrent=True)
def own_entries(tx: Tx, query: AuditQuery, page: PageRequest) -> Page[AuditRow]:
    """What the caller did or saw, newest first, a page at a time. Raises NotPermitted where nobody is signed in, and
    InvalidInput("cursor_not_right", "out_of_range")."""
    if tx.actor.user_id is None:
        raise NotPermitted(verb=tx.verb)
    own = replace(query, actor_id=tx.actor.user_id, text="")
    found = _page(tx, and_(true(), *_conditions(tx.session, own)), page, MOST_PER_PAGE)
    tx.record(Change("audit_entry", None, Action.READ, patient_id=query.patient_id, note=f"{len(found.items)} entries"))
    return found


@verb(Permission.EXPORT, concurrent=True)
def export_entries(tx: Tx, query: AuditQuery, page: PageRequest) -> Page[AuditRow]:
    """The same as `find_entries`, in pages of up to 10,000, to be taken out of the clinic; that is what the trail says of it.

    Raises InvalidInput("cursor_not_right", "out_of_range"), NotPermitted for whoever may not read the log.
    """
    if not tx.actor.may(Permission.READ_AUDIT):
        raise NotPermitted(verb=tx.verb, permission=Permission.READ_AUDIT.value)
    found = _page(tx, and_(true(), *_conditions(tx.session, query)), page, MOST_EXPORTED)
    tx.record(
        Change("audit_entry", None, Action.EXECUTE, patient_id=query.patient_id, note=f"{len(found.items)} entries")
    )
    return found


@verb(Permission.READ_ACCESS_LOG, concurrent=True, of_patient=True)
def access_log(tx: Tx, patient_id: UUID, limit: int = 200) -> list[AuditRow]:
    """Who did or saw what of one patient, newest first; of the records too that were merged into this one."""
    tx.reach(patient_id)
    wanted = _NEWEST_FIRST.where(_of_patient(tx.session, patient_id)).limit(limit)
    rows = _rows(tx.session, tx.session.execute(wanted).all())
    tx.record(Change("audit_entry", None, Action.READ, patient_id=patient_id, note=f"{len(rows)} entries"))
    return list(rows)


@verb(Permission.READ_ACCESS_LOG, concurrent=True, of_patient=True)
def access_log_page(tx: Tx, patient_id: UUID, page: PageRequest) -> Page[AuditRow]:
    """The same, a page at a time. Raises InvalidInput("cursor_not_right", "out_of_range")."""
    tx.reach(patient_id)
    found = _page(tx, _of_patient(tx.session, patient_id), page, MOST_PER_PAGE)
    tx.record(Change("audit_entry", None, Action.READ, patient_id=patient_id, note=f"{len(found.items)} entries"))
    return found


def verify_chain(
    database: Database, actor: Actor, known: Mapping[int, bytes] | None = None, progress: Progress | None = None
) -> Verification:
    """Walk the whole chain without holding up anybody who writes, and enter the result in it, unless its end is broken.

    `known` are checkpoints (the chain's hash by its length); without it, those that the database knows of are used.
    """
    with database.read(actor) as tx:
        found = verify(tx, known, progress)
    if found.problem in _BROKEN_END:
        return found  # an entry there would put a new seal over the damage
    try:
        with database.write(actor) as tx:
            note_verification(tx, found)
    except Unavailable:
        if found.ok:
            raise  # a chain with more than one thing wrong takes no entry; what was found is more than that
    return found


@verb(Permission.READ_AUDIT, writes=False)
def verify(tx: Tx, known: Mapping[int, bytes] | None = None, progress: Progress | None = None) -> Verification:
    """Walk the whole chain as it stands now, and the history that it vouches for, unless the chain is broken.

    `progress` is told (entries and rows of the history done, and in all).
    """
    roots = dict(tx.database.known_roots() if known is None else known)
    rows = binding.last_row(tx.connection)
    entries = 0

    def tell(done: int, total: int) -> None:
        nonlocal entries
        entries = total
        if progress is not None:
            progress(done, total + rows)

    def tell_of_rows(done: int, total: int) -> None:
        if progress is not None:
            progress(entries + done, entries + total)

    found = trail.verify(tx.connection, tx.database.audit_key, roots, tell)
    return _with(found, binding.verify(tx.connection, tx.database.audit_key, tell_of_rows)) if found.ok else found


def _with(found: Verification, kept: Kept) -> Verification:
    """A chain that holds, and what was found of the history."""
    if kept.ok:
        return replace(found, history=kept)
    return replace(found, problem="history", first_bad=kept.first_bad, history=kept)


@verb(Permission.READ_AUDIT, concurrent=True)
def note_verification(tx: Tx, found: Verification) -> None:
    """Enter the result of a verification in the trail."""
    note = f"{found.entries} entries" if found.ok else f"{found.problem} at {found.first_bad}"
    tx.record(Change("audit_entry", None, Action.EXECUTE, note=note))


@verb(Permission.READ_AUDIT, writes=False)
def verify_page(tx: Tx, cursor: str = "", limit: int = 20_000) -> VerificationPage:
    """Walk a part of the chain, from where the page before ended (an empty cursor: from the beginning), at most `limit` entries;
    and behind its end, in the same way, the history that it vouches for.

    So a chain of any length is verified without anybody waiting for minutes. What a cursor and a result say is sealed, so
    they cannot be made up. Raises InvalidInput("cursor_not_right", "out_of_range").
    """
    _check_limit(limit, MOST_VERIFIED)
    key = tx.database.audit_key
    start = _place(cursor, key) if cursor else None
    if not isinstance(start, _Behind):
        found, place, total = trail.verify_from(tx.connection, key, start, limit, dict(tx.database.known_roots()))
        if place is not None:
            at = place.at_micros or 0
            following = encode_cursor([place.seq, place.root.hex(), at, _sealed(key, "place", place)])
            return VerificationPage(found.entries, total, following, None, None, found.last_good_at, None)
        if not found.ok:
            return _last_page(key, found, total)
        start = _Behind(found.entries, to_micros(found.last_good_at) if found.last_good_at else 0, None)
    kept, further, _ = binding.verify_from(tx.connection, key, start.place, limit)
    last_at = from_micros(start.at_micros) if start.at_micros else None
    if further is None:
        return _last_page(key, _with(Verification(start.entries, last_good_at=last_at), kept), start.entries)
    following = _cursor(key, start, further)
    return VerificationPage(start.entries, start.entries, following, None, None, last_at, None, kept)


@dataclass(frozen=True, slots=True)
class _Behind:
    """Where a verification has come to that is through with the chain: how long that was, when it ended, and where it is in
    the history (None: before its first row)."""

    entries: int
    at_micros: int
    place: binding.Place | None


def _cursor(key: bytes, behind: _Behind, place: binding.Place) -> str:
    facts: list[str | int] = [
        behind.entries,
        behind.at_micros,
        place.entry,
        place.row or 0,
        place.rows,
        place.unbound,
        place.root.hex(),
    ]
    return encode_cursor([*facts, _sealed(key, "behind", facts)])


def _last_page(key: bytes, found: Verification, total: int) -> VerificationPage:
    told: list[str | int] = [found.entries, found.problem or "", found.first_bad or 0]
    result = encode_cursor([*told, _sealed(key, "result", told)])
    return VerificationPage(
        found.entries, total, None, found.problem, found.first_bad, found.last_good_at, result, found.history
    )


@verb(Permission.READ_AUDIT, concurrent=True)
def note_result(tx: Tx, result: str) -> None:
    """Enter in the trail what a verification in pages has found.

    Raises InvalidInput("cursor_not_right") for a result that `verify_page` did not give, and Conflict("audit_trail_broken")
    where the end of the chain is: an entry there would put a new seal over the damage.
    """
    key = tx.database.audit_key
    *told, seal = decode_cursor(result, int, str, int, str)
    if not hmac.compare_digest(str(seal).encode(), _sealed(key, "result", told).encode()):
        raise InvalidInput("cursor_not_right", field="result")
    entries, problem, first_bad = int(told[0]), str(told[1]), int(told[2])
    if problem in _BROKEN_END:
        raise Conflict("audit_trail_broken")
    note_verification(tx, Verification(entries, problem or None, first_bad or None))


def _place(cursor: str, key: bytes) -> trail.Place | _Behind:
    try:
        return _place_in_history(cursor, key)
    except InvalidInput:
        seq, root, at, seal = decode_cursor(cursor, int, str, int, str)
    place = trail.Place(int(seq), _root(root), int(at) or None)
    _ensure(seal, _sealed(key, "place", place))
    return place


def _place_in_history(cursor: str, key: bytes) -> _Behind:
    *facts, seal = decode_cursor(cursor, int, int, int, int, int, int, str, str)
    _ensure(seal, _sealed(key, "behind", facts))
    entries, at, entry, row, rows, unbound = map(int, facts[:-1])
    return _Behind(entries, at, binding.Place(entry, row, rows, unbound, _root(facts[-1])))


def _root(digits: str | int) -> bytes:
    try:
        return bytes.fromhex(str(digits))
    except ValueError as error:
        raise InvalidInput("cursor_not_right", field="cursor") from error


def _ensure(seal: str | int, ours: str) -> None:
    if not hmac.compare_digest(str(seal).encode(), ours.encode()):
        raise InvalidInput("cursor_not_right", field="cursor")


def _sealed(key: bytes, what: str, value: object) -> str:
    return hmac.digest(key, f"verification {what} {value}".encode(), "sha256").hex()


def _page(tx: Tx, wanted: ColumnElement[bool], page: PageRequest, most: int) -> Page[AuditRow]:
    """A page of the entries that are wanted, newest first."""
    _check_limit(page.limit, most)
    plan_for_values(tx.connection)
    entries = _NEWEST_FIRST.where(wanted)
    if page.cursor:
        [behind] = decode_cursor(page.cursor, int)
        entries = entries.where(_ENTRY.seq < behind)
    found = tx.session.execute(entries.limit(page.limit + 1)).all()
    rows = list(_rows(tx.session, found[: page.limit]))
    total = tx.session.scalar(total_of(select(_ENTRY.seq).where(wanted))) if page.total else None
    return Page(rows, encode_cursor([rows[-1].seq]) if len(found) > page.limit else None, total)


def _check_limit(limit: int, most: int) -> None:
    """Raises InvalidInput("out_of_range") unless a page of so many can be had."""
    if not 1 <= limit <= most:
        raise InvalidInput("out_of_range", field="limit", least=1, most=most)


def _of_patient(session: Session, patient_id: UUID) -> ColumnElement[bool]:
    merged = session.scalars(select(_PATIENT.c.id).where(_PATIENT.c.merged_into_id == patient_id))
    return _ENTRY.patient_id.in_([patient_id.hex, *(other.hex for other in merged)])


def _conditions(session: Session, query: AuditQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.since is not None:
        conditions.append(_ENTRY.at_micros >= to_micros(query.since))
    if query.until is not None:
        conditions.append(_ENTRY.at_micros < to_micros(query.until))
    if query.actor_id is not None:
        conditions.append(_ENTRY.actor_id == query.actor_id.hex)
    if query.patient_id is not None:
        conditions.append(_ENTRY.patient_id == query.patient_id.hex)
    for column_, value in ((_ENTRY.outcome, query.outcome), (_ENTRY.verb, query.verb), (_ENTRY.action, query.action)):
        if value:
            conditions.append(column_ == value)
    if query.outcome not in ("", "ok"):
        conditions.append(_ENTRY.outcome != literal_column("'ok'"))  # said so that the index of these few is used
    if query.before_seq is not None:
        conditions.append(_ENTRY.seq < query.before_seq)
    if text := query.text.strip():
        patients = session.scalars(
            select(_PATIENT.c.id).where(_PATIENT.c.number.istartswith(text, autoescape=True)).limit(_MOST_NUMBERS)
        )
        conditions.append(
            or_(
                _ENTRY.actor_name.icontains(text, autoescape=True),
                _ENTRY.verb.icontains(text, autoescape=True),
                _ENTRY.verb.in_(query.verbs),
                _ENTRY.patient_id.in_([patient.hex for patient in patients]),
            )
        )
    return conditions


def _rows(session: Session, entries: Sequence[Row[Any]]) -> tuple[AuditRow, ...]:
    ids = {patient_id for entry in entries if (patient_id := _id(entry.patient_id)) is not None}
    numbers: dict[UUID, str] = {}
    if ids:
        numbered = session.execute(select(_PATIENT.c.id, _PATIENT.c.number).where(_PATIENT.c.id.in_(ids)))
        numbers = {row.id: row.number for row in numbered}
    return tuple(_row(entry, numbers) for entry in entries)


def _row(entry: Row[Any], numbers: Mapping[UUID, str]) -> AuditRow:
    patient_id = _id(entry.patient_id)
    fields, note, emergency = _detail(entry.detail)
    return AuditRow(
        entry.seq, from_micros(entry.at_micros), _id(entry.actor_id), entry.actor_name, entry.role, entry.desk,
        entry.action, entry.verb, entry.entity, _id(entry.entity_id), patient_id,
        numbers.get(patient_id, "") if patient_id else "", entry.outcome, fields, note, entry.hash.hex(),
        emergency,
    )  # fmt: skip


def _id(text: str) -> UUID | None:
    """The id that an entry keeps; None for none, and for one that somebody has tampered with (verification names it)."""
    try:
        return UUID(hex=text)
    except ValueError:
        return None


def _detail(text: str) -> tuple[tuple[str, ...], str, bool]:
    """The changed fields and the note of an entry, and whether it was an emergency; what somebody has made unreadable is shown
    as it stands."""
    try:
        detail = json.loads(text)
        return tuple(detail.get("fields", ())), detail.get("note", ""), bool(detail.get("emergency"))
    except (ValueError, AttributeError, TypeError):
        return (), text, False
