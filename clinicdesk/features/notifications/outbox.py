"""The outbox: how messages get into it, and what a person sees of them and does with those that did not go out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text

from clinicdesk.core.errors import Conflict, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import (
    Page,
    PageRequest,
    check_limit,
    decode_id_cursor,
    encode_cursor,
    plan_for_values,
    total_of,
)
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.notifications import rules
from clinicdesk.features.notifications.models import SENDING, UNSETTLED, WAITING, OutboundMessage
from clinicdesk.features.notifications.schemas import (
    Channel,
    MessageFilter,
    MessageRow,
    MessageState,
    OutboxDepths,
    Template,
)


def queue(
    tx: Tx,
    dedup_key: str,
    channel: Channel,
    address: str,
    template: Template,
    params: Mapping[str, str],
    *,
    patient_id: UUID | None = None,
    user_id: UUID | None = None,
    release_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> bool:
    """Put a message into the outbox, released now unless told otherwise; called by verbs, and needs no permission of its own.

    False, and nothing done, where there is one with this key already.
    """
    if tx.session.scalar(select(OutboundMessage.id).where(OutboundMessage.dedup_key == dedup_key)) is not None:
        return False
    message = OutboundMessage(
        id=new_id(), version=1, dedup_key=dedup_key, channel=channel.value, template=template.value,
        params=json.dumps(params, separators=(",", ":")), patient_id=patient_id, user_id=user_id, appointment_id=None,
        visit_start=None, known_start=None, address=address, state=MessageState.HELD.value,
        release_at=release_at or tx.now, expires_at=expires_at, next_try_at=release_at or tx.now, attempts=0, claim_id=None,
        claimed_at=None, sent_at=None, error="", created_at=tx.now,
    )  # fmt: skip
    tx.session.add(message)
    tx.session.flush()
    tx.tell(Change("outbound_message", message.id, Action.CREATE, None, {"state": message.state}, patient_id))
    return True


@verb(Permission.SEE_MESSAGES, writes=False)
def messages(
    tx: Tx,
    wanted: MessageFilter = MessageFilter(),  # noqa: B008  (frozen)
    page: PageRequest = PageRequest(),  # noqa: B008
) -> Page[MessageRow]:
    """The outbox, newest first. Raises InvalidInput("cursor_not_right", "out_of_range")."""
    check_limit(page)
    plan_for_values(tx.connection)
    tx.note_look("outbound_message", patient_id=wanted.patient_id)
    where: list[ColumnElement[bool]] = (
        [OutboundMessage.state.in_([state.value for state in wanted.states])] if wanted.states else []
    )
    if wanted.patient_id is not None:
        where.append(OutboundMessage.patient_id == wanted.patient_id)
    if wanted.appointment_id is not None:
        where.append(OutboundMessage.appointment_id == wanted.appointment_id)
    query = select(OutboundMessage).where(*where).order_by(OutboundMessage.id.desc()).limit(page.limit + 1)
    if page.cursor:
        query = query.where(OutboundMessage.id < decode_id_cursor(page.cursor))
    found = list(tx.session.scalars(query))
    total = tx.session.scalar(total_of(select(OutboundMessage.id).where(*where))) if page.total else None
    items = [row_of(message) for message in found[: page.limit]]
    return Page(items, encode_cursor([items[-1].id.hex]) if len(found) > page.limit else None, total)


@verb(Permission.SEE_MESSAGES, concurrent=True)
def message(tx: Tx, id_: UUID) -> MessageRow:
    """One message of the outbox. Audited. Raises NotFound("message_not_found")."""
    found = tx.session.get(OutboundMessage, id_)
    if found is None:
        raise NotFound("message_not_found")
    tx.record(Change("outbound_message", found.id, Action.READ, patient_id=found.patient_id))
    return row_of(found)


@verb(Permission.MAINTAIN, writes=False)
def outbox_depths(tx: Tx) -> OutboxDepths:
    """How many messages are in each state in which somebody or something has yet to act, and how late the latest is."""
    m = OutboundMessage
    open_states = [state for state in MessageState if state not in (MessageState.SENT, MessageState.CANCELLED)]
    counts: dict[MessageState, int] = dict.fromkeys(open_states, 0)
    for literal in (WAITING, SENDING, UNSETTLED):
        found = tx.session.execute(select(m.state, func.count()).where(text(literal)).group_by(m.state))
        counts |= {MessageState(state): count for state, count in found}
    due = tx.session.scalar(select(func.min(m.next_try_at)).where(text(WAITING)))
    return OutboxDepths(counts, max(tx.now - due, timedelta()) if due is not None else timedelta())


@verb(Permission.SETTLE_MESSAGES)
def send_again(tx: Tx, id_: UUID, version: int) -> MessageRow:
    """Have a message sent that failed, or of which nobody knows; the latter may then arrive twice, which a person decides.

    Raises NotFound("message_not_found"), Conflict("changed_meanwhile", "message_not_settled").
    """
    message = _load(tx, id_, version, MessageState.FAILED, MessageState.UNKNOWN)
    message.state = MessageState.DUE.value
    message.attempts, message.next_try_at = 0, tx.now
    message.claim_id = message.claimed_at = None
    return _settled(tx, message)


@verb(Permission.SETTLE_MESSAGES)
def hold_back(tx: Tx, id_: UUID, version: int) -> MessageRow:
    """Not send a message that waits, or be done with one that failed or of which nobody knows.

    Raises NotFound("message_not_found"), Conflict("changed_meanwhile", "message_not_settled").
    """
    message = _load(tx, id_, version, *rules.WAITING, MessageState.FAILED, MessageState.UNKNOWN)
    message.claim_id = None
    take_back(message, rules.HELD_BACK)
    return _settled(tx, message)


def row_of(message: OutboundMessage) -> MessageRow:
    return MessageRow(
        message.id, Channel(message.channel), Template(message.template), message.patient_id, message.user_id,
        message.appointment_id, message.visit_start, message.address, MessageState(message.state), message.release_at,
        message.next_try_at, message.attempts, message.sent_at, message.error, message.created_at, message.version,
    )  # fmt: skip


def _settled(tx: Tx, message: OutboundMessage) -> MessageRow:
    tx.record(Change.updated(message, patient_id=message.patient_id))
    tx.session.flush()
    return row_of(message)


def _load(tx: Tx, id_: UUID, version: int, *states: MessageState) -> OutboundMessage:
    message = tx.session.get(OutboundMessage, id_, with_for_update=True)
    if message is None:
        raise NotFound("message_not_found")
    if message.version != version:
        raise Conflict("changed_meanwhile")
    if message.state not in states:
        raise Conflict("message_not_settled")
    return message


def take_back(message: OutboundMessage, reason: str) -> None:
    """Not send the message, for a reason given as a code."""
    message.state, message.error, message.params = MessageState.CANCELLED.value, reason, "{}"


def store(tx: Tx, message: OutboundMessage) -> None:
    """Store new values of a message, and tell listeners."""
    message.version += 1
    tx.session.flush()
    tx.tell(Change("outbound_message", message.id, Action.UPDATE, None, {"state": message.state}, message.patient_id))
