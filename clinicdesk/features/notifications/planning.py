"""Keeps what waits to be told in step with visits and patients, by following what was recorded of them; the only place that does.

`follow` stands in `Database.followers`. What it stores follows from what others recorded and is not recorded again, so that an
undo of a visit finds the visit alone in its unit of work.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, bindparam, insert, select, update

from clinicdesk.core.clinic import find_clinic
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Action, Change, Tx
from clinicdesk.features.appointments import waitlist
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.appointments.schemas import Status
from clinicdesk.features.notifications import rules
from clinicdesk.features.notifications.inbox import notify, withdraw
from clinicdesk.features.notifications.models import ContactPreference, OutboundMessage
from clinicdesk.features.notifications.schemas import Channel, Kind, MessageState, MessagingRow, Reach, Template
from clinicdesk.features.notifications.settings import load_messaging, load_rules
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.practitioners.schemas import Interval
from clinicdesk.features.users.models import User

_VISIT: FromClause = Appointment.__table__
_MESSAGE: FromClause = OutboundMessage.__table__
_REACHED_BY = frozenset({"email", "mobile", "phone", "deceased", "active"})
_TAKEN_AT_ONCE = 400
_NEAR = timedelta(hours=24)
"""Practitioners are told of changes to visits that are no further away; of the rest they hear by looking."""
_ABOUT_VISITS = (Kind.VISIT_BOOKED, Kind.VISIT_MOVED, Kind.VISIT_CANCELLED)


_WHOSE = (
    select(_VISIT.c.id, _VISIT.c.start, _VISIT.c.status, User.id.label("user_id"))
    .join(User, User.practitioner_id == _VISIT.c.practitioner_id)
    .where(
        _VISIT.c.id.in_(bindparam("visits", expanding=True)),
        _VISIT.c.start > bindparam("from"),
        _VISIT.c.start < bindparam("to"),
        User.active,
    )
)
"""Near visits, with the accounts of their practitioners."""


def follow(tx: Tx, changes: Sequence[Change]) -> None:
    """Plan anew what patients are told of the visits that were changed, and tell the practitioners of those that are near.

    Administrators are alerted where somebody has broken the glass of a record.
    """
    before: dict[UUID, Change] = {}
    starts: dict[UUID, datetime] = {}
    patients: set[UUID] = set()
    for change in changes:
        if change.id is None or change.action not in (Action.CREATE, Action.UPDATE):
            continue
        if change.entity == "appointment" and not _over(change, tx.now):
            before.setdefault(change.id, change)
            if change.new is not None and "start" in change.new:
                starts[change.id] = change.new["start"]
        elif change.entity == "contact_preference" or (
            change.entity == "patient" and change.old is not None and _REACHED_BY & change.old.keys()
        ):
            patients.add(change.id)
        elif change.entity == "emergency_access" and change.action is Action.CREATE:
            _alert(tx, change.id)
    if before:
        replan(tx, _VISIT.c.id, before, before)
        # A visit of which no change says when it is may be near; most that are booked are not, and cost no look.
        near = {id_: change for id_, change in before.items() if abs(starts.get(id_, tx.now) - tx.now) < _NEAR}
        if near:
            _tell_practitioners(tx, near)
        _offer_freed_times(tx, before)
    if patients:
        replan(tx, _VISIT.c.patient_id, patients)


def _alert(tx: Tx, emergency_id: UUID) -> None:
    """Tell the administrators that somebody broke the glass of a record; one of them has to judge it."""
    administrators = select(User.id).where(User.role == Role.ADMINISTRATOR.value, User.id != tx.actor.user_id)
    notify(tx, tx.session.scalars(administrators).all(), Kind.EMERGENCY_ACCESS, {}, emergency_id)


def replan(tx: Tx, column: Any, values: Collection[UUID], before: Mapping[UUID, Change] | None = None) -> None:
    """Bring the waiting messages of the visits with one of these values in a column in step with what is true now.

    `before` are the first changes of visits in this unit of work; without it nothing has changed that a notice would tell.
    """
    settings = load_messaging(tx.connection)
    if settings.version == 0:  # the clinic sends no messages
        return
    ordered = list(values)
    for first in range(0, len(ordered), _TAKEN_AT_ONCE):
        wanted = column.in_(ordered[first : first + _TAKEN_AT_ONCE])
        _replan(tx, settings, [wanted] if before else [wanted, _VISIT.c.start > tx.now], before or {})


def replan_upcoming(tx: Tx) -> None:
    """Bring the waiting messages of every visit that is still to come in step: the clinic's settings have changed."""
    upcoming = tx.session.scalars(select(_VISIT.c.id).where(_VISIT.c.start > tx.now)).all()
    replan(tx, _VISIT.c.id, upcoming)


def _over(change: Change, now: datetime) -> bool:
    """Whether the change brings in a visit of the past, of which there is nothing to tell: an import brings thousands."""
    return change.action is Action.CREATE and change.new is not None and change.new["start"] <= now


def _replan(tx: Tx, settings: MessagingRow, where: list[Any], before: Mapping[UUID, Change]) -> None:
    found = tx.session.execute(
        select(
            _VISIT.c.id, _VISIT.c.type_id, _VISIT.c.start, _VISIT.c.status, _VISIT.c.patient_id, Patient.email,
            Patient.mobile, Patient.phone, Patient.deceased, Patient.active, ContactPreference.reach,
        )
        .join(Patient, Patient.id == _VISIT.c.patient_id)
        .outerjoin(ContactPreference, ContactPreference.id == _VISIT.c.patient_id)
        .where(*where)
    ).all()  # fmt: skip
    reminders = load_rules(tx.session)
    stored = _stored(tx, [visit.id for visit in found])
    # The operator's command line imports and restores: nobody has just spoken to a patient there.
    notices = settings.notices and tx.actor.role is not Role.OPERATOR
    for row in found:
        where_to = rules.addresses(
            settings, Reach(row.reach or Reach.ANY.value), row.email, row.mobile or row.phone,
            reachable=row.active and not row.deceased,
        )  # fmt: skip
        visit = rules.Visit(row.id, row.type_id, row.start, Status(row.status), where_to)
        change = before.get(row.id)
        known = rules.known_start(visit.status, visit.start) if change is None else _known_before(change, visit)
        plan = rules.plan(
            visit, reminders, stored.get(row.id, []), tx.now, settings.grace, notices=notices, known=known
        )
        _carry_out(tx, plan, visit, row.patient_id, {message.dedup_key for message in stored.get(row.id, [])})


def _known_before(change: Change, visit: rules.Visit) -> datetime | None:
    """The time that the patient knew of before the change."""
    if change.old is None:
        return None
    return rules.known_start(Status(change.old.get("status", visit.status)), change.old.get("start", visit.start))


def _stored(tx: Tx, visit_ids: Sequence[UUID]) -> dict[UUID, list[rules.Stored]]:
    m = _MESSAGE.c
    found = tx.session.execute(
        select(
            m.appointment_id,
            m.dedup_key,
            m.template,
            m.channel,
            m.address,
            m.state,
            m.error,
            m.release_at,
            m.known_start,
        ).where(m.appointment_id.in_(visit_ids))
    )
    by_visit: dict[UUID, list[rules.Stored]] = {}
    for visit_id, key, template, channel, address, state, *rest in found:
        one = rules.Stored(key, Template(template), Channel(channel), address, MessageState(state), *rest)
        by_visit.setdefault(visit_id, []).append(one)
    return by_visit


def _carry_out(tx: Tx, plan: rules.Plan, visit: rules.Visit, patient_id: UUID, known_keys: Collection[str]) -> None:
    for key, values in _writes(plan, visit):
        if key in known_keys:
            changed = {**values, "version": _MESSAGE.c.version + 1}
            waits = _MESSAGE.c.state.in_([*(state.value for state in rules.WAITING), MessageState.CANCELLED.value])
            # A worker may have claimed it since it was read; then it is on its way, and stays as it is.
            tx.connection.execute(
                update(OutboundMessage.__table__).where(_MESSAGE.c.dedup_key == key, waits).values(changed)  # type: ignore[arg-type]
            )
        else:
            tx.connection.execute(
                insert(OutboundMessage.__table__),  # type: ignore[arg-type]
                {
                    "id": new_id(), "version": 1, "dedup_key": key, "params": "{}", "patient_id": patient_id,
                    "user_id": None, "appointment_id": visit.id, "attempts": 0, "claim_id": None, "claimed_at": None,
                    "sent_at": None, "created_at": tx.now, **values,
                },
            )  # fmt: skip
    if plan.take_back or plan.put:
        tx.tell(Change("outbound_message", None, Action.UPDATE, None, {"appointment_id": visit.id}, patient_id))


def _writes(plan: rules.Plan, visit: rules.Visit) -> Iterator[tuple[str, dict[str, Any]]]:
    for key in plan.take_back:
        yield key, {"state": MessageState.CANCELLED.value, "error": "taken_back"}
    for message in plan.put:
        yield (
            message.dedup_key,
            {
                "channel": message.channel.value, "template": message.template.value, "address": message.address,
                "visit_start": visit.start, "known_start": message.known_start, "state": MessageState.HELD.value,
                "error": "", "release_at": message.release_at, "next_try_at": message.release_at,
                "expires_at": visit.start,
            },
        )  # fmt: skip


def _tell_practitioners(tx: Tx, before: Mapping[UUID, Change]) -> None:
    """Put what happened to near visits into the inboxes of their practitioners, unless they did it themselves."""
    if len(before) > _TAKEN_AT_ONCE:  # an import
        return
    near = tx.connection.execute(_WHOSE, {"visits": list(before), "from": tx.now - _NEAR, "to": tx.now + _NEAR}).all()
    for visit in near:
        change = before[visit.id]
        status = Status(visit.status)
        if {"start", "status"} & (change.old or change.new or {}).keys():
            withdraw(tx, _ABOUT_VISITS, visit.id)
        kind = _what_happened(change, status, visit.start)
        if kind is not None and visit.user_id != tx.actor.user_id:
            notify(tx, [visit.user_id], kind, {"start": visit.start.isoformat()}, visit.id)


def _offer_freed_times(tx: Tx, before: Mapping[UUID, Change]) -> None:
    """Tell the desk of times that a cancellation has left and that would suit somebody who waits, and that one is taken back."""
    ended = [id_ for id_, change in before.items() if _cancels(change)]
    for id_, change in before.items():
        if change.old is not None and change.old.get("status") == Status.CANCELLED.value:
            withdraw(tx, (Kind.TIME_FREED,), id_)
    if not ended or find_clinic(tx.session) is None or not waitlist.anybody_waits(tx):
        return
    left = tx.session.execute(
        select(_VISIT.c.id, _VISIT.c.practitioner_id, _VISIT.c.start, _VISIT.c.end)
        .where(
            _VISIT.c.id.in_(ended[:_TAKEN_AT_ONCE]),
            _VISIT.c.status == Status.CANCELLED.value,
            _VISIT.c.start > tx.now,
            _VISIT.c.start < tx.now + timedelta(days=waitlist.FREED_DAYS),
        )
        .order_by(_VISIT.c.start)
        .limit(waitlist.MOST_FREED)
    ).all()
    desk = tx.session.scalars(select(User.id).where(User.active, User.role == Role.RECEPTIONIST.value)).all()
    for visit in left:
        if waitlist.suited(tx, visit.practitioner_id, Interval(visit.start, visit.end), 1):
            params = {"start": visit.start.isoformat(), "practitioner_id": visit.practitioner_id.hex}
            notify(tx, desk, Kind.TIME_FREED, params, visit.id)


def _cancels(change: Change) -> bool:
    old, new = change.old or {}, change.new or {}
    expected = {status.value for status in rules.EXPECTED}
    return new.get("status") == Status.CANCELLED.value and old.get("status") in expected


def _what_happened(change: Change, status: Status, start: datetime) -> Kind | None:
    was = None if change.old is None else Status(change.old.get("status", status))
    if status is Status.ARRIVED and was is not Status.ARRIVED:
        return Kind.PATIENT_ARRIVED
    if status is Status.CANCELLED and was in rules.EXPECTED:
        return Kind.VISIT_CANCELLED
    if status in rules.EXPECTED and was not in rules.EXPECTED:
        return Kind.VISIT_BOOKED
    if status in rules.EXPECTED and change.old is not None and change.old.get("start", start) != start:
        return Kind.VISIT_MOVED
    return None
