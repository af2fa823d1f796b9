"""One column of the flow board: its head, its cards, what it leaves out, and the place where a card may be dropped."""

from __future__ import annotations

from uuid import UUID

from PySide6.QtCore import (
    QByteArray,
    QItemSelectionModel,
    QMargins,
    QMimeData,
    QModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QDrag,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QListView,
    QSizePolicy,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from clinicdesk.desktop.appointments.flow_cards import HERE, Card, Stage
from clinicdesk.desktop.appointments.flow_delegate import SIDE, FlowDelegate, card_rect, running_rect
from clinicdesk.desktop.appointments.flow_model import CardRole, Pile, PileModel
from clinicdesk.desktop.appointments.visit_model import Column, VisitModel
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look import shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets import Glyph, TextLabel
from clinicdesk.features.appointments.schemas import AppointmentRow

_MIME = "application/x-clinicdesk-visit"
_LEAST = 200
_MARGIN = 8
"""px beside the cards, where the scroll bar goes if there is one."""


class FlowColumn(QWidget):
    """Shows a pile; the board tells it where the cursor is, and it tells the board what is asked of it."""

    cursor_moved = Signal(int)
    """The row that the keys or the mouse have chosen."""
    side_asked = Signal(int)
    """To the column before (-1) or after (+1), as the text runs."""
    beyond_asked = Signal()
    """Below the last card."""
    number_asked = Signal(int)
    opened = Signal()
    menu_asked = Signal(QPoint)
    focused = Signal(object)
    """Qt.FocusReason with which the cards took the focus."""
    dropped = Signal(object)
    """UUID of the visit that was dropped here."""

    def __init__(self, desk: Desk, visits: VisitModel, pile: Pile, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        metrics = theme().tokens.metrics
        self.pile = pile
        self.model = PileModel(desk, visits, pile, self)
        self.list = FlowList(desk, self)
        self.list.setModel(self.model)
        self.list.setModelColumn(Column.PATIENT)
        self.list.setAccessibleName(pile.title)
        self._count = TextLabel("0", Role.BODY, "ink2", 600)
        self._more = _Link()
        self._more.clicked.connect(lambda: self.show_all(not self.model.shows_all()))
        self._empty = TextLabel(pile.empty, Role.SMALL, "ink3", wrap=True)
        self._note = _Note()
        self._is_target = False
        self._state: tuple[object, ...] = ()
        self.setAcceptDrops(pile.stage is not None)
        self.list.setDragEnabled(pile.stage is not None)
        self._dress()
        theme().changed.connect(self._dress)

        head = QHBoxLayout()
        side = metrics.px(SIDE + _MARGIN)
        head.setContentsMargins(side, 0, side, 0)
        head.setSpacing(metrics.px(7))
        if pile.glyph:
            head.addWidget(Glyph(pile.glyph, 16, "ink"))
        self._title = TextLabel(pile.title, Role.BODY, weight=600)
        self._title.setMinimumWidth(1)
        self._subtitle = TextLabel(pile.subtitle, Role.SMALL, "ink2")
        head.addWidget(self._title)
        head.addWidget(self._subtitle)
        head.addStretch(1)
        head.addWidget(self._count)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, metrics.px(12), 0, metrics.px(12))
        column.setSpacing(0)
        column.addLayout(head)
        column.addSpacing(metrics.px(8))
        column.addWidget(self.list)
        for words in (self._more, self._empty, self._note):
            row = QHBoxLayout()
            row.setContentsMargins(side, metrics.px(4), side, 0)
            row.addWidget(words)
            column.addLayout(row)
        column.addStretch(1)
        self.list.selectionModel().currentRowChanged.connect(lambda now, _before: self.cursor_moved.emit(now.row()))
        self.list.doubleClicked.connect(lambda _index: self.opened.emit())
        self.settle()

    def _dress(self) -> None:
        self.setMinimumWidth(theme().tokens.metrics.px(_LEAST))
        self.list.updateGeometry()

    # What is shown

    def settle(self) -> None:
        """The visits, or who of them is in sight, are others: bring head, foot and size up to date."""
        members = self.model.members()
        self._count.setText(self.locale().toString(len(members)))
        hidden = self.model.hidden()
        more = (
            self.tr("%n more today", "", hidden)
            if self.pile.stage is Stage.EXPECTED
            else self.tr("%n more", "", hidden)
        )
        self._more.setText(self.tr("Show fewer") if self.model.shows_all() else more)
        self._more.setVisible(hidden > 0)
        self._empty.setVisible(not members)
        self._state = self._times()
        self.list.setVisible(self.model.rowCount() > 0)
        self.list.updateGeometry()

    def tick(self) -> bool:
        """Time has gone on: repaint the times that run. True where cards have come into sight or grown, so that all is new."""
        if self.model.look() or self._times() != self._state:
            self.settle()
            self.list.scheduleDelayedItemsLayout()
            return True
        for row in range(self.model.rowCount()):
            index = self.model.index(row, Column.PATIENT)
            card = index.data(CardRole)
            rect = self.list.visualRect(index)
            self.list.viewport().update(running_rect(rect) if card.stage in HERE else rect)
        return False

    def _times(self) -> tuple[object, ...]:
        """What decides how tall the cards are."""
        cards = (self.model.index(row, Column.PATIENT).data(CardRole) for row in range(self.model.rowCount()))
        return tuple((card.visit.id, card.over) for card in cards if isinstance(card, Card))

    def show_all(self, on: bool) -> None:
        """Show every visit of the column, or who is in sight."""
        self.model.show_all(on)
        self.settle()
        if not on and (row := self.current_row()) >= 0:
            self.cursor_moved.emit(row)

    def set_note(self, text: str) -> None:
        """A hint under the cards, such as who may go in next; nothing where it is empty."""
        self._note.set_text(text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The words after the title stand there whole or not at all."""
        super().resizeEvent(event)
        metrics = theme().tokens.metrics
        wanted = sum(part.sizeHint().width() for part in (self._title, self._subtitle, self._count))
        signs = metrics.icon + metrics.px(7) if self.pile.glyph else 0
        self._subtitle.setVisible(wanted + signs + 2 * metrics.px(7) + 2 * metrics.px(SIDE + _MARGIN) <= self.width())

    def note(self) -> str:
        """The hint under the cards."""
        return self._note.text()

    # The cursor

    def current_row(self) -> int:
        """The row under the cursor, or -1."""
        return self.list.currentIndex().row()

    def choose(self, row: int) -> None:
        """Put the cursor on a row; -1 takes it out of the column."""
        index = self.model.index(row, Column.PATIENT) if row >= 0 else QModelIndex()
        flags = QItemSelectionModel.SelectionFlag
        self.list.selectionModel().setCurrentIndex(index, flags.ClearAndSelect if row >= 0 else flags.Clear)
        if row >= 0:
            self.list.scrollTo(index)
        self.list.setFocusPolicy(Qt.FocusPolicy.StrongFocus if row >= 0 else Qt.FocusPolicy.ClickFocus)

    def middle_of_cursor(self) -> int:
        """The height of the middle of the chosen card, in px of the screen."""
        centre = self.list.visualRect(self.list.currentIndex()).center()
        return self.list.viewport().mapToGlobal(centre).y()

    def row_at(self, height: int) -> int:
        """The row that stands nearest to a height of the screen, or -1 in an empty column."""
        y = self.list.viewport().mapFromGlobal(QPoint(0, height)).y()

        def away(row: int) -> int:
            return abs(self.list.visualRect(self.model.index(row, Column.PATIENT)).center().y() - y)

        return min(range(self.model.rowCount()), key=away, default=-1)

    def card_area(self, row: int) -> QRect:
        """Where a card stands, in px of the column."""
        index = self.model.index(row, Column.PATIENT)
        rect = card_rect(self.list.visualRect(index), index.data(CardRole))
        return QRect(self.list.viewport().mapTo(self, rect.topLeft()), rect.size())

    # Dropping

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(_MIME):
            event.acceptProposedAction()
            self._mark(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._mark(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._mark(False)
        visit_id = UUID(bytes=bytes(event.mimeData().data(_MIME).data()))
        event.acceptProposedAction()
        self.dropped.emit(visit_id)

    def _mark(self, on: bool) -> None:
        self._is_target = on
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.fillRect(event.rect(), tokens.alt if self.pile.quiet else tokens.base)
        if self._is_target:
            inside = self.rect().adjusted(3, 3, -3, -3)
            shapes.box(painter, inside, tokens.metrics.radius_card, tokens.accent_tint, tokens.accent, 2)


class FlowList(QListView):
    """The cards of a column, as tall as they are together."""

    def __init__(self, desk: Desk, column: FlowColumn) -> None:
        super().__init__(column)
        self._desk, self._column = desk, column
        self.setItemDelegate(FlowDelegate(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    def sizeHint(self) -> QSize:
        option = QStyleOptionViewItem()
        heights = (self.itemDelegate().sizeHint(option, self._index(row)).height() for row in range(self._rows()))
        return QSize(super().sizeHint().width(), sum(heights))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, min(self.sizeHint().height(), theme().tokens.metrics.px(100)))

    def updateGeometries(self) -> None:
        """A scroll bar takes the margin beside the cards, so that they stay as wide as they are."""
        super().updateGeometries()
        start = theme().tokens.metrics.px(_MARGIN)
        end = 0 if self.verticalScrollBar().maximum() > 0 else start
        rtl = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        margins = QMargins(end if rtl else start, 0, start if rtl else end, 0)
        if self.viewportMargins() != margins:
            self.setViewportMargins(margins)

    def _rows(self) -> int:
        return self.model().rowCount()

    def _index(self, row: int) -> QModelIndex:
        return self.model().index(row, Column.PATIENT)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, text = event.key(), event.text()
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if plain and key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            onward = (key == Qt.Key.Key_Right) != (self.layoutDirection() is Qt.LayoutDirection.RightToLeft)
            self._column.side_asked.emit(1 if onward else -1)
        elif plain and key == Qt.Key.Key_Down and self.currentIndex().row() == self._rows() - 1:
            self._column.beyond_asked.emit()
        elif plain and len(text) == 1 and text in "123456789":
            if self._desk.preferences.character_keys:
                self._column.number_asked.emit(int(text))
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Letters are keys of the board; none of them looks for a name."""

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._column.focused.emit(event.reason())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() is QContextMenuEvent.Reason.Mouse:  # the keys have an action of their own
            self._column.menu_asked.emit(event.globalPos())

    def startDrag(self, supported: Qt.DropAction) -> None:
        index = self.currentIndex()
        card = index.data(CardRole)
        if not isinstance(card, Card):
            return
        drag = QDrag(self)
        drag.setMimeData(carried(card.visit))
        rect = card_rect(self.visualRect(index), card)
        drag.setPixmap(self.viewport().grab(rect))
        drag.setHotSpot(QPoint(rect.width() // 2, rect.height() // 2))
        drag.exec(Qt.DropAction.MoveAction)


def carried(visit: AppointmentRow) -> QMimeData:
    """What a drag of a card carries: the visit's id and nothing that another program could read a name from."""
    data = QMimeData()
    data.setData(_MIME, QByteArray(visit.id.bytes))
    return data


class _Link(QAbstractButton):
    """Words that show more; the keys go there by moving on below the last card."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        metrics = theme().tokens.metrics
        width = QFontMetrics(theme().font(Role.SMALL, 500)).horizontalAdvance(self.text())
        return QSize(width + 1, metrics.px(24))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        font = theme().font(Role.SMALL, 500)
        font.setUnderline(self.underMouse())
        painter.setFont(font)
        painter.setPen(theme().tokens.accent)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter, self.text())


class _Note(QWidget):
    """A quiet sentence in a dashed frame."""

    def __init__(self) -> None:
        super().__init__()
        metrics = theme().tokens.metrics
        self._text = TextLabel("", Role.SMALL, "ink2", wrap=True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(metrics.px(12), metrics.px(8), metrics.px(12), metrics.px(8))
        row.addWidget(self._text)
        self.setMinimumHeight(metrics.px(50))
        self.hide()

    def text(self) -> str:
        """The sentence."""
        return self._text.text()

    def set_text(self, text: str) -> None:
        """Show another sentence, or nothing."""
        self._text.setText(text)
        self.setVisible(bool(text))

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        frame = QRectF(self.rect())
        shapes.box(QPainter(self), frame, tokens.metrics.radius, None, tokens.line2, 1, Qt.PenStyle.DashLine)
