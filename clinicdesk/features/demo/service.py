"""Makes the demo clinic, and has its day go on whenever it is opened; keeps whatever its user has done."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import select

from clinicdesk.core.clinic import ClinicRow, find_clinic
from clinicdesk.core.errors import ClinicError, Conflict
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database, Tx
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.appointments.rules import CHAIN, FINAL, State, state_of
from clinicdesk.features.appointments.schemas import (
    AppointmentRow,
    BookAppointment,
    CancelAppointment,
    OutsideHours,
    RecordPast,
    SlotTaken,
    Status,
)
from clinicdesk.features.demo import cast
from clinicdesk.features.demo.cast import DemoAccount
from clinicdesk.features.demo.plan import Fate, chance, courses, fate_of, fill, shifts_around
from clinicdesk.features.interop.memory import Memory
from clinicdesk.features.interop.models import ImportedRecord
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.patients.schemas import RegisterPatient, SaveAllergy, SaveContact
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.practitioners.rules import days_between, instant, shift_of, subtract
from clinicdesk.features.practitioners.schemas import (
    AbsenceKind,
    AddAbsence,
    Interval,
    SavePractitioner,
    SaveRoom,
    SaveSite,
    SetUpClinic,
    SetWeeklyHours,
)
from clinicdesk.features.users import service as users
from clinicdesk.features.users.schemas import AddUser, UserRow

_ACTOR = Actor(None, Role.OPERATOR, "demo clinic", "demo")

_PAST_DAYS = 10
_FUTURE_DAYS = 15
_DENSITY = ((0, 0.8), (1, 0.6), (7, 0.4), (_FUTURE_DAYS, 0.2))
"""How full the days are that lie so many days ahead, or fewer."""
_MOST_IN_SHIFT = 4
"""So many practitioners are at work now, whenever now is."""
_LUNCHES = 3
"""With so many in a shift, the others are at lunch and may stay there."""
_OPEN = tuple(status for status in Status if status not in FINAL)
_UNDECIDED = (Status.PROPOSED, Status.PENDING, Status.WAITLIST)
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_SEEN = "demo:day"
_PRACTITIONER = "demo:practitioner"
_PATIENT = "demo:patient"


@dataclass(frozen=True, slots=True)
class DemoAccounts:
    """The accounts that anybody may open the demo clinic with."""

    clinic: str
    accounts: tuple[DemoAccount, ...]


def prepare(database: Database, now: datetime, zone: str | None = None) -> DemoAccounts:
    """Make the demo clinic where there is none, and bring its day to `now` (aware).

    `zone` is an IANA name for a new clinic; None: this machine's. Deletes nothing, and opening it twice changes nothing.
    Raises Conflict("not_a_demo_clinic") where the data is another clinic's.
    """
    with database.write(_ACTOR) as tx:
        tx.now = now
        clinic = find_clinic(tx.session)
        if clinic is None:
            clinic = _found(tx, zone or local_zone())
        elif tx.session.scalar(select(ImportedRecord.entity_id).where(ImportedRecord.kind == _PRACTITIONER)) is None:
            raise Conflict("not_a_demo_clinic")
        _Days(tx, clinic).go_on()
    return DemoAccounts(cast.CLINIC, cast.ACCOUNTS)


def local_zone() -> str:
    """The IANA name of this machine's time zone, as far as the system tells it; else UTC."""
    names = available_timezones()
    linked = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2].removeprefix("posix/")
    return next((name for name in (os.environ.get("TZ", "").lstrip(":"), linked) if name in names), "UTC")


def _found(tx: Tx, zone: str) -> ClinicRow:
    """The clinic with its people, rooms, types, accounts and patients, before any visit."""
    clinic = practitioners.set_up_clinic(tx, SetUpClinic(cast.CLINIC, zone))
    memory = Memory(tx.session)
    site = practitioners.save_site(tx, SaveSite("Harbour Street", cast.SITE_ADDRESS))
    for kind in cast.TYPES:
        appointments.save_type(tx, kind)
    today = tx.now.astimezone(clinic.tz).date()
    ids: dict[str, UUID] = {}
    for position, person in enumerate(cast.CLINICIANS):
        room = practitioners.save_room(tx, SaveRoom(site.id, person.room))
        row = practitioners.save_practitioner(
            tx,
            SavePractitioner(
                person.family, person.given, person.prefix, person.suffix, person.specialty, room.id, position
            ),
        )
        _set_hours(tx, row.id, person.shifts, today - 90 * _DAY)
        memory.keep(_PRACTITIONER, person.key, "practitioner", row.id, b"")
        ids[person.key] = row.id
    added: dict[str, UserRow] = {}
    for account in cast.ACCOUNTS:
        request = AddUser(account.email, account.name, account.role, account.passphrase, ids.get(account.practitioner))
        added[account.name] = users.add_user(tx, request)
    for number, patient in enumerate(cast.patients(today)):
        person_id = patients.register(tx, RegisterPatient(patient.demographics)).id
        for substance, reaction, severity in patient.allergies:
            patients.save_allergy(tx, SaveAllergy(person_id, substance, reaction, severity))
        if patient.asked_about_allergies:
            patients.allergies_checked(tx, person_id)
        for name, relationship, phone in patient.contacts:
            patients.save_contact(tx, SaveContact(person_id, name, relationship, phone))
        memory.keep(_PATIENT, f"{number:03}", "patient", person_id, b"")
        own = added.get(f"{patient.demographics.given} {patient.demographics.family}")
        if own is not None and own.role is Role.PATIENT and own.patient_id is None:
            added[own.name] = users.link_patient(tx, own.id, own.version, person_id, in_person=True)
    tx.session.flush()
    return clinic


def _set_hours(
    tx: Tx, practitioner_id: UUID, shifts: Sequence[tuple[int, int]], first: date, last: date | None = None
) -> None:
    weekdays = range(7) if last is None else (first.weekday(),)
    week = tuple(shift_of(weekday, start, end) for weekday in weekdays for start, end in shifts)
    practitioners.set_weekly_hours(tx, SetWeeklyHours(practitioner_id, week, first, last))


class _Days:
    """The work of one opening: fills the days that are still empty, and lets visits come to where they are by now."""

    def __init__(self, tx: Tx, clinic: ClinicRow) -> None:
        self.tx = tx
        self.now = tx.now
        self.zone: ZoneInfo = clinic.tz
        self.today = self.now.astimezone(self.zone).date()
        self.memory = Memory(tx.session)
        self.patients = list(
            tx.session.scalars(
                select(Patient.id)
                .join(ImportedRecord, ImportedRecord.entity_id == Patient.id)
                .where(ImportedRecord.kind == _PATIENT, Patient.active, ~Patient.deceased)
                .order_by(ImportedRecord.source_id)
            )
        )
        rows = tx.session.execute(
            select(ImportedRecord.source_id, ImportedRecord.entity_id).where(ImportedRecord.kind == _PRACTITIONER)
        )
        ids = {row.source_id: row.entity_id for row in rows}
        active = {row.id for row in practitioners.list_practitioners(tx)}
        self.people = {ids[p.key]: p for p in cast.CLINICIANS if ids.get(p.key) in active}
        self.types = {row.short: row for row in appointments.list_types(tx)}
        self.busy: dict[date, set[UUID]] = defaultdict(set)

    def go_on(self) -> None:
        if not self.people or not self.types or not self.patients:
            return  # the user has turned everything off
        days = days_between(self.today - _PAST_DAYS * _DAY, self.today + _FUTURE_DAYS * _DAY)
        self.memory.load((_SEEN, day.isoformat()) for day in days)
        new = [day for day in days if self.memory.find(_SEEN, day.isoformat()) is None]
        opened = self._open_now()
        if self.today in new:
            self._block_calls()
        self._note_busy(new)
        for day in new:
            self._fill_day(day)
            self.memory.keep(_SEEN, day.isoformat(), "day", new_id(), b"")
        if opened and self.today not in new:
            self._fill(self.today, opened)
        self._advance()
        self._see_that_somebody_waits()
        self.tx.now = self.now

    # Hours

    def _open_now(self) -> dict[UUID, tuple[Interval, ...]]:
        """Have most practitioners at work now; gives back the hours that this has opened."""
        before = self._open_hours(self.today)
        at_work = [id_ for id_, stretches in before.items() if any(s.start <= self.now < s.end for s in stretches)]
        if len(at_work) >= _LUNCHES:
            return {}
        local = self.now.astimezone(self.zone)
        for id_ in [id_ for id_ in self.people if id_ not in at_work][: _MOST_IN_SHIFT - len(at_work)]:
            week = [
                (s.start.hour * 60 + s.start.minute, s.end.hour * 60 + s.end.minute or 24 * 60)
                for row in practitioners.weekly_hours(self.tx, id_)
                if row.valid_from <= self.today and (row.valid_to is None or self.today <= row.valid_to)
                for s in row.shifts
                if s.weekday == self.today.weekday()
            ]
            _set_hours(self.tx, id_, shifts_around(local.hour * 60 + local.minute, week), self.today, self.today)
        after = self._open_hours(self.today)
        return {id_: subtract(after[id_], before[id_]) for id_ in after}

    def _open_hours(self, day: date) -> dict[UUID, tuple[Interval, ...]]:
        return {d.practitioner_id: d.open for d in practitioners.working_days(self.tx, list(self.people), day, day)}

    def _block_calls(self) -> None:
        """The first doctor has half an hour of phone calls, and the physiotherapist a day of leave next week."""
        doctor, physio = next(iter(self.people)), list(self.people)[-1]
        later = [s for s in self._open_hours(self.today)[doctor] if s.end - self.now > 90 * _MINUTE]
        if later:
            start = max(later[-1].end - 150 * _MINUTE, later[-1].start)
            self._absent(doctor, AbsenceKind.BLOCK, start, start + 30 * _MINUTE, "Phone calls")
        leave = self.today + 5 * _DAY
        if self.memory.find(_SEEN, leave.isoformat()) is None:
            start, end = (instant(day, 0, self.zone) for day in (leave, leave + _DAY))
            self._absent(physio, AbsenceKind.LEAVE, start, end, "Leave")

    def _absent(self, who: UUID, kind: AbsenceKind, start: datetime, end: datetime, note: str) -> None:
        practitioners.add_absence(self.tx, AddAbsence(who, kind, start, end, note))

    # Filling

    def _note_busy(self, days: Sequence[date]) -> None:
        """Nobody of the demo comes twice on one day."""
        if days:
            bounds = instant(days[0], 0, self.zone), instant(days[-1] + _DAY, 0, self.zone)
            for visit in appointments.visits_between(self.tx, *bounds):
                self.busy[visit.start.astimezone(self.zone).date()].add(visit.patient_id)

    def _fill_day(self, day: date) -> None:
        self._fill(day, self._open_hours(day))
        if day == self.today:
            self._overbook()
            self._make_some_wait()

    def _fill(self, day: date, hours: dict[UUID, tuple[Interval, ...]]) -> None:
        minutes = {short: row.minutes for short, row in self.types.items()}
        ahead = (day - self.today).days
        density = 0.6 if ahead < 0 else next(d for most, d in _DENSITY if ahead <= most)
        dice = chance("patients", day, len(self.busy[day]))
        for id_, person in self.people.items():
            types = [short for short in person.types if short in minutes]
            for slot in fill(person.key, day, hours[id_], types, minutes, density):
                type_ = self.types[slot.type]
                reason = dice.choice(cast.REASONS[slot.type])
                patient_id = self._somebody(day, dice)
                end = slot.start + slot.length
                if end <= self.now and ahead < 0:
                    status = {Fate.COMES: Status.FULFILLED, Fate.MISSES: Status.NOSHOW, Fate.CANCELS: Status.CANCELLED}
                    past = RecordPast(
                        patient_id, id_, slot.start, end, status[slot.fate], type_.id,
                        reason=reason, cancel_reason="pat" if slot.fate is Fate.CANCELS else "",
                    )  # fmt: skip
                    appointments.record_past(self.tx, past)
                    continue
                request = BookAppointment(patient_id, id_, slot.start, slot.length, type_.id, reason=reason)
                try:
                    with self.tx.attempt():
                        visit = appointments.book(self.tx, request)
                except ClinicError:  # the user has closed this time, or the patient's record
                    continue
                if slot.fate is Fate.CANCELS:
                    appointments.cancel(self.tx, CancelAppointment(visit.id, visit.version, "pat"))
                elif slot.confirmed:
                    appointments.confirm(self.tx, visit.id, visit.version)

    def _somebody(self, day: date, dice: Random) -> UUID:
        free = [id_ for id_ in self.patients if id_ not in self.busy[day]] or self.patients
        chosen = dice.choice(free)
        self.busy[day].add(chosen)
        return chosen

    def _overbook(self) -> None:
        """Somebody urgent is put beside a visit that is still to come."""
        coming = [v for v in self._visits_today() if v.status is Status.BOOKED and v.start > self.now + 30 * _MINUTE]
        if coming:
            beside = coming[len(coming) // 3]
            self._squeeze_in(beside.practitioner_id, beside.start)

    def _make_some_wait(self) -> None:
        """A few are on the waitlist, and a few times are only proposed, or wait for the doctor's word."""
        dice = chance("waitlist", self.today)
        bounds = self.now, self.now + _FUTURE_DAYS * _DAY
        if any(v.status is Status.WAITLIST for v in appointments.visits_between(self.tx, *bounds)):
            return
        hours = self._open_hours(self.today + 2 * _DAY)
        at_work = [id_ for id_ in self.people if hours[id_]]
        followup = next(iter(self.types.values()))
        wanted = (Status.WAITLIST,) * 4 + (Status.PROPOSED,) * 2 + (Status.PENDING,) * 2
        for days_ago, status in enumerate(wanted if at_work else (), start=1):
            id_ = dice.choice(at_work)
            self.tx.now = self.now - days_ago * _DAY
            request = BookAppointment(
                self._somebody(self.today + 2 * _DAY, dice), id_, hours[id_][0].start + dice.randrange(12) * 15 * _MINUTE,
                timedelta(minutes=followup.minutes), followup.id, reason=dice.choice(cast.REASONS["fu"]), status=status,
                patient_overlap=True,
            )  # fmt: skip
            try:
                with self.tx.attempt():
                    appointments.book(self.tx, request)
            except (SlotTaken, OutsideHours):
                continue
        self.tx.now = self.now

    def _squeeze_in(self, practitioner_id: UUID, start: datetime) -> AppointmentRow:
        """Book somebody urgent, over another visit where it must be."""
        dice = chance("urgent", start)
        urgent = self.types.get("ur") or next(iter(self.types.values()))
        request = BookAppointment(
            self._somebody(self.today, dice), practitioner_id, start, timedelta(minutes=urgent.minutes), urgent.id,
            reason=dice.choice(cast.REASONS["ur"]), overbook_reason="Urgent, agreed with the doctor", outside_hours=True,
            patient_overlap=True,
        )  # fmt: skip
        return appointments.book(self.tx, request)

    # Going on

    def _visits_today(self) -> list[AppointmentRow]:
        bounds = instant(self.today, 0, self.zone), instant(self.today + _DAY, 0, self.zone)
        return [v for v in appointments.visits_between(self.tx, *bounds) if v.practitioner_id in self.people]

    def _advance(self) -> None:
        """Let every visit that the demo booked come to the state that it would have by now; none goes back."""
        c = Appointment.__table__.c
        mine = set(
            self.tx.session.scalars(
                select(c.id).where(
                    c.created_by.is_(None),
                    c.status.in_(_OPEN),
                    c.start < self.now + timedelta(hours=1),
                )
            )
        )
        if not mine:
            return
        first = self.tx.session.scalars(select(c.start).where(c.id.in_(mine)).order_by(c.start).limit(1)).one()
        day = first.astimezone(self.zone).date()
        bounds = instant(day, 0, self.zone), self.now + timedelta(hours=1)
        by_day: dict[tuple[UUID, date], list[AppointmentRow]] = defaultdict(list)
        for visit in appointments.visits_between(self.tx, *bounds):
            if visit.practitioner_id in self.people:
                by_day[visit.practitioner_id, visit.start.astimezone(self.zone).date()].append(visit)
        steps: list[tuple[datetime, UUID, State]] = []
        visits: dict[UUID, AppointmentRow] = {}
        for (practitioner_id, _), visits_of_day in by_day.items():
            for visit, at, state in self._steps(self.people[practitioner_id].key, visits_of_day):
                if visit.id in mine and at <= self.now:
                    visits[visit.id] = visit
                    steps.append((at, visit.id, state))
        for at, id_, state in sorted(steps):
            self.tx.now = at
            visits[id_] = self._step(visits[id_], state)
        self.tx.now = self.now

    def _steps(self, key: str, visits: list[AppointmentRow]) -> list[tuple[AppointmentRow, datetime, State]]:
        """When each visit of a practitioner's day reaches which state."""
        found = []
        coming = []
        for visit in sorted(visits, key=lambda v: v.start):
            if visit.status in (Status.CANCELLED, Status.ENTERED_IN_ERROR, Status.NOSHOW):
                continue
            if visit.status in _UNDECIDED:  # nobody has said yes in time
                found.append((visit, visit.start, State.CANCELLED))
            elif visit.status is Status.BOOKED and fate_of(key, visit.start) is Fate.MISSES:
                found.append((visit, visit.start + 20 * _MINUTE, State.NOSHOW))
            else:
                coming.append(visit)
        for visit, course in zip(coming, courses(key, [v.interval for v in coming]), strict=True):
            found += [(visit, at, state) for at, state in course.steps()]
        return found

    def _step(self, visit: AppointmentRow, to: State) -> AppointmentRow:
        if to is State.NOSHOW:
            return appointments.no_show(self.tx, visit.id, visit.version)
        if to is State.CANCELLED:
            return appointments.cancel(self.tx, CancelAppointment(visit.id, visit.version, "other"))
        state = state_of(visit)
        if state not in CHAIN or CHAIN.index(to) <= CHAIN.index(state):
            return visit  # the user was quicker
        go = {
            State.ARRIVED: appointments.arrive,
            State.CHECKED_IN: appointments.check_in,
            State.IN_ROOM: appointments.start_visit,
            State.FULFILLED: appointments.fulfil,
        }[to]
        return go(self.tx, visit.id, visit.version)

    def _see_that_somebody_waits(self) -> None:
        """At least two people in the waiting room and one with a clinician, however quiet the hour."""
        visits = self._visits_today()
        waiting = [v for v in visits if v.status in (Status.ARRIVED, Status.CHECKED_IN) and not v.in_progress]
        occupied = {v.practitioner_id for v in visits if v.in_progress}
        hours = self._open_hours(self.today)
        at_work = [id_ for id_ in self.people if any(s.start <= self.now < s.end for s in hours[id_])]
        free = [id_ for id_ in at_work if id_ not in occupied] or list(self.people)
        grid = self.now - timedelta(
            minutes=self.now.minute % 5, seconds=self.now.second, microseconds=self.now.microsecond
        )
        later = grid + 10 * _MINUTE
        soon = later if later.astimezone(self.zone).date() == self.today else grid
        if not occupied:
            visit = self._come(free[0], grid, 9)
            self.tx.now = self.now - 2 * _MINUTE
            appointments.start_visit(self.tx, visit.id, visit.version)
        for minutes, id_ in zip((6, 13)[len(waiting) :], free[1:] or free, strict=False):
            self._come(id_, soon, minutes)
        self.tx.now = self.now

    def _come(self, practitioner_id: UUID, start: datetime, minutes_ago: int) -> AppointmentRow:
        """Somebody urgent who came some minutes ago."""
        self.tx.now = self.now - minutes_ago * _MINUTE
        visit = self._squeeze_in(practitioner_id, start)
        return appointments.arrive(self.tx, visit.id, visit.version)
