"""Holds what a desk sends to the rules that the services hold their callers to: each row as it would stand. Pure.

Rules about the moment at which something is done (nothing is booked into the past) were the desk's to judge, at that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from clinicdesk.core.errors import Conflict, InvalidInput
from clinicdesk.core.text import one_line
from clinicdesk.features.appointments import recurrence
from clinicdesk.features.appointments import rules as visits
from clinicdesk.features.appointments.models import REASON_MOST
from clinicdesk.features.appointments.schemas import Status
from clinicdesk.features.appointments.waitlist_schemas import WishState
from clinicdesk.features.documents import rules as documents
from clinicdesk.features.documents.schemas import Category, DocumentStatus, DocumentType
from clinicdesk.features.medications import rules as medications
from clinicdesk.features.medications.schemas import Dosage, Moment, PeriodUnit, Prescribe, ReminderRule, Route
from clinicdesk.features.medications.schemas import Status as MedicationStatus
from clinicdesk.features.notifications.schemas import Reach
from clinicdesk.features.observations import rules as observations
from clinicdesk.features.observations.measures import BY_CODE
from clinicdesk.features.observations.schemas import Status as ObservationStatus
from clinicdesk.features.patients import rules as patients
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.patients.rows import columns_of, demographics_of
from clinicdesk.features.patients.schemas import Demographics, Gender, Severity
from clinicdesk.features.practitioners.schemas import Interval

Row = Mapping[str, Any]
Check = Callable[[dict[str, Any], Row | None, date, datetime], dict[str, Any]]
_S = visits.State
_CREATED = visits.BOOKABLE | {Status.ARRIVED}
"""What a visit is when it is made at a desk: booked, or taken in as a walk-in."""
_MOST_HEX_IDS = 50
_DEMOGRAPHICS = tuple(field.name for field in fields(Demographics))


def checked(entity: str, row: dict[str, Any], before: Row | None, today: date, now: datetime) -> dict[str, Any]:
    """What of the row as it would stand is to be written differently: tidied text. `before` is None for a new row.

    Raises InvalidInput, Conflict for what the services would not store.
    """
    return _CHECKS[entity](row, before, today, now)


def _one_of(kind: Any, row: Row, field: str) -> Any:
    try:
        return kind(row[field])
    except ValueError as error:
        raise InvalidInput("invalid_input", field=field) from error


def _patient(row: dict[str, Any], before: Row | None, today: date, _now: datetime) -> dict[str, Any]:
    _one_of(Gender, row, "gender")
    told = demographics_of(Patient(**{name: row[name] for name in _DEMOGRAPHICS}))
    tidy = columns_of(patients.checked(told, today))
    patients.check_deceased_on(row["deceased_on"], row["birth_date"], today)
    if row["deceased_on"] is not None and not row["deceased"]:
        raise InvalidInput("invalid_input", field="deceased_on")
    if before is None and (row["merged_into_id"] is not None or not row["active"]):
        raise InvalidInput("invalid_input", field="active")
    if row["allergies_checked_on"] is not None and row["allergies_checked_on"] > today + timedelta(days=1):
        raise InvalidInput("in_the_future", field="allergies_checked_on")
    return tidy


def _contact(row: dict[str, Any], _before: Row | None, _today: date, _now: datetime) -> dict[str, Any]:
    phone = patients.checked_text(row["phone"], "phone", 40)
    if phone and not any(character.isdigit() for character in phone):
        raise InvalidInput("phone_without_digits", field="phone")
    return {
        "name": patients.checked_text(row["name"], "name", 120, needed=True),
        "relationship": patients.checked_text(row["relationship"], "relationship", 60),
        "phone": phone,
    }


def _allergy(row: dict[str, Any], _before: Row | None, _today: date, _now: datetime) -> dict[str, Any]:
    _one_of(Severity, row, "severity")
    return {
        "substance": patients.checked_text(row["substance"], "substance", 200, needed=True),
        "reaction": patients.checked_text(row["reaction"], "reaction", 200),
    }


def _preference(row: dict[str, Any], _before: Row | None, _today: date, _now: datetime) -> dict[str, Any]:
    _one_of(Reach, row, "reach")
    return {}


def _holiday(row: dict[str, Any], _before: Row | None, _today: date, _now: datetime) -> dict[str, Any]:
    return {"name": one_line(row["name"], "name", 120, required=True)}


# ---- visits --------------------------------------------------------------------------------------------------------


def state_of(row: Row) -> visits.State:
    """Where a visit stands, by its columns."""
    if row["status"] == Status.CHECKED_IN.value and row["started_at"] is not None:
        return _S.IN_ROOM
    state: visits.State = _one_of(_S, row, "status")
    return state


def _visit(row: dict[str, Any], before: Row | None, _today: date, _now: datetime) -> dict[str, Any]:
    status: Status = _one_of(Status, row, "status")
    visits.check_length(Interval(row["start"], row["end"]))
    if row["overbooked"] and not row["overbook_reason"]:
        raise InvalidInput("empty", field="overbook_reason")
    if row["cancel_reason"]:
        visits.check_cancel_reason(row["cancel_reason"])
    elif status is Status.CANCELLED:
        raise InvalidInput("unknown_cancel_reason", field="cancel_reason")
    if before is None:
        if status not in _CREATED:
            raise InvalidInput("status_not_bookable", field="status")
    else:
        now, to = state_of(before), state_of(row)
        if now is not to and not _can_follow(now, to):
            raise Conflict("illegal_transition", from_=now.value, to=to.value)
    return {
        "reason": one_line(row["reason"], "reason", REASON_MOST),
        "overbook_reason": one_line(row["overbook_reason"], "overbook_reason", REASON_MOST),
    }


def _can_follow(now: visits.State, to: visits.State) -> bool:
    """Whether a visit can come from one state to another: by a step, or by the undo of one. An undone booking is an error."""
    return to in visits.LEGAL[now] or now in visits.LEGAL[to]


def _series(row: dict[str, Any], _before: Row | None, _today: date, _now: datetime) -> dict[str, Any]:
    left_out = tuple(_days(row["exceptions"], "exceptions"))
    try:
        rule = recurrence.from_rrule(row["rule"], left_out)
    except (ValueError, LookupError) as error:
        raise InvalidInput("recurrence_not_right", field="rule") from error
    recurrence.named_days(recurrence.checked(rule, row["first_day"]), row["first_day"])
    _within(row, "start_minute", 0, 1439)
    _within(row, "minutes", 1, 1440)
    return {}


def _days(text: str, field: str) -> list[date]:
    try:
        return [date.fromisoformat(one) for one in text.split(",") if one]
    except ValueError as error:
        raise InvalidInput("invalid_input", field=field) from error


def _wish(row: dict[str, Any], _before: Row | None, _today: date, _now: datetime) -> dict[str, Any]:
    _one_of(WishState, row, "state")
    for field, least, most in (
        ("minutes", 1, 1440), ("weekdays", 1, 127), ("from_minute", 0, 1439), ("to_minute", 1, 1440), ("priority", 0, 3),
    ):  # fmt: skip
        _within(row, field, least, most)
    if row["to_minute"] - row["from_minute"] < row["minutes"]:
        raise InvalidInput("ends_before_start", field="to_minute")
    if row["earliest"] is not None and row["latest"] is not None and row["latest"] < row["earliest"]:
        raise InvalidInput("ends_before_start", field="latest")
    hex_ids(row["practitioner_ids"])
    return {"note": one_line(row["note"], "note", REASON_MOST)}


def hex_ids(text: str) -> list[UUID]:
    """The practitioners that somebody who waits would go to. Raises InvalidInput."""
    try:
        ids = [UUID(hex=one) for one in text.split(",") if one]
    except ValueError as error:
        raise InvalidInput("invalid_input", field="practitioner_ids") from error
    if len(ids) > _MOST_HEX_IDS:
        raise InvalidInput("too_many", field="practitioner_ids", most=_MOST_HEX_IDS)
    return ids


def _within(row: Row, field: str, least: int, most: int) -> None:
    if not least <= row[field] <= most:
        raise InvalidInput("out_of_range", field=field, least=least, most=most)


# ---- what clinicians write ------------------------------------------------------------------------------------------


def _medication(row: dict[str, Any], before: Row | None, today: date, _now: datetime) -> dict[str, Any]:
    status: MedicationStatus = _one_of(MedicationStatus, row, "status")
    dosage = Dosage(
        row["amount"], row["unit"], row["times"], row["period"], _one_of(PeriodUnit, row, "period_unit"),
        _one_of(Moment, row, "moment"), row["as_needed"], row["most_a_day"], _one_of(Route, row, "route"),
        row["instructions"],
    )  # fmt: skip
    told = medications.checked(
        Prescribe(
            row["patient_id"], row["medicine"], dosage, row["strength"], row["form"], row["starts_on"], row["ends_on"],
            row["refills"], row["supply_days"], row["review_on"], row["indication"],
            override_reason=row["override_reason"],
        ),
        today,
    )  # fmt: skip
    if row["overridden"] and not told.override_reason:
        raise InvalidInput("empty", field="override_reason")
    if before is None:
        if status not in (MedicationStatus.ACTIVE, MedicationStatus.DRAFT):
            raise InvalidInput("invalid_input", field="status")
    elif status.value != before["status"]:
        medications.require_legal(MedicationStatus(before["status"]), status)
    return {
        "medicine": told.medicine, "strength": told.strength, "form": told.form, "indication": told.indication,
        "override_reason": told.override_reason, "unit": told.dosage.unit, "instructions": told.dosage.instructions,
        "status_reason": one_line(row["status_reason"], "status_reason", medications.REASON_MOST),
        "prescriber": one_line(row["prescriber"], "prescriber", 120),
    }  # fmt: skip


def _dispense(row: dict[str, Any], _before: Row | None, today: date, _now: datetime) -> dict[str, Any]:
    medications.check_supply(row["dispensed_on"], row["days"], row["quantity"], today + timedelta(days=1))
    return {
        "unit": one_line(row["unit"], "unit", 20), "dispensed_by": one_line(row["dispensed_by"], "dispensed_by", 120)
    }  # fmt: skip


def _reminder(row: dict[str, Any], _before: Row | None, today: date, _now: datetime) -> dict[str, Any]:
    try:
        times = tuple(time.fromisoformat(one) for one in row["times"].split(",") if one)
    except ValueError as error:
        raise InvalidInput("invalid_input", field="times") from error
    if not row["weekdays"].isascii() or not row["weekdays"].isdigit():
        raise InvalidInput("weekday", field="weekdays")
    told = medications.checked_rule(
        ReminderRule(times, row["starts_on"], row["until"], frozenset(map(int, row["weekdays"]))), today
    )
    return {
        "times": ",".join(f"{at:%H:%M}" for at in told.times), "weekdays": "".join(map(str, sorted(told.weekdays)))
    }  # fmt: skip


def _observation(row: dict[str, Any], before: Row | None, _today: date, now: datetime) -> dict[str, Any]:
    status: ObservationStatus = _one_of(ObservationStatus, row, "status")
    wrong = status is ObservationStatus.ENTERED_IN_ERROR
    wrong_reason = one_line(row["wrong_reason"], "wrong_reason", observations.NOTE_MOST, required=wrong)
    if before is not None:
        if before["status"] == ObservationStatus.ENTERED_IN_ERROR.value and not wrong:
            raise Conflict("observation_wrong")
        return {"wrong_reason": wrong_reason}
    if wrong or row["by_patient"]:
        raise InvalidInput("invalid_input", field="status" if wrong else "by_patient")
    if row["code"] not in BY_CODE:
        raise InvalidInput("invalid_input", field="code")
    observations.measured(BY_CODE[row["code"]], row["value"], row["diastolic"], "")
    observations.check_taken_at(row["taken_at"], now + timedelta(days=1), None)
    return {
        "wrong_reason": wrong_reason, "note": one_line(row["note"], "note", observations.NOTE_MOST),
        "recorder": one_line(row["recorder"], "recorder", 120),
        "given_unit": one_line(row["given_unit"], "given_unit", 12),
    }  # fmt: skip


def _document(row: dict[str, Any], _before: Row | None, today: date, _now: datetime) -> dict[str, Any]:
    type_: DocumentType = _one_of(DocumentType, row, "type")
    _one_of(DocumentStatus, row, "status")
    if row["dated_on"] > today + timedelta(days=1):
        raise InvalidInput("in_the_future", field="dated_on")
    if row["medication_id"] is not None and documents.TYPES[type_].category is not Category.PRESCRIPTION:
        raise InvalidInput("not_a_prescription", field="medication_id")
    if row["from_patient"]:
        raise InvalidInput("invalid_input", field="from_patient")
    return {
        "title": one_line(row["title"], "title", documents.TITLE_MOST, required=True),
        "filename": documents.clean_filename(row["filename"]),
        "author": one_line(row["author"], "author", 120),
    }  # fmt: skip


_CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "patient": _patient,
        "patient_contact": _contact,
        "allergy": _allergy,
        "contact_preference": _preference,
        "holiday": _holiday,
        "appointment": _visit,
        "appointment_series": _series,
        "waitlist_entry": _wish,
        "medication_request": _medication,
        "medication_dispense": _dispense,
        "medication_reminder": _reminder,
        "observation": _observation,
        "document": _document,
    }
)
"""For each table that a desk may change."""
