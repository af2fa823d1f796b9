"""Bookings and reads through HTTP, with several workers and clients, beside an empty endpoint and beside bare inserts."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from clinicdesk.core.ids import new_id
from tests.benchmarks.hosted import ADMINISTRATOR, API, DURABLE, Hosted, empty, grow, served, sign_in
from tests.benchmarks.load import Ask, Asking, Told, at_once, bare, in_step
from tests.benchmarks.report import FULL, Aim, Measure, Scale, percentile
from tests.postgres import Cluster
from tests.redis import RedisServer

WORKERS, CLIENTS = (1, 2, 4), (1, 4, 8)
_READERS = 4
_ROUNDS, _TIMES = 12, 10
_MOST_A_SECOND = 2_000


@dataclass(frozen=True)
class Machine:
    """The servers that a run has started, and how long a client is measured."""

    cluster: Cluster
    redis_url: str
    folder: Path
    seconds: float


@contextmanager
def machine(scale: Scale) -> Iterator[Machine]:
    """A PostgreSQL that keeps what it says it keeps, and a Redis, for the length of a block."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        cluster, redis = Cluster(DURABLE), RedisServer()
        stack.callback(cluster.remove)
        stack.callback(redis.remove)
        cluster.start()
        redis.start()
        cluster.command("CREATE ROLE clinicdesk LOGIN CREATEDB")
        yield Machine(cluster, redis.url, Path(folder), 3.0 if scale is FULL else 0.5)


def measure(scale: Scale) -> Iterator[Measure]:
    """Rates and answer times, one time that two want, and what growth costs."""
    with machine(scale) as on:
        clinic = grow(on.cluster, "rates", scale.small)
        for workers in WORKERS:
            yield from _rates(on, clinic, workers)
        yield from _one_time_for_two(on, clinic, scale.rounds)
        yield from _growth(on, scale)


# ---- rates ---------------------------------------------------------------------------------------------------------


def _rates(on: Machine, clinic: Hosted, workers: int) -> Iterator[Measure]:
    """The empty endpoint is asked before and after each, so that a machine that is busy with other things slows both."""
    of = f"{workers} worker{'s' if workers > 1 else ''}"
    with served(clinic, on.redis_url, on.folder, workers) as (port, token), empty(on.folder, workers) as bare_port:
        at_once(port, token, [clinic.bookings(30) for _ in range(4)], 60)  # what is loaded once is loaded now

        def beside(clients: int, work: Callable[[], list[Told]]) -> tuple[list[Told], float]:
            """What came of it, and the rate of the empty endpoint at the same time."""
            empty_ones = [[Ask("/healthz")]] * clients
            before = rate(at_once(bare_port, "", empty_ones, on.seconds / 3), 200)
            told = work()
            return told, (before + rate(at_once(bare_port, "", empty_ones, on.seconds / 3), 200)) / 2

        for clients in CLIENTS:
            by = f"{of}, {clients} client{'s' if clients > 1 else ''}"
            wanted = int(on.seconds * _MOST_A_SECOND / clients)
            works = [clinic.bookings(wanted) for _ in range(clients)]
            booked, limit = beside(clients, lambda works=works: at_once(port, token, works, on.seconds))  # type: ignore[misc]
            least = {(2, 1): 200, (2, 4): 400}.get((workers, clients))
            aim = None if least is None else Aim(least=least)
            yield Measure(f"bookings, {by} (limit: an empty endpoint)", rate(booked, 201), limit, "/s", aim)
            if workers == WORKERS[1]:
                limit = rate(bare(clinic.url, _inserts(clinic, clients, wanted), on.seconds / 2), 201)
                yield Measure(f"bookings, {by} (limit: the same rows by bare psycopg)", rate(booked, 201), limit, "/s")
            yield from _spread(f"a booking, {by}", booked)
        for what, path in _again(clinic):
            by = f"{of}, {_READERS} clients"
            asks = [[Ask(path)]] * _READERS
            read, limit = beside(_READERS, lambda asks=asks: at_once(port, token, asks, on.seconds))  # type: ignore[misc]
            words = f"{what}, asked again and again, {by} (limit: an empty endpoint)"
            yield Measure(words, rate(read, 200), limit, "/s", Aim(least_ratio=0.5))
            yield from _spread(f"{what}, {by}", read)


def _again(clinic: Hosted) -> list[tuple[str, str]]:
    """What many ask for at the same time."""
    tomorrow, later = (clinic.day(-days) + "T00:00:00Z" for days in (1, 3))
    return [
        ("a day's list of 100 visits", f"{API}/appointments?day={clinic.day(0)}&limit=100"),
        (
            "a doctor's availability",
            f"{API}/doctors/{clinic.practitioners[0]}/availability?from={tomorrow}&to={later}",
        ),
    ]


def _spread(what: str, told: Sequence[Told]) -> Iterator[Measure]:
    times = [seconds * 1e3 for one in told for _, seconds in one.answers]
    middle = percentile(times, 0.5)
    yield Measure(f"… {what}: p95 (limit: its median)", percentile(times, 0.95), middle, "ms")
    yield Measure(f"… {what}: p99 (limit: its median)", percentile(times, 0.99), middle, "ms", Aim(most_ratio=5))


def rate(told: Sequence[Told], expected: int) -> float:
    """Answers a second of all clients together. Raises RuntimeError where one was not the expected."""
    answers = [status for one in told for status, _ in one.answers]
    if set(answers) - {expected}:
        raise RuntimeError(f"answered by {sorted(set(answers))}, not by {expected} alone")
    return len(answers) / (max(one.ended for one in told) - min(one.began for one in told))


_VISIT = """
    INSERT INTO appointment (
        id, version, patient_id, practitioner_id, room_id, start, "end", status, confirmed, reason, cancel_reason,
        overbooked, overbook_reason, patient_overlap, created_at
    ) SELECT %(id)s, 1, %(patient_id)s, id, room_id, %(start)s, %(start)s + interval '20 min', 'booked', false, '', '',
        false, '', false, %(start)s
    FROM practitioner WHERE id = %(practitioner_id)s
"""
_ENTRY = """
    INSERT INTO bare_entry (at_micros, unit_id, actor_id, actor_name, role, desk, action, verb, entity, entity_id,
        patient_id, outcome, detail, hash)
    VALUES (1, %(id)s, %(id)s, 'Some receptionist', 'receptionist', 'API', 'C', 'appointments.book', 'appointment', %(id)s,
        %(patient_id)s, 'ok', '{}', %(hash)s)
"""
_PAST = """
    INSERT INTO bare_past (unit_id, audit_seq, at_micros, actor_id, verb, entity, entity_id, action, "old", "new")
    VALUES (%(id)s, 1, 1, %(id)s, 'appointments.book', 'appointment', %(id)s, 'C', NULL, %(new)s)
"""
_TABLES = """
    CREATE TABLE IF NOT EXISTS bare_entry (LIKE audit_entry INCLUDING ALL);
    CREATE SEQUENCE IF NOT EXISTS bare_seq;
    ALTER TABLE bare_entry ALTER seq SET DEFAULT nextval('bare_seq');
    CREATE TABLE IF NOT EXISTS bare_past (LIKE history_entry INCLUDING ALL);
"""


def _inserts(clinic: Hosted, clients: int, count: int) -> list[list[list[tuple[str, dict[str, Any]]]]]:
    """For each client units of work that write what a booking writes: the visit under its constraints, an audit entry, the
    history, in tables like ours; without a chain, so that nobody has to wait for anybody."""
    import psycopg

    with psycopg.connect(clinic.url) as connection:
        connection.execute(_TABLES)
    units = []
    for ask in itertools.chain.from_iterable(clinic.contested(count * clients, 1)):
        assert ask.body is not None
        id_ = new_id()
        words = {"id": id_.hex, "patient_id": ask.body["patient_id"].replace("-", "")}
        start = datetime.fromisoformat(ask.body["start"]).astimezone(UTC)
        units.append(
            [
                (_VISIT, {**ask.body, "id": id_, "start": start}),
                (_ENTRY, {**words, "hash": bytes(32)}),
                (_PAST, {**words, "new": str(ask.body)}),
            ]
        )
    return [units[client::clients] for client in range(clients)]


# ---- one time for two ----------------------------------------------------------------------------------------------


def _one_time_for_two(on: Machine, clinic: Hosted, rounds: int) -> Iterator[Measure]:
    with served(clinic, on.redis_url, on.folder, 2) as (port, token):
        at_once(port, token, [clinic.bookings(30) for _ in range(4)], 60)
        alone = [one for told in at_once(port, token, [clinic.bookings(50)], 60) for one in told.answers]
        one, other = (told.answers for told in in_step(port, token, clinic.contested(rounds, 2)))
    once = sum(sorted((first[0], second[0])) == [201, 409] for first, second in zip(one, other, strict=True))
    lost = [seconds * 1e3 for status, seconds in (*one, *other) if status != 201]
    limit = percentile([seconds for _, seconds in alone], 0.5) * 1e3
    what = f"one time, two clients by HTTP, {rounds} rounds: one wins"
    yield Measure(what, once, None, "rounds", Aim(least=rounds))
    yield Measure("… the loser's answer, p50 (limit: a booking that nobody contests)", median(lost), limit, "ms")
    yield Measure("… the slowest of the losers' answers", max(lost), None, "ms", Aim(most=50))


# ---- growth --------------------------------------------------------------------------------------------------------


def _growth(on: Machine, scale: Scale) -> Iterator[Measure]:
    """The same requests to a young clinic and to an old one, in turns; each asks for something else than the one before, so
    that the database has to be asked."""
    young, old = (grow(on.cluster, f"grown_{visits}", visits) for visits in (scale.small, scale.large))
    with ExitStack() as stack:
        at = [stack.enter_context(served(clinic, on.redis_url, on.folder, 1)) for clinic in (young, old)]
        desk = [Asking(port, token) for port, token in at]
        office = [Asking(port, sign_in(port, ADMINISTRATOR)) for port, _ in at]
        for requests, asking in ((_REQUESTS, desk), (_OF_THE_OFFICE, office)):
            for what, ask, most, most_ratio in requests:
                limit, ours = _in_turns(list(zip((young, old), asking, strict=True)), ask)
                words = f"{what} among {old.visits:,} visits, by HTTP (limit: among {young.visits:,})"
                yield Measure(words, ours * 1e3, limit * 1e3, "ms", Aim(most=most, most_ratio=most_ratio))


def _in_turns(of: Sequence[tuple[Hosted, Asking]], ask: Callable[[Hosted, int], Ask]) -> list[float]:
    """The median of the seconds that each clinic's server takes for the request."""
    times: list[list[float]] = [[] for _ in of]
    number = itertools.count()
    for round_ in range(_ROUNDS + 1):
        for nth, (clinic, asking) in enumerate(of):
            began = time.perf_counter()
            for _ in range(_TIMES):
                status, body = asking.send(ask(clinic, next(number)))
                if status not in (200, 201):
                    raise RuntimeError(f"answered by {status}: {body!r}")
            if round_:  # the first makes what is loaded once be loaded
                times[nth].append((time.perf_counter() - began) / _TIMES)
    return [median(mine) for mine in times]


def _doctors_day(clinic: Hosted, nth: int) -> Ask:
    who = clinic.practitioners[nth % len(clinic.practitioners)]
    return Ask(f"{API}/appointments?day={clinic.day(nth % clinic.days)}&practitioner_id={who}&limit={40 + nth // 300}")


def _day(clinic: Hosted, nth: int) -> Ask:
    return Ask(
        f"{API}/appointments?day={clinic.day(nth % clinic.days)}&limit={100 + nth // clinic.days}&status=fulfilled&status=booked"
    )


def _of_patient(clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/appointments?patient_id={_somebody(clinic, nth)}&limit=20&descending=true")


def _one(clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/appointments/{f'{(nth * 7919) % clinic.visits:032x}'}")


def _openings(clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/appointments/openings?minutes={15 + nth % 40}&patient_id={_somebody(clinic, nth)}")


def _search(_clinic: Hosted, nth: int) -> Ask:
    first, second = divmod(nth, len(_BEGINNINGS))
    return Ask(f"{API}/patients/search?text={_BEGINNINGS[second]}%20{_BEGINNINGS[first % len(_BEGINNINGS)][0]}")


_BEGINNINGS = ("smi", "joh", "bro", "gar", "mil", "dav", "wil", "and", "tho", "mar")


def _page(clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/appointments?from={clinic.day(nth % clinic.days)}T{nth % 24:02}:00:00Z&limit={50 + nth // 250}")


def _patients_page(_clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/patients?limit={20 + nth % 30}")


def _patients_by_text(_clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/patients?text={_BEGINNINGS[nth % len(_BEGINNINGS)]}&limit={1 + nth % 3}")


def _patients_of(clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/doctors/{clinic.practitioners[nth % len(clinic.practitioners)]}/patients?limit={20 + nth % 10}")


def _cancelled(clinic: Hosted, nth: int) -> Ask:
    return Ask(
        f"{API}/appointments?from={clinic.day(nth % 20)}T{nth % 24:02}:00:00Z&status=cancelled&limit={20 + nth // 100}&total=true"
    )


def _still_here(clinic: Hosted, nth: int) -> Ask:
    days = f"from={clinic.day(365)}T{nth % 24:02}:00:00Z&to={clinic.day(1)}T00:00:00Z"
    return Ask(f"{API}/appointments?{days}&status=arrived&status=checked-in&limit={10 + nth // 24}")


def _timeline(clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/patients/{_somebody(clinic, nth)}/timeline?limit=20&total=true")


def _documents(clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/documents?patient_id={_somebody(clinic, nth)}&limit=20")


def _inbox(_clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/notifications?limit={20 + nth % 10}&unread=true&total=true")


def _messages(_clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/notifications/messages?state=failed&limit={20 + nth % 10}&total=true")


def _conversations(_clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/chat/conversations?limit={20 + nth % 10}")


def _said(_clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/chat/conversations/{f'{nth % 5:032x}'}/messages?limit={20 + nth % 10}")


def _entries(_clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/audit?limit={20 + nth % 10}")


def _refusals(_clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/audit?outcome=refused&limit={10 + nth % 10}&total=true")


def _entries_of(clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/patients/{_somebody(clinic, nth)}/access-log?limit=20")


def _accounts(_clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/users?limit={20 + nth % 10}")


def _two_weeks(clinic: Hosted, nth: int) -> str:
    return f"from={clinic.day(18 + nth % 10)}&to={clinic.day(5 + nth % 10)}"


def _report(clinic: Hosted, nth: int) -> Ask:
    names = ("attendance", "waiting", "lead-times", "demand", "use-of-hours", "cancellations", "busiest-days")
    return Ask(f"{API}/reports/{names[nth % len(names)]}?{_two_weeks(clinic, nth)}")


def _statistics(clinic: Hosted, nth: int) -> Ask:
    return Ask(f"{API}/appointments/statistics?{_two_weeks(clinic, nth)}")


def _book(clinic: Hosted, _nth: int) -> Ask:
    return clinic.bookings(1)[0]


def _somebody(clinic: Hosted, nth: int) -> str:
    return str(clinic.patients[(nth * 7919) % len(clinic.patients)])


_REQUESTS: tuple[tuple[str, Callable[[Hosted, int], Ask], float | None, float], ...] = (
    ("a doctor's day", _doctors_day, 10, 1.2),
    ("a day's list", _day, None, 1.2),
    ("a patient's visits", _of_patient, None, 1.2),
    ("one visit", _one, None, 1.2),
    ("the five best openings", _openings, None, 1.2),
    ("a search of patients by name", _search, None, 1.2),
    ("a page of all visits", _page, None, 1.2),
    ("a page of patients", _patients_page, None, 1.2),
    ("patients by the beginning of a name", _patients_by_text, None, 1.2),
    ("a doctor's patients", _patients_of, None, 1.2),
    ("cancelled visits of the last days and how many", _cancelled, None, 1.2),
    ("a year's visits that nobody has closed", _still_here, None, 1.2),
    ("a patient's timeline", _timeline, None, 1.2),
    ("a patient's documents", _documents, None, 1.2),
    ("what is new in an inbox", _inbox, None, 1.2),
    ("messages that failed", _messages, None, 1.2),
    ("somebody's conversations", _conversations, None, 1.2),
    ("what was said in one", _said, None, 1.2),
    ("a booking", _book, None, 1.3),
)
"""What is asked for; at most how many milliseconds it may take, and how many times those in the smallest clinic."""
_OF_THE_OFFICE: tuple[tuple[str, Callable[[Hosted, int], Ask], float | None, float], ...] = (
    ("the audit trail", _entries, None, 1.2),
    ("what was refused", _refusals, None, 1.2),
    ("who saw a patient", _entries_of, None, 1.2),
    ("accounts", _accounts, None, 1.2),
    ("a report on two weeks", _report, None, 1.2),
    ("two weeks in figures", _statistics, None, 1.2),
)
"""The same, asked by the administrator."""
