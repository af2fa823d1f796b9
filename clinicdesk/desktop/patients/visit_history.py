"""A patient's visits as a Qt model and its table: what lies ahead first, then the past, latest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from PySide6.QtCore import (
    QAbstractTableModel,
    QCoreApplication,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import QFont, QPainter, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QStyle, QStyleOptionViewItem, QWidget

from clinicdesk.desktop.appointments import words as visit_words
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.status import Fill, status_look
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.patients import words
from clinicdesk.desktop.widgets import TableView
from clinicdesk.desktop.widgets.labels import Chip, Tone, paint_chip
from clinicdesk.desktop.widgets.tables import HairlineDelegate
from clinicdesk.features.appointments.rules import HOLDING
from clinicdesk.features.appointments.schemas import AppointmentRow, Status

RowRole = Qt.ItemDataRole.UserRole
"""The AppointmentRow of a row; None for the title of a section."""

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_WAITING = HOLDING | {Status.PROPOSED, Status.WAITLIST}


class Column(IntEnum):
    """The columns, left to right."""

    WHEN = 0
    LENGTH = 1
    WITH = 2
    REASON = 3
    STATUS = 4


def is_ahead(visit: AppointmentRow, now: datetime) -> bool:
    """Whether the visit is still to come, or going on."""
    return visit.status in _WAITING and (visit.end > now or visit.status in (Status.ARRIVED, Status.CHECKED_IN))


def next_visit(visits: Sequence[AppointmentRow], now: datetime) -> AppointmentRow | None:
    """The first of the visits ahead."""
    ahead = [visit for visit in visits if is_ahead(visit, now) and visit.status is not Status.WAITLIST]
    return min(ahead, key=lambda visit: visit.start, default=None)


def counts_text(visits: Sequence[AppointmentRow], now: datetime) -> str:
    """ "3 ahead, 9 past, 1 no-show in 12 months"."""
    translate = QCoreApplication.translate
    kept = [visit for visit in visits if visit.status is not Status.ENTERED_IN_ERROR]
    ahead = sum(is_ahead(visit, now) for visit in kept)
    parts = [
        translate("Patients", "%n ahead", "", ahead),
        translate("Patients", "%n past", "", len(kept) - ahead),
    ]
    missed = sum(visit.status is Status.NOSHOW and now - visit.start < timedelta(days=365) for visit in kept)
    if missed:
        parts.append(translate("Patients", "no-shows in 12 months: %1").replace("%1", str(missed)))
    return ", ".join(parts)


class VisitHistoryModel(QAbstractTableModel):
    """The visits that it was last given, those ahead in the order in which they come, under them the past."""

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._rows: tuple[AppointmentRow | None, ...] = ()

    def set_visits(self, visits: Sequence[AppointmentRow], most_past: int | None = None) -> None:
        """Show these visits, as many of the past ones as `most_past` says; what was entered in error is left out."""
        now = self._desk.now()
        kept = [visit for visit in visits if visit.status is not Status.ENTERED_IN_ERROR]
        ahead = sorted((visit for visit in kept if is_ahead(visit, now)), key=lambda visit: visit.start)
        past = sorted((v for v in kept if not is_ahead(v, now)), key=lambda visit: visit.start, reverse=True)
        self.beginResetModel()
        self._rows = (*ahead, *((None, *past[:most_past]) if past else ()))
        self.endResetModel()

    def section(self) -> int:
        """The row of the title over the past, or -1."""
        return self._rows.index(None) if None in self._rows else -1

    def row_of(self, visit_id: UUID) -> int:
        """The row of a visit, or -1."""
        return next((i for i, row in enumerate(self._rows) if row is not None and row.id == visit_id), -1)

    def first_visit(self) -> int:
        """The first row that is a visit, or -1."""
        return next((i for i, row in enumerate(self._rows) if row is not None), -1)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        if index.isValid() and self._rows[index.row()] is None:
            return Qt.ItemFlag.NoItemFlags
        return super().flags(index)

    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        if orientation is not Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return {
            Column.WHEN: self.tr("When"),
            Column.LENGTH: self.tr("Length"),
            Column.WITH: self.tr("With"),
            Column.REASON: self.tr("For"),
            Column.STATUS: self.tr("Status"),
        }[Column(section)]

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row, column = self._rows[index.row()], Column(index.column())
        if role == RowRole:
            return row
        if row is None:
            is_title = column is Column.WHEN and role == Qt.ItemDataRole.DisplayRole
            return self.tr("Past") if is_title else None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.FontRole and column is Column.WHEN:
            return _weight(500)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            if column is not Column.WHEN:
                return self._text(row, column)
            return ", ".join([self._text(row, each) for each in Column])
        return None

    def _text(self, row: AppointmentRow, column: Column) -> str:
        match column:
            case Column.WHEN:
                return when_words(row, self._desk)
            case Column.LENGTH:
                return visit_words.hours_and_minutes(row.end - row.start)
            case Column.WITH:
                return row.practitioner_name
            case Column.REASON:
                return words.DOT.join(filter(None, (row.type_name, row.reason)))
            case Column.STATUS:
                return visit_words.status_word(row)


def when_words(visit: AppointmentRow, desk: Desk) -> str:
    """ "Today, 12:20", "Wed 16 Dec, 8:45"; the past without its time: "26 Oct 2026"."""
    zone: ZoneInfo = desk.clinic.tz
    local = visit.start.astimezone(zone)
    today = desk.now().date()
    if local.date() == today:
        day = desk.tr("Today")
    elif is_ahead(visit, desk.now()):
        day = visit_words.short_day(local.date())
        if local.year != today.year:
            day = f"{day} {local.year}"
    else:
        return words.day_text(local.date())
    return f"{day}, {visit_words.clock(local)}"


def _weight(weight: int) -> QFont:
    return theme().font(Role.BODY, weight)


class _VisitDelegate(HairlineDelegate):
    """Paints a visit's status as its chip, and the title over the past on the ground of the header."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row = index.data(RowRole)
        if row is None:
            self._paint_title(painter, option, str(index.data() or ""))
        elif index.column() == Column.STATUS:
            self._paint_status(painter, option, index, row)
        else:
            super().paint(painter, option, index)
            return
        self.paint_hairline(painter, option)

    def _paint_title(self, painter: QPainter, option: QStyleOptionViewItem, title: str) -> None:
        tokens = theme().tokens
        painter.save()
        painter.fillRect(option.rect, tokens.alt)
        painter.setFont(theme().font(Role.SMALL, 600))
        painter.setPen(tokens.ink2)
        room = tokens.metrics.px(10)
        painter.drawText(
            option.rect.adjusted(room, 0, -room, 0),
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading,
            title,
        )
        painter.restore()

    def _paint_status(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
        row: AppointmentRow,
    ) -> None:
        ground = QStyleOptionViewItem(option)
        self.initStyleOption(ground, index)
        ground.text = ""
        ground.widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, ground, painter, ground.widget)
        look = status_look(row.status.value, row.confirmed, row.in_progress)
        tone: Tone = "quiet" if look.family == "done" else look.family
        metrics = theme().tokens.metrics
        width = Chip(look.label, tone, look.glyph).sizeHint().width()
        mirrored = option.direction is Qt.LayoutDirection.RightToLeft
        room = metrics.px(8)
        left = option.rect.right() - room - width if mirrored else option.rect.left() + room
        painter.save()
        rect = QRectF(left, option.rect.center().y() - metrics.chip / 2, width, metrics.chip)
        paint_chip(painter, rect, look.label, tone, look.glyph, look.fill is Fill.BASE, mirrored)
        painter.restore()


class VisitTable(TableView):
    """The visits of one patient; the cursor stays on its visit while they are renewed."""

    visit_opened = Signal(object)
    """AppointmentRow: Enter or a double click."""

    def __init__(self, desk: Desk, most_past: int | None = None, parent: QWidget | None = None) -> None:
        super().__init__("", parent=parent)
        self.setAccessibleName(self.tr("Visits"))
        self._most_past = most_past
        self.visits = VisitHistoryModel(desk, self)
        self.setModel(self.visits)
        self.setItemDelegate(_VisitDelegate(self))
        self.opened.connect(lambda index: self.visit_opened.emit(index.data(RowRole)))
        self._fit_columns()
        theme().changed.connect(self._fit_columns)

    def show_visits(self, visits: Sequence[AppointmentRow]) -> None:
        """List these visits."""
        before, height = self.current_visit(), self.currentIndex().row()
        self.clearSpans()
        self.visits.set_visits(visits, self._most_past)
        if (section := self.visits.section()) >= 0:
            self.setSpan(section, 0, 1, len(Column))
        row = self.visits.row_of(before.id) if before is not None else -1
        if row < 0 and before is not None and 0 <= height < self.visits.rowCount() and height != section:
            row = height
        if row < 0:
            row = self.visits.first_visit()
        if row >= 0:
            self.selectRow(row)

    def current_visit(self) -> AppointmentRow | None:
        """The visit under the cursor."""
        row = self.currentIndex().data(RowRole)
        return row if isinstance(row, AppointmentRow) else None

    def choose_visit(self, visit_id: UUID) -> None:
        """Put the cursor on a visit, if it is listed."""
        row = self.visits.row_of(visit_id)
        if row >= 0:
            self.selectRow(row)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setColumnHidden(Column.LENGTH, self.width() < theme().tokens.metrics.px(600))

    def _fit_columns(self) -> None:
        metrics = theme().tokens.metrics
        header = self.horizontalHeader()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(Column.REASON, QHeaderView.ResizeMode.Stretch)
        for column, width in ((Column.WHEN, 156), (Column.LENGTH, 80), (Column.WITH, 144), (Column.STATUS, 124)):
            self.setColumnWidth(column, metrics.px(width))
