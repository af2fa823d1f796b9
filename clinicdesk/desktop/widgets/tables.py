"""The table of every list: hairlines instead of a grid, whole rows, keys first."""

from typing import Literal

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, QPointF, QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from clinicdesk.desktop.look import shapes
from clinicdesk.desktop.look.theme import theme

RowHeight = Literal["row", "row_roles", "row_audit", "row_two_lines", "row_opening"]


class HairlineDelegate(QStyledItemDelegate):
    """Paints a cell and the hairline under its row; base of the delegates of tables."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        self.paint_hairline(painter, option)

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        view = option.widget
        if isinstance(view, TableView):
            # The ring belongs to the row, not to the cell: the table draws it.
            option.state &= ~QStyle.StateFlag.State_HasFocus

    def paint_hairline(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        """The line under a row."""
        rect = option.rect
        shapes.hairline(painter, QPointF(rect.bottomLeft()), QPointF(rect.bottomRight()), theme().tokens.line)


class TableView(QTableView):
    """A QTableView with the program's rows, header and selection; Enter or a double click opens a row."""

    opened = Signal(QModelIndex)

    def __init__(self, name: str, row_height: RowHeight = "row", parent: QWidget | None = None) -> None:
        """`name` says to a screen reader what the table lists."""
        super().__init__(parent)
        self._row_height: RowHeight = row_height
        self.setAccessibleName(name)
        self.setShowGrid(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setItemDelegate(HairlineDelegate(self))
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        self.doubleClicked.connect(self.opened)
        self._dress()
        theme().changed.connect(self._dress)

    def setModel(self, model: QAbstractItemModel | None) -> None:
        super().setModel(model)
        if model is not None and model.rowCount() and not self.currentIndex().isValid():
            self.selectRow(0)

    def set_sortable(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Let the header sort, beginning with `column`."""
        self.setSortingEnabled(True)
        self.sortByColumn(column, order)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex())
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        current = self.currentIndex()
        if self.hasFocus() and current.isValid():
            tokens = theme().tokens
            row = QRect(
                0, self.rowViewportPosition(current.row()), self.viewport().width(), self.rowHeight(current.row())
            )
            painter = QPainter(self.viewport())
            shapes.box(painter, row.adjusted(0, 0, 0, -1), tokens.metrics.radius_chip, None, tokens.focus,
                       tokens.metrics.focus_stroke)  # fmt: skip

    def currentChanged(
        self, current: QModelIndex | QPersistentModelIndex, previous: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().currentChanged(current, previous)
        # The ring spans the row; Qt repaints only the two cells.
        self.viewport().update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    def _dress(self) -> None:
        metrics = theme().tokens.metrics
        height = getattr(metrics, self._row_height)
        self.verticalHeader().setMinimumSectionSize(height)
        self.verticalHeader().setDefaultSectionSize(height)
        self.horizontalHeader().setFixedHeight(metrics.header)
