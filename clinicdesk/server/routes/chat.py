"""/chat: conversations between the people of the clinic, and what is said in them; a stranger finds nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from fastapi import Body, Response
from pydantic import Field

from clinicdesk.core.paging import Page
from clinicdesk.features.chat import service
from clinicdesk.features.chat.conversations import LONGEST_TITLE
from clinicdesk.features.chat.rules import MOST_CHARACTERS, MOST_MEMBERS
from clinicdesk.features.chat.schemas import ConversationRow, EditMessage, MessageRow, Say
from clinicdesk.server.etags import IfMatch, etag
from clinicdesk.server.paging import Paging
from clinicdesk.server.problems import answers
from clinicdesk.server.routing import router as group
from clinicdesk.server.units import ReadTx, WriteTx

router = group("/chat", "chat")

_ID = "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6071"
_DIRECT = {"a_colleague": {"value": {"user_id": _ID}}}
_GROUP = {"of_two_more": {"value": {"title": "Vaccines", "member_ids": [_ID]}}}
_ROOM = {"for_everybody": {"value": {"title": "Front desk"}}}
_MEMBERS = {"one_more": {"value": {"user_ids": [_ID]}}}
_SAY = {
    "about_nobody": {"value": {"text": "Room 2 is free"}},
    "about_a_patient": {"value": {"text": "Is waiting for the result", "patient_id": _ID}},
}
_WORDS = {"other_words": {"value": {"text": "Room 3 is free"}}}
_SEEN = {"up_to_the_twelfth": {"value": {"seq": 12}}}

Ids = Annotated[list[UUID], Field(max_length=MOST_MEMBERS)]
Text = Annotated[str, Field(max_length=MOST_CHARACTERS)]
Title = Annotated[str, Field(max_length=LONGEST_TITLE, examples=["Vaccines"])]


@dataclass(frozen=True, slots=True)
class Colleague:
    """With whom to talk."""

    user_id: UUID


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A conversation of the caller and these colleagues."""

    title: Title
    member_ids: Ids


@dataclass(frozen=True, slots=True)
class NewRoom:
    """A room that any colleague may enter."""

    title: Title


@dataclass(frozen=True, slots=True)
class NewMembers:
    """Colleagues to ask in; they can read all of it."""

    user_ids: Ids


@dataclass(frozen=True, slots=True)
class NewMessage:
    """Something to say, and the patient whom it is about, if any."""

    text: Text = field(repr=False)
    patient_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class OtherWords:
    """What one's message shall say instead."""

    text: Text = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """The number of the last message that was read."""

    seq: Annotated[int, Field(ge=0, lt=1 << 31)]


@dataclass(frozen=True, slots=True)
class UnreadMessages:
    """How many messages of others have not been read, over all conversations."""

    unread: int


# ---- conversations -------------------------------------------------------------------------------------------------


@router.get("/conversations", operation_id="list_conversations", summary="One's conversations, the latest word first")
def list_conversations(tx: ReadTx, page: Paging) -> Page[ConversationRow]:
    return service.conversations(tx, page)


@router.get("/unread", operation_id="count_unread_chat_messages", summary="How many messages are unread")
def count_unread(tx: ReadTx) -> UnreadMessages:
    return UnreadMessages(service.unread(tx))


@router.post(
    "/direct", operation_id="open_direct", summary="The conversation with one colleague, made if there is none"
)
def open_direct(tx: WriteTx, colleague: Annotated[Colleague, Body(openapi_examples=_DIRECT)]) -> ConversationRow:
    return service.open_direct(tx, colleague.user_id)


@router.post("/groups", operation_id="create_group", summary="Begin a conversation of several", status_code=201)
def create_group(tx: WriteTx, new: Annotated[NewGroup, Body(openapi_examples=_GROUP)]) -> ConversationRow:
    return service.create_group(tx, new.title, new.member_ids)


@router.get("/rooms", operation_id="list_chat_rooms", summary="The rooms that any colleague may enter, by name")
def list_rooms(tx: ReadTx, page: Paging) -> Page[ConversationRow]:
    return service.rooms(tx, page)


@router.post(
    "/rooms", operation_id="create_chat_room", summary="Make a room to talk", status_code=201, responses=answers(409)
)  # fmt: skip
def create_room(tx: WriteTx, new: Annotated[NewRoom, Body(openapi_examples=_ROOM)]) -> ConversationRow:
    return service.create_room(tx, new.title)


@router.post(
    "/rooms/{conversation_id}/enter", operation_id="enter_chat_room", summary="Take part in a room",
    responses=answers(404),
)  # fmt: skip
def enter_room(tx: WriteTx, conversation_id: UUID) -> ConversationRow:
    return service.enter_room(tx, conversation_id)


@router.get(
    "/conversations/{conversation_id}", operation_id="get_conversation", summary="One conversation",
    responses=answers(404),
)  # fmt: skip
def get_conversation(tx: ReadTx, conversation_id: UUID) -> ConversationRow:
    return service.conversation(tx, conversation_id)


@router.post(
    "/conversations/{conversation_id}/members", operation_id="add_conversation_members",
    summary="Ask colleagues into a group or room", responses=answers(404, 409),
)  # fmt: skip
def add_members(
    tx: WriteTx, conversation_id: UUID, new: Annotated[NewMembers, Body(openapi_examples=_MEMBERS)]
) -> ConversationRow:
    return service.add_members(tx, conversation_id, new.user_ids)


@router.post(
    "/conversations/{conversation_id}/leave", operation_id="leave_conversation", status_code=204,
    summary="No longer take part in a group or room", responses=answers(404, 409),
)  # fmt: skip
def leave(tx: WriteTx, conversation_id: UUID) -> None:
    service.leave(tx, conversation_id)


@router.post(
    "/conversations/{conversation_id}/read", operation_id="mark_conversation_read", status_code=204,
    summary="Note how far one has read", responses=answers(404),
)  # fmt: skip
def mark_read(tx: WriteTx, conversation_id: UUID, seen: Annotated[Seen, Body(openapi_examples=_SEEN)]) -> None:
    service.mark_read(tx, conversation_id, seen.seq)


# ---- messages ------------------------------------------------------------------------------------------------------


@router.get(
    "/conversations/{conversation_id}/messages", operation_id="list_chat_messages",
    summary="What was said in a conversation, the latest first", responses=answers(404),
)  # fmt: skip
def list_messages(tx: ReadTx, conversation_id: UUID, page: Paging) -> Page[MessageRow]:
    return service.messages(tx, conversation_id, page)


@router.post(
    "/conversations/{conversation_id}/messages", operation_id="say", summary="Say something", status_code=201,
    responses=answers(404, 409),
)  # fmt: skip
def say(
    tx: WriteTx, conversation_id: UUID, new: Annotated[NewMessage, Body(openapi_examples=_SAY)], response: Response
) -> MessageRow:
    return _message(service.say(tx, Say(conversation_id, new.text, new.patient_id)), response)


@router.put(
    "/messages/{message_id}", operation_id="edit_chat_message", summary="Put one's own message in other words",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def edit_message(
    tx: WriteTx,
    message_id: UUID,
    version: IfMatch,
    changed: Annotated[OtherWords, Body(openapi_examples=_WORDS)],
    response: Response,
) -> MessageRow:
    return _message(service.edit_message(tx, EditMessage(message_id, version, changed.text)), response)


@router.delete(
    "/messages/{message_id}", operation_id="delete_chat_message",
    summary="Take one's own message back; that there was one remains", responses=answers(404, 409, 412, 428),
)  # fmt: skip
def delete_message(tx: WriteTx, message_id: UUID, version: IfMatch, response: Response) -> MessageRow:
    return _message(service.delete_message(tx, message_id, version), response)


def _message(row: MessageRow, response: Response) -> MessageRow:
    response.headers["ETag"] = etag(row.version)
    return row
