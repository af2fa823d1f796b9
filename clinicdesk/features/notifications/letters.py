"""Writes what a message says, at the moment at which it is sent, from the templates and what is true by then."""

from __future__ import annotations

import json
from functools import lru_cache
from string import Template as Text
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinicdesk.core.clinic import load_clinic
from clinicdesk.core.paths import resource_dir
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.medications.models import MedicationReminder, MedicationRequest
from clinicdesk.features.medications.schemas import Status as Taken
from clinicdesk.features.notifications import rules
from clinicdesk.features.notifications.models import ContactPreference, OutboundMessage
from clinicdesk.features.notifications.schemas import Channel, Kind, Letter, Reach, Template
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.practitioners.models import Practitioner
from clinicdesk.features.practitioners.schemas import full_name

_HAPPENED = {
    Kind.VISIT_BOOKED: "A visit was booked with you.",
    Kind.VISIT_MOVED: "A visit with you was moved.",
    Kind.VISIT_CANCELLED: "A visit with you was cancelled.",
    Kind.TIME_FREED: "A visit was cancelled, and somebody on the waitlist could have its time.",
    Kind.PATIENT_ARRIVED: "A patient of yours has arrived.",
    Kind.MESSAGE_FAILED: "A message to a patient could not be sent.",
    Kind.CHAT_MESSAGE: "There is a new message for you.",
    Kind.EMERGENCY_ACCESS: "Somebody has opened a record in an emergency. It waits for your review.",
    Kind.MEDICINE_DUE: "It is time to take a medicine.",
}
"""What an e-mail says of a notification: that something happened, and nobody's name."""


class NothingToSay(Exception):
    """The message would be wrong or unwelcome by now; `code` says why."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def write_letter(session: Session, message: OutboundMessage) -> Letter:
    """The message in words. Raises NothingToSay where its visit, medicine or patient is not as it was planned for."""
    clinic = load_clinic(session)
    template, channel = Template(message.template), Channel(message.channel)
    values: dict[str, str] = {"clinic": clinic.name, **json.loads(message.params)}
    if message.appointment_id is not None:
        values |= _of_visit(session, message, template)
        if message.visit_start is not None:
            values["time"] = rules.spoken(message.visit_start, clinic.tz)
    if template is Template.MEDICINE_REMINDER:
        values |= _of_medicine(session, UUID(hex=values.pop("reminder_id")))
    if template is Template.NOTIFICATION:
        values["happened"] = _HAPPENED[Kind(values["kind"])]
    subject, body = (Text(part).substitute(values) for part in _template(template, channel))
    return Letter(message.id, message.address, " ".join(subject.split()), body)


def _of_visit(session: Session, message: OutboundMessage, template: Template) -> dict[str, str]:
    visit = session.execute(
        select(
            Appointment.start, Appointment.status, Patient.given, Patient.family, Patient.deceased, Patient.active,
            ContactPreference.reach, Practitioner.prefix, Practitioner.given.label("first"),
            Practitioner.family.label("last"), Practitioner.suffix,
        )
        .join(Patient, Patient.id == Appointment.patient_id)
        .join(Practitioner, Practitioner.id == Appointment.practitioner_id)
        .outerjoin(ContactPreference, ContactPreference.id == Appointment.patient_id)
        .where(Appointment.id == message.appointment_id)
    ).one()  # fmt: skip
    if visit.deceased or not visit.active or visit.reach == Reach.NOBODY:
        raise NothingToSay("do_not_contact")
    fitting = rules.GONE if template is Template.VISIT_CANCELLED else rules.EXPECTED
    if visit.start != message.visit_start or visit.status not in fitting:
        raise NothingToSay("visit_changed")
    return {
        "patient": visit.given or visit.family,
        "practitioner": full_name(visit.prefix, visit.first, visit.last, visit.suffix),
    }


def _of_medicine(session: Session, reminder_id: UUID) -> dict[str, str]:
    """What a reminder to take a medicine says of its patient; of the medicine it says nothing."""
    found = session.execute(
        select(
            Patient.given, Patient.family, Patient.deceased, Patient.active, ContactPreference.reach,
            MedicationReminder.enabled, MedicationRequest.status,
        )
        .join(MedicationRequest, MedicationRequest.id == MedicationReminder.medication_id)
        .join(Patient, Patient.id == MedicationRequest.patient_id)
        .outerjoin(ContactPreference, ContactPreference.id == Patient.id)
        .where(MedicationReminder.id == reminder_id)
    ).one()  # fmt: skip
    if found.deceased or not found.active or found.reach == Reach.NOBODY:
        raise NothingToSay("do_not_contact")
    if not found.enabled or found.status != Taken.ACTIVE:
        raise NothingToSay("medicine_changed")
    return {"patient": found.given or found.family}


@lru_cache(maxsize=32)
def _template(template: Template, channel: Channel) -> tuple[str, str]:
    """Subject and body; an SMS has no subject."""
    file = resource_dir() / "templates" / "messages" / f"{template.value}.{channel.value}.txt"
    text = file.read_text(encoding="utf-8")
    if channel is Channel.SMS:
        return "", text.strip()
    subject, _, body = text.partition("\n\n")
    return subject, body
