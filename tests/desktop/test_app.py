"""The program from start to end in one process: it opens, comes forward when started again, and ends cleanly."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from clinicdesk.core.logs import stop_logging
from clinicdesk.desktop.app import main
from clinicdesk.desktop.instance import Instance
from clinicdesk.desktop.start.first_start import FirstStartPage
from clinicdesk.desktop.window import Window


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLINICDESK_KEYRING", "off")
    return tmp_path / "clinic"


def desks() -> list[Window]:
    return [window for window in QApplication.topLevelWidgets() if isinstance(window, Window) and window.isVisible()]


def test_the_program_opens_asks_and_ends_when_its_window_is_closed(qtbot: QtBot, folder: Path) -> None:
    seen: list[str] = []
    watch = QTimer()

    def look() -> None:
        for window in desks():
            if isinstance(window.page(), FirstStartPage):
                seen.append(window.windowTitle())
                window.close()

    watch.timeout.connect(look)
    watch.start(20)
    assert main(folder) == 0
    watch.stop()
    stop_logging()

    assert seen == ["ClinicDesk - Set up"]
    assert not list(folder.glob("*-wal"))


def test_a_second_start_raises_the_first_window_and_ends(qtbot: QtBot, folder: Path) -> None:
    folder.mkdir()
    first = Instance(folder)
    assert first.claim()
    with qtbot.waitSignal(first.called):
        assert main(folder) == 0
    stop_logging()
    assert desks() == []
    first.release()
