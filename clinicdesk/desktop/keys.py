"""The one table of keys: it feeds shortcuts, menus, the hints in the status bar and the sheet that F1 shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING
from weakref import WeakSet

import shiboken6
from PySide6.QtCore import QCoreApplication, QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:

    def QT_TRANSLATE_NOOP(context: str, text: str) -> str: ...  # PySide6 declares it to return object

else:
    from PySide6.QtCore import QT_TRANSLATE_NOOP


class Group(Enum):
    """A column of the keys sheet."""

    FIND = QT_TRANSLATE_NOOP("Keys", "Find and book")
    VISIT = QT_TRANSLATE_NOOP("Keys", "On a visit")
    LIST = QT_TRANSLATE_NOOP("Keys", "In a list")
    MOVE = QT_TRANSLATE_NOOP("Keys", "Move around")
    EVERYWHERE = QT_TRANSLATE_NOOP("Keys", "Everywhere")

    @property
    def title(self) -> str:
        return _tr(self.value)


class Menu(Enum):
    """A menu of the window; an action without one stands in the keys sheet alone."""

    FILE = QT_TRANSLATE_NOOP("Keys", "&File")
    EDIT = QT_TRANSLATE_NOOP("Keys", "&Edit")
    VIEW = QT_TRANSLATE_NOOP("Keys", "&View")
    GO = QT_TRANSLATE_NOOP("Keys", "&Go")
    VISIT = QT_TRANSLATE_NOOP("Keys", "V&isit")
    PATIENT = QT_TRANSLATE_NOOP("Keys", "&Patient")
    TOOLS = QT_TRANSLATE_NOOP("Keys", "&Tools")
    HELP = QT_TRANSLATE_NOOP("Keys", "&Help")

    @property
    def title(self) -> str:
        return _tr(self.value)


@dataclass(frozen=True, slots=True)
class Key:
    """What an action is called (`text`, in a menu and on the sheet), how the status bar says it in a word, and its keys.

    `sequences` are alternatives in Qt's portable notation. `shown` replaces them on the sheet where a span says it better.
    `place` names the lists that have this key to themselves: elsewhere it may do something else.
    """

    text: str
    sequences: tuple[str, ...]
    group: Group
    menu: Menu | None = None
    hint: str = ""
    shown: str = ""
    place: str = ""

    @property
    def title(self) -> str:
        return _tr(self.text)

    @property
    def word(self) -> str:
        return _tr(self.hint or self.text)

    @property
    def caps(self) -> str:
        """What is written on the key caps, such as Ctrl+Z; spans keep their dash."""
        return self.shown or (self.sequences[0] if self.sequences else "")

    @property
    def is_character(self) -> bool:
        """Whether a bare character does it, so that it must not act while someone types (WCAG 2.1.4)."""
        return any(len(sequence.removeprefix("Shift+")) == 1 for sequence in self.sequences)


def _tr(source: str) -> str:
    return QCoreApplication.translate("Keys", source)


_F, _V, _L, _M, _E = Group.FIND, Group.VISIT, Group.LIST, Group.MOVE, Group.EVERYWHERE

KEYS: Mapping[str, Key] = {
    # Find and book
    "patient.find": Key(
        QT_TRANSLATE_NOOP("Keys", "Find a patient"), ("/",), _F, Menu.PATIENT, QT_TRANSLATE_NOOP("Keys", "find patient")
    ),
    "command": Key(
        QT_TRANSLATE_NOOP("Keys", "Command bar"), ("Ctrl+K",), _F, Menu.GO, QT_TRANSLATE_NOOP("Keys", "command")
    ),
    "visit.book": Key(
        QT_TRANSLATE_NOOP("Keys", "Book here"), ("N",), _F, Menu.VISIT, QT_TRANSLATE_NOOP("Keys", "book")
    ),
    "visit.walk_in": Key(
        QT_TRANSLATE_NOOP("Keys", "Walk-in, first free"), ("W",), _F, Menu.VISIT, QT_TRANSLATE_NOOP("Keys", "walk-in")
    ),
    "calendar.next_opening": Key(
        QT_TRANSLATE_NOOP("Keys", "Next free opening"), (".",), _F, Menu.GO, QT_TRANSLATE_NOOP("Keys", "next free")
    ),
    "calendar.previous_opening": Key(QT_TRANSLATE_NOOP("Keys", "Previous free opening"), (",",), _F, Menu.GO),
    "calendar.go_to_date": Key(
        QT_TRANSLATE_NOOP("Keys", "Go to a date: tue, 6w, 12 dec"),
        ("G",),
        _F,
        Menu.GO,
        QT_TRANSLATE_NOOP("Keys", "date"),
    ),
    "patient.new": Key(
        QT_TRANSLATE_NOOP("Keys", "New patient"),
        ("Ctrl+N",),
        _F,
        Menu.PATIENT,
        QT_TRANSLATE_NOOP("Keys", "new patient"),
    ),
    # On a visit
    "visit.advance": Key(
        QT_TRANSLATE_NOOP("Keys", "Next step"), ("Space",), _V, Menu.VISIT, QT_TRANSLATE_NOOP("Keys", "advance")
    ),
    "visit.step_back": Key(
        QT_TRANSLATE_NOOP("Keys", "One step back"), ("Backspace",), _V, Menu.VISIT, QT_TRANSLATE_NOOP("Keys", "back")
    ),
    "visit.check_in": Key(
        QT_TRANSLATE_NOOP("Keys", "Check in"), ("C",), _V, Menu.VISIT, QT_TRANSLATE_NOOP("Keys", "check in")
    ),
    "visit.confirm": Key(
        QT_TRANSLATE_NOOP("Keys", "Confirm, then next"), ("Y",), _V, Menu.VISIT, QT_TRANSLATE_NOOP("Keys", "confirm")
    ),
    "visit.reschedule": Key(
        QT_TRANSLATE_NOOP("Keys", "Reschedule, ranked"), ("R",), _V, Menu.VISIT, QT_TRANSLATE_NOOP("Keys", "reschedule")
    ),
    "visit.follow_up": Key(
        QT_TRANSLATE_NOOP("Keys", "Follow-up: 6w, 10d, 3m"),
        ("F",),
        _V,
        Menu.VISIT,
        QT_TRANSLATE_NOOP("Keys", "follow-up"),
    ),
    "visit.cut": Key(
        QT_TRANSLATE_NOOP("Keys", "Cut to pinboard"), ("Ctrl+X",), _V, Menu.EDIT, QT_TRANSLATE_NOOP("Keys", "cut")
    ),
    "visit.place": Key(
        QT_TRANSLATE_NOOP("Keys", "Place"), ("Ctrl+V",), _V, Menu.EDIT, QT_TRANSLATE_NOOP("Keys", "place")
    ),
    "visit.cancel": Key(
        QT_TRANSLATE_NOOP("Keys", "Cancel, then reason 1–9"),
        ("X", "Del"),
        _V,
        Menu.VISIT,
        QT_TRANSLATE_NOOP("Keys", "cancel"),
    ),
    "visit.no_show": Key(
        QT_TRANSLATE_NOOP("Keys", "No-show"), ("Shift+N",), _V, Menu.VISIT, QT_TRANSLATE_NOOP("Keys", "no-show")
    ),
    "visit.entered_in_error": Key(QT_TRANSLATE_NOOP("Keys", "Entered in error"), (), _V, Menu.VISIT),
    "visit.open": Key(
        QT_TRANSLATE_NOOP("Keys", "Open"),
        ("Return", "Enter"),
        _V,
        Menu.VISIT,
        QT_TRANSLATE_NOOP("Keys", "open"),
        "Enter",
    ),
    "visit.card": Key(
        QT_TRANSLATE_NOOP("Keys", "Show the card"), ("Ctrl+Space",), _V, Menu.VISIT, QT_TRANSLATE_NOOP("Keys", "card")
    ),
    "visit.menu": Key(QT_TRANSLATE_NOOP("Keys", "Menu of the visit"), ("Shift+F10", "Menu"), _V),
    "visit.patient": Key(
        QT_TRANSLATE_NOOP("Keys", "Open the record"), ("O",), _V, Menu.PATIENT, QT_TRANSLATE_NOOP("Keys", "record")
    ),
    # On a record
    "record.edit": Key(
        QT_TRANSLATE_NOOP("Keys", "Edit the record"),
        ("E",),
        _F,
        Menu.PATIENT,
        QT_TRANSLATE_NOOP("Keys", "edit"),
        place="record",
    ),
    "record.allergies": Key(
        QT_TRANSLATE_NOOP("Keys", "Allergies"),
        ("A",),
        _F,
        Menu.PATIENT,
        QT_TRANSLATE_NOOP("Keys", "allergies"),
        place="record",
    ),
    "record.contact": Key(QT_TRANSLATE_NOOP("Keys", "Add a contact"), ("K",), _F, Menu.PATIENT, place="record"),
    "record.deceased": Key(QT_TRANSLATE_NOOP("Keys", "Mark as deceased"), (), _F, Menu.PATIENT, place="record"),
    # In a list of the administration
    "admin.add": Key(
        QT_TRANSLATE_NOOP("Keys", "Add to this list"),
        ("N",),
        _L,
        Menu.EDIT,
        QT_TRANSLATE_NOOP("Keys", "add"),
        place="admin",
    ),
    "admin.edit": Key(
        QT_TRANSLATE_NOOP("Keys", "Change"),
        ("Return", "Enter"),
        _L,
        Menu.EDIT,
        QT_TRANSLATE_NOOP("Keys", "change"),
        shown="Enter",
        place="admin",
    ),
    "admin.turn_off": Key(
        QT_TRANSLATE_NOOP("Keys", "Turn off, or on again"),
        ("Del",),
        _L,
        Menu.EDIT,
        QT_TRANSLATE_NOOP("Keys", "turn off or on"),
        place="admin",
    ),
    "admin.remove": Key(
        QT_TRANSLATE_NOOP("Keys", "Remove"),
        ("Del",),
        _L,
        Menu.EDIT,
        QT_TRANSLATE_NOOP("Keys", "remove"),
        place="admin days",
    ),
    "admin.toggle": Key(
        QT_TRANSLATE_NOOP("Keys", "Closed or open that day"),
        ("Space",),
        _L,
        Menu.EDIT,
        QT_TRANSLATE_NOOP("Keys", "closed or open"),
        place="admin days",
    ),
    "admin.password": Key(
        QT_TRANSLATE_NOOP("Keys", "New password for this user"),
        ("P",),
        _L,
        Menu.EDIT,
        QT_TRANSLATE_NOOP("Keys", "new password"),
        place="admin",
    ),
    "admin.up": Key(
        QT_TRANSLATE_NOOP("Keys", "Earlier in the order"),
        ("Alt+Up",),
        _L,
        Menu.EDIT,
        QT_TRANSLATE_NOOP("Keys", "move up"),
        shown="Alt+↑",
        place="admin",
    ),
    "admin.down": Key(
        QT_TRANSLATE_NOOP("Keys", "Later in the order"),
        ("Alt+Down",),
        _L,
        Menu.EDIT,
        QT_TRANSLATE_NOOP("Keys", "move down"),
        shown="Alt+↓",
        place="admin",
    ),
    "admin.filter": Key(
        QT_TRANSLATE_NOOP("Keys", "Find in the audit log"),
        ("Ctrl+F",),
        _L,
        Menu.EDIT,
        QT_TRANSLATE_NOOP("Keys", "find in the log"),
        place="admin",
    ),
    # Move around
    "calendar.time": Key(QT_TRANSLATE_NOOP("Keys", "Time up or down"), (), _M, shown="↑ ↓"),
    "calendar.practitioner": Key(QT_TRANSLATE_NOOP("Keys", "Practitioner"), (), _M, shown="← →"),
    "flow.pick": Key(
        QT_TRANSLATE_NOOP("Keys", "Choose a card"), (), _M, hint=QT_TRANSLATE_NOOP("Keys", "pick"), shown="1–9"
    ),
    "flow.columns": Key(QT_TRANSLATE_NOOP("Keys", "Cards and columns"), (), _M, shown="↑ ↓ ← →"),
    "calendar.previous_day": Key(QT_TRANSLATE_NOOP("Keys", "Day before"), ("PgUp",), _M, Menu.GO),
    "calendar.next_day": Key(QT_TRANSLATE_NOOP("Keys", "Day after"), ("PgDown",), _M, Menu.GO),
    "calendar.next_visits": Key(QT_TRANSLATE_NOOP("Keys", "Next day with visits"), ("End",), _M, Menu.GO),
    "calendar.now": Key(QT_TRANSLATE_NOOP("Keys", "Today, now"), ("T",), _M, Menu.GO, QT_TRANSLATE_NOOP("Keys", "now")),
    "calendar.day": Key(QT_TRANSLATE_NOOP("Keys", "Day"), ("Alt+1",), _M, Menu.VIEW),
    "calendar.week": Key(QT_TRANSLATE_NOOP("Keys", "Week"), ("Alt+2",), _M, Menu.VIEW),
    "calendar.month": Key(QT_TRANSLATE_NOOP("Keys", "Month"), ("Alt+3",), _M, Menu.VIEW),
    "calendar.list": Key(QT_TRANSLATE_NOOP("Keys", "List"), ("Alt+4",), _M, Menu.VIEW),
    "calendar.people": Key(QT_TRANSLATE_NOOP("Keys", "Whose columns"), ("Alt+W",), _M, Menu.VIEW),
    "calendar.person_before": Key(QT_TRANSLATE_NOOP("Keys", "Week of the practitioner before"), ("Shift+Left",), _M),
    "calendar.person_after": Key(QT_TRANSLATE_NOOP("Keys", "Week of the practitioner after"), ("Shift+Right",), _M),
    "calendar.entered_in_error": Key(QT_TRANSLATE_NOOP("Keys", "Visits entered in error"), (), _M, Menu.VIEW),
    "calendar.zoom_in": Key(
        QT_TRANSLATE_NOOP("Keys", "Larger time scale"), ("Ctrl++", "Ctrl+="), _M, Menu.VIEW, shown="Ctrl +"
    ),
    "calendar.zoom_out": Key(QT_TRANSLATE_NOOP("Keys", "Smaller time scale"), ("Ctrl+-",), _M, Menu.VIEW),
    "admin.users": Key(QT_TRANSLATE_NOOP("Keys", "Users and audit"), ("Alt+1",), _M, Menu.VIEW, place="admin"),
    "admin.hours": Key(QT_TRANSLATE_NOOP("Keys", "Practitioners and hours"), ("Alt+2",), _M, Menu.VIEW, place="admin"),
    "admin.types": Key(QT_TRANSLATE_NOOP("Keys", "Visit types"), ("Alt+3",), _M, Menu.VIEW, place="admin"),
    "admin.places": Key(QT_TRANSLATE_NOOP("Keys", "Rooms and clinic"), ("Alt+4",), _M, Menu.VIEW, place="admin"),
    "record.overview": Key(QT_TRANSLATE_NOOP("Keys", "Overview"), ("Alt+1",), _M, Menu.VIEW, place="record"),
    "record.appointments": Key(QT_TRANSLATE_NOOP("Keys", "Appointments"), ("Alt+2",), _M, Menu.VIEW, place="record"),
    "record.access_log": Key(QT_TRANSLATE_NOOP("Keys", "Access log"), ("Alt+3",), _M, Menu.VIEW, place="record"),
    "pane.next": Key(QT_TRANSLATE_NOOP("Keys", "Next pane"), ("F6",), _M, Menu.GO),
    "pane.previous": Key(QT_TRANSLATE_NOOP("Keys", "Pane before"), ("Shift+F6",), _M, Menu.GO),
    "go.today": Key(QT_TRANSLATE_NOOP("Keys", "Today"), ("Ctrl+1",), _M, Menu.GO),
    "go.flow": Key(
        QT_TRANSLATE_NOOP("Keys", "Flow board"), ("Ctrl+2",), _M, Menu.GO, QT_TRANSLATE_NOOP("Keys", "Flow")
    ),
    "go.patients": Key(QT_TRANSLATE_NOOP("Keys", "Patients"), ("Ctrl+3",), _M, Menu.GO),
    "go.admin": Key(
        QT_TRANSLATE_NOOP("Keys", "Administration"), ("Ctrl+4",), _M, Menu.GO, QT_TRANSLATE_NOOP("Keys", "Admin")
    ),
    "tray": Key(QT_TRANSLATE_NOOP("Keys", "Show or hide the tray"), ("F9",), _M, Menu.VIEW),
    "back": Key(QT_TRANSLATE_NOOP("Keys", "Back"), ("Esc",), _M, hint=QT_TRANSLATE_NOOP("Keys", "back")),
    # Everywhere
    "undo": Key(QT_TRANSLATE_NOOP("Keys", "Undo"), ("Ctrl+Z",), _E, Menu.EDIT, QT_TRANSLATE_NOOP("Keys", "undo")),
    "redo": Key(
        QT_TRANSLATE_NOOP("Keys", "Redo"), ("Ctrl+Shift+Z", "Ctrl+Y"), _E, Menu.EDIT, QT_TRANSLATE_NOOP("Keys", "redo")
    ),
    "lock": Key(QT_TRANSLATE_NOOP("Keys", "Lock now"), ("Ctrl+L",), _E, Menu.FILE),
    "switch_user": Key(QT_TRANSLATE_NOOP("Keys", "Switch user"), ("Ctrl+Shift+L", "Ctrl+U"), _E, Menu.FILE),
    "initials": Key(QT_TRANSLATE_NOOP("Keys", "Initials only"), ("Ctrl+I",), _E, Menu.VIEW),
    "reveal": Key(
        QT_TRANSLATE_NOOP("Keys", "Show hidden fields, 20 s"),
        ("V",),
        _E,
        Menu.PATIENT,
        QT_TRANSLATE_NOOP("Keys", "show"),
    ),
    "settings": Key(QT_TRANSLATE_NOOP("Keys", "Settings"), ("Ctrl+,",), _E, Menu.TOOLS),
    "keys": Key(QT_TRANSLATE_NOOP("Keys", "These keys"), ("F1",), _E, Menu.HELP, QT_TRANSLATE_NOOP("Keys", "all keys")),
    "quit": Key(QT_TRANSLATE_NOOP("Keys", "Quit"), ("Ctrl+Q",), _E, Menu.FILE),
}


class KeyBinder(QObject):
    """Makes the actions of the table: on a widget, and acting while that widget or something in it has the focus."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._characters = True
        self._actions: WeakSet[QAction] = WeakSet()

    def bind(
        self,
        widget: QWidget,
        handlers: Mapping[str, Callable[[], object]],
        context: Qt.ShortcutContext = Qt.ShortcutContext.WidgetWithChildrenShortcut,
    ) -> dict[str, QAction]:
        """Give `widget` an action for each id in `handlers`; they are found again by their object name.

        Bind bare characters to a calendar, list or board, never to something with a text field in it.
        """
        made: dict[str, QAction] = {}
        for name, handler in handlers.items():
            action = QAction(KEYS[name].title, widget)
            action.setObjectName(name)
            action.setShortcutContext(context)
            action.triggered.connect(lambda _checked=False, handler=handler: handler())
            self._press(action)
            widget.addAction(action)
            self._actions.add(action)
            made[name] = action
        return made

    def acts(self, name: str) -> bool:
        """Whether the key with this id does anything as the person has set it; its action stays in the menus anyhow."""
        return self._characters or not KEYS[name].sequences or bool(self._sequences(name))

    def set_characters(self, on: bool) -> None:
        """Let bare characters act, or only keys with Ctrl, Alt and the like."""
        self._characters = on
        for action in list(self._actions):
            if shiboken6.isValid(action):
                self._press(action)

    def _press(self, action: QAction) -> None:
        portable = QKeySequence.SequenceFormat.PortableText
        action.setShortcuts([QKeySequence.fromString(keys, portable) for keys in self._sequences(action.objectName())])

    def _sequences(self, name: str) -> list[str]:
        return [keys for keys in KEYS[name].sequences if self._characters or len(keys.removeprefix("Shift+")) > 1]
