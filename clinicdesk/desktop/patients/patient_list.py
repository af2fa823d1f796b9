"""The list of patients found: two lines each, so that the right one of several can be picked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from uuid import UUID

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter
from PySide6.QtWidgets import QHeaderView, QStyle, QStyleOptionViewItem, QWidget

from clinicdesk.desktop.look import shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.look.visit_painter import initials
from clinicdesk.desktop.patients.patient_model import AboutRole, BirthNameRole, Column, PatientModel, RowRole
from clinicdesk.desktop.widgets import TableView
from clinicdesk.desktop.widgets.tables import HairlineDelegate
from clinicdesk.features.patients.schemas import PatientRow

_WIDTHS = {Column.BORN: 132, Column.PHONE: 168, Column.CITY: 180}


class _PersonDelegate(HairlineDelegate):
    """Paints a patient: initials on their tile, the name, and what tells them from others below it."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        ground = QStyleOptionViewItem(option)
        self.initStyleOption(ground, index)
        ground.text = ""
        ground.widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, ground, painter, ground.widget)
        row = index.data(RowRole)
        if isinstance(row, PatientRow):
            painter.save()
            self._paint_person(painter, option, index, row)
            painter.restore()
        self.paint_hairline(painter, option)

    def _paint_person(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
        row: PatientRow,
    ) -> None:
        tokens, metrics = theme().tokens, theme().tokens.metrics
        mirrored = option.direction is Qt.LayoutDirection.RightToLeft
        rect, size, gap = QRectF(option.rect), metrics.px(32), metrics.px(12)

        def placed(left: float, top: float, width: float, height: float) -> QRectF:
            x = rect.right() - left - width if mirrored else rect.left() + left
            return QRectF(x, rect.top() + top, width, height)

        tile = placed(gap, (rect.height() - size) / 2, size, size)
        shapes.box(painter, tile, metrics.radius_card, tokens.sunk, tokens.ink if tokens.is_contrast else None)
        painter.setFont(theme().font(Role.HAIR, 600))
        painter.setPen(tokens.ink2)
        painter.drawText(tile, Qt.AlignmentFlag.AlignCenter, initials(row.name))

        left, room = gap + size + gap, rect.width() - 3 * gap - size
        side = Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft
        line = metrics.px(18)
        top = (rect.height() - 2 * line) / 2
        name_font, born_font = theme().name_font(Role.BODY, 600), theme().name_font(Role.BODY)
        name = str(index.data())
        measure = QFontMetricsF(name_font)
        name = measure.elidedText(name, Qt.TextElideMode.ElideRight, room)
        width = measure.horizontalAdvance(name)
        painter.setFont(name_font)
        painter.setPen(tokens.ink2 if row.deceased else tokens.ink)
        align = Qt.AlignmentFlag.AlignVCenter | side | Qt.AlignmentFlag.AlignAbsolute
        painter.drawText(placed(left, top, width + 1, line), align, name)
        born = str(index.data(BirthNameRole))
        painter.setPen(tokens.ink2)
        if born and room - width > metrics.px(60):
            painter.setFont(born_font)
            rest = room - width - metrics.px(8)
            born = QFontMetricsF(born_font).elidedText(born, Qt.TextElideMode.ElideRight, rest)
            painter.drawText(placed(left + width + metrics.px(8), top, rest, line), align, born)
        small = theme().name_font(Role.SMALL)
        painter.setFont(small)
        about = QFontMetricsF(small).elidedText(str(index.data(AboutRole)), Qt.TextElideMode.ElideRight, room)
        painter.drawText(placed(left, top + line, room, line), align, about)


class PatientList(TableView):
    """Patients under the columns of PatientModel; the cursor stays on its patient while the list is renewed."""

    def __init__(self, today: Callable[[], date], parent: QWidget | None = None) -> None:
        super().__init__("", "row_two_lines", parent)
        self.setAccessibleName(self.tr("Patients"))
        self.patients = PatientModel(today, self)
        self.setModel(self.patients)
        self.setItemDelegateForColumn(Column.PATIENT, _PersonDelegate(self))
        self._fit_columns()
        theme().changed.connect(self._fit_columns)

    def show_patients(self, patients: Sequence[PatientRow], *, stay: bool) -> None:
        """List these patients with the cursor on the first; with `stay`, on the same one as before if it is still there."""
        before = self.current_patient()
        self.patients.set_rows(patients)
        if not (stay and before is not None and self.choose(before.id)) and patients:
            self.selectRow(0)
            self.scrollToTop()

    def current_patient(self) -> PatientRow | None:
        """The patient under the cursor."""
        row = self.currentIndex().data(RowRole)
        return row if isinstance(row, PatientRow) else None

    def choose(self, patient_id: UUID) -> bool:
        """Put the cursor on a patient; False where they are not listed."""
        row = self.patients.row_of(patient_id)
        if row >= 0:
            self.selectRow(row)
        return row >= 0

    def step(self, rows: int) -> None:
        """Put the cursor some rows further down, or up; it stops at the ends."""
        last = self.patients.rowCount() - 1
        if last >= 0:
            self.selectRow(min(max(self.currentIndex().row() + rows, 0), last))

    def rows_in_sight(self) -> int:
        """How many rows a page up or down moves."""
        return max(self.viewport().height() // self.verticalHeader().defaultSectionSize() - 1, 1)

    def _fit_columns(self) -> None:
        header = self.horizontalHeader()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(Column.PATIENT, QHeaderView.ResizeMode.Stretch)
        for column, width in _WIDTHS.items():
            self.setColumnWidth(column, theme().tokens.metrics.px(width))
