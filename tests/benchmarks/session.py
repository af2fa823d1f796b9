"""Works the real desk by itself, in a process of its own, and prints what that took as JSON.

It starts the program, signs in, walks through days and types a name, each as soon as all is done that came before: nothing
is being read, and nothing is left to paint. Instants are on the clock that all processes share; costs of the main thread
are its own processor time, so that a busy machine does not count.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from clinicdesk.cli import load_desk

run_desk = load_desk()  # before anything else is loaded, as the command does it

from PySide6.QtCore import QEvent, QObject, Qt, QTimer  # noqa: E402
from PySide6.QtGui import QKeyEvent  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

from clinicdesk.desktop.app import application  # noqa: E402
from clinicdesk.desktop.users.sign_in import SignInPage  # noqa: E402
from clinicdesk.desktop.window import Window  # noqa: E402
from tests.benchmarks.memory import peak_memory  # noqa: E402

EMAIL, PASSWORD = "reception@clinic.example", "four words are good"
DAYS = 20
TYPED = ("smith", "müller jo", "garcia mar", "johnson 19", "kim")
SIZE = (1920, 1080)
"""Of the window, in pixels: the whole day is in sight."""
_QUIET_ROUNDS = 4
"""Rounds of the event loop without painting after which all is on the screen."""


class Session(QObject):
    """Does the next step of the script each time the desk has come to rest."""

    def __init__(self, results: dict[str, Any]) -> None:
        super().__init__()
        self._results = results
        self.window: Any = next(widget for widget in QApplication.topLevelWidgets() if isinstance(widget, Window))
        self.window.installEventFilter(self)
        self.window.runner.busy.connect(self._on_busy)
        self._busy, self._quiet = True, 0
        self._script = self._steps()
        next(self._script)
        self._rounds = QTimer(self, interval=0)
        self._rounds.timeout.connect(self._round)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.UpdateRequest:  # something in the window is painted
            self._quiet = 0
            if "asked" not in self._results and isinstance(self.window.page(), SignInPage):
                self._results["asked"] = time.monotonic_ns()
        return False

    def _on_busy(self, busy: bool) -> None:
        self._busy, self._quiet = busy, 0
        self._rounds.stop() if busy else self._rounds.start()

    def _round(self) -> None:
        self._quiet += 1
        if self._quiet >= _QUIET_ROUNDS:
            self._quiet = 0
            if next(self._script, True):
                self._rounds.stop()
                self.window.close()

    def _steps(self) -> Iterator[None]:
        window, results = self.window, self._results
        window.resize(*SIZE)
        yield  # the data is open, and what it takes to go on is loaded
        page = window.page()
        results["given"] = time.monotonic_ns()
        page.who.fill(EMAIL, PASSWORD)
        page.who.button.click()
        yield
        results["complete"] = time.monotonic_ns()
        results["start_peak"] = peak_memory()
        from clinicdesk.desktop.appointments.day_view import DayView  # loaded by now

        desk, view = window.desk, window.findChild(DayView)
        results["visits"] = sum(len(column.boxes) for column in view.columns())
        first = desk.now().date()
        for nth in range(1, DAYS + 1):
            spent, began = time.thread_time(), time.perf_counter()
            desk.show_day(first - timedelta(days=nth))
            yield
            results["days"].append((time.thread_time() - spent, time.perf_counter() - began))
        yield from self._search()
        window.workplace.go("today")  # the next start begins where this one ended
        results["peak"] = peak_memory()

    def _search(self) -> Iterator[None]:
        from clinicdesk.desktop.patients.search_page import SearchPage

        self.window.workplace.go("patients")
        yield
        page: Any = self.window.findChild(SearchPage)
        for text in TYPED:
            page.begin()
            for letter in text:
                spent, began = time.thread_time(), time.perf_counter()
                key = QKeyEvent(QEvent.Type.KeyPress, 0, Qt.KeyboardModifier.NoModifier, letter)
                QApplication.sendEvent(page.field, key)
                yield
                self._results["keys"].append((time.thread_time() - spent, time.perf_counter() - began))


def main(folder: Path) -> None:
    """Run the desk on this folder, and print what was measured."""
    results: dict[str, Any] = {"days": [], "keys": []}
    held: list[Session] = []
    application()
    QTimer.singleShot(0, lambda: held.append(Session(results)))
    run_desk(folder, False, None)
    if "peak" not in results:
        sys.exit("The desk did not come to the end of the script; its log says why.")
    print(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
