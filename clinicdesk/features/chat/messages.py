"""What is said in conversations: stored as text, changed or taken back by its author for a quarter of an hour.

The audit trail and the history say that something was said, by whom and about which patient, never what.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update

from clinicdesk.core.errors import Conflict, Hidden, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import Page, PageRequest, check_limit, decode_cursor, encode_cursor
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.chat import rules
from clinicdesk.features.chat.conversations import member_ids, require_member
from clinicdesk.features.chat.models import ChatMessage, Conversation, ConversationMember
from clinicdesk.features.chat.schemas import EditMessage, MessageRow, Say
from clinicdesk.features.notifications.schemas import Kind
from clinicdesk.features.notifications.service import notify
from clinicdesk.features.patients.record import load as load_patient
from clinicdesk.features.users.models import User

_MESSAGES = select(ChatMessage, User.name).join(User, User.id == ChatMessage.author_id)


@verb(Permission.CHAT, writes=False)
def messages(tx: Tx, conversation_id: UUID, page: PageRequest = PageRequest()) -> Page[MessageRow]:  # noqa: B008
    """What was said in a conversation of the caller's, the latest first.

    Raises as `require_member` does, InvalidInput("cursor_not_right", "out_of_range").
    """
    check_limit(page)
    conversation = require_member(tx, conversation_id)
    wanted = _MESSAGES.where(ChatMessage.conversation_id == conversation.id)
    if page.cursor:
        (seq,) = decode_cursor(page.cursor, int)
        wanted = wanted.where(ChatMessage.seq < seq)
    found = tx.session.execute(wanted.order_by(ChatMessage.seq.desc()).limit(page.limit + 1)).all()
    items = [_row(message, name) for message, name in found[: page.limit]]
    more = encode_cursor([items[-1].seq]) if len(found) > page.limit else None
    return Page(items, more, conversation.last_seq if page.total else None)


@verb(Permission.CHAT, concurrent=True)
def say(tx: Tx, request: Say) -> MessageRow:
    """Say something to a conversation; whoever else takes part is notified, and the author has read it.

    Raises as `require_member` does, NotFound("patient_not_found"), Conflict("patient_merged"), InvalidInput("empty",
    "too_long", "control_characters").
    """
    text = rules.check_text(request.text)
    conversation = require_member(tx, request.conversation_id)
    if request.patient_id is not None:
        load_patient(tx, request.patient_id)
    seq = tx.session.scalar(
        update(Conversation)
        .where(Conversation.id == conversation.id)
        .values(last_seq=Conversation.last_seq + 1, last_at=tx.now)
        .returning(Conversation.last_seq)
        .execution_options(synchronize_session=False)
    )
    message = ChatMessage(
        id=new_id(), version=1, conversation_id=conversation.id, seq=seq, author_id=tx.actor.user_id, text=text,
        patient_id=request.patient_id, created_at=tx.now, edited_at=None, deleted_at=None,
    )  # fmt: skip
    tx.session.add(message)
    said = {"conversation_id": conversation.id, "seq": seq, "patient_id": request.patient_id}
    tx.record(Change("chat_message", message.id, Action.CREATE, None, said, request.patient_id))
    tx.session.execute(
        update(ConversationMember)
        .where(ConversationMember.conversation_id == conversation.id, ConversationMember.user_id == tx.actor.user_id)
        .values(read_seq=seq)
        .execution_options(synchronize_session=False)
    )
    tx.session.flush()
    others = [user_id for user_id in member_ids(tx, conversation.id) if user_id != tx.actor.user_id]
    notify(tx, others, Kind.CHAT_MESSAGE, {}, conversation.id)
    return _get(tx, message.id)


@verb(Permission.CHAT, concurrent=True)
def edit_message(tx: Tx, request: EditMessage) -> MessageRow:
    """Put one's own message in other words, within 15 minutes.

    Raises NotFound("message_not_found"), and Hidden with the same code to a stranger; NotPermitted("not_your_message"),
    Conflict("message_deleted", "message_too_old", "changed_meanwhile"), InvalidInput as `say`.
    """
    text = rules.check_text(request.text)
    message = _own(tx, request.id, request.version)
    if message.text != text:
        message.text, message.edited_at = text, tx.now
        _record(tx, message, "edited_at")
    return _get(tx, message.id)


@verb(Permission.CHAT, concurrent=True)
def delete_message(tx: Tx, id_: UUID, version: int) -> MessageRow:
    """Take back one's own message, within 15 minutes: that there was one remains, its text is gone.

    Raises NotFound("message_not_found"), and Hidden with the same code to a stranger; NotPermitted("not_your_message"),
    Conflict("message_deleted", "message_too_old", "changed_meanwhile").
    """
    message = _own(tx, id_, version)
    message.text, message.patient_id, message.deleted_at = "", None, tx.now
    _record(tx, message, "deleted_at")
    return _get(tx, message.id)


def _own(tx: Tx, id_: UUID, version: int) -> ChatMessage:
    message = tx.session.get(ChatMessage, id_)
    if message is None:
        raise NotFound("message_not_found")
    if tx.actor.user_id not in member_ids(tx, message.conversation_id):
        raise Hidden("message_not_found", verb=tx.verb)
    rules.check_own_and_fresh(
        message.author_id, tx.actor.user_id, message.created_at, message.deleted_at, tx.now, tx.verb
    )
    if message.version != version:
        raise Conflict("changed_meanwhile")
    return message


def _record(tx: Tx, message: ChatMessage, field: str) -> None:
    """Record that a message was changed, without what it said."""
    old = {field: None, "version": message.version}
    message.version += 1
    new = {field: getattr(message, field), "version": message.version, "conversation_id": message.conversation_id}
    tx.record(Change("chat_message", message.id, Action.UPDATE, old, new, message.patient_id))
    tx.session.flush()


def _get(tx: Tx, id_: UUID) -> MessageRow:
    message, name = tx.session.execute(_MESSAGES.where(ChatMessage.id == id_)).one()
    return _row(message, name)


def _row(message: ChatMessage, author_name: str) -> MessageRow:
    return MessageRow(
        message.id, message.conversation_id, message.seq, message.author_id, author_name, message.text,
        message.patient_id, message.created_at, message.edited_at, message.deleted_at, message.version,
    )  # fmt: skip
