"""Which clinical records a clinician reaches: those of patients in care, and for a while those whose glass they broke."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, select

from clinicdesk.core.access import Access
from clinicdesk.core.errors import NotPermitted
from clinicdesk.core.permissions import CARE, EMERGENCY, Permission, Role
from clinicdesk.core.tx import Tx
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.appointments.rules import COUNTED
from clinicdesk.features.care.models import CareSettings, EmergencyAccess
from clinicdesk.features.care.schemas import CareRow, CareScope
from clinicdesk.features.patients.record import load as load_patient

_CLINICIANS = (Role.DOCTOR, Role.NURSE)
_COUNTED = sorted(COUNTED)
_MONTH = timedelta(days=365.25 / 12)
_v = Appointment.__table__.c
_e = EmergencyAccess.__table__.c


class CareAccess(Access):
    """The rule of care; stands in `Database.access`."""

    def ensure_record(self, tx: Tx, patient_id: UUID) -> None:
        load_patient(tx, patient_id)

    def excepts(self, tx: Tx, permission: Permission) -> bool:
        return permission in EMERGENCY and tx.actor.may(Permission.BREAK_GLASS) and _broke_glass(tx)

    def admit(self, tx: Tx, permission: Permission, patient_id: UUID) -> bool:
        by_role = tx.actor.may(permission)
        if by_role and (permission not in CARE or tx.actor.role not in _CLINICIANS or in_care(tx, patient_id)):
            return False
        if tx.actor.may(Permission.BREAK_GLASS) and _broke_glass(tx, patient_id):
            return True
        code = "not_in_care" if by_role else "not_permitted"
        raise NotPermitted(code, verb=tx.verb, permission=permission.value, patient_id=patient_id)


def in_care(tx: Tx, patient_id: UUID) -> bool:
    """Whether the patient is in the caller's care, by the clinic's rule: they have or had a visit that counts."""
    settings = load_care(tx)
    if settings.scope is CareScope.EVERYBODY:
        return True
    visit = exists().where(
        _v.patient_id == patient_id,
        _v.start > tx.now - settings.months_back * _MONTH,
        _v.status.in_(_COUNTED),
    )
    me = tx.actor.practitioner_id
    if settings.scope is CareScope.OWN and tx.actor.role is Role.DOCTOR and me is not None:
        visit = visit.where(_v.practitioner_id == me)
    return bool(tx.connection.scalar(select(visit)))


def load_care(tx: Tx) -> CareRow:
    """How far care reaches in this clinic."""
    row = tx.connection.execute(
        select(CareSettings.scope, CareSettings.months_back, CareSettings.emergency_minutes, CareSettings.version)
    ).one_or_none()
    return CareRow() if row is None else CareRow(CareScope(row.scope), *row[1:])


def _broke_glass(tx: Tx, patient_id: UUID | None = None) -> bool:
    """Whether the caller has broken the glass of this patient (None: of anybody), and the time is not over."""
    broken = exists().where(_e.user_id == tx.actor.user_id, _e.expires_at > tx.now, _e.started_at <= tx.now)
    if patient_id is not None:
        broken = broken.where(_e.patient_id == patient_id)
    return bool(tx.connection.scalar(select(broken)))
