"""Tells when nobody has touched keyboard or mouse for a while, be it that the computer slept meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QWindow

_TOUCHES = frozenset(
    {
        QEvent.Type.KeyPress,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseMove,
        QEvent.Type.Wheel,
        QEvent.Type.TouchBegin,
        QEvent.Type.TabletMove,
    }
)


_LOOK_MS = 5_000


class IdleWatch(QObject):
    """Listens at the program's native windows, where only a person's own input comes by, so that painting costs nothing.

    Timers stand still while the computer sleeps, so what counts is the clock on the wall: it is looked at every five
    seconds, and before the first touch after a long while is taken for one.
    """

    idle = Signal()

    def __init__(self, parent: QObject | None = None, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds that go on during sleep."""
        super().__init__(parent)
        self._clock = clock
        self._seconds = 0
        self._touched = 0.0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        app = QGuiApplication.instance()
        if isinstance(app, QGuiApplication):
            app.focusWindowChanged.connect(self._watch)
            self._watch(app.focusWindow())

    def start(self, minutes: int) -> None:
        """Tell after so many minutes without input."""
        self._seconds = minutes * 60
        self._touched = self._clock()
        self._timer.start(_LOOK_MS)

    def stop(self) -> None:
        """Tell nothing until started again."""
        self._timer.stop()

    def look(self) -> bool:
        """Tell, and stop, if the last touch lies too far back: whether it does. A clock that was put back begins anew."""
        now = self._clock()
        self._touched = min(self._touched, now)
        if not self._timer.isActive() or now - self._touched < self._seconds:
            return False
        self.stop()
        self.idle.emit()
        return True

    def _watch(self, window: QWindow | None) -> None:
        if window is not None:
            window.removeEventFilter(self)
            window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _TOUCHES and self._timer.isActive():
            if self.look():
                return True  # what wakes the computer is no answer to the lock
            self._touched = self._clock()
        return False
