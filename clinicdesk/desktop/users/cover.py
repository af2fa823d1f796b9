"""The petrol panel beside whatever is asked before the desk opens: the program, the clinic, the day."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from clinicdesk.desktop.look import shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets import KeyHint, TextLabel

# An invented day of visits: (column, top, height) in slots of a day, painted faintly and never from real ones.
_SLOTS = (
    (0, 0, 9), (0, 10, 4), (0, 15, 14), (0, 35, 4), (0, 45, 9), (1, 7.5, 4), (1, 12.5, 13), (1, 27.5, 9), (1, 48, 9),
    (2, 0, 4), (2, 5, 14), (2, 25, 4), (2, 30, 9), (2, 45, 9), (3, 12.5, 9), (3, 22.5, 4), (3, 32.5, 14), (3, 53, 4),
)  # fmt: skip


class CoverPanel(QWidget):
    """The program's mark over a title and two quiet lines."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        metrics = theme().tokens.metrics
        self._column = column = QVBoxLayout(self)
        column.setSpacing(metrics.px(4))
        self._program = program = TextLabel("ClinicDesk", Role.PAGE, "on_solid")
        self._title = TextLabel("", Role.FIGURE, "on_solid", wrap=True)
        self._lines = TextLabel("", Role.CARD, "on_solid", 400, wrap=True)
        column.addWidget(program)
        column.addSpacing(metrics.px(40))
        column.addWidget(self._title)
        column.addSpacing(metrics.px(4))
        column.addWidget(self._lines)
        column.addStretch()

        self._size()
        theme().changed.connect(self._size)

    def _size(self) -> None:
        metrics = theme().tokens.metrics
        margin = metrics.px(56)
        self._column.setContentsMargins(margin, margin, margin, metrics.px(24))
        self._program.setIndent(metrics.px(54))
        self._program.setFixedHeight(metrics.px(40))

    def set_text(self, title: str, lines: str) -> None:
        """Show a title, such as the clinic's name, over some lines, such as the date."""
        self._title.setText(title)
        self._lines.setText(lines)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        metrics = tokens.metrics
        painter = QPainter(self)
        painter.fillRect(self.rect(), tokens.solid)
        margin = metrics.px(56)
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        side = metrics.px(40)
        mark = QRectF(self.width() - margin - side if mirrored else margin, margin, side, side)
        shapes.box(painter, mark, metrics.radius_page, tokens.on_solid)
        for row, (width, alpha) in enumerate(((22, 255), (13, 190), (18, 110))):
            ink = QColor(tokens.solid)
            ink.setAlpha(alpha)
            bar = QRectF(
                mark.left() + side * 0.22, mark.top() + side * (0.27 + 0.19 * row), side * width / 40, side / 10
            )
            shapes.box(painter, bar, side / 20, ink)
        top = max(self.height() * 0.49, metrics.px(300))
        unit = (self.height() - top) / 60
        wide = (self.width() - 2 * margin - 3 * metrics.px(12)) / 4
        for index, (column, first, length) in enumerate(_SLOTS):
            faint = QColor(tokens.on_solid)
            faint.setAlpha(46 if index % 4 == 1 else 26)
            left = margin + column * (wide + metrics.px(12))
            shapes.box(painter, QRectF(left, top + first * unit, wide, length * unit), metrics.radius, faint)


class CoverPage(QWidget):
    """A question before the desk opens: the cover at the leading side, the form in the middle of the rest, keys below."""

    FORM_WIDTH = 360

    def __init__(self, hints: tuple[tuple[str, str], ...], parent: QWidget | None = None) -> None:
        """`hints` are the keys that act here and what they do."""
        super().__init__(parent)
        metrics = theme().tokens.metrics
        self.cover = CoverPanel()
        self.form = QVBoxLayout()
        self.form.setContentsMargins(0, 0, 0, 0)
        self.form.setSpacing(metrics.px(14))
        self._body = QWidget()
        self._body.setFixedWidth(metrics.px(self.FORM_WIDTH))
        self._body.setLayout(self.form)
        around = QWidget()
        middle = QVBoxLayout(around)
        middle.addStretch(1)
        across = QHBoxLayout()  # an aligned widget would be given the height that its text takes over the whole width
        across.addStretch(1)
        across.addWidget(self._body)
        across.addStretch(1)
        middle.addLayout(across)
        middle.addStretch(1)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.viewport().setAutoFillBackground(False)
        scroll.setWidget(around)
        around.setAutoFillBackground(False)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.cover, 39)
        row.addWidget(scroll, 61)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row, 1)
        column.addWidget(KeyStrip(hints))
        theme().changed.connect(self._size)

    def _size(self) -> None:
        self._body.setFixedWidth(theme().tokens.metrics.px(self.FORM_WIDTH))

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), theme().tokens.base)


class KeyStrip(QWidget):
    """A status bar for pages without one: keys at the leading side, a few words at the other."""

    def __init__(self, hints: tuple[tuple[str, str], ...], words: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        metrics = theme().tokens.metrics
        row = QHBoxLayout(self)
        row.setContentsMargins(metrics.px(12), 1, metrics.px(12), 0)
        row.setSpacing(metrics.px(16))
        for keys, text in hints:
            row.addWidget(KeyHint(keys, text))
        row.addStretch()
        self._words = TextLabel(words, Role.SMALL, "ink2")
        row.addWidget(self._words)
        self.setFixedHeight(metrics.status_bar)

    def set_words(self, words: str) -> None:
        """Say something else at the trailing side."""
        self._words.setText(words)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.fillRect(self.rect(), tokens.chrome)
        painter.fillRect(0, 0, self.width(), 1, tokens.line)
