"""Starts the desk: one process for each data folder, one window, and an end that loses nothing."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from platformdirs import user_data_path
from PySide6.QtCore import QSysInfo, Qt
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication

from clinicdesk import __version__
from clinicdesk.core.crash import log_crash
from clinicdesk.core.errors import ClinicError
from clinicdesk.core.logs import start_logging
from clinicdesk.core.paths import data_dir, resource_dir
from clinicdesk.desktop.instance import Instance
from clinicdesk.desktop.languages import speak
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.preferences import Preferences
from clinicdesk.desktop.runner import Runner
from clinicdesk.desktop.start.starter import Starter
from clinicdesk.desktop.users.roles import role_name
from clinicdesk.desktop.window import Window
from clinicdesk.features.demo.cast import DemoAccount


def main(folder: Path | None, demo: bool = False, tour: Path | None = None) -> int:
    """Open the desk on a data folder (None: this person's own) and return the exit code when its window is closed.

    `demo` opens the demo clinic within that folder; `tour` lets the program do its main job by itself, with pictures there.
    """
    app = application()
    try:
        place: Path | None = data_dir(folder)
    except ClinicError:
        place = None  # opening meets the same and says so in the window
    instance = None
    if place is not None:
        start_logging(place)
        instance = Instance(place, app)
        if not instance.claim():
            return 0 if instance.call() else 1
    place = place or folder or user_data_path("clinicdesk", appauthor=False)
    runner = Runner()
    window = Window(runner, Preferences(place), QSysInfo.machineHostName())
    starter = Starter(window, place, demo=demo)
    starter.accounts_known.connect(_print_accounts)
    sys.excepthook = _report_to(runner)
    if instance is not None:
        instance.called.connect(window.come_forward)
    window.show()
    starter.open()
    try:
        if tour is not None:
            from clinicdesk.desktop.tour import run

            return int(run(app, window, tour))
        return app.exec()
    finally:
        window.close()
        starter.close()
        if instance is not None:
            instance.release()
        sys.excepthook = sys.__excepthook__


def application() -> QApplication:
    """The QApplication, dressed and translated; the one that is there already where there is one."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
        app = QApplication(sys.argv[:1])
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C in the terminal ends the program: what was saved is saved
    app.setApplicationName("ClinicDesk")
    app.setApplicationVersion(__version__)
    app.setOrganizationName("ClinicDesk")
    app.setDesktopFileName("clinicdesk")
    app.setWindowIcon(QIcon(str(resource_dir() / "clinicdesk.svg")))
    speak(app)
    theme()
    return app


def _print_accounts(accounts: Sequence[DemoAccount]) -> None:
    """Tell whoever started the demo from a terminal how to sign in."""
    if sys.stdout is not None:  # a program without a terminal has none on some systems
        sys.stdout.writelines(
            f"{who.email:<14} {who.passphrase:<28} {who.name}, {role_name(who.role)}\n" for who in accounts
        )
        sys.stdout.flush()


def _report_to(runner: Runner) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    def report(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
        """A bug on the main thread: noted, told once, and the program goes on."""
        runner.crashed.emit(log_crash(error))

    return report
