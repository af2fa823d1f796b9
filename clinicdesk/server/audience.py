"""Who is told that something changed: one table from what changed to whom it may be shown. What is not in it, nobody is told."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from clinicdesk.core.changes import LoggedChange
from clinicdesk.core.permissions import CARE, Permission, Role
from clinicdesk.core.tx import Actor

Members = Mapping[UUID, Set[UUID]]
"""Who takes part in a conversation, by its id."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom changes of one table are shown to."""

    by: Permission | None = None
    """Whoever has this permission; one of those for care, for patients in their care."""
    patient: bool = False
    """The patient whose it is."""
    user: bool = False
    """The user whom it concerns."""
    members: bool = False
    """Those who take part in the conversation, as long as their role may."""


_P = Permission
_OF_CLINIC = Audience(_P.SEE_CALENDAR)
_OF_OPENINGS = Audience(_P.SEE_OPENINGS)
_OF_MESSAGES = Audience(_P.SEE_MESSAGES)
_CHAT = Audience(members=True)

AUDIENCES: Mapping[str, Audience] = {
    "absence": _OF_CLINIC,
    "allergy": Audience(_P.OPEN_PATIENT, patient=True),
    "appointment": Audience(_P.SEE_CALENDAR, patient=True),
    "appointment_series": Audience(_P.SEE_CALENDAR, patient=True),
    "appointment_type": _OF_OPENINGS,
    "care_settings": _OF_CLINIC,
    "chat_message": _CHAT,
    "clinic": _OF_CLINIC,
    "contact_preference": Audience(_P.SEE_MESSAGES, patient=True),
    "conversation": _CHAT,
    "conversation_member": Audience(user=True, members=True),
    "device": Audience(_P.MANAGE_DEVICES),
    "document": Audience(_P.READ_CLINICAL_DOCUMENTS, patient=True),
    "emergency_access": Audience(_P.REVIEW_ACCESS, user=True),
    "holiday": _OF_CLINIC,
    "medication_dispense": Audience(_P.READ_MEDICATIONS, patient=True),
    "medication_reminder": Audience(_P.MANAGE_REMINDERS, patient=True),
    "medication_request": Audience(_P.READ_MEDICATIONS, patient=True),
    "messaging_settings": _OF_MESSAGES,
    "notification": Audience(user=True),
    "notification_preference": Audience(user=True),
    "observation": Audience(_P.READ_OBSERVATIONS, patient=True),
    "outbound_message": _OF_MESSAGES,
    "patient": Audience(_P.FIND_PATIENT, patient=True),
    "patient_contact": Audience(_P.OPEN_PATIENT, patient=True),
    "picture": Audience(_P.FIND_PATIENT, patient=True, user=True),
    "practitioner": _OF_OPENINGS,
    "reminder_rule": _OF_MESSAGES,
    "room": _OF_CLINIC,
    "site": _OF_CLINIC,
    "sync_conflict": Audience(_P.RESOLVE_CONFLICTS),
    "user": Audience(_P.MANAGE_USERS, user=True),
    "user_session": Audience(user=True),
    "waitlist_entry": Audience(_P.SEE_CALENDAR, patient=True),
    "weekly_hours": _OF_CLINIC,
}

_WORDS = {"C": "created", "U": "updated", "D": "deleted"}


def shown_to(actor: Actor, change: LoggedChange, members: Members) -> bool:
    """Whether a change is shown to somebody; one that is `needs_care` only where that holds as well."""
    audience = AUDIENCES.get(change.entity)
    if audience is None:
        return False
    if audience.by is not None and actor.may(audience.by):
        return True
    if audience.members and not actor.may(Permission.CHAT):
        return False
    if change.many:  # which ones is not known, so whoever may have one of them looks for themselves
        own = audience.patient and actor.role is Role.PATIENT
        return own or audience.user or audience.members
    if audience.patient and actor.role is Role.PATIENT:
        return actor.patient_id is not None and actor.patient_id == change.patient_id
    if audience.user and actor.user_id in (change.user_id, change.id if change.entity == "user" else None):
        return actor.user_id is not None
    conversation = conversation_of(change)
    return audience.members and conversation is not None and actor.user_id in members.get(conversation, ())


def needs_care(actor: Actor, change: LoggedChange) -> Permission | None:
    """The permission for which the patient of a change has to be in the actor's care, if it is of that kind."""
    by = AUDIENCES.get(change.entity, Audience()).by
    return by if by in CARE and actor.role is not Role.PATIENT and change.patient_id is not None else None


def conversation_of(change: LoggedChange) -> UUID | None:
    """The conversation that a change is about."""
    if change.entity in ("conversation", "conversation_member"):
        return change.id
    return change.conversation_id


def as_told(change: LoggedChange) -> dict[str, Any]:
    """A change as it is sent: ids and words of the schema, never a value."""
    told: dict[str, Any] = {"entity": change.entity, "id": _text(change.id), "action": _WORDS[change.action]}
    if change.many:
        told["many"] = True
    if change.patient_id is not None:
        told["patient_id"] = str(change.patient_id)
    if change.conversation_id is not None:
        told["conversation_id"] = str(change.conversation_id)
    return told


def _text(id_: UUID | None) -> str | None:
    return None if id_ is None else str(id_)
