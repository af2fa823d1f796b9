"""Opens the clinic's data beside the main thread and leads from there to the first start, the sign-in, or what is the matter."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from clinicdesk.core.clinic import ClinicRow
from clinicdesk.core.clock import utc_now
from clinicdesk.core.errors import ClinicError, NotFound
from clinicdesk.core.keys import KEYRING_SETTING
from clinicdesk.core.permissions import Permission, may
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.runner import NOBODY
from clinicdesk.desktop.screens import SCREENS
from clinicdesk.desktop.sentences import warning
from clinicdesk.desktop.start.opening_page import OpeningPage
from clinicdesk.desktop.window import Window
from clinicdesk.desktop.workplace import Warned
from clinicdesk.features.demo.cast import DEMO_FOLDER, DemoAccount
from clinicdesk.features.practitioners.clinic import clinic as read_clinic
from clinicdesk.features.users.schemas import SignedIn
from clinicdesk.opening import OpenClinic, open_clinic

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Opened:
    data: OpenClinic
    clinic: ClinicRow | None
    accounts: tuple[DemoAccount, ...]


_UPKEEP_MS = 20 * 60 * 1000
"""How long after the start, and how often from then on, it is looked whether there is upkeep to do."""


class Starter(QObject):
    """Owns the open data folder from the start of the program to its end."""

    ready = Signal()
    """The data is open, and the window asks for somebody to sign in or for the answers of the first start."""
    accounts_known = Signal(object)
    """The accounts of the demo clinic, which anybody may use."""
    stuck = Signal(object)
    """ClinicError: the data does not open; the window says why."""

    def __init__(self, window: Window, folder: Path, *, demo: bool = False, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._window, self._runner = window, window.runner
        self._folder, self._demo = folder, demo
        self._held: list[OpenClinic] = []  # filled by the worker: closed at the end even where nobody took the result
        self._ended = False
        self._upkeep = QTimer(self)
        self._upkeep.timeout.connect(self._keep_up)

    def open(self, passphrase: str | None = None) -> None:
        """Open the data, or ask for what it takes."""
        folder, demo, held = self._folder / DEMO_FOLDER if self._demo else self._folder, self._demo, self._held
        if passphrase is None:
            words = (
                self.tr("Preparing the demo clinic. The first time takes a few seconds.")
                if demo
                else self.tr("Opening the clinic's data.")
            )
            self._window.ask(OpeningPage(words), self.tr("Opening"))
        self._runner.run(lambda: _open(folder, passphrase, demo, held), self._opened, owner=self, failed=self._refused)

    def close(self) -> None:
        """Finish the work under way and close the data."""
        self._upkeep.stop()
        self._ended = True
        self._runner.close()
        _close(self._held)

    def _opened(self, opened: _Opened) -> None:
        self._runner.attach(opened.data.database)
        if self._demo:
            self._window.warn(Warned(self.tr("This is the demo clinic. Everybody in it is invented.")))
        else:
            self._warn(opened.data)
        if opened.clinic is not None:
            if opened.accounts:
                self.accounts_known.emit(opened.accounts)
            staff = [who for who in opened.accounts if may(who.role, Permission.SEE_CALENDAR)]
            self._window.sign_in(opened.clinic, [(who.email, who.passphrase, who.name) for who in staff])
            self._runner.run(SCREENS[0].load, owner=self)  # while somebody types who they are
        else:
            self._ask_first(opened.data)
        if not self._demo:
            self._upkeep.start(_UPKEEP_MS)
        self.ready.emit()

    def _keep_up(self) -> None:
        """Let go of what the log has kept long enough, beside the desk's work, where there is something and it is time."""
        for data in self._held:
            self._runner.run(
                partial(data.keep_up, lambda: not self._ended), owner=self, failed=_note_trouble, aside=True
            )

    def _warn(self, data: OpenClinic) -> None:
        """Say over every screen what is not as safe as it should be, with what mends it."""
        verb, permission = self.tr("Protect with a passphrase"), Permission.MANAGE_CLINIC
        self._window.warn(
            *(
                Warned(warning(code), verb, permission, partial(self._protect, data))
                if code == "key_in_file"
                else Warned(warning(code))
                for code in data.warnings
            )
        )

    def _protect(self, data: OpenClinic, desk: Desk) -> None:
        from clinicdesk.desktop.start.passphrase_sheet import PassphraseSheet

        sheet = PassphraseSheet(desk, self._window, data)
        sheet.saved.connect(lambda _: self._protected(data, desk))
        sheet.open_sheet()

    def _protected(self, data: OpenClinic, desk: Desk) -> None:
        self._warn(data)
        desk.toast(self.tr("The data has a passphrase. The next start asks for it."))

    def _ask_first(self, data: OpenClinic) -> None:
        from clinicdesk.desktop.start.first_start import FirstStartPage

        page = FirstStartPage(self._runner, self._window.desk_name, data)
        page.finished.connect(lambda _: self._warn(data))
        page.finished.connect(self._finished)
        page.demo_wanted.connect(self._open_demo)
        self._window.ask(page, self.tr("Set up"))

    def _finished(self, signed_in: SignedIn) -> None:
        def seat(clinic: ClinicRow) -> None:
            self._window.sign_in(clinic)
            self._window.seat(clinic, signed_in)

        self._runner.read(read_clinic, seat, owner=self)

    def _open_demo(self) -> None:
        self._demo = True
        self._runner.detach()
        self.open()

    def _refused(self, error: ClinicError) -> None:
        from clinicdesk.desktop.start.troubles import PASSPHRASE_CODES, PassphrasePage, TroublePage

        if error.reason in PASSPHRASE_CODES:
            page = self._window.page()
            if isinstance(page, PassphrasePage):
                page.refuse(error)
            else:
                asking = PassphrasePage()
                asking.asked.connect(self.open)
                self._window.ask(asking, self.tr("Unlock"))
        else:
            trouble = TroublePage(error, str(self._folder))
            trouble.retry.connect(lambda: self.open())
            trouble.give_up.connect(self._window.close)
            self._window.ask(trouble, self.tr("Not open"))
        self.stuck.emit(error)


def _open(folder: Path, passphrase: str | None, demo: bool, held: list[OpenClinic]) -> _Opened:
    """Open the data in `folder`, in place of what is `held`."""
    _close(held)
    if demo:
        os.environ[KEYRING_SETTING] = "off"  # invented people need no keyring, and must not ask anybody to unlock one
    data = open_clinic(folder, passphrase=passphrase)
    try:
        accounts: tuple[DemoAccount, ...] = ()
        if demo:
            from clinicdesk.features.demo.service import prepare

            accounts = prepare(data.database, utc_now()).accounts
        try:
            with data.database.read(NOBODY) as tx:
                clinic: ClinicRow | None = read_clinic(tx)
        except NotFound:
            clinic = None
    except BaseException:
        data.close()
        raise
    held.append(data)
    return _Opened(data, clinic, accounts)


def _note_trouble(error: ClinicError) -> None:
    """Upkeep is tried again later, and nobody at the desk can do anything about it: the log says what hindered it."""
    log.warning("upkeep of the data: %s", error.reason)


def _close(held: list[OpenClinic]) -> None:
    while held:
        held.pop().close()
