"""The toast: what just happened, and the way back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEasingCurve, QEvent, QObject, QPoint, QPropertyAnimation, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QColor,
    QEnterEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QWidget

from clinicdesk.desktop.look import shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets.buttons import ActionButton, ButtonKind
from clinicdesk.desktop.widgets.labels import Glyph, TextLabel


@dataclass(frozen=True)
class ToastAction:
    """A button on a toast: the verb, the chord drawn beside it, and what it does."""

    text: str
    keys: str
    take: Callable[[], object]


class Toast(QFrame):
    """One message at the bottom of the leading side of `host`: 8 s, or as long as it is hovered or focused.

    A second message replaces the first. The chords on its buttons are the program's own; the toast only shows them.
    """

    dismissed = Signal()

    def __init__(self, host: QWidget) -> None:
        super().__init__(host)
        self._host = host
        metrics = theme().tokens.metrics
        self._glyph = Glyph("ph.check", 18, "on_tip", self)
        self._text = TextLabel("", Role.BODY, "on_tip", parent=self)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(metrics.px(10))
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(metrics.px(16), metrics.px(8), metrics.px(8), metrics.px(11))
        row.setSpacing(metrics.px(12))
        row.addWidget(self._glyph)
        row.addWidget(self._text, 1)
        row.addSpacing(metrics.px(24))
        row.addLayout(self._buttons)
        self._hovered = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.dismiss)
        self._slide = QPropertyAnimation(self, b"pos", self)
        self._slide.setEasingCurve(QEasingCurve.Type.OutCubic)
        self.hide()
        host.installEventFilter(self)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._focus_moved)

    def text(self) -> str:
        """The message."""
        return self._text.text()

    def show_message(self, text: str, glyph: str = "ph.check", actions: Sequence[ToastAction] = ()) -> None:
        """Say what happened, without a patient's name, and offer the actions (Undo first)."""
        self._text.setText(text)
        self._glyph.set_glyph(glyph)
        self.setAccessibleName(text)
        while item := self._buttons.takeAt(0):
            if old := item.widget():
                old.hide()
                old.deleteLater()
        for action in actions:
            button = ActionButton(action.text, action.keys, kind=ButtonKind.ON_TIP, parent=self)
            button.clicked.connect(action.take)
            button.clicked.connect(self.dismiss)
            self._buttons.addWidget(button)
            button.show()
        self._appear()
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def dismiss(self) -> None:
        """Take the toast away; focus inside it goes on to the next widget."""
        if not self.isVisible():
            return
        self._timer.stop()
        self._hovered = False
        self.hide()
        self.dismissed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._host and event.type() is QEvent.Type.Resize and self.isVisible():
            self._slide.stop()
            self.move(self._place())
        return super().eventFilter(watched, event)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self._hovered = True
        self._count_down()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hovered = False
        self._count_down()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        body = self.rect().adjusted(0, 0, 0, -3)
        shade = QColor(0, 0, 0, 16)
        shapes.box(painter, body.translated(0, 3), tokens.metrics.radius_card, shade)
        shapes.box(painter, body, tokens.metrics.radius_card, tokens.tip)

    def _appear(self) -> None:
        self._row.activate()
        self.resize(self.sizeHint())
        to = self._place()
        timing = theme().tokens.timing
        arrives = not self.isVisible()
        self._slide.stop()
        if arrives and timing.slide:
            self.move(to + QPoint(0, theme().tokens.metrics.px(24)))
            self._slide.setDuration(timing.slide)
            self._slide.setEndValue(to)
            self._slide.start()
        else:
            self.move(to)
        self.show()
        self.raise_()
        self._count_down()

    def _place(self) -> QPoint:
        host, margin = self._host.rect(), theme().tokens.metrics.page_margin
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        x = host.right() - margin - self.width() + 1 if mirrored else host.left() + margin
        return QPoint(x, host.bottom() - self.height() - theme().tokens.metrics.px(8))

    def _focus_moved(self, old: QWidget | None, new: QWidget | None) -> None:
        if self.isVisible():
            self._count_down()

    def _count_down(self) -> None:
        focused = QApplication.focusWidget()
        if self._hovered or (focused is not None and self.isAncestorOf(focused)):
            self._timer.stop()
        else:
            self._timer.start(theme().tokens.timing.toast)
