"""A card over the dimmed window: the command bar, the list of keys, dialogs."""

from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QFrame, QWidget
from shiboken6 import isValid

from clinicdesk.desktop.look import shapes
from clinicdesk.desktop.look.theme import theme


class Scrim(QWidget):
    """Dims `host` and takes the mouse from it; follows its size."""

    pressed = Signal()

    def __init__(self, host: QWidget) -> None:
        super().__init__(host, Qt.WindowType.SubWindow)  # Qt keeps Tab within a window of this kind
        self._host = host
        self.hide()
        host.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._host and event.type() is QEvent.Type.Resize:
            self.setGeometry(self._host.rect())
        return super().eventFilter(watched, event)

    def showEvent(self, event: QShowEvent) -> None:
        self.setGeometry(self._host.rect())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pressed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(event.rect(), theme().tokens.scrim)


class Sheet(QFrame):
    """A card over a scrim on `host`. Esc closes it, Tab stays in it, and focus goes back to where it came from.

    Build the content as in any widget, then `open_sheet()`. `width` is in px at text size 1; the height follows the
    content. With `light` a press outside closes it too. Set
    Qt.WA_DeleteOnClose on a sheet that is made anew each time.
    """

    opened = Signal()
    closed = Signal()

    def __init__(self, host: QWidget, title: str, *, width: int = 560, top: int = 68, light: bool = False) -> None:
        self._scrim = Scrim(host)
        super().__init__(self._scrim)
        self._wide, self._top = width, top
        self._came_from: QWidget | None = None
        self.setAccessibleName(title)
        self.setContentsMargins(1, 1, 1, 4)
        self._scrim.installEventFilter(self)
        if light:
            self._scrim.pressed.connect(self.close_sheet)
        theme().changed.connect(self._place)

    def is_open(self) -> bool:
        """Whether the sheet is over its host."""
        return self._scrim.isVisible()

    def open_sheet(self) -> None:
        """Show the sheet and give focus to its first field that is empty, else to the first that takes it."""
        if self.is_open():
            return
        self._came_from = QApplication.focusWidget()
        self._scrim.show()
        self._scrim.raise_()
        self.show()
        self._place()
        stops = self._stops()
        empty = [stop for stop in stops if stop.property("text") == ""]
        for stop in [*empty, *stops][:1]:
            stop.setFocus(Qt.FocusReason.PopupFocusReason)
        self.opened.emit()

    def close_sheet(self) -> None:
        """Hide the sheet and give focus back."""
        if not self.is_open():
            return
        self._scrim.hide()
        back, self._came_from = self._came_from, None
        if back is not None and isValid(back) and back.isVisible() and back.isEnabled():
            back.setFocus(Qt.FocusReason.PopupFocusReason)
        self.closed.emit()
        if self.testAttribute(Qt.WidgetAttribute.WA_DeleteOnClose):
            self._scrim.deleteLater()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_sheet()
        else:
            # Keys that nothing here wants must not reach the screen below.
            event.accept()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._scrim and event.type() is QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def event(self, event: QEvent) -> bool:
        handled = super().event(event)
        if event.type() is QEvent.Type.LayoutRequest:
            self._place()
        return handled

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        shapes.lift(QPainter(self), self.rect().adjusted(0, 0, 0, -3), tokens.metrics.radius_page, tokens)

    def _place(self) -> None:
        if not self.is_open():
            return
        metrics = theme().tokens.metrics
        room = self._scrim.rect().adjusted(metrics.px(24), metrics.px(16), -metrics.px(24), -metrics.px(16))
        width = min(metrics.px(self._wide), room.width())
        wanted = self.heightForWidth(width) if self.hasHeightForWidth() else self.sizeHint().height()
        height = min(wanted, room.height())
        top = min(room.top() + metrics.px(self._top) - metrics.px(16), room.bottom() - height + 1)
        self.setGeometry(QRect(room.center().x() - width // 2, max(top, room.top()), width, height))

    def _stops(self) -> list[QWidget]:
        """What takes the focus here, in the order in which it was made.

        The focus chain would know the order of Tab, but PySide takes whoever gives a widget of the chain for its owner:
        when the sheet is deleted, it forgets the widgets of the whole window.
        """
        return [
            child
            for child in self.findChildren(QWidget)
            if child.isVisibleTo(self)
            and child.isEnabled()
            and child.focusPolicy() & Qt.FocusPolicy.TabFocus
            and child.focusProxy() is None
        ]
