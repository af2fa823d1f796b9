"""/notifications: one's inbox and how it is filled, and what the clinic sends to its patients, when, and how they want it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Body, Query, Response
from pydantic import Field

from clinicdesk.core.paging import Page
from clinicdesk.features.notifications import service
from clinicdesk.features.notifications.messaging import LONGEST_GRACE, LONGEST_NOTICE, SHORTEST_NOTICE
from clinicdesk.features.notifications.schemas import (
    Channel,
    ContactPreferenceRow,
    Delivery,
    EditPreferences,
    Kind,
    MessageFilter,
    MessageRow,
    MessageState,
    MessagingRow,
    NotificationPreferences,
    NotificationRow,
    QuietTime,
    Reach,
    ReminderRuleRow,
    SaveReminderRule,
)
from clinicdesk.server.etags import IfMatch, etag, tagged
from clinicdesk.server.paging import Paging
from clinicdesk.server.problems import answers
from clinicdesk.server.routing import router as group
from clinicdesk.server.units import AuditedTx, ReadTx, WriteTx

router = group("/notifications", "notifications")

_PREFERENCES = {
    "evenings_off": {
        "value": {"delivery": {"visit_cancelled": "email"}, "quiet": {"from_minute": 1200, "to_minute": 420}}
    }
}  # fmt: skip
_RULE = {"two_days_before": {"value": {"minutes_before": 2880, "channel": "email"}}}
_SETTINGS = {"e_mail_alone": {"value": {"email": True, "sms": False, "notices": True, "grace_seconds": 180}}}
_REACH = {"by_sms": {"value": {"reach": "sms"}}}

MinuteOfDay = Annotated[int, Field(ge=0, lt=24 * 60, examples=[1200])]


@dataclass(frozen=True, slots=True)
class Unread:
    """How many have not been read."""

    unread: int


@dataclass(frozen=True, slots=True)
class MarkedRead:
    """How many were unread until now."""

    read: int


@dataclass(frozen=True, slots=True)
class QuietMinutes:
    """When one is left alone, in minutes of the clinic's local day; past midnight where `to_minute` is the lesser."""

    from_minute: MinuteOfDay
    to_minute: MinuteOfDay


@dataclass(frozen=True, slots=True)
class Preferences:
    """How one wants to be told. Kinds that are left out stay as they are; without `quiet` there are no quiet hours."""

    delivery: Mapping[Kind, Delivery] = field(default_factory=dict)
    quiet: QuietMinutes | None = None


@dataclass(frozen=True, slots=True)
class ReminderRule:
    """Remind so many minutes before a visit: of one type, or of those without rules of their own; by one channel, or by any."""

    minutes_before: Annotated[int, Field(ge=SHORTEST_NOTICE, le=LONGEST_NOTICE)]
    type_id: UUID | None = None
    channel: Channel | None = None


@dataclass(frozen=True, slots=True)
class MessagingSettings:
    """What the clinic sends to patients: by which channels, and whether it tells of bookings, moves and cancellations at once.

    `grace_seconds` is how long a change can be undone before anything of it goes out.
    """

    email: bool
    """Whether the clinic sends e-mail."""
    sms: bool
    notices: bool
    grace_seconds: Annotated[int, Field(ge=0, le=LONGEST_GRACE // timedelta(seconds=1))]


@dataclass(frozen=True, slots=True)
class MessagingChanges(MessagingSettings):
    """What the clinic sends to patients from now on."""


@dataclass(frozen=True, slots=True)
class ContactChoice:
    """How a patient wants to be reached."""

    reach: Reach


# ---- one's inbox ---------------------------------------------------------------------------------------------------


@router.get("", operation_id="list_notifications", summary="One's notifications, the newest first")
def list_notifications(
    tx: ReadTx, page: Paging, unread: Annotated[bool, Query(description="Only those that are not read yet.")] = False
) -> Page[NotificationRow]:
    return service.inbox(tx, page, unread_only=unread)


@router.get("/unread", operation_id="count_unread_notifications", summary="How many notifications are unread")
def count_unread(tx: ReadTx) -> Unread:
    return Unread(service.unread_count(tx))


@router.post("/read", operation_id="mark_all_notifications_read", summary="Mark all notifications read")
def mark_all_read(tx: WriteTx) -> MarkedRead:
    return MarkedRead(service.mark_all_read(tx))


@router.get("/preferences", operation_id="get_notification_preferences", summary="How one wants to be told")
def get_preferences(tx: ReadTx) -> NotificationPreferences:
    return service.preferences(tx)


@router.put("/preferences", operation_id="edit_notification_preferences", summary="Say how one wants to be told")
def edit_preferences(
    tx: WriteTx, wanted: Annotated[Preferences, Body(openapi_examples=_PREFERENCES)]
) -> NotificationPreferences:
    quiet = QuietTime(wanted.quiet.from_minute, wanted.quiet.to_minute) if wanted.quiet else None
    return service.edit_preferences(tx, EditPreferences(wanted.delivery, quiet))


# ---- what goes out to patients -------------------------------------------------------------------------------------


@router.get("/messages", operation_id="list_messages", summary="Messages to patients and staff, the newest first")
def list_messages(
    tx: AuditedTx,
    page: Paging,
    state: Annotated[list[MessageState] | None, Query(max_length=len(MessageState))] = None,
    patient_id: UUID | None = None,
    appointment_id: UUID | None = None,
) -> Page[MessageRow]:
    return service.messages(tx, MessageFilter(frozenset(state or ()), patient_id, appointment_id), page)


@router.get("/messages/{message_id}", operation_id="get_message", summary="One message", responses=answers(404))
def get_message(tx: AuditedTx, message_id: UUID, response: Response) -> MessageRow:
    return tagged(service.message(tx, message_id), response)


@router.post(
    "/messages/{message_id}/hold-back", operation_id="hold_message_back", summary="Not send a message",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def hold_back(tx: WriteTx, message_id: UUID, version: IfMatch, response: Response) -> MessageRow:
    return tagged(service.hold_back(tx, message_id, version), response)


@router.post(
    "/messages/{message_id}/send-again", operation_id="send_message_again",
    summary="Have a message sent that failed, or of which nobody knows", responses=answers(404, 409, 412, 428),
)  # fmt: skip
def send_again(tx: WriteTx, message_id: UUID, version: IfMatch, response: Response) -> MessageRow:
    return tagged(service.send_again(tx, message_id, version), response)


@router.get("/settings", operation_id="get_messaging_settings", summary="What the clinic sends to patients")
def get_settings(tx: ReadTx, response: Response) -> MessagingSettings:
    return _settings(service.messaging(tx), response)


@router.put(
    "/settings", operation_id="edit_messaging_settings", summary="Change what the clinic sends to patients",
    responses=answers(409, 412, 428),
)  # fmt: skip
def edit_settings(
    tx: WriteTx,
    version: IfMatch,
    wanted: Annotated[MessagingChanges, Body(openapi_examples=_SETTINGS)],
    response: Response,
) -> MessagingSettings:
    grace = timedelta(seconds=wanted.grace_seconds)
    request = MessagingRow(wanted.email, wanted.sms, wanted.notices, grace, version)
    return _settings(service.edit_messaging(tx, request), response)


@router.get("/rules", operation_id="list_reminder_rules", summary="When the clinic reminds, the earliest first")
def list_rules(tx: ReadTx) -> list[ReminderRuleRow]:
    return service.reminder_rules(tx)


@router.post(
    "/rules", operation_id="add_reminder_rule", summary="Remind of visits at one more time", status_code=201,
    responses=answers(404, 409),
)  # fmt: skip
def add_rule(
    tx: WriteTx, rule: Annotated[ReminderRule, Body(openapi_examples=_RULE)], response: Response
) -> ReminderRuleRow:
    """Remind of visits at one more time. Visits to come are planned anew."""
    request = SaveReminderRule(rule.minutes_before, rule.type_id, rule.channel)
    return tagged(service.save_reminder_rule(tx, request), response)


@router.put(
    "/rules/{rule_id}", operation_id="edit_reminder_rule", summary="Change when the clinic reminds",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def edit_rule(
    tx: WriteTx,
    rule_id: UUID,
    version: IfMatch,
    rule: Annotated[ReminderRule, Body(openapi_examples=_RULE)],
    response: Response,
) -> ReminderRuleRow:
    """Give a rule new values. Visits to come are planned anew."""
    request = SaveReminderRule(rule.minutes_before, rule.type_id, rule.channel, rule_id, version)
    return tagged(service.save_reminder_rule(tx, request), response)


@router.delete(
    "/rules/{rule_id}", operation_id="remove_reminder_rule", summary="No longer remind then", status_code=204,
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def remove_rule(tx: WriteTx, rule_id: UUID, version: IfMatch) -> None:
    service.remove_reminder_rule(tx, rule_id, version)


@router.get(
    "/contacts/{patient_id}", operation_id="get_contact_preference", summary="How a patient wants to be reached",
    responses=answers(404, 409),
)  # fmt: skip
def get_contact(tx: AuditedTx, patient_id: UUID, response: Response) -> ContactPreferenceRow:
    return tagged(service.contact_preference(tx, patient_id), response)


@router.put(
    "/contacts/{patient_id}", operation_id="set_contact_preference", summary="Note how a patient wants to be reached",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def set_contact(
    tx: WriteTx,
    patient_id: UUID,
    version: IfMatch,
    choice: Annotated[ContactChoice, Body(openapi_examples=_REACH)],
    response: Response,
) -> ContactPreferenceRow:
    request = ContactPreferenceRow(patient_id, choice.reach, version)
    return tagged(service.set_contact_preference(tx, request), response)


# ---- one notification: last, so that none of the names above is taken for an id -------------------------------------


@router.post(
    "/{notification_id}/read", operation_id="mark_notification_read", summary="Mark a notification read",
    responses=answers(404),
)  # fmt: skip
def mark_read(tx: WriteTx, notification_id: UUID) -> NotificationRow:
    return service.mark_read(tx, notification_id)


@router.delete(
    "/{notification_id}", operation_id="delete_notification", summary="Delete a notification", status_code=204,
    responses=answers(404),
)  # fmt: skip
def delete(tx: WriteTx, notification_id: UUID) -> None:
    service.remove(tx, notification_id)


def _settings(row: MessagingRow, response: Response) -> MessagingSettings:
    response.headers["ETag"] = etag(row.version)
    return MessagingSettings(row.email, row.sms, row.notices, row.grace // timedelta(seconds=1))
