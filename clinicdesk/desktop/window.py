"""The one window: what is asked before the desk opens, the desk itself with its menus and keys, and the lock over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget, QStatusBar, QToolTip, QWidget

from clinicdesk.core.clinic import ClinicRow
from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.away import AwayWatch
from clinicdesk.desktop.desk import Desk, FindPatient, NewPatient, Request
from clinicdesk.desktop.idle import IdleWatch
from clinicdesk.desktop.keys import KEYS, KeyBinder
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import WINDOW_MINIMUM
from clinicdesk.desktop.menus import Corner, Menus
from clinicdesk.desktop.preferences import Preferences
from clinicdesk.desktop.runner import Runner
from clinicdesk.desktop.screens import SCREENS, Entry
from clinicdesk.desktop.status_strip import StatusStrip
from clinicdesk.desktop.users.shutter import Shutter
from clinicdesk.desktop.users.sign_in import SignInPage
from clinicdesk.desktop.widgets import Sheet, Toast, ToastAction
from clinicdesk.desktop.workplace import Warned, Workplace
from clinicdesk.features.users.schemas import SignedIn
from clinicdesk.features.users.service import sign_out

_HELD_BY_SHEET = ("go.", "pane.", "patient.", "command", "settings", "undo", "redo")
"""Keys that wait while a sheet is open: what is typed in it must not be left behind."""

_NEEDED = {"patient.find": Permission.FIND_PATIENT, "patient.new": Permission.EDIT_PATIENT}


class Window(QMainWindow):
    """Shows one page at a time: a question before the desk opens (`ask`), the sign-in, a person's workplace, the lock.

    Its title names the page, never a person.
    """

    opened = Signal()
    """A person's desk is on the screen."""

    def __init__(
        self,
        runner: Runner,
        preferences: Preferences,
        desk_name: str,
        entries: Sequence[Entry] = SCREENS,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.runner, self.preferences = runner, preferences
        self.desk: Desk | None = None
        self.workplace: Workplace | None = None
        self._warned: Sequence[Warned] = ()
        self._entries, self.desk_name = entries, desk_name
        self._sign_in: SignInPage | None = None
        self._shutter: Shutter | None = None
        self.toast: Toast | None = None
        self._drafts: dict[UUID, dict[str, object]] = {}
        self._focus: QWidget | None = None

        self._pages = QStackedWidget()
        self.setCentralWidget(self._pages)
        self.strip = StatusStrip()
        bar = QStatusBar()
        bar.setSizeGripEnabled(False)
        bar.setContentsMargins(0, 0, 0, 0)
        bar.addWidget(self.strip, 1)
        self.setStatusBar(bar)
        self._binder = KeyBinder(self)
        self._actions = self._bind()
        self._menus = Menus(self.menuBar())
        self._corner = Corner()
        self.menuBar().setCornerWidget(self._corner, Qt.Corner.TopRightCorner)
        self.idle = IdleWatch(self)
        self.idle.idle.connect(self._lock_idle)
        self._away = AwayWatch(self)
        self._away.away.connect(self.lock)
        self.opened.connect(self._away.listen, Qt.ConnectionType.SingleShotConnection)
        QApplication.instance().focusChanged.connect(self._focus_moved)  # type: ignore[union-attr]
        self.setMinimumSize(QSize(*WINDOW_MINIMUM))
        self._restore_looks()
        self._frame(False)

    # Pages before the desk

    def ask(self, page: QWidget, title: str) -> None:
        """Show a page that asks or tells something before a desk can open."""
        self._frame(False)
        self._show(page, title)

    def page(self) -> QWidget | None:
        """What the window shows now."""
        return self._pages.currentWidget()

    def sign_in(self, clinic: ClinicRow, accounts: Sequence[tuple[str, str, str]] = ()) -> None:
        """Ask who sits down. `accounts` are those of a demo clinic: e-mail, password and name, shown for all to see."""
        if self._sign_in is None:
            self._sign_in = SignInPage(self.runner, clinic, self.desk_name, accounts)
            self._sign_in.signed_in.connect(self.seat)
            self._sign_in.left.connect(self._back_to_lock)
        self._sign_in.set_clinic(clinic)
        self._frame(False)
        self._show(self._sign_in, self.tr("Sign in"))
        self._sign_in.begin(may_leave=self.desk is not None)

    def warn(self, *warned: Warned) -> None:
        """Have these warnings over every screen, in place of those before; none where all is well."""
        self._warned = warned
        if self.workplace is not None:
            self.workplace.warn(warned)

    def _show(self, page: QWidget, title: str) -> None:
        before = self._pages.currentWidget()
        if self._pages.indexOf(page) < 0:
            self._pages.addWidget(page)
        self._pages.setCurrentWidget(page)
        self.setWindowTitle(f"ClinicDesk - {title}")
        if page is not self.workplace:
            page.setFocus()
        if before is not None and before is not page and before not in (self.workplace, self._sign_in, self._shutter):
            self._pages.removeWidget(before)
            before.deleteLater()

    def _frame(self, on: bool) -> None:
        """Show menus and status bar, which belong to the desk, or none of it."""
        self.menuBar().setVisible(on)
        self.statusBar().setVisible(on)
        closed = set() if self.desk is None else {
            *(entry.key_id for entry in self._entries if not self.desk.actor.may(entry.permission)),
            *(name for name, permission in _NEEDED.items() if not self.desk.actor.may(permission)),
        }  # fmt: skip
        for name, action in self._actions.items():
            action.setEnabled(name == "quit" or (on and name not in closed))
            action.setVisible(name not in closed)
        if on:
            self._show_undo()

    # A person's desk

    def seat(self, clinic: ClinicRow, signed_in: SignedIn) -> None:
        """Open the desk of whoever has signed in; the same person finds theirs as they left it."""
        if self.desk is not None and (self.desk.user.id, self.desk.user.role) == (
            signed_in.user.id,
            signed_in.user.role,
        ):
            self.unlock()
            return
        self._leave()
        self.desk = desk = Desk(self.runner, clinic, signed_in, self.preferences, self)
        self.workplace = workplace = Workplace(desk, self._entries, self._warned)
        workplace.screen_changed.connect(self._screen_changed)
        workplace.hints_changed.connect(self._show_hints)
        workplace.counts_changed.connect(self._show_counts)
        workplace.lock_wanted.connect(self.lock)
        self.toast = Toast(workplace.pages)
        desk.toasted.connect(self._show_toast)
        desk.undo.changed.connect(self._show_undo)
        desk.privacy.changed.connect(self._show_privacy)
        desk.clinic_changed.connect(self._clinic_changed)
        self._corner.show_person(desk.clinic.name, desk.user)
        self._show_privacy()
        self._frame(True)
        allowed = [entry.name for entry in workplace.entries]
        self._show(workplace, self.tr("Desk"))
        for name in (self.preferences.last_screen, *allowed):
            if name in allowed:
                workplace.go(name)
                break
        self._screen_changed()
        workplace.restore(self._drafts.pop(signed_in.user.id, {}))
        self.idle.start(desk.clinic.auto_lock_minutes)
        self.opened.emit()

    def _leave(self) -> None:
        """The person before goes; what they typed and did not save waits for them in memory."""
        if self.desk is None or self.workplace is None:
            return
        self.runner.write(sign_out, owner=self, failed=lambda _: None)
        self.idle.stop()
        if drafts := self.workplace.drafts():
            self._drafts[self.desk.user.id] = drafts
        for gone in (self._shutter, self.workplace):
            if gone is not None:
                self._pages.removeWidget(gone)
                gone.deleteLater()
        self.desk.deleteLater()
        self.desk = self.workplace = self._shutter = self.toast = self._focus = None

    def _clinic_changed(self) -> None:
        if self.desk is not None:
            self._corner.show_person(self.desk.clinic.name, self.desk.user)
            self.idle.start(self.desk.clinic.auto_lock_minutes)

    # Lock

    def lock(self, idle_minutes: int = 0) -> None:
        """Hide everything of the clinic's day until the person, or another, gives a password."""
        desk, workplace = self.desk, self.workplace
        if desk is None or workplace is None or self._pages.currentWidget() is not workplace:
            return
        self._focus = self.focusWidget()
        self._close_popups()
        self.idle.stop()
        if self._shutter is None:
            self._shutter = Shutter(desk)
            self._shutter.unlocked.connect(self.unlock)
            self._shutter.other_person.connect(self.switch_user)
        screen = workplace.screen_in_front
        counts = list(screen.counts()) if screen is not None else []
        if drafts := len(workplace.drafts()):
            counts.append(("ph.note-pencil", self.tr("%n drafts kept for you", "", drafts)))
        self._shutter.close_over(desk.now(), idle_minutes, counts)
        self._frame(False)
        self._show(self._shutter, self.tr("Locked"))

    def unlock(self) -> None:
        """Show the same person's desk again, with the focus where it was."""
        if self.desk is None or self.workplace is None:
            return
        self._frame(True)
        self._show(self.workplace, self.workplace.title)
        if self._focus is not None:
            self._focus.setFocus()
        self.idle.start(self.desk.clinic.auto_lock_minutes)

    def switch_user(self) -> None:
        """Let another person sit down; the desk stays locked until somebody does."""
        self.lock()
        if self.desk is not None:
            self.sign_in(self.desk.clinic)

    def _lock_idle(self) -> None:
        if self.desk is not None:
            self.lock(self.desk.clinic.auto_lock_minutes)

    def _back_to_lock(self) -> None:
        if self._shutter is not None:
            self._show(self._shutter, self.tr("Locked"))

    def _close_popups(self) -> None:
        """Tooltips, menus and cards lie outside this window, so hiding its pages would leave them."""
        QToolTip.hideText()
        while (popup := QApplication.activePopupWidget()) is not None:
            popup.close()
        for other in QApplication.topLevelWidgets():
            if (
                other is not self
                and other.isVisible()
                and other.windowType() in (Qt.WindowType.ToolTip, Qt.WindowType.Popup)
            ):
                other.close()

    # Keys and menus

    def _bind(self) -> dict[str, QAction]:
        handlers: dict[str, Callable[[], object]] = {
            "patient.find": lambda: self._request(FindPatient()),
            "patient.new": lambda: self._request(NewPatient()),
            "command": self._open_command_bar,
            "undo": self._undo,
            "redo": self._redo,
            "lock": self.lock,
            "switch_user": self.switch_user,
            "initials": self._toggle_initials,
            "settings": self._open_settings,
            "keys": self._open_keys,
            "pane.next": lambda: self._next_pane(1),
            "pane.previous": lambda: self._next_pane(-1),
            "quit": self.close,
        }
        for entry in self._entries:
            handlers[entry.key_id] = partial(self._go, entry.name)
        held = {name: self._unless_sheet(handler) if name.startswith(_HELD_BY_SHEET) else handler
                for name, handler in handlers.items()}  # fmt: skip
        actions = self._binder.bind(self, held, Qt.ShortcutContext.WindowShortcut)
        actions["initials"].setCheckable(True)
        return actions

    def _unless_sheet(self, handler: Callable[[], object]) -> Callable[[], object]:
        return lambda: None if self.workplace is None or self.workplace.sheet_is_open() else handler()

    def _go(self, name: str) -> None:
        if self.workplace is not None:
            self.workplace.go(name)

    def _next_pane(self, step: int) -> None:
        if self.workplace is not None:
            self.workplace.next_pane(step)

    def _undo(self) -> None:
        if self.desk is not None:
            self.desk.undo.undo()

    def _redo(self) -> None:
        if self.desk is not None:
            self.desk.undo.redo()

    def _request(self, request: Request) -> None:
        if self.desk is not None:
            self.desk.requested.emit(request)

    def _toggle_initials(self) -> None:
        if self.desk is not None:
            self.desk.privacy.set_initials_only(not self.desk.privacy.initials_only)

    def _show_privacy(self) -> None:
        if self.desk is not None:
            self._actions["initials"].setChecked(self.desk.privacy.initials_only)

    def _open_command_bar(self) -> None:
        from clinicdesk.desktop.command.bar import CommandBar

        if self.desk is not None and self.workplace is not None:
            CommandBar(self.desk, self.workplace).open_sheet()

    def _open_settings(self) -> None:
        from clinicdesk.desktop.settings_sheet import SettingsSheet

        if self.desk is not None and self.workplace is not None:
            self._open_once(SettingsSheet(self.workplace, self.preferences, self._set_character_keys))

    def _open_keys(self) -> None:
        from clinicdesk.desktop.keys_sheet import KeysSheet

        if self.workplace is not None and not self.workplace.sheet_is_open():
            screen = self.workplace.screen_in_front
            shown = {name for name, action in self._actions.items() if action.isVisible()}
            shown |= screen.keys_here() if screen is not None else set()
            self._open_once(KeysSheet(self.workplace, self.workplace.title, filter(self._binder.acts, shown)))

    def _open_once(self, sheet: Sheet) -> None:
        sheet.closed.connect(sheet.deleteLater)
        sheet.open_sheet()

    def _set_character_keys(self, on: bool) -> None:
        self.preferences.character_keys = on
        self._binder.set_characters(on)
        if self.desk is not None:
            self.desk.keys.set_characters(on)
        self._show_hints()

    def _screen_changed(self) -> None:
        workplace = self.workplace
        if workplace is None:
            return
        self.setWindowTitle(f"ClinicDesk - {workplace.title}")
        screen = workplace.screen_in_front
        self._menus.fill([*self._actions.values(), *(screen.key_actions() if screen is not None else [])])
        if screen is not None:
            self.preferences.last_screen = workplace.name
        self._show_hints()
        self._show_counts()

    def _show_hints(self) -> None:
        screen = self.workplace.screen_in_front if self.workplace is not None else None
        own = screen.hints() if screen is not None else ()
        names = [*own, *(name for name in ("patient.find", "keys") if name not in own)]
        self.strip.set_hints(filter(self._binder.acts, names))

    def _show_counts(self) -> None:
        screen = self.workplace.screen_in_front if self.workplace is not None else None
        self.strip.set_counts(screen.counts() if screen is not None else ())

    def _focus_moved(self, _old: QWidget | None, _new: QWidget | None) -> None:
        if self.workplace is not None and self._pages.currentWidget() is self.workplace:
            self._show_hints()

    def _show_undo(self) -> None:
        stack = self.desk.undo if self.desk is not None else None
        for name, what in (("undo", stack.undo_text if stack else ""), ("redo", stack.redo_text if stack else "")):
            title = KEYS[name].title
            self._actions[name].setText(f"{title}: {what}" if what else title)
            self._actions[name].setEnabled(bool(what))

    def _show_toast(self, text: str, undo: bool) -> None:
        if self.toast is not None and self.desk is not None:
            back = ToastAction(KEYS["undo"].title, KEYS["undo"].caps, self._undo)
            self.toast.show_message(text, actions=[back] if undo else [])

    # The window itself

    def come_forward(self) -> None:
        """Raise the window: the program was started a second time."""
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()

    def _restore_looks(self) -> None:
        theme().set_mode(self.preferences.mode)
        theme().set_text_size(self.preferences.text_percent / 100)
        self._binder.set_characters(self.preferences.character_keys)
        if self.preferences.geometry.isEmpty() or not self.restoreGeometry(self.preferences.geometry):
            self.resize(1440, 900)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.preferences.geometry = self.saveGeometry()
        self._leave()
        self.preferences.save()
        event.accept()
