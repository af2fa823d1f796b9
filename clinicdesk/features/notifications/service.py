"""The verbs of notifications, in one place: `notifications.service.inbox`, and the rest."""

from clinicdesk.features.notifications.inbox import (
    edit_preferences,
    inbox,
    mark_all_read,
    mark_read,
    notify,
    preferences,
    remove,
    unread_count,
)
from clinicdesk.features.notifications.medicines import forget_told_reminders, remind_of_medicines
from clinicdesk.features.notifications.messaging import (
    contact_preference,
    edit_messaging,
    messaging,
    reminder_rules,
    remove_reminder_rule,
    save_reminder_rule,
    set_contact_preference,
)
from clinicdesk.features.notifications.outbox import hold_back, message, messages, outbox_depths, queue, send_again
from clinicdesk.features.notifications.planning import follow
from clinicdesk.features.notifications.sending import (
    claim_due,
    expire_leases,
    mark_failed,
    mark_sent,
    mark_unknown,
)

__all__ = [
    "claim_due",
    "contact_preference",
    "edit_messaging",
    "edit_preferences",
    "expire_leases",
    "follow",
    "forget_told_reminders",
    "hold_back",
    "inbox",
    "mark_all_read",
    "mark_failed",
    "mark_read",
    "mark_sent",
    "mark_unknown",
    "message",
    "messages",
    "messaging",
    "notify",
    "outbox_depths",
    "preferences",
    "queue",
    "remind_of_medicines",
    "reminder_rules",
    "remove",
    "remove_reminder_rule",
    "save_reminder_rule",
    "send_again",
    "set_contact_preference",
    "unread_count",
]
