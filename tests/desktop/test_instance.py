"""A second start of the desk on the same data raises the first window."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from clinicdesk.desktop.instance import Instance


def test_the_second_calls_the_first(qtbot: QtBot, tmp_path: Path) -> None:
    first, second = Instance(tmp_path), Instance(tmp_path)
    assert first.claim()
    assert not second.claim()
    with qtbot.waitSignal(first.called):
        assert second.call()
    first.release()


def test_when_the_first_has_ended_the_second_is_the_first(qtbot: QtBot, tmp_path: Path) -> None:
    first, second = Instance(tmp_path), Instance(tmp_path)
    assert first.claim()
    first.release()
    assert second.claim()
    second.release()


def test_another_folder_has_a_desk_of_its_own(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first, other = Instance(tmp_path), Instance(tmp_path / "other")
    assert first.claim()
    assert other.claim()
    first.release()
    other.release()
