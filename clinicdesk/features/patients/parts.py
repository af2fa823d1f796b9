"""What a record has parts of: they are added, given new values, taken off it and put back, and the history keeps all of that."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from sqlalchemy import select

from clinicdesk.core.errors import Conflict, NotFound
from clinicdesk.core.tx import Action, Change, Tx
from clinicdesk.features.patients.models import Allergy, PatientContact
from clinicdesk.features.patients.record import load

Part = TypeVar("Part", Allergy, PatientContact)

_NOT_FOUND = {Allergy: "allergy_not_found", PatientContact: "contact_not_found"}


def parts_of(tx: Tx, kind: type[Part], patient_id: UUID, *, removed: bool) -> list[Part]:
    """A patient's parts of a kind in the order in which they were added, with those taken off if asked. Audited.

    Raises NotFound.
    """
    tx.reach(patient_id)
    patient = load(tx, patient_id)
    found = select(kind).where(kind.patient_id == patient.id).order_by(kind.id)
    if not removed:
        found = found.where(kind.removed.is_(False))
    tx.record(Change(kind.__tablename__, None, Action.READ, patient_id=patient.id))
    return list(tx.session.scalars(found))


def part(tx: Tx, kind: type[Part], id_: UUID, version: int | None, of: UUID | None, *, removed: bool = False) -> Part:
    """A part, of this patient and at this version where they are named; one that is `removed` only where that is asked.

    Raises NotFound, Conflict changed_meanwhile.
    """
    found = tx.session.get(kind, id_)
    if found is None or (found.removed and not removed) or of not in (None, found.patient_id):
        raise NotFound(_NOT_FOUND[kind])
    tx.reach(found.patient_id)
    if version not in (None, found.version):
        raise Conflict("changed_meanwhile")
    return found


def take_off(tx: Tx, kind: type[Part], id_: UUID, version: int | None, of: UUID | None) -> None:
    """Take a part off the record. Raises as `part` does."""
    found = part(tx, kind, id_, version, of)
    found.removed = True
    tx.record(Change.updated(found, patient_id=found.patient_id))


def put_back(tx: Tx, kind: type[Part], id_: UUID, version: int | None, of: UUID | None) -> Part:
    """Put a part that was taken off the record back on it. Raises as `part` does."""
    found = part(tx, kind, id_, version, of, removed=True)
    found.removed = False
    tx.record(Change.updated(found, patient_id=found.patient_id))
    tx.session.flush()
    return found
