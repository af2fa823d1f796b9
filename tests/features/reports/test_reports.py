"""Reports say what counting visit by visit says, on the clinic's clock, across the changes of the clocks, on any machine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, insert, update

from clinicdesk.core.clinic import Clinic
from clinicdesk.core.errors import InvalidInput, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tables import to_csv
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.appointments.rules import CANCEL_REASONS, COUNTED, GIVEN
from clinicdesk.features.appointments.schemas import Status
from clinicdesk.features.practitioners.models import Absence
from clinicdesk.features.reports import service as reports
from clinicdesk.features.reports.schemas import By, CancellationRow, PatientsRow, ReportQuery, UseRow
from tests.conftest import person
from tests.features.appointments.conftest import TODAY, Place, at, furnish

ZONES = ("America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
FIRST, LAST = date(2026, 3, 1), date(2026, 11, 30)
"""The clocks change twice between them in two of the zones."""
ENDED = [Status.FULFILLED, Status.FULFILLED, Status.FULFILLED, Status.CANCELLED, Status.NOSHOW, Status.ENTERED_IN_ERROR]
NAMES = {"lee": "Dr Grace Lee", "okafor": "Dr Amara Okafor", "herrera": "Tomás Herrera"}


@dataclass(frozen=True)
class Seeded:
    """A clinic whose visits are known one by one."""

    db: Database
    place: Place
    zone: ZoneInfo
    visits: list[dict[str, Any]]

    def local(self, visit: dict[str, Any]) -> datetime:
        start: datetime = visit["start"]
        return start.astimezone(self.zone)

    def inside(self, query: ReportQuery) -> list[dict[str, Any]]:
        return [
            visit
            for visit in self.visits
            if (query.first or TODAY) <= self.local(visit).date() <= (query.last or TODAY)
            and (not query.practitioner_ids or visit["practitioner_id"] in query.practitioner_ids)
        ]

    def ask(self, verb: Callable[..., Any], *args: Any, actor: Actor | None = None) -> Any:
        with self.db.read(actor or person(Role.ADMINISTRATOR)) as tx:
            return verb(tx, *args)


def made_up(place: Place, chance: Random, count: int) -> Iterable[dict[str, Any]]:
    people = (place.smith, place.jones, *place.others)
    for _ in range(count):
        start = datetime(2026, 2, 20, tzinfo=UTC) + timedelta(minutes=5 * chance.randrange(12 * 24 * 300))
        status = chance.choice(ENDED)
        came = status is Status.FULFILLED and chance.random() < 0.9
        arrived = start - timedelta(minutes=chance.randrange(-5, 30), microseconds=chance.randrange(1_000_000))
        yield {
            "id": new_id(), "version": 1, "patient_id": chance.choice(people),
            "practitioner_id": chance.choice((place.lee, place.okafor)), "room_id": None,
            "type_id": chance.choice((None, place.follow_up)), "start": start,
            "end": start + timedelta(minutes=chance.choice((10, 20, 45))), "status": status.value,
            "cancel_reason": chance.choice(CANCEL_REASONS[:4]) if status is Status.CANCELLED else "",
            "arrived_at": arrived if came else None, "checked_in_at": None,
            "started_at": arrived + timedelta(minutes=chance.randrange(-2, 50), seconds=3) if came else None,
            "ended_at": None, "created_at": start - timedelta(days=chance.choice((-1, 0, 1, 2, 3, 7, 8, 20, 31, 90))),
            "created_by": None,
        }  # fmt: skip


def seed(db: Database, zone: str, count: int) -> Seeded:
    place = furnish(db, zone, others=60)
    visits = list(made_up(place, Random(11), count))
    with db.engine.begin() as connection:
        connection.execute(insert(Appointment), visits)
        connection.execute(
            insert(Absence),
            [
                {"id": new_id(), "version": 1, "practitioner_id": who, "kind": "leave", "start": start, "end": end}
                for who, start, end in (
                    (place.lee, datetime(2026, 5, 4, 10, tzinfo=UTC), datetime(2026, 5, 9, tzinfo=UTC)),
                    (None, datetime(2026, 6, 1, 12, tzinfo=UTC), datetime(2026, 6, 1, 15, tzinfo=UTC)),
                )
            ],
        )
    return Seeded(db, place, ZoneInfo(zone), visits)


@pytest.fixture(params=ZONES)
def seeded(db: Database, request: pytest.FixtureRequest) -> Seeded:
    return seed(db, request.param, 2500)


@pytest.fixture
def clinic(db: Database) -> Seeded:
    return seed(db, "America/New_York", 400)


def part(some: int, of: int) -> float | None:
    return round(some / of, 4) if of else None


def counted(visits: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [visit for visit in visits if visit["status"] in COUNTED]


def queries(place: Place) -> list[ReportQuery]:
    whole = ReportQuery(FIRST, LAST)
    return [whole, replace(whole, practitioner_ids=(place.lee,)), ReportQuery(date(2026, 10, 25), date(2026, 11, 5))]


def test_attendance_is_what_counting_says(seeded: Seeded) -> None:
    names = {seeded.place.lee: NAMES["lee"], seeded.place.okafor: NAMES["okafor"], seeded.place.follow_up: "Follow-up"}
    keys: dict[By, Callable[[dict[str, Any]], Any]] = {
        By.PRACTITIONER: lambda visit: visit["practitioner_id"],
        By.TYPE: lambda visit: visit["type_id"] or "",
        By.MONTH: lambda visit: f"{seeded.local(visit):%Y-%m}",
        By.DAY: lambda visit: f"{seeded.local(visit):%Y-%m-%d}",
        By.WEEKDAY: lambda visit: seeded.local(visit).weekday(),
        By.HOUR: lambda visit: seeded.local(visit).hour,
    }
    for query in queries(seeded.place):
        for by, key in keys.items():
            figures = Counter((key(visit), visit["status"]) for visit in seeded.inside(query))
            expected = {}
            for one in {one for one, _ in figures}:
                done, missed, gone = (
                    figures[one, s.value] for s in (Status.FULFILLED, Status.NOSHOW, Status.CANCELLED)
                )
                visits = sum(count for (other, status), count in figures.items() if other == one and status in COUNTED)
                rates = part(missed, done + missed), part(gone, visits + gone)
                expected[str(one)] = (str(names.get(one, "")), visits, done, missed, gone, *rates)
            report = seeded.ask(reports.attendance, query, by)
            found = {
                row.key: (
                    row.name, row.visits, row.fulfilled, row.no_shows, row.cancelled, row.no_show_rate,
                    row.cancellation_rate,
                )
                for row in report.rows
            }  # fmt: skip
            assert found == expected, (query, by)
            assert len(report.rows) == len(found)
            if by in (By.WEEKDAY, By.HOUR):
                assert [int(row.key) for row in report.rows] == sorted(int(row.key) for row in report.rows)


def test_demand_and_the_busiest_days_are_what_counting_says(seeded: Seeded) -> None:
    for query in queries(seeded.place):
        visits = counted(seeded.inside(query))
        hours = Counter((seeded.local(visit).weekday(), seeded.local(visit).hour) for visit in visits)
        found = seeded.ask(reports.demand, query).rows
        assert [((row.weekday, row.hour), row.visits) for row in found] == sorted(hours.items())
        days = Counter(seeded.local(visit).date() for visit in visits)
        busiest = sorted(days.items(), key=lambda item: (-item[1], item[0]))[:10]
        assert [(row.day, row.visits) for row in seeded.ask(reports.busiest_days, query).rows] == busiest
    mondays = sum(day.weekday() == 0 for day in (FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)))
    [first, *_] = seeded.ask(reports.demand, ReportQuery(FIRST, LAST)).rows
    assert first.per_day == round(first.visits / mondays, 2)


def test_cancellations_are_what_counting_says(seeded: Seeded) -> None:
    for query in queries(seeded.place):
        reasons = Counter(visit["cancel_reason"] for visit in seeded.inside(query) if visit["status"] == "cancelled")
        rows = seeded.ask(reports.cancellations, query).rows
        expected = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        assert [(row.reason, row.cancelled) for row in rows] == expected
        assert all(row.share == part(row.cancelled, reasons.total()) for row in rows)


def test_lead_times_are_what_counting_says(seeded: Seeded) -> None:
    bounds = (0, 1, 3, 8, 15, 31, 10_000)
    for query in queries(seeded.place):
        for low, row in zip(bounds, seeded.ask(reports.lead_times, query).rows, strict=False):
            high = bounds[bounds.index(low) + 1]
            inside = [
                visit
                for visit in seeded.inside(query)
                if low <= max(visit["start"] - visit["created_at"], timedelta(0)) / timedelta(days=1) < high
            ]
            status = Counter(visit["status"] for visit in inside)
            assert (row.days_ahead, row.visits, row.cancelled) == (low, len(counted(inside)), status["cancelled"])
            assert row.no_show_rate == part(status["noshow"], status["noshow"] + status["fulfilled"])


def test_waits_are_what_counting_says(seeded: Seeded) -> None:
    for query in queries(seeded.place):
        for row in seeded.ask(reports.waiting, query).rows:
            waits = [
                (visit["started_at"] - visit["arrived_at"]) / timedelta(minutes=1)
                for visit in seeded.inside(query)
                if visit["practitioner_id"] == row.practitioner_id
                and visit["arrived_at"] is not None
                and visit["started_at"] >= visit["arrived_at"]
            ]
            assert (row.seen, row.over_target) == (len(waits), sum(wait > 15 for wait in waits))
            assert (row.mean_minutes, row.longest_minutes) == (round(sum(waits) / len(waits), 1), round(max(waits), 1))


def test_new_and_returning_patients_are_what_counting_says(seeded: Seeded) -> None:
    for query in queries(seeded.place):
        inside = counted(seeded.inside(query))
        known = {
            visit["patient_id"]
            for visit in counted(seeded.visits)
            if seeded.local(visit).date() < (query.first or TODAY)
        }
        expected = [("", {visit["patient_id"] for visit in inside})] + [
            (NAMES[who], {v["patient_id"] for v in inside if v["practitioner_id"] == getattr(seeded.place, who)})
            for who in ("okafor", "lee")
        ]
        rows = [
            (row.practitioner_name, row.patients, row.new, row.returning)
            for row in seeded.ask(reports.new_and_returning, query).rows
        ]
        assert rows == [(name, len(those), len(those - known), len(those & known)) for name, those in expected if those]


def test_the_use_of_hours_is_what_counting_says(seeded: Seeded) -> None:
    query = ReportQuery(date(2026, 5, 3), date(2026, 6, 2))
    given: Counter[UUID] = Counter()
    for visit in seeded.inside(query):
        if visit["status"] in GIVEN:
            given[visit["practitioner_id"]] += int((visit["end"] - visit["start"]).total_seconds()) // 60

    def open_minutes(who: UUID) -> int:
        """Minute by minute: 8 to 18 on every day, without the two absences."""
        away = [(datetime(2026, 6, 1, 12, tzinfo=UTC), datetime(2026, 6, 1, 15, tzinfo=UTC))]
        if who == seeded.place.lee:
            away.append((datetime(2026, 5, 4, 10, tzinfo=UTC), datetime(2026, 5, 9, tzinfo=UTC)))
        minutes = 0
        for day in range(31):
            opens = datetime(2026, 5, 3, 8, tzinfo=seeded.zone) + timedelta(days=day)
            for minute in range(600):
                now = opens.astimezone(UTC) + timedelta(minutes=minute)
                minutes += not any(start <= now < end for start, end in away)
        return minutes

    rows = {row.practitioner_id: row for row in seeded.ask(reports.use_of_hours, query).rows}
    assert list(rows) == [seeded.place.okafor, seeded.place.lee, seeded.place.herrera]
    for who, row in rows.items():
        assert (row.open_minutes, row.given_minutes) == (open_minutes(who), given[who])
        assert row.use == part(given[who], row.open_minutes)


def test_one_practitioners_statistics_agree_with_the_reports(clinic: Seeded) -> None:
    lee = clinic.place.lee
    query = ReportQuery(FIRST, LAST, (lee,))
    found = clinic.ask(reports.practitioner_statistics, ReportQuery(FIRST, LAST), lee)
    [attendance] = clinic.ask(reports.attendance, query).rows
    [waits] = clinic.ask(reports.waiting, query).rows
    [use] = clinic.ask(reports.use_of_hours, query).rows
    people = clinic.ask(reports.new_and_returning, query).rows[0]
    assert found.by_status == Counter(visit["status"] for visit in clinic.inside(query))
    assert (found.visits, found.no_show_rate, found.cancellation_rate) == (
        attendance.visits, attendance.no_show_rate, attendance.cancellation_rate,
    )  # fmt: skip
    assert (found.seen, found.mean_wait_minutes, found.longest_wait_minutes, found.over_target) == (
        waits.seen, waits.mean_minutes, waits.longest_minutes, waits.over_target,
    )  # fmt: skip
    assert (found.open_minutes, found.given_minutes, found.use) == (use.open_minutes, use.given_minutes, use.use)
    assert (found.patients, found.new_patients) == (people.patients, people.new)
    nothing = clinic.ask(reports.practitioner_statistics, ReportQuery(TODAY, TODAY), clinic.place.herrera)
    assert (nothing.by_status, nothing.visits, nothing.no_show_rate, nothing.patients) == ({}, 0, None, 0)
    with pytest.raises(NotFound, match="practitioner_not_found"):
        clinic.ask(reports.practitioner_statistics, ReportQuery(FIRST, LAST), new_id())


def test_today_is_told_as_it_stands(db: Database) -> None:
    place = furnish(db)

    def visit(hour: int, status: Status, **more: Any) -> dict[str, Any]:
        return {
            "id": new_id(), "version": 1, "patient_id": place.smith, "practitioner_id": place.lee, "start": at(hour),
            "end": at(hour, 30), "status": status.value, "created_at": at(7), "confirmed": False, "arrived_at": None,
            "started_at": None, **more,
        }  # fmt: skip

    with db.engine.begin() as connection:
        connection.execute(update(Clinic).values(wait_target_minutes=10))
        connection.execute(
            insert(Appointment),
            [
                visit(8, Status.FULFILLED, arrived_at=at(8), started_at=at(8, 20)),
                visit(9, Status.NOSHOW),
                visit(10, Status.CHECKED_IN, arrived_at=at(10), started_at=at(10, 4)),
                visit(11, Status.ARRIVED, arrived_at=at(10, 30)),
                visit(12, Status.BOOKED, confirmed=True),
                visit(13, Status.PENDING),
                visit(14, Status.CANCELLED),
                {**visit(9, Status.BOOKED), "start": at(9, day=1), "end": at(10, day=1)},
            ],
        )
    clinic = Seeded(db, place, ZoneInfo("UTC"), [])
    found = clinic.ask(reports.today, actor=person(Role.RECEPTIONIST))
    assert (found.day, found.expected, found.unconfirmed, found.waiting, found.in_room) == (TODAY, 2, 1, 1, 1)
    assert (found.fulfilled, found.no_shows, found.cancelled) == (1, 1, 1)
    assert (found.longest_wait_minutes, found.mean_wait_minutes, found.over_target) == (12.0, 12.0, 2)
    assert (found.open_minutes, found.given_minutes, found.use) == (1800, 180, 0.1)
    assert clinic.ask(reports.today, (place.okafor,)).expected == 0


def test_a_receptionist_sees_today_a_doctor_their_own_and_an_administrator_all(clinic: Seeded) -> None:
    whole, now = ReportQuery(FIRST, LAST), ReportQuery()
    receptionist, administrator = person(Role.RECEPTIONIST), person(Role.ADMINISTRATOR)
    doctor = replace(person(Role.DOCTOR), practitioner_id=clinic.place.lee)
    for verb in (reports.attendance, reports.waiting, reports.new_and_returning, reports.use_of_hours, reports.demand):
        assert clinic.ask(verb, now, actor=receptionist).first == TODAY
        with pytest.raises(NotPermitted, match="figures_of_today"):
            clinic.ask(verb, whole, actor=receptionist)
        own = replace(whole, practitioner_ids=(clinic.place.lee,))
        assert clinic.ask(verb, whole, actor=doctor) == clinic.ask(verb, own, actor=administrator)
        with pytest.raises(NotPermitted, match="own_figures"):
            clinic.ask(verb, replace(whole, practitioner_ids=(clinic.place.okafor,)), actor=doctor)
        with pytest.raises(NotPermitted, match="practitioner_not_linked"):
            clinic.ask(verb, now, actor=person(Role.NURSE))
        with pytest.raises(NotPermitted):
            clinic.ask(verb, now, actor=person(Role.PATIENT))


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (ReportQuery(date(2026, 1, 1), date(2027, 1, 2)), "span"),
        (ReportQuery(LAST, FIRST), "ends_before_start"),
        (ReportQuery(date(1, 1, 1), date(1, 1, 2)), "out_of_range"),
        (ReportQuery(date(9999, 12, 31), date(9999, 12, 31)), "out_of_range"),
    ],
)
def test_a_report_is_about_a_year_at_most(clinic: Seeded, query: ReportQuery, code: str) -> None:
    with pytest.raises(InvalidInput, match=code):
        clinic.ask(reports.attendance, query)


def test_one_end_of_the_days_may_be_left_out(clinic: Seeded) -> None:
    for query, days in (
        (ReportQuery(), (TODAY, TODAY)),
        (ReportQuery(first=date(2026, 11, 1)), (date(2026, 11, 1), TODAY)),
        (ReportQuery(first=date(2026, 12, 1)), (date(2026, 12, 1), date(2026, 12, 1))),
        (ReportQuery(last=date(2026, 12, 1)), (TODAY, date(2026, 12, 1))),
        (ReportQuery(last=FIRST), (FIRST, FIRST)),
    ):
        report = clinic.ask(reports.cancellations, query)
        assert (report.first, report.last) == days


@pytest.mark.embedded
def test_a_table_is_csv_and_no_name_in_it_is_a_formula() -> None:
    row = UseRow(UUID(int=1), '=HYPERLINK("x"),\r\n', 60, 30, 0.5, 2)
    text = to_csv([row], UseRow)
    assert text == (
        "practitioner_id,practitioner_name,open_minutes,given_minutes,use,visits\r\n"
        '00000000-0000-0000-0000-000000000001,"\'=HYPERLINK(""x""),\r\n",60,30,0.5,2\r\n'
    )
    assert to_csv([], CancellationRow) == "reason,cancelled,share\r\n"
    assert to_csv([PatientsRow(None, "", 1, 1, 0)], PatientsRow).endswith("\r\n,,1,1,0\r\n")


def test_no_report_walks_over_all_appointments(clinic: Seeded) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        asked.append((statement, parameters))

    day = ReportQuery(TODAY, TODAY)
    event.listen(clinic.db.engine, "before_cursor_execute", note)
    for by in By:
        clinic.ask(reports.attendance, day, by)
    verbs: list[Callable[..., Any]] = [
        reports.cancellations, reports.demand, reports.busiest_days, reports.lead_times, reports.waiting,
        reports.use_of_hours, reports.new_and_returning,
    ]  # fmt: skip
    for verb in verbs:
        clinic.ask(verb, day)
    clinic.ask(reports.today)
    clinic.ask(reports.practitioner_statistics, day, clinic.place.lee)
    event.remove(clinic.db.engine, "before_cursor_execute", note)
    asked = [one for one in asked if one[0].startswith(("SELECT", "WITH")) and "appointment" in one[0]]
    assert len(asked) > 15
    explain, walk = "EXPLAIN QUERY PLAN", re.compile(r"SCAN (appointment|earlier)\b(?!_)")
    with clinic.db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            explain, walk = "EXPLAIN", re.compile(r"Seq Scan on appointment\b(?!_)")
            connection.exec_driver_sql("SET enable_seqscan = off")  # among so few it would be the quickest way
        for statement, parameters in asked:
            plan = "\n".join(row[-1] for row in connection.exec_driver_sql(f"{explain} {statement}", parameters))
            assert not walk.search(plan), f"{statement}\n{plan}"
