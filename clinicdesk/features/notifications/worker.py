"""The worker that empties the outbox: any number of them may run, and each message is sent by one of them, at most once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from threading import Event

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.notifications.schemas import Channel, Claimed
from clinicdesk.features.notifications.senders import MaybeSent, NotSent, Sender
from clinicdesk.features.notifications.sending import (
    claim_due,
    expire_leases,
    mark_failed,
    mark_sent,
    mark_unknown,
)

log = logging.getLogger(__name__)

WORKER = Actor(None, Role.OPERATOR, "message worker", "worker")
PAUSE_SECONDS = 5.0


def run_worker(
    database: Database, senders: Mapping[Channel, Sender], stop: Event, *, pause: float = PAUSE_SECONDS
) -> None:
    """Send what is due until `stop` is set, looking again after `pause` seconds where nothing is.

    What it has claimed by then it still sends. A database that cannot be reached is waited for.
    """
    while not stop.is_set():
        try:
            worked = send_next(database, senders)
        except ClinicError as error:
            log.warning("outbox not reached: %s", error)
            worked = False
        if not worked:
            stop.wait(pause)


def send_next(database: Database, senders: Mapping[Channel, Sender]) -> bool:
    """Send one message that is due; False where none is. One at a time, so that a worker's death leaves one in doubt at most."""
    with database.write(WORKER) as tx:
        lost = expire_leases(tx)
        claimed = claim_due(tx)
    if lost:
        log.warning("%d messages left by a worker that is gone", lost)
    for message in claimed:
        _send(database, senders, message)
    return bool(claimed)


def _send(database: Database, senders: Mapping[Channel, Sender], message: Claimed) -> None:
    """Send one message and store what became of it. A crash of the sender is a bug: stored as unknown, and raised."""
    try:
        sender = senders.get(message.channel)
        if sender is None:
            raise NotSent("no_sender", again=True)
        sender.send(message.letter)
    except NotSent as failure:
        with database.write(WORKER) as tx:
            state = mark_failed(tx, message.id, message.claim_id, failure.code, again=failure.again)
        log.warning("message %s by %s: %s, now %s", message.id, message.channel, failure.code, state)
    except MaybeSent as doubt:
        with database.write(WORKER) as tx:
            mark_unknown(tx, message.id, message.claim_id, doubt.code)
        log.warning("message %s by %s: %s", message.id, message.channel, doubt.code)
    except Exception:
        with database.write(WORKER) as tx:
            mark_unknown(tx, message.id, message.claim_id, "sender_crashed")
        raise
    else:
        with database.write(WORKER) as tx:
            mark_sent(tx, message.id, message.claim_id)
