"""The clinic's own row: set up once at the first start, changed by an administrator."""

from __future__ import annotations

from sqlalchemy import insert
from sqlalchemy.orm import Session

from clinicdesk.core.clinic import Clinic, ClinicRow, find_clinic, load_clinic
from clinicdesk.core.errors import Conflict, InvalidInput
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.practitioners.rules import check_country, check_range, check_zone
from clinicdesk.features.practitioners.schemas import EditClinic, SetUpClinic


@verb(Permission.SIGN_IN, writes=False)
def clinic(tx: Tx) -> ClinicRow:
    """The clinic's settings; the sign-in screen needs them too. Raises NotFound("clinic_not_set_up")."""
    return load_clinic(tx.session)


@verb(Permission.SEE_CALENDAR, writes=False)
def clinic_settings(tx: Tx) -> ClinicRow:
    """The clinic's settings for whoever works there. Raises NotFound("clinic_not_set_up")."""
    return load_clinic(tx.session)


@verb(Permission.MANAGE_CLINIC)
def set_up_clinic(tx: Tx, request: SetUpClinic) -> ClinicRow:
    """Give the clinic its name, zone and country, once.

    Raises Conflict("clinic_already_set_up"); InvalidInput for an empty name, an unknown zone or country.
    """
    if find_clinic(tx.session) is not None:
        raise Conflict("clinic_already_set_up")
    values = {
        "name": one_line(request.name, "name", 120, required=True),
        "zone": check_zone(request.zone),
        "country": check_country(request.country),
    }
    tx.session.execute(insert(Clinic).values(id=1, **values))
    tx.record(Change("clinic", None, Action.CREATE, None, values))
    return load_clinic(tx.session)


@verb(Permission.MANAGE_CLINIC)
def edit_clinic(tx: Tx, request: EditClinic) -> ClinicRow:
    """Change the clinic's settings. Raises Conflict("changed_meanwhile"), InvalidInput."""
    row = _stored(tx.session)
    if row.version != request.version:
        raise Conflict("changed_meanwhile")
    values = {
        "name": one_line(request.name, "name", 120, required=True),
        "zone": check_zone(request.zone),
        "country": check_country(request.country),
        "record_prefix": _check_prefix(request.record_prefix),
        "auto_lock_minutes": check_range(request.auto_lock_minutes, "auto_lock_minutes", 1, 15),
        "lockout_failures": check_range(request.lockout_failures, "lockout_failures", 3, 10),
        "lockout_minutes": check_range(request.lockout_minutes, "lockout_minutes", 1, 24 * 60),
        "wait_target_minutes": check_range(request.wait_target_minutes, "wait_target_minutes", 1, 240),
    }
    new = {name: value for name, value in values.items() if value != getattr(row, name)}
    if new:
        new["version"] = row.version + 1
        old = {name: getattr(row, name) for name in new}
        for name, value in new.items():
            setattr(row, name, value)
        tx.session.flush()
        tx.record(Change("clinic", None, Action.UPDATE, old, new))
    return load_clinic(tx.session)


def _stored(session: Session) -> Clinic:
    load_clinic(session)
    return session.get_one(Clinic, 1)


def _check_prefix(prefix: str) -> str:
    code = prefix.strip().upper()
    if not (1 <= len(code) <= 8 and code.isascii() and code.isalnum()):
        raise InvalidInput("record_prefix", field="record_prefix")
    return code
