"""Decides what a patient is told of a visit and when, when a user is left alone, and when a try is repeated; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.appointments.schemas import Status
from clinicdesk.features.notifications.schemas import (
    Channel,
    MessageState,
    MessagingRow,
    QuietTime,
    Reach,
    ReminderRuleRow,
    Template,
)
from clinicdesk.features.practitioners.rules import MINUTES_A_DAY, instant

MOST_TRIES = 8
LEASE = timedelta(minutes=10)
"""How long a worker has a message before nobody knows any more whether it was sent. Far longer than a sender's time-outs."""
_FIRST_DELAY = timedelta(seconds=30)
_LONGEST_DELAY = timedelta(hours=1)

EXPECTED = frozenset({Status.PENDING, Status.BOOKED})
"""A patient is reminded of a visit in one of these; afterwards they are here, or do not come."""
WAITING = frozenset({MessageState.HELD, MessageState.DUE})
"""Not sent yet: what waits can be taken back."""
HELD_BACK = "held_back"
"""The code of a message that a person has taken back."""
_KNOWN_OF = EXPECTED | {Status.ARRIVED, Status.CHECKED_IN, Status.FULFILLED, Status.NOSHOW}
"""The patient knows of a visit in one of these."""
GONE = frozenset(Status) - _KNOWN_OF
"""A patient who knew of a visit hears that it is cancelled: undone too late, it was a visit all the same."""

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a patient can be reached; empty where there is no address, or they do not want it used."""

    email: str = ""
    sms: str = ""

    def of(self, channel: Channel) -> str:
        return self.email if channel is Channel.EMAIL else self.sms


@dataclass(frozen=True, slots=True)
class Visit:
    """What the messages about a visit depend on."""

    id: UUID
    type_id: UUID | None
    start: datetime
    status: Status
    addresses: Addresses


@dataclass(frozen=True, slots=True)
class Planned:
    """A message about a visit as the plan wants it."""

    dedup_key: str
    template: Template
    channel: Channel
    address: str
    release_at: datetime
    known_start: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A message about a visit as it is stored."""

    dedup_key: str
    template: Template
    channel: Channel
    address: str
    state: MessageState
    error: str
    release_at: datetime
    known_start: datetime | None

    @property
    def waits(self) -> bool:
        return self.state in WAITING

    @property
    def settled(self) -> bool:
        """Sent, being sent, tried for good, or held back by a person: the plan says it not again."""
        taken_back = self.state is MessageState.CANCELLED and self.error != HELD_BACK
        return not self.waits and not taken_back


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to happen to the stored messages of a visit: keys to take back, and messages to add or to plan anew."""

    take_back: tuple[str, ...]
    put: tuple[Planned, ...]


def addresses(settings: MessagingRow, reach: Reach, email: str, phone: str, *, reachable: bool) -> Addresses:
    """Where the clinic may write to a patient: by channels that it uses, and that the patient wants."""
    if not reachable or reach is Reach.NOBODY:
        return Addresses()
    return Addresses(
        email if settings.email and reach is not Reach.SMS else "",
        dialled(phone) if settings.sms and reach is not Reach.EMAIL else "",
    )


def dialled(phone: str) -> str:
    """A phone number as a provider takes it: figures, and a plus where it begins with one."""
    figures = "".join(character for character in phone if character in "0123456789")
    return f"+{figures}" if figures and phone.strip().startswith("+") else figures


def plan(
    visit: Visit,
    rules: Sequence[ReminderRuleRow],
    stored: Iterable[Stored],
    now: datetime,
    grace: timedelta,
    *,
    notices: bool,
    known: datetime | None,
) -> Plan:
    """What the patient should be told of a visit, against what is stored.

    `known` is the time that the patient knew of before this change, None where they knew of no visit. A notice that waits
    remembers what they knew when it was planned, so that a change and its undo within the grace leave nothing to tell.
    """
    messages = {message.dedup_key: message for message in stored}
    waiting = {key: message for key, message in messages.items() if message.waits}
    unsent_notice = next((m for m in waiting.values() if m.template is not Template.VISIT_REMINDER), None)
    wanted = [*_reminders(visit, rules, waiting, now, grace)]
    if notices or unsent_notice is not None:
        notice = _notice(visit, unsent_notice.known_start if unsent_notice else known, messages, now + grace)
        wanted += [notice] if notice is not None else []
    keys = {message.dedup_key for message in wanted}
    return Plan(
        tuple(key for key in waiting if key not in keys),
        tuple(message for message in wanted if _differs(message, messages.get(message.dedup_key))),
    )


def _reminders(
    visit: Visit, rules: Sequence[ReminderRuleRow], waiting: Mapping[str, Stored], now: datetime, grace: timedelta
) -> Iterable[Planned]:
    if visit.status not in EXPECTED:
        return
    own = [rule for rule in rules if rule.type_id == visit.type_id and rule.type_id is not None]
    for rule in own or [rule for rule in rules if rule.type_id is None]:
        release_at = visit.start - timedelta(minutes=rule.minutes_before)
        found = channel_for(visit.addresses, rule.channel)
        key = f"reminder:{visit.id.hex}:{rule.minutes_before}:{_stamp(visit.start)}"
        if found is not None and key in waiting:
            yield Planned(key, Template.VISIT_REMINDER, *found, waiting[key].release_at)
        elif found is not None and release_at > now - grace:  # one that is later than an undo may be is not sent at all
            yield Planned(key, Template.VISIT_REMINDER, *found, max(release_at, now + grace))


def _notice(
    visit: Visit, known: datetime | None, messages: Mapping[str, Stored], release_at: datetime
) -> Planned | None:
    if visit.status in EXPECTED and known is None:
        template = Template.VISIT_BOOKED
    elif visit.status in EXPECTED and known != visit.start:
        template = Template.VISIT_MOVED
    elif visit.status in GONE and known is not None:
        template = Template.VISIT_CANCELLED
    else:  # they know, or never knew, or they are here
        return None
    found = channel_for(visit.addresses, None)
    if found is None or release_at >= visit.start:
        return None
    # Counted, because the same may have to be said again: moved there, away, and there once more, each of them told.
    told = sum(m.template is not Template.VISIT_REMINDER and m.settled for m in messages.values())
    key = f"notice:{visit.id.hex}:{told}:{template.value}:{_stamp(visit.start)}"
    return Planned(key, template, *found, release_at, known)


def known_start(status: Status, start: datetime) -> datetime | None:
    """The time of a visit that its patient knows of, where the visit stands so; None where they know of none."""
    return start if status in _KNOWN_OF else None


def channel_for(addresses: Addresses, only: Channel | None) -> tuple[Channel, str] | None:
    """The channel to use and its address, e-mail before SMS; None where the patient cannot be reached."""
    for channel in (only,) if only else (Channel.EMAIL, Channel.SMS):
        if address := addresses.of(channel):
            return channel, address
    return None


def _differs(wanted: Planned, stored: Stored | None) -> bool:
    if stored is None or not stored.waits:
        return stored is None or not stored.settled
    return (stored.channel, stored.address) != (wanted.channel, wanted.address)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M")


def retry_delay(attempts: int, draw: float) -> timedelta:
    """How long to wait after so many tries: up to 30 s, a minute, two, … an hour, of which `draw` in [0, 1) takes its part.

    The whole of it is drawn (full jitter), so that what failed together does not come back together.
    """
    return min(_FIRST_DELAY * (1 << min(attempts - 1, 16)), _LONGEST_DELAY) * draw


def quiet_until(quiet: QuietTime | None, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The end of the quiet hours that `now` lies in, as an instant; None outside of them."""
    if quiet is None or quiet.from_minute == quiet.to_minute:
        return None
    local = now.astimezone(zone)
    for days_ago in (0, 1):
        day = local.date() - timedelta(days=days_ago)
        last = day if quiet.from_minute < quiet.to_minute else day + timedelta(days=1)
        end = instant(last, quiet.to_minute, zone)
        if instant(day, quiet.from_minute, zone) <= now < end:
            return end
    return None


def check_quiet(quiet: QuietTime) -> QuietTime:
    """The quiet hours. Raises InvalidInput("out_of_range") for minutes that no day has."""
    for name, minute in (("from_minute", quiet.from_minute), ("to_minute", quiet.to_minute)):
        if not 0 <= minute < MINUTES_A_DAY:
            raise InvalidInput("out_of_range", field=name, least=0, most=MINUTES_A_DAY - 1)
    return quiet


def spoken(at: datetime, zone: ZoneInfo) -> str:
    """An instant as a letter names it, in English: Tuesday 24 November 2026 at 10:15."""
    local = at.astimezone(zone)
    return f"{_WEEKDAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year} at {local:%H:%M}"
