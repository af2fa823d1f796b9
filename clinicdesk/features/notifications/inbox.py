"""The inbox of each user: what others' verbs put there, and what its owner does with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from clinicdesk.core.clinic import find_clinic
from clinicdesk.core.errors import NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import Page, PageRequest, check_limit, decode_id_cursor, encode_cursor, total_of
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.notifications import rules
from clinicdesk.features.notifications.models import Notification, NotificationPreference, QuietHours
from clinicdesk.features.notifications.outbox import queue
from clinicdesk.features.notifications.schemas import (
    Channel,
    Delivery,
    EditPreferences,
    Kind,
    NotificationPreferences,
    NotificationRow,
    QuietTime,
    Template,
)
from clinicdesk.features.users.models import User


def notify(
    tx: Tx, user_ids: Iterable[UUID], kind: Kind, params: Mapping[str, str], subject_id: UUID | None = None
) -> None:
    """Put one thing into inboxes, as each user has asked to be told; called by verbs, and needs no permission of its own.

    `params` are ids, instants and codes, never a name. A user who has not read the last one of this kind about this subject
    is not told again; accounts that are off are left out.
    """
    users = tx.session.execute(
        select(User.id, User.email, NotificationPreference.delivery, QuietHours.from_minute, QuietHours.to_minute)
        .outerjoin(
            NotificationPreference,
            (NotificationPreference.user_id == User.id) & (NotificationPreference.kind == kind.value),
        )
        .outerjoin(QuietHours, QuietHours.user_id == User.id)
        .where(User.id.in_(set(user_ids)), User.active)
        .order_by(User.id)
    ).all()
    unread = select(Notification.user_id).where(
        Notification.user_id.in_([user.id for user in users]),
        Notification.kind == kind.value,
        Notification.read_at.is_(None),
        Notification.subject_id == subject_id,
    )
    told = set(tx.session.scalars(unread)) if subject_id is not None and users else set()
    for user in users:
        delivery = Delivery(user.delivery or Delivery.IN_APP.value)
        if user.id in told or delivery is Delivery.NONE:
            continue
        quiet = None if user.from_minute is None else QuietTime(user.from_minute, user.to_minute)
        clinic = find_clinic(tx.session) if quiet else None
        until = rules.quiet_until(quiet, tx.now, clinic.tz) if clinic else None
        id_ = new_id()
        tx.session.execute(
            insert(Notification).values(
                id=id_, user_id=user.id, kind=kind.value, subject_id=subject_id,
                params=json.dumps(params, separators=(",", ":")), quiet=until is not None, created_at=tx.now, read_at=None,
            )
        )  # fmt: skip
        tx.tell(Change("notification", id_, Action.CREATE, None, {"user_id": user.id, "kind": kind.value}))
        if delivery is Delivery.EMAIL:
            queue(
                tx, f"notification:{id_.hex}", Channel.EMAIL, user.email, Template.NOTIFICATION, {"kind": kind.value},
                user_id=user.id, release_at=until,
            )  # fmt: skip


def withdraw(tx: Tx, kinds: Iterable[Kind], subject_id: UUID) -> None:
    """Take what nobody has read yet about a subject out of the inboxes again: something newer is true."""
    unread = (
        Notification.subject_id == subject_id,
        Notification.read_at.is_(None),
        Notification.kind.in_([kind.value for kind in kinds]),
    )
    gone = tx.session.execute(delete(Notification).where(*unread).returning(Notification.id, Notification.user_id))
    for id_, user_id in gone.all():
        tx.tell(Change("notification", id_, Action.DELETE, {"user_id": user_id}, None))


@verb(Permission.USE_INBOX, writes=False)
def inbox(tx: Tx, page: PageRequest = PageRequest(), *, unread_only: bool = False) -> Page[NotificationRow]:  # noqa: B008
    """The caller's notifications, newest first. Raises InvalidInput("cursor_not_right", "out_of_range")."""
    check_limit(page)
    mine = [Notification.user_id == tx.actor.user_id]
    if unread_only:
        mine.append(Notification.read_at.is_(None))
    wanted = select(Notification).where(*mine).order_by(Notification.id.desc()).limit(page.limit + 1)
    if page.cursor:
        wanted = wanted.where(Notification.id < decode_id_cursor(page.cursor))
    found = list(tx.session.scalars(wanted))
    total = tx.session.scalar(total_of(select(Notification.id).where(*mine))) if page.total else None
    items = [_row(one) for one in found[: page.limit]]
    return Page(items, encode_cursor([items[-1].id.hex]) if len(found) > page.limit else None, total)


@verb(Permission.USE_INBOX, writes=False)
def unread_count(tx: Tx) -> int:
    """How many notifications the caller has not read."""
    unread = select(func.count()).select_from(Notification)
    return (
        tx.session.scalar(unread.where(Notification.user_id == tx.actor.user_id, Notification.read_at.is_(None))) or 0
    )


@verb(Permission.USE_INBOX, concurrent=True)
def mark_read(tx: Tx, id_: UUID) -> NotificationRow:
    """Note that the caller has read one of theirs. Raises NotFound("notification_not_found"), also for somebody else's."""
    mine = _mine(tx, id_)
    if mine.read_at is None:
        mine.read_at = tx.now
        tx.tell(Change("notification", id_, Action.UPDATE, None, {"user_id": mine.user_id}))
        tx.session.flush()
    return _row(mine)


@verb(Permission.USE_INBOX, concurrent=True)
def mark_all_read(tx: Tx) -> int:
    """Note that the caller has read everything; returns how many were unread."""
    unread = (Notification.user_id == tx.actor.user_id, Notification.read_at.is_(None))
    read = tx.session.execute(
        update(Notification).where(*unread).values(read_at=tx.now).returning(Notification.id)
    ).all()
    if read:
        tx.tell(Change("notification", None, Action.UPDATE, None, {"user_id": tx.actor.user_id}))
    return len(read)


@verb(Permission.USE_INBOX, concurrent=True)
def remove(tx: Tx, id_: UUID) -> None:
    """Delete one of the caller's notifications. Raises NotFound("notification_not_found")."""
    mine = _mine(tx, id_)
    tx.session.delete(mine)
    tx.session.flush()
    tx.tell(Change("notification", id_, Action.DELETE, {"user_id": mine.user_id}, None))


@verb(Permission.USE_INBOX, writes=False)
def preferences(tx: Tx) -> NotificationPreferences:
    """How the caller is told of each kind of thing, and when they are left alone."""
    rows = tx.session.execute(
        select(NotificationPreference.kind, NotificationPreference.delivery).where(
            NotificationPreference.user_id == tx.actor.user_id
        )
    )
    chosen = {row.kind: row.delivery for row in rows}
    quiet = tx.session.get(QuietHours, tx.actor.user_id) if tx.actor.user_id else None
    return NotificationPreferences(
        {kind: Delivery(chosen.get(kind.value, Delivery.IN_APP.value)) for kind in Kind},
        QuietTime(quiet.from_minute, quiet.to_minute) if quiet else None,
    )


@verb(Permission.USE_INBOX, concurrent=True)
def edit_preferences(tx: Tx, request: EditPreferences) -> NotificationPreferences:
    """Give the caller new preferences; `quiet` None ends the quiet hours. Raises InvalidInput("out_of_range")."""
    user_id = tx.actor.user_id
    if user_id is None:
        raise NotFound("user_not_found")
    quiet = rules.check_quiet(request.quiet) if request.quiet else None
    tx.claim(f"preferences/{user_id}")
    before = preferences(tx)
    new: dict[str, object] = {}
    for kind, delivery in request.delivery.items():
        if before.delivery[kind] is not delivery:
            tx.session.merge(NotificationPreference(user_id=user_id, kind=kind.value, delivery=delivery.value))
            new[kind.value] = delivery.value
    if quiet != before.quiet:
        new["quiet"] = None if quiet is None else [quiet.from_minute, quiet.to_minute]
        tx.session.execute(delete(QuietHours).where(QuietHours.user_id == user_id))
        if quiet is not None:
            tx.session.execute(
                insert(QuietHours).values(user_id=user_id, from_minute=quiet.from_minute, to_minute=quiet.to_minute)
            )
    if new:
        tx.record(Change("notification_preference", user_id, Action.UPDATE, dict.fromkeys(new), new))
    tx.session.flush()
    tx.session.expire_all()
    return preferences(tx)


def _mine(tx: Tx, id_: UUID) -> Notification:
    found = tx.session.get(Notification, id_)
    if found is None or found.user_id != tx.actor.user_id:
        raise NotFound("notification_not_found")
    return found


def _row(one: Notification) -> NotificationRow:
    return NotificationRow(
        one.id, Kind(one.kind), one.subject_id, json.loads(one.params), one.quiet, one.created_at, one.read_at
    )
