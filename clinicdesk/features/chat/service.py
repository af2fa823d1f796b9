"""The verbs of chat, in one place: `chat.service.say`, and the rest."""

from clinicdesk.features.chat.conversations import (
    add_members,
    conversation,
    conversations,
    create_group,
    create_room,
    enter_room,
    leave,
    mark_read,
    members_of,
    open_direct,
    rooms,
    unread,
)
from clinicdesk.features.chat.messages import delete_message, edit_message, messages, say

__all__ = [
    "add_members",
    "conversation",
    "conversations",
    "create_group",
    "create_room",
    "delete_message",
    "edit_message",
    "enter_room",
    "leave",
    "mark_read",
    "members_of",
    "messages",
    "open_direct",
    "rooms",
    "say",
    "unread",
]
