"""Work leaves the main thread and comes back to it in order, to those who are still there, and never hangs at the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from clinicdesk.core.errors import ClinicError, Conflict
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Actor, Change, Committed, Database, Tx, verb
from clinicdesk.desktop.runner import Crash, Runner
from clinicdesk.features.practitioners.models import Site


@verb(Permission.MANAGE_PRACTITIONERS)
def add_site(tx: Tx, name: str) -> str:
    site = Site(name=name)
    tx.session.add(site)
    tx.session.flush()
    tx.record(Change.created(site))
    return name


@pytest.fixture
def runner(qapp: object, db: Database, administrator: Actor) -> Iterator[Runner]:
    made = Runner()
    made.attach(db)
    made.actor = administrator
    yield made
    made.close()


@pytest.fixture
def owner(qapp: object) -> QObject:
    return QObject()


def test_results_come_in_order_and_on_the_main_thread(qtbot: QtBot, runner: Runner, owner: QObject) -> None:
    worked: list[int] = []
    got: list[tuple[int, bool]] = []

    def asked(number: int) -> None:
        def work(_tx: Tx) -> int:
            worked.append(threading.get_ident())
            return number

        ask = runner.write if number % 2 else runner.read
        ask(work, lambda n: got.append((n, threading.current_thread() is threading.main_thread())), owner=owner)

    for number in range(20):
        asked(number)
    qtbot.waitUntil(lambda: len(got) == 20)

    assert got == [(number, True) for number in range(20)]
    assert threading.get_ident() not in worked


def test_a_commit_is_told_on_the_main_thread_before_its_result(qtbot: QtBot, runner: Runner, owner: QObject) -> None:
    heard: list[object] = []

    def hear(told: Committed) -> None:
        heard.append((told.entities, threading.current_thread() is threading.main_thread()))

    runner.changed.connect(hear)
    with qtbot.waitSignal(runner.busy, check_params_cb=lambda busy: not busy):
        runner.write(lambda tx: add_site(tx, "Harbour"), heard.append, owner=owner)
    qtbot.waitUntil(lambda: len(heard) == 2)

    assert heard == [(frozenset({"site"}), True), "Harbour"]


def test_nothing_is_delivered_to_an_owner_that_is_gone(qtbot: QtBot, runner: Runner, owner: QObject) -> None:
    got: list[str] = []
    leaving, gone = QObject(), threading.Event()

    def late(_tx: Tx) -> str:
        gone.wait()
        return "for the one who left"

    runner.read(late, got.append, owner=leaving)
    with qtbot.waitSignal(leaving.destroyed):
        leaving.deleteLater()
    gone.set()
    runner.read(lambda _tx: "for the one who stayed", got.append, owner=owner)
    qtbot.waitUntil(lambda: bool(got))

    assert got == ["for the one who stayed"]


def refuse(_tx: Tx) -> None:
    raise Conflict("slot_taken", minutes=15)


def test_an_error_goes_to_whoever_asked(qtbot: QtBot, runner: Runner, owner: QObject) -> None:
    told: list[ClinicError] = []
    runner.read(refuse, lambda _: None, owner=owner, failed=told.append)
    qtbot.waitUntil(lambda: bool(told))

    assert told[0].reason == "slot_taken"
    assert told[0].params == {"minutes": 15}


def test_an_error_that_nobody_takes_is_signalled(qtbot: QtBot, runner: Runner, owner: QObject) -> None:
    with qtbot.waitSignal(runner.failed) as told:
        runner.write(refuse, owner=owner)
    assert told.args is not None
    assert told.args[0].reason == "slot_taken"


def test_a_bug_gets_a_reference_without_data_and_the_work_goes_on(
    qtbot: QtBot, runner: Runner, owner: QObject, caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(_tx: Tx) -> None:
        raise ValueError("Ngozi Adeyemi")

    with qtbot.waitSignal(runner.crashed) as crashed:
        runner.read(stumble, lambda _: None, owner=owner)
    told: list[ClinicError] = []
    runner.read(stumble, lambda _: None, owner=owner, failed=told.append)
    got: list[int] = []
    runner.read(lambda _tx: 1, got.append, owner=owner)
    qtbot.waitUntil(lambda: got == [1])

    assert crashed.args is not None
    assert f"crash {crashed.args[0]}: ValueError" in caplog.text
    assert "Adeyemi" not in caplog.text
    assert isinstance(told[0], Crash)


def test_work_is_done_in_the_name_of_who_asked_for_it(
    qtbot: QtBot, runner: Runner, owner: QObject, administrator: Actor
) -> None:
    names: list[str] = []
    runner.read(lambda tx: tx.actor.name, names.append, owner=owner)
    runner.actor = replace(administrator, name="Somebody else")
    runner.read(lambda tx: tx.actor.name, names.append, owner=owner)
    qtbot.waitUntil(lambda: len(names) == 2)

    assert names == [administrator.name, "Somebody else"]


def test_work_aside_does_not_hold_up_the_rest(qtbot: QtBot, runner: Runner, owner: QObject) -> None:
    go_on = threading.Event()
    got: list[str] = []
    runner.call(lambda _db: "long" if go_on.wait(10) else "never", got.append, owner=owner, aside=True)
    runner.read(lambda _tx: "short", got.append, owner=owner)
    qtbot.waitUntil(lambda: got == ["short"])
    go_on.set()
    qtbot.waitUntil(lambda: got == ["short", "long"])


def test_closing_finishes_every_write_and_delivers_nothing(
    qapp: object, db: Database, administrator: Actor, owner: QObject
) -> None:
    runner = Runner()
    runner.attach(db)
    runner.actor = administrator
    got: list[str] = []
    for number in range(10):
        runner.write(lambda tx, number=number: add_site(tx, f"Site {number}"), got.append, owner=owner)  # type: ignore[misc]
    runner.close()

    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM site").scalar() == 10
    assert got == []
    runner.write(lambda tx: add_site(tx, "Too late"), got.append, owner=owner)
    runner.close()
