"""The demo clinic is lively whenever and wherever it is opened, breaks no rule, and keeps what its user did."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from clinicdesk.core import trail
from clinicdesk.core.clinic import load_clinic
from clinicdesk.core.database import open_database
from clinicdesk.core.errors import Conflict
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.rules import HOLDING
from clinicdesk.features.appointments.schemas import AppointmentRow, CancelAppointment, FindOpenings, Reschedule, Status
from clinicdesk.features.demo import cast, service
from clinicdesk.features.demo.plan import shifts_around
from clinicdesk.features.demo.service import prepare
from clinicdesk.features.patients import service as patients
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.practitioners.schemas import SetUpClinic
from clinicdesk.features.users import passwords
from clinicdesk.features.users import service as users
from clinicdesk.features.users.schemas import SignIn
from tests.conftest import KEY, Hands

OPERATOR = Actor(None, Role.OPERATOR, "operator", "test")
MINUTE = timedelta(minutes=1)


NOW = datetime(2026, 11, 23, 10, 42, tzinfo=UTC)


def make_small(patch: pytest.MonkeyPatch) -> None:
    """Fewer people and fewer days: what is tested is today."""
    patch.setattr(cast, "_PATIENTS", 130)
    patch.setattr(service, "_PAST_DAYS", 1)
    patch.setattr(service, "_FUTURE_DAYS", 1)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)


@pytest.fixture(scope="module")
def prepared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo clinic in London, as it is at NOW."""
    file = Path(shutil.copy(template, tmp_path_factory.mktemp("demo") / "clinic.db"))
    with pytest.MonkeyPatch.context() as patch:
        make_small(patch)
        patch.setattr(passwords, "ROUNDS", 4)
        database = open_database(file, KEY)
        prepare(database, NOW, "Europe/London")
        database.close()
    return file


@pytest.fixture
def demo(prepared: Path, tmp_path: Path, clock: Hands) -> Iterator[Database]:
    clock.now = NOW
    database = open_database(Path(shutil.copy(prepared, tmp_path / "demo.db")), KEY, clock)
    yield database
    database.close()


def local(zone: str, *when: int) -> datetime:
    return datetime(*when, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[misc, arg-type]


def visits_of_today(db: Database, now: datetime) -> list[AppointmentRow]:
    with db.read(OPERATOR) as tx:
        zone = load_clinic(tx.session).tz
        day = now.astimezone(zone).date()
        return list(appointments.day_schedule(tx, day).visits)


def waiting(visits: list[AppointmentRow]) -> list[AppointmentRow]:
    return [v for v in visits if v.status in (Status.ARRIVED, Status.CHECKED_IN) and not v.in_progress]


def check_lively(db: Database, clock: Hands, now: datetime) -> list[AppointmentRow]:
    clock.now = now
    visits = visits_of_today(db, now)
    assert len(visits) >= 10
    assert waiting(visits)
    assert any(v.in_progress for v in visits)
    for visit in visits:
        stamps = [visit.arrived_at, visit.checked_in_at, visit.started_at, visit.ended_at]
        assert all(stamp is None or stamp <= now for stamp in stamps)
    with db.read(OPERATOR) as tx:
        assert appointments.find_openings(tx, FindOpenings(15 * MINUTE, now, now + timedelta(days=1)))
        today = now.astimezone(load_clinic(tx.session).tz).date()
        everyone = [row.id for row in practitioners.list_practitioners(tx)]
        open_now = [
            any(stretch.start <= now < stretch.end for stretch in day.open)
            for day in practitioners.working_days(tx, everyone, today, today)
        ]
        assert sum(open_now) >= 3
        assert trail.verify(tx.session.connection(), db.audit_key).problem is None
    check_no_overlap(db, now)
    return visits


def check_no_overlap(db: Database, now: datetime) -> None:
    with db.read(OPERATOR) as tx:
        rows = appointments.visits_between(tx, now - timedelta(days=3), now + timedelta(days=4))
    columns: dict[object, list[AppointmentRow]] = defaultdict(list)
    for row in rows:
        if row.status in HOLDING and not row.overbooked:
            columns[row.practitioner_id].append(row)
    for column in columns.values():
        for one, following in pairwise(sorted(column, key=lambda row: row.start)):
            assert one.end <= following.start
        assert sum(row.in_progress for row in column) <= 1


@pytest.mark.embedded  # where a trial is opened; the tests below go through the same on both databases
@pytest.mark.parametrize(
    ("zone", "when"),
    [
        ("Europe/Berlin", (2026, 11, 22, 12, 40)),  # a Sunday, at lunch
        ("America/New_York", (2026, 12, 25, 23, 50)),
        ("Pacific/Kiritimati", (2027, 1, 1, 0, 10)),
        ("Pacific/Pago_Pago", (2026, 12, 31, 23, 59)),
        ("Asia/Kathmandu", (2026, 6, 6, 0, 0)),
        ("Europe/Berlin", (2026, 3, 29, 3, 5)),  # the clocks have just gone forward
        ("Europe/Berlin", (2026, 10, 25, 2, 30)),  # a time that comes twice
        ("Australia/Lord_Howe", (2026, 4, 5, 1, 45)),  # by half an hour
    ],
)
def test_the_day_is_lively_whenever_and_wherever_it_is_opened(
    db: Database, clock: Hands, zone: str, when: tuple[int, ...]
) -> None:
    now = local(zone, *when)
    prepare(db, now, zone)
    check_lively(db, clock, now)


def test_a_second_opening_at_once_changes_nothing(demo: Database, clock: Hands) -> None:
    before = check_lively(demo, clock, NOW)
    prepare(demo, NOW, "Europe/London")
    assert visits_of_today(demo, NOW) == before


@pytest.mark.parametrize("later", [timedelta(minutes=7), timedelta(hours=5), timedelta(hours=13.2), timedelta(days=3)])
def test_a_later_opening_goes_on_from_there(demo: Database, clock: Hands, later: timedelta) -> None:
    before = {visit.id: visit for visit in visits_of_today(demo, NOW)}
    prepare(demo, NOW + later, "Europe/London")
    check_lively(demo, clock, NOW + later)
    with demo.read(OPERATOR) as tx:
        after = {v.id: v for v in appointments.visits_between(tx, NOW - timedelta(days=1), NOW + timedelta(days=1))}
    assert before.keys() <= after.keys()
    done = [v for v in before.values() if v.status is Status.FULFILLED]
    assert done
    assert [after[v.id] for v in done] == done
    stale = [v for v in after.values() if v.end < NOW + later - timedelta(hours=3) and v.status is Status.BOOKED]
    assert stale == []


def test_what_the_user_did_is_kept(demo: Database, clock: Hands) -> None:
    accounts = prepare(demo, NOW).accounts
    maya = next(account for account in accounts if account.role is Role.RECEPTIONIST)
    with demo.write(Actor(None, Role.NOBODY)) as tx:
        desk = users.sign_in(tx, SignIn(maya.email, maya.passphrase, "Desk 1")).actor
    booked = [v for v in visits_of_today(demo, NOW) if v.status is Status.BOOKED and v.start > NOW + 90 * MINUTE]
    with demo.write(desk) as tx:
        cancelled = appointments.cancel(tx, CancelAppointment(booked[0].id, booked[0].version, "pat"))
    with demo.write(desk) as tx:
        opening = appointments.find_openings(tx, FindOpenings(booked[1].end - booked[1].start, NOW))[0]
        moved = appointments.reschedule(
            tx, Reschedule(booked[1].id, booked[1].version, opening.start, None, opening.practitioner_id)
        )
    prepare(demo, NOW + 2 * MINUTE, "Europe/London")
    after = {visit.id: visit for visit in visits_of_today(demo, NOW)}
    assert after[cancelled.id] == cancelled
    assert (after[moved.id].start, after[moved.id].practitioner_id) == (moved.start, moved.practitioner_id)


def test_a_quiet_hour_gets_somebody(demo: Database, clock: Hands) -> None:
    with demo.write(OPERATOR) as tx:
        for visit in visits_of_today(demo, NOW):
            while visit.in_progress or visit.status in (Status.ARRIVED, Status.CHECKED_IN):
                visit = appointments.advance(tx, visit.id, visit.version)
            if visit.status is Status.BOOKED:
                appointments.cancel(tx, CancelAppointment(visit.id, visit.version, "pat"))
    prepare(demo, NOW + MINUTE)
    check_lively(demo, clock, NOW + MINUTE)


def test_every_role_has_an_account_that_works(demo: Database, clock: Hands) -> None:
    accounts = prepare(demo, NOW).accounts
    assert {account.role for account in accounts} == {
        Role.RECEPTIONIST, Role.DOCTOR, Role.NURSE, Role.ADMINISTRATOR, Role.PATIENT
    }  # fmt: skip
    for account in accounts:
        assert len(account.passphrase) >= 15
        if account.role is not Role.PATIENT:
            with demo.write(Actor(None, Role.NOBODY)) as tx:
                assert users.sign_in(tx, SignIn(account.email, account.passphrase, "Desk 1")).user.name == account.name


def test_the_patients_account_opens_that_patients_record(demo: Database) -> None:
    with demo.read(OPERATOR) as tx:
        (account,) = [user for user in users.list_users(tx) if user.role is Role.PATIENT]
        assert account.patient_id is not None
        own = patients.get_row(tx, account.patient_id)
    assert f"{own.given} {own.family}" == account.name


def test_there_are_several_smiths_to_choose_from(demo: Database) -> None:
    with demo.read(OPERATOR) as tx:
        names = {row.name for row in patients.search(tx, "smith")}
        assert {"Jordan Smith", "Eleanor Smith-Okoye", "Rhys Smith"} <= names
        assert [row.birth_date.year for row in patients.search(tx, "jordan smith") if row.birth_date] == [1984]
        assert "Þórunn Guðmundsdóttir" in {row.name for row in patients.search(tx, "gudmundsdottir")}


def test_another_clinics_data_is_left_alone(db: Database) -> None:
    with db.write(OPERATOR) as tx:
        practitioners.set_up_clinic(tx, SetUpClinic("A real one", "Europe/London"))
    with pytest.raises(Conflict, match="not_a_demo_clinic"):
        prepare(db, NOW)


def test_it_goes_on_when_the_user_has_turned_practitioners_and_types_off(demo: Database) -> None:
    with demo.write(OPERATOR) as tx:
        tx.session.connection().exec_driver_sql("UPDATE practitioner SET active = 0")
        tx.session.connection().exec_driver_sql("UPDATE appointment_type SET active = 0")
    prepare(demo, NOW + timedelta(days=1), "Europe/London")


@pytest.mark.parametrize("minute", [0, 10, 300, 479, 745, 1079, 1080, 1200, 1430, 1439])
def test_a_shift_around_any_minute_fits_the_day_and_the_others(minute: int) -> None:
    shifts = shifts_around(minute, [(480, 740), (780, 1080)])
    assert any(start <= minute < end for start, end in shifts)
    assert all(0 <= start < end <= 1440 for start, end in shifts)
    assert all(one[1] < following[0] for one, following in pairwise(shifts))
