"""The audit log as people read it: what it shows, who may, and that reading it leaves a trace as well."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, insert, text

from clinicdesk.core.errors import Conflict, InvalidInput, NotPermitted, Unavailable
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import Page, PageRequest, decode_cursor, encode_cursor
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry, Kept
from clinicdesk.core.tx import Action, Actor, Change, Database
from clinicdesk.features.audit import service
from clinicdesk.features.audit.schemas import AuditPage, AuditQuery, AuditRow, VerificationPage
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.practitioners.schemas import SavePractitioner, SaveSite
from tests.conftest import Hands

ALL = ", ".join(column.name for column in AuditEntry.__table__.columns)


def allow(connection: Connection, verb: str) -> None:
    """Take away the trigger that keeps the audit trail from being changed, as whoever owns the database can."""
    on = " ON audit_entry" if connection.dialect.name == "postgresql" else ""
    connection.execute(text(f"DROP TRIGGER audit_entry_refuses_{verb}{on}"))


@pytest.fixture
def patient(db: Database) -> UUID:
    """A patient with the number HS-000123, written past the feature above."""
    patient_id = new_id()
    with db.engine.begin() as connection:
        connection.execute(
            insert(Patient).values(
                id=patient_id, number="HS-000123", family="Smith", created_at=datetime(2020, 1, 1, tzinfo=UTC)
            )
        )
    return patient_id


@pytest.fixture
def trail(db: Database, administrator: Actor, receptionist: Actor, patient: UUID, clock: Hands) -> Database:
    """Four entries, an hour apart: a site added, its name changed, a record opened, and a refusal."""
    with db.write(administrator) as tx:
        site = practitioners.save_site(tx, SaveSite("Harbour"))
    clock.now += timedelta(hours=1)
    with db.write(administrator) as tx:
        practitioners.save_site(tx, SaveSite("Hill", id=site.id, version=site.version))
    clock.now += timedelta(hours=1)
    with db.write(receptionist) as tx:
        tx.verb = "patients.open_record"
        tx.record(Change("patient", patient, Action.READ, patient_id=patient))
    clock.now += timedelta(hours=1)
    with pytest.raises(NotPermitted), db.write(receptionist) as tx:
        practitioners.save_practitioner(tx, SavePractitioner("Lee"))
    clock.now += timedelta(hours=1)
    return db


@pytest.fixture
def listed(trail: Database, administrator: Actor) -> Callable[..., AuditPage]:
    def listed(**query: object) -> AuditPage:
        with trail.write(administrator) as tx:
            return service.list_entries(tx, AuditQuery(**query))  # type: ignore[arg-type]

    return listed


Listed = Callable[..., AuditPage]


def seqs(page: AuditPage) -> list[int]:
    return [row.seq for row in page.rows]


def test_the_log_says_who_did_what_to_whom_and_when(
    listed: Listed, patient: UUID, receptionist: Actor, administrator: Actor
) -> None:
    refused, opened, renamed, added = listed().rows
    at = datetime(2026, 11, 23, 12, 42, tzinfo=UTC)
    assert opened == AuditRow(
        3, at, receptionist.user_id, "Some receptionist", "receptionist", "Desk 1", "R", "patients.open_record",
        "patient", patient, patient, "HS-000123", "ok", (), "", opened.hash,
    )  # fmt: skip
    assert len(bytes.fromhex(opened.hash)) == 32
    assert (refused.verb, refused.outcome, refused.action) == ("practitioners.save_practitioner", "refused", "E")
    assert (renamed.action, renamed.fields, renamed.patient_id) == ("U", ("name", "version"), None)
    assert (added.action, added.who, added.actor_id) == ("C", administrator.name, administrator.user_id)


def test_the_log_is_narrowed(listed: Listed, patient: UUID, receptionist: Actor, clock: Hands) -> None:
    start = datetime(2026, 11, 23, 10, 42, tzinfo=UTC)
    until = clock.now
    assert seqs(listed(since=start + timedelta(hours=1), until=start + timedelta(hours=3))) == [3, 2]
    assert seqs(listed(actor_id=receptionist.user_id)) == [4, 3]
    assert seqs(listed(patient_id=patient)) == [3]
    assert seqs(listed(outcome="refused")) == [4]
    assert seqs(listed(text="RECEPTION", until=until)) == [4, 3]
    assert seqs(listed(text="save_site")) == [2, 1]
    assert seqs(listed(text=" hs-0001", until=until)) == [3]
    assert seqs(listed(text="000123", until=until)) == []
    assert seqs(listed(text="%", until=until)) == []
    assert seqs(listed(text="receptionist", outcome="ok", until=until)) == [3]


def test_the_log_is_read_page_by_page(listed: Listed, clock: Hands) -> None:
    until = clock.now
    first = listed(limit=3, until=until)
    assert (seqs(first), first.next_before) == ([4, 3, 2], 2)
    second = listed(limit=3, until=until, before_seq=first.next_before)
    assert (seqs(second), second.next_before) == ([1], None)
    assert listed(limit=4, until=until).next_before is None


def test_reading_the_log_is_audited(listed: Listed, patient: UUID, administrator: Actor) -> None:
    listed(patient_id=patient)
    newest = listed().rows[0]
    assert (newest.verb, newest.action, newest.patient_id, newest.note) == (
        "audit.list_entries", "R", patient, "1 entries",
    )  # fmt: skip
    assert newest.actor_id == administrator.user_id


def test_the_access_log_of_a_patient_shows_that_patient_only_and_who_read_it(
    trail: Database, patient: UUID, doctor: Actor
) -> None:
    with trail.write(doctor) as tx:
        assert [row.verb for row in service.access_log(tx, patient)] == ["patients.open_record"]
    with trail.write(doctor) as tx:
        rows = service.access_log(tx, patient)
        assert service.access_log(tx, patient, limit=1) == rows[:1]
    assert [(row.verb, row.who) for row in rows] == [
        ("audit.access_log", "Some doctor"),
        ("patients.open_record", "Some receptionist"),
    ]


def test_only_who_may_reads_the_log(trail: Database, receptionist: Actor) -> None:
    with pytest.raises(NotPermitted), trail.write(receptionist) as tx:
        service.list_entries(tx, AuditQuery())
    with pytest.raises(NotPermitted):
        service.verify_chain(trail, receptionist)


def test_a_verification_is_entered_with_its_result(trail: Database, listed: Listed, administrator: Actor) -> None:
    told: list[tuple[int, int]] = []
    found = service.verify_chain(trail, administrator, progress=lambda done, total: told.append((done, total)))
    assert (found.ok, found.entries) == (True, 4)
    assert told[-1] == (6, 6), "four entries, and two changes that two of them vouch for"
    newest = listed().rows[0]
    assert (newest.verb, newest.action, newest.note) == ("audit.note_verification", "E", "4 entries")


def test_what_was_tampered_with_is_named_shown_and_entered(
    trail: Database, listed: Listed, administrator: Actor
) -> None:
    with trail.engine.begin() as connection:
        allow(connection, "update")
        connection.execute(text("UPDATE audit_entry SET detail = 'nothing', entity_id = 'x' WHERE seq = 2"))
    found = service.verify_chain(trail, administrator)
    assert (found.problem, found.first_bad) == ("edited", 2)
    page = listed()
    assert page.rows[0].note == "edited at 2"
    [tampered] = [row for row in page.rows if row.seq == 2]
    assert (tampered.note, tampered.fields, tampered.entity_id) == ("nothing", (), None)


def test_a_tail_cut_off_under_a_forged_seal_is_not_sealed_again_by_who_writes_next(
    trail: Database, administrator: Actor
) -> None:
    with trail.engine.begin() as connection:
        allow(connection, "delete")
        connection.execute(text("DELETE FROM audit_entry WHERE seq > 3"))
        connection.execute(text("UPDATE audit_head SET seq = 3, hash = (SELECT hash FROM audit_entry WHERE seq = 3)"))
    with pytest.raises(Unavailable, match="audit_trail_broken"), trail.write(administrator) as tx:
        practitioners.save_site(tx, SaveSite("Other"))
    assert service.verify_chain(trail, administrator).problem == "head"


def test_a_checkpoint_kept_elsewhere_is_held_against_the_chain(trail: Database, administrator: Actor) -> None:
    found = service.verify_chain(trail, administrator, known={4: bytes(32)})
    assert (found.problem, found.first_bad) == ("checkpoint", 4)
    trail.known_roots = lambda: {2: bytes(32)}
    assert service.verify_chain(trail, administrator).first_bad == 2


Found = Callable[..., Page[AuditRow]]


@pytest.fixture
def found(trail: Database, administrator: Actor, clock: Hands) -> Found:
    def found(page: PageRequest = PageRequest(), **query: Any) -> Page[AuditRow]:  # noqa: B008
        with trail.write(administrator) as tx:
            return service.find_entries(tx, AuditQuery(until=clock.now, **query), page)

    return found


def numbers(page: Page[AuditRow]) -> list[int]:
    return [row.seq for row in page.items]


def test_entries_are_found_page_by_page_narrowed_and_counted(found: Found, receptionist: Actor, patient: UUID) -> None:
    first = found(PageRequest(3, total=True))
    assert (numbers(first), first.total) == ([4, 3, 2], 4)
    second = found(PageRequest(3, first.next or ""))
    assert (numbers(second), second.next, second.total) == ([1], None, None)
    assert numbers(found(verb="practitioners.save_site")) == [2, 1]
    assert numbers(found(action="R")) == [3]
    assert numbers(found(action="U", outcome="ok")) == [2]
    assert numbers(found(actor_id=receptionist.user_id, outcome="refused")) == [4]
    assert numbers(found(patient_id=patient)) == [3]
    with pytest.raises(InvalidInput, match="cursor_not_right"):
        found(PageRequest(3, "x"))
    with pytest.raises(InvalidInput, match="out_of_range"):
        found(PageRequest(201))


def test_everybody_sees_what_they_did_themselves_and_nothing_else(
    trail: Database, receptionist: Actor, administrator: Actor, nurse: Actor
) -> None:
    def own(actor: Actor, **query: Any) -> list[tuple[str, str]]:
        with trail.write(actor) as tx:
            page = service.own_entries(tx, AuditQuery(**query), PageRequest())
        assert {row.actor_id for row in page.items} <= {actor.user_id}
        return [(row.verb, row.outcome) for row in page.items]

    theirs = [("practitioners.save_practitioner", "refused"), ("patients.open_record", "ok")]
    assert own(receptionist) == theirs
    assert own(receptionist, actor_id=administrator.user_id) == [("audit.own_entries", "ok"), *theirs]
    assert own(receptionist, action="R", verb="patients.open_record") == theirs[1:]
    assert own(nurse) == []
    with pytest.raises(NotPermitted), trail.write(Actor(None, Role.NOBODY)) as tx:
        service.own_entries(tx, AuditQuery(), PageRequest())


def test_an_export_is_told_in_the_trail(trail: Database, listed: Listed, administrator: Actor, nurse: Actor) -> None:
    with trail.write(administrator) as tx:
        assert numbers(service.export_entries(tx, AuditQuery(), PageRequest(1000))) == [4, 3, 2, 1]
    newest = listed().rows[0]
    assert (newest.verb, newest.action, newest.note) == ("audit.export_entries", "E", "4 entries")
    with pytest.raises(NotPermitted), trail.write(nurse) as tx:
        service.export_entries(tx, AuditQuery(), PageRequest())


def verified(db: Database, actor: Actor, limit: int) -> list[VerificationPage]:
    """Every page of a verification."""
    pages: list[VerificationPage] = []
    cursor: str | None = ""
    while cursor is not None:
        with db.read(actor) as tx:
            pages.append(service.verify_page(tx, cursor, limit))
        cursor = pages[-1].next
    return pages


def note(db: Database, actor: Actor, result: str | None) -> None:
    with db.write(actor) as tx:
        service.note_result(tx, result or "")


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
def test_the_chain_is_verified_page_by_page_and_the_result_entered(
    trail: Database, listed: Listed, administrator: Actor, limit: int
) -> None:
    *pages, last = verified(trail, administrator, limit)
    assert all((page.problem, page.result, page.total) == (None, None, 4) for page in pages)
    walked = [page.entries for page in pages if page.history is None]
    assert walked == [limit * (n + 1) for n in range(4 // limit)]
    assert [page.history.rows for page in pages if page.history] == [limit * (n + 1) for n in range(2 // limit)]
    assert (last.problem, last.entries, last.next, last.history) == (None, 4, None, Kept(2))
    note(trail, administrator, last.result)
    newest = listed().rows[0]
    assert (newest.verb, newest.note) == ("audit.note_verification", "4 entries")


@pytest.mark.parametrize(
    ("statement", "problem", "first_bad"),
    [
        ("UPDATE audit_entry SET detail = 'nothing' WHERE seq = 3", "edited", 3),
        ("DELETE FROM audit_entry WHERE seq = 2", "missing", 2),
        ("DELETE FROM audit_entry WHERE seq > 2", "cut", 3),
        ("UPDATE audit_head SET seq = 3", "head", 3),
        (f"INSERT INTO audit_entry ({ALL}) SELECT 0 - {ALL} FROM audit_entry WHERE seq = 3", "pruned", -3),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_what_was_tampered_with_is_found_on_its_page(
    trail: Database, administrator: Actor, statement: str, problem: str, first_bad: int, limit: int
) -> None:
    with trail.engine.begin() as connection:
        if "audit_entry" in statement and not statement.startswith("INSERT"):
            allow(connection, statement.split()[0].lower())
        connection.execute(text(statement))
    *pages, last = verified(trail, administrator, limit)
    whole = service.verify_chain(trail, administrator)
    assert (last.problem, last.first_bad) == (problem, first_bad) == (whole.problem, whole.first_bad)
    assert all(page.problem is None for page in pages)
    if problem in ("cut", "head"):
        with pytest.raises(Conflict, match="audit_trail_broken"):
            note(trail, administrator, last.result)


def test_a_checkpoint_kept_elsewhere_counts_for_a_page_too(trail: Database, administrator: Actor) -> None:
    trail.known_roots = lambda: {2: bytes(32)}
    *_, last = verified(trail, administrator, 1)
    assert (last.problem, last.first_bad) == ("checkpoint", 2)
    trail.known_roots = lambda: {9: bytes(32)}
    *_, last = verified(trail, administrator, 3)
    assert (last.problem, last.first_bad) == ("cut", 5)


def test_neither_a_place_nor_a_result_can_be_made_up(trail: Database, administrator: Actor, nurse: Actor) -> None:
    first, *_, before, last = verified(trail, administrator, 1)
    place = decode_cursor(first.next or "", int, str, int, str)
    behind = decode_cursor(before.next or "", int, int, int, int, int, int, str, str)
    told = decode_cursor(last.result or "", int, str, int, str)
    for wrong in (
        "x",
        encode_cursor([1, "zz", 0, ""]),
        encode_cursor([place[0], "00" * 32, *place[2:]]),
        encode_cursor([99, *behind[1:]]),
        encode_cursor([*behind[:3], 9, *behind[4:]]),
        last.result or "",
    ):
        with pytest.raises(InvalidInput, match="cursor_not_right"), trail.read(administrator) as tx:
            service.verify_page(tx, wrong)
    for result in ("x", encode_cursor([99, *told[1:]]), first.next):
        with pytest.raises(InvalidInput, match="cursor_not_right"):
            note(trail, administrator, result)
    with pytest.raises(NotPermitted), trail.read(nurse) as tx:
        service.verify_page(tx)
