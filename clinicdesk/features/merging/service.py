"""The verbs of merging: two records of one person become one, and two again as long as nothing of it has changed since."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Table, and_, select, update

from clinicdesk.core.errors import Conflict, InvalidInput
from clinicdesk.core.history import HistoryEntry, decode, entries_of, entries_of_unit
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features import tables
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.appointments.rules import HOLDING
from clinicdesk.features.merging.pointers import FOLLOWING, pointers, turn
from clinicdesk.features.merging.rules import combined
from clinicdesk.features.merging.schemas import Merged, MergePatients, OverlappingVisits, Unmerged, VisitsOverlap
from clinicdesk.features.patients.index import add_to_index, index_patient, remove_from_index
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.patients.record import load_any, load_version
from clinicdesk.features.patients.rows import columns_of, demographics_of, detail_of

__all__ = ["merge", "unmerge"]

_MERGE = "merging.merge"
_VISIT = Appointment.__table__


@verb(Permission.MERGE_PATIENTS, of_patient=True)
def merge(tx: Tx, request: MergePatients) -> Merged:
    """Make two records of one person one. Everything that pointed at the duplicate points at the record that stays, which takes
    over what it did not say itself. Of what there is once for each patient, such as a picture, both keep their own.

    The duplicate stays as a record that is not active and says into which it was merged.

    Raises NotFound("patient_not_found"), InvalidInput("same_patient"), Conflict("changed_meanwhile", "patient_merged"), and
    VisitsOverlap where the two have visits that hold the same time, unless that was seen.
    """
    tx.reach(request.id)
    tx.reach(request.duplicate_id)
    if request.id == request.duplicate_id:
        raise InvalidInput("same_patient", field="duplicate_id")
    kept = load_version(tx, request.id, request.version)
    taken = load_version(tx, request.duplicate_id, request.duplicate_version)
    overlaps = _overlaps(tx, kept.id, taken.id)
    if overlaps and not request.patient_overlap:
        raise VisitsOverlap(overlaps=overlaps)
    marked = {overlap.duplicate_visit_id: {"patient_overlap": True} for overlap in overlaps}
    moved: dict[str, int] = {}
    for pointer in pointers():
        if turned := turn(tx, pointer, taken.id, kept.id, marked if pointer.table is _VISIT else {}):
            moved[pointer.table.name] = moved.get(pointer.table.name, 0) + turned
    _take_over(kept, taken)
    tx.record(Change.updated(kept, patient_id=kept.id, note="merged"))
    taken.active, taken.merged_into_id = False, kept.id
    tx.record(Change.updated(taken, patient_id=taken.id, note="merged"))
    tx.session.flush()
    remove_from_index(tx.session, taken)
    index_patient(tx.session, kept)
    return Merged(detail_of(tx.session, kept), taken.id, tx.unit_id, moved)


@verb(Permission.MERGE_PATIENTS, of_patient=True)
def unmerge(tx: Tx, id: UUID) -> Unmerged:  # noqa: A002
    """Undo that this record was merged into another: every row that was turned points at it again.

    Raises NotFound("patient_not_found"), Conflict("not_merged"; "changed_since" where anything that the merge touched is not as
    it left it: what belongs to whom then is for a person to say).
    """
    tx.reach(id)
    kept_id = load_any(tx, id).merged_into_id
    if kept_id is None:
        raise Conflict("not_merged")
    tx.reach(kept_id)
    entries = [entry for entry in entries_of_unit(tx.session, _unit_of(tx, id)) if entry.verb == _MERGE]
    for entry in reversed(entries):
        _put_back(tx, entry, id)
    tx.session.expire_all()
    taken, kept = load_any(tx, id), load_any(tx, kept_id)
    add_to_index(tx.session, [taken])
    index_patient(tx.session, kept)
    return Unmerged(detail_of(tx.session, taken), detail_of(tx.session, kept))


def _overlaps(tx: Tx, kept: UUID, taken: UUID) -> list[OverlappingVisits]:
    """Pairs of visits, one of each patient, that hold time of the person together and are not marked as seen yet."""
    one, other = _VISIT.alias(), _VISIT.alias()
    holding = sorted(status.value for status in HOLDING)
    found = tx.connection.execute(
        select(one.c.id, other.c.id, one.c.start, other.c.start, one.c.end, other.c.end)
        .where(
            one.c.patient_id == kept, other.c.patient_id == taken, one.c.start < other.c.end, other.c.start < one.c.end,
            *(visit.c.status.in_(holding) for visit in (one, other)),
            *(visit.c.patient_overlap.is_(False) for visit in (one, other)),
        )
        .order_by(one.c.start, other.c.start)
    )  # fmt: skip
    return [
        OverlappingVisits(visit, duplicate, max(start, begins), min(end, ends))
        for visit, duplicate, start, begins, end, ends in found
    ]


def _take_over(kept: Patient, taken: Patient) -> None:
    """Let the record that stays say what it did not say itself."""
    whole = combined(demographics_of(kept), demographics_of(taken), taken.number)
    for name, value in columns_of(whole).items():
        setattr(kept, name, value)
    kept.deceased = kept.deceased or taken.deceased
    kept.deceased_on = kept.deceased_on or taken.deceased_on
    asked = [day for day in (kept.allergies_checked_on, taken.allergies_checked_on) if day is not None]
    kept.allergies_checked_on = max(asked, default=None)


def _unit_of(tx: Tx, taken: UUID) -> UUID:
    """The unit of work in which the record was merged (last): the one that made it one that is not active."""
    for entry in reversed(entries_of(tx.session, "patient", taken)):
        if entry.verb == _MERGE and decode(Patient, entry.old).get("merged_into_id", ...) is None:
            return UUID(hex=entry.unit_id)
    raise Conflict("not_merged")


def _put_back(tx: Tx, entry: HistoryEntry, taken: UUID) -> None:
    """Give the row the values that it had before the merge. Raises Conflict("changed_since") where it has others by now."""
    model = tables.MODELS[entry.entity]
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101
    left, before = decode(model, entry.new), decode(model, entry.old)
    id_ = UUID(hex=entry.entity_id) if entry.entity_id else None
    key = {column.name: left.get(column.name, id_) for column in table.primary_key}
    here = and_(*(table.c[name] == value for name, value in key.items()))
    stored = tx.connection.execute(select(table).where(here)).mappings().one_or_none()
    if stored is None and entry.entity in FOLLOWING:
        return
    if stored is None or any(stored[name] != value for name, value in left.items()):
        raise Conflict("changed_since")
    if "version" in before:
        before["version"] = left["version"] + 1
    tx.connection.execute(update(table).where(here).values(before))
    patient_id = id_ if entry.entity == "patient" else taken
    tx.record(Change(entry.entity, before.get("id", id_), Action.UPDATE, left, before, patient_id))
