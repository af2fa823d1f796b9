"""Reads visits from FHIR R4 resources: appointments, and encounters that are over."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.appointments.rules import CANCEL_REASONS
from clinicdesk.features.appointments.schemas import Status
from clinicdesk.features.interop.fhir_records import VisitRecord
from clinicdesk.features.interop.shapes import (
    Json,
    codes,
    cut,
    first_words,
    instant,
    objects,
    one,
    tail,
    text,
)

_REASON_LENGTH = 250


def _people(resource: Json, field: str, subject: str) -> tuple[str, str, str]:
    """References to the patient and the practitioner among the participants, and what the latter is called."""
    patient = subject
    found: list[tuple[bool, str, str]] = []
    for participant in objects(resource, "participant"):
        actor = one(participant, field)
        reference, display = text(actor, "reference"), text(actor, "display")
        kind = tail(reference).partition("/")[0].partition("?")[0]
        if kind == "Patient":
            patient = patient or reference
        elif reference and (kind in ("Practitioner", "PractitionerRole") or reference.startswith("urn:")):
            roles = {code for role in objects(participant, "type") for code in codes(role)}
            found.append((not roles & {"ATND", "PPRF"}, reference, display))
    if not patient:
        raise InvalidInput("no_patient", field="subject" if field == "individual" else "participant")
    if not found:
        raise InvalidInput("no_practitioner", field="participant")
    _, reference, display = min(found, key=lambda one: one[0])
    return patient, reference, display


def _minutes(resource: Json, start: datetime) -> datetime | None:
    """The end of an encounter that tells its length instead."""
    length = one(resource, "length")
    value, unit = length.get("value"), text(length, "code") or text(length, "unit")
    if not isinstance(value, int | float) or unit not in ("min", "h", "s", "d"):
        return None
    return start + value * {"s": timedelta(seconds=1), "min": timedelta(minutes=1), "h": timedelta(hours=1)}.get(
        unit, timedelta(days=1)
    )


_ENCOUNTER_STATUS = {
    "finished": Status.FULFILLED,
    "cancelled": Status.CANCELLED,
    "entered-in-error": Status.ENTERED_IN_ERROR,
}


def encounter_record(encounter: Json, zone: ZoneInfo) -> VisitRecord | None:
    """An encounter that is over; one that is planned or under way is not taken: what will come of it is not known."""
    status = _ENCOUNTER_STATUS.get(text(encounter, "status"))
    if status is None:
        return None
    patient, practitioner, name = _people(encounter, "individual", text(one(encounter, "subject"), "reference"))
    period = one(encounter, "period")
    if not text(period, "start"):
        raise InvalidInput("no_time", field="period")
    start = instant(text(period, "start"), "period.start", zone)
    ended = text(period, "end")
    end = instant(ended, "period.end", zone, end=True) if ended else _minutes(encounter, start)
    if end is None:
        raise InvalidInput("no_end", field="period")
    if end <= start:
        raise InvalidInput("ends_before_it_begins", field="period")
    reason = first_words(encounter, "type", "reasonCode")
    booked_as = next((text(a, "reference") for a in objects(encounter, "appointment")), "")
    cancelled_for = "other" if status is Status.CANCELLED else ""
    return VisitRecord(
        patient, practitioner, name, start, end, status, cut(reason, _REASON_LENGTH), cancelled_for, False, booked_as
    )


def appointment_record(appointment: Json, zone: ZoneInfo) -> VisitRecord:
    """A visit that is, or was, agreed. Raises InvalidInput for what it does not say, and unknown_status."""
    said = text(appointment, "status")
    if said not in set(Status):
        raise InvalidInput("unknown_status", field="status")
    status = Status(said)
    patient, practitioner, name = _people(appointment, "actor", "")
    starts, ends, minutes = text(appointment, "start"), text(appointment, "end"), appointment.get("minutesDuration")
    if not starts:
        raise InvalidInput("no_time", field="start")
    start = instant(starts, "start", zone)
    if ends:
        end = instant(ends, "end", zone)
    elif isinstance(minutes, int) and 0 < minutes <= 24 * 60:
        end = start + timedelta(minutes=minutes)
    else:
        raise InvalidInput("no_end", field="end")
    if end <= start:
        raise InvalidInput("ends_before_it_begins", field="end")
    reason = text(appointment, "description") or first_words(appointment, "reasonCode", "serviceType")
    known = codes(one(appointment, "cancelationReason")) & set(CANCEL_REASONS)
    cancelled_for = min(known, default="other") if status is Status.CANCELLED else ""
    accepted = any(
        text(p, "status") == "accepted" and tail(text(one(p, "actor"), "reference")) == tail(patient)
        for p in objects(appointment, "participant")
    )
    return VisitRecord(
        patient, practitioner, name, start, end, status, cut(reason, _REASON_LENGTH), cancelled_for, accepted
    )
