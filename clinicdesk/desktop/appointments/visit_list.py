"""The day's visits as a list that sorts: the same visits, keys and cursor as on the calendar, without any aim of the mouse."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from PySide6.QtCore import QModelIndex, QPoint, QRectF, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QPainter
from PySide6.QtWidgets import QHeaderView, QStyle, QStyleOptionViewItem, QWidget

from clinicdesk.desktop.appointments.visit_model import Column, RowRole, SortRole, VisitModel
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.status import Fill, status_look
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.widgets import TableView
from clinicdesk.desktop.widgets.labels import Chip, Tone, paint_chip
from clinicdesk.desktop.widgets.tables import HairlineDelegate
from clinicdesk.features.appointments.schemas import AppointmentRow

_WIDTHS = {
    Column.TIME: 76, Column.LENGTH: 76, Column.TYPE: 160, Column.PRACTITIONER: 160, Column.ROOM: 104,
    Column.STATUS: 120, Column.WAITING: 80,
}  # fmt: skip


class _StatusDelegate(HairlineDelegate):
    """Paints a visit's status as its chip."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # type: ignore[override]
        plain = QStyleOptionViewItem(option)
        self.initStyleOption(plain, index)
        plain.text = ""
        style = plain.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, plain, painter, plain.widget)
        row = index.data(RowRole)
        if isinstance(row, AppointmentRow):
            look = status_look(row.status.value, row.confirmed, row.in_progress)
            tone: Tone = "quiet" if look.family == "done" else look.family
            metrics = theme().tokens.metrics
            width = Chip(look.label, tone, look.glyph).sizeHint().width()
            rtl = option.direction is Qt.LayoutDirection.RightToLeft
            left = option.rect.right() - metrics.px(8) - width if rtl else option.rect.left() + metrics.px(8)
            top = option.rect.center().y() - metrics.chip / 2
            rect = QRectF(left, top, width, metrics.chip)
            painter.save()
            paint_chip(painter, rect, look.label, tone, look.glyph, look.fill is Fill.BASE, rtl)
            painter.restore()
        self.paint_hairline(painter, option)


class VisitList(TableView):
    """The visits of the day under the columns of VisitModel."""

    cursor_moved = Signal()
    visit_opened = Signal(object)
    """AppointmentRow: Enter or a double click on it."""
    menu_asked = Signal(QPoint)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("", parent=parent)
        self.setAccessibleName(self.tr("Visits of the day"))
        self._visits = VisitModel(desk.clinic.tz, desk.now, self)
        self._visits.set_initials_only(desk.privacy.initials_only)
        desk.privacy.changed.connect(lambda: self._visits.set_initials_only(desk.privacy.initials_only))
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSortRole(SortRole)
        self._sorted.setSourceModel(self._visits)
        self.setModel(self._sorted)
        self.set_sortable(Column.TIME)
        self.setItemDelegateForColumn(Column.STATUS, _StatusDelegate(self))
        for column, width in _WIDTHS.items():
            self.setColumnWidth(column, theme().tokens.metrics.px(width))
        self.horizontalHeader().setStretchLastSection(False)
        self.horizontalHeader().setSectionResizeMode(Column.PATIENT, QHeaderView.ResizeMode.Stretch)
        self.selectionModel().currentRowChanged.connect(lambda _now, _before: self.cursor_moved.emit())
        self.opened.connect(lambda index: self.visit_opened.emit(index.data(RowRole)))

    def show_visits(self, visits: Sequence[AppointmentRow]) -> None:
        """List these visits; the cursor stays on its visit, or at its height where that is gone."""
        before, height = self.current_visit(), self.currentIndex().row()
        self._visits.set_rows(visits)
        if before is not None and self.choose_visit(before.id):
            return
        if self._sorted.rowCount():
            self.selectRow(min(max(height, 0), self._sorted.rowCount() - 1))
        self.cursor_moved.emit()

    def current_visit(self) -> AppointmentRow | None:
        """The visit under the cursor."""
        row = self.currentIndex().data(RowRole)
        return row if isinstance(row, AppointmentRow) else None

    def choose_visit(self, visit_id: UUID) -> bool:
        """Put the cursor on a visit; False where it is not listed."""
        row = self._visits.row_of(visit_id)
        if row < 0:
            return False
        index = self._sorted.mapFromSource(self._visits.index(row, 0))
        self.selectRow(index.row())
        self.scrollTo(index)
        return True

    def choose_next(self) -> None:
        """Put the cursor on the visit below."""
        row = self.currentIndex().row() + 1
        if row < self._sorted.rowCount():
            self.selectRow(row)

    def tick(self) -> None:
        """The clock goes on: waiting times are others."""
        self._visits.tick()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() is QContextMenuEvent.Reason.Mouse:  # the keys have an action of their own
            self.menu_asked.emit(event.globalPos())
