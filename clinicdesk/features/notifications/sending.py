"""What a worker does with the outbox: each message is claimed by one of them, and sent at most once.

A message in the hands of a worker that dies was sent or was not, and nobody can know: it is left as unknown, for a person to
decide, and never repeated by itself (docs/adr/0004).
"""

from __future__ import annotations

import secrets
from uuid import UUID

from sqlalchemy import select

from clinicdesk.core.errors import Conflict
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission, Role
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.notifications import rules
from clinicdesk.features.notifications.inbox import notify
from clinicdesk.features.notifications.letters import NothingToSay, write_letter
from clinicdesk.features.notifications.models import OutboundMessage
from clinicdesk.features.notifications.outbox import store, take_back
from clinicdesk.features.notifications.schemas import Channel, Claimed, Kind, MessageState
from clinicdesk.features.users.models import User

_DRAW = secrets.SystemRandom().random
_AT_THE_DESK = (Role.RECEPTIONIST.value, Role.ADMINISTRATOR.value)


@verb(Permission.MAINTAIN, concurrent=True)
def claim_due(tx: Tx, limit: int = 1) -> list[Claimed]:
    """Take up to `limit` messages whose time has come; they are the caller's alone to send, and to report about.

    What would say nothing of use any more is taken back on the way, so fewer may come although more are due.
    """
    due = (
        select(OutboundMessage)
        .where(
            OutboundMessage.state.in_([MessageState.HELD.value, MessageState.DUE.value]),
            OutboundMessage.next_try_at <= tx.now,
        )
        .order_by(OutboundMessage.next_try_at, OutboundMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = []
    for message in tx.session.scalars(due).all():
        try:
            if message.expires_at is not None and message.expires_at <= tx.now:
                raise NothingToSay("too_late")
            letter = write_letter(tx.session, message)
        except NothingToSay as reason:
            take_back(message, reason.code)
        else:
            message.state = MessageState.SENDING.value
            message.claim_id, message.claimed_at = new_id(), tx.now
            message.attempts += 1
            claimed.append(Claimed(message.id, message.claim_id, Channel(message.channel), letter))
        store(tx, message)
    return claimed


@verb(Permission.MAINTAIN, concurrent=True)
def mark_sent(tx: Tx, id_: UUID, claim_id: UUID) -> None:
    """The message has gone out; that is kept even where it was given up for unknown meanwhile. Raises Conflict("not_claimed")."""
    message = _claimed(tx, id_, claim_id)
    message.state = MessageState.SENT.value
    message.sent_at, message.error, message.params = tx.now, "", "{}"
    _close(tx, message, "sent")


@verb(Permission.MAINTAIN, concurrent=True)
def mark_failed(tx: Tx, id_: UUID, claim_id: UUID, error: str, *, again: bool) -> MessageState:
    """The message has certainly not gone out, for a reason given as a code; `again`: another try may do better.

    Tried again after a while, until there have been enough tries, or it is too late. Raises Conflict("not_claimed").
    """
    message = _claimed(tx, id_, claim_id)
    message.error = error
    next_try = tx.now + rules.retry_delay(message.attempts, _DRAW())
    too_late = message.expires_at is not None and next_try >= message.expires_at
    if again and message.attempts < rules.MOST_TRIES and not too_late:
        message.state, message.next_try_at = MessageState.DUE.value, next_try
        message.claim_id = message.claimed_at = None
        store(tx, message)
    else:
        message.state = MessageState.FAILED.value
        _close(tx, message, error)
    return MessageState(message.state)


@verb(Permission.MAINTAIN, concurrent=True)
def mark_unknown(tx: Tx, id_: UUID, claim_id: UUID, error: str) -> None:
    """The connection broke where the message may or may not have been taken. Raises Conflict("not_claimed")."""
    message = _claimed(tx, id_, claim_id)
    message.state, message.error = MessageState.UNKNOWN.value, error
    _close(tx, message, error)


@verb(Permission.MAINTAIN, concurrent=True)
def expire_leases(tx: Tx) -> int:
    """Leave as unknown what a worker has had for longer than sending can take: it has died. Returns how many."""
    lost = (
        select(OutboundMessage)
        .where(OutboundMessage.state == MessageState.SENDING.value, OutboundMessage.claimed_at <= tx.now - rules.LEASE)
        .order_by(OutboundMessage.id)
        .with_for_update(skip_locked=True)
    )
    messages = tx.session.scalars(lost).all()
    for message in messages:
        message.state, message.error = MessageState.UNKNOWN.value, "worker_lost"
        _close(tx, message, message.error)
    return len(messages)


def _claimed(tx: Tx, id_: UUID, claim_id: UUID) -> OutboundMessage:
    message = tx.session.get(OutboundMessage, id_, with_for_update=True)
    if message is None or message.claim_id != claim_id:
        raise Conflict("not_claimed")
    return message


def _close(tx: Tx, message: OutboundMessage, note: str) -> None:
    """What became of a message stands in the audit trail, by its kind and channel, without address or text."""
    words = f"{message.channel} {message.template} {note}"
    tx.record(Change("outbound_message", message.id, Action.EXECUTE, patient_id=message.patient_id, note=words))
    store(tx, message)
    if message.state != MessageState.SENT and message.patient_id is not None:
        desk = select(User.id).where(User.role.in_(_AT_THE_DESK), User.active)
        notify(tx, tx.session.scalars(desk).all(), Kind.MESSAGE_FAILED, {"state": message.state}, message.id)
