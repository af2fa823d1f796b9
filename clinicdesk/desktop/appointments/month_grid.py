"""Months as grids of days with how full each is: the large one of the month view, the small one of the tray."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from PySide6.QtCore import QDate, QLocale, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.look import shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.features.appointments.schemas import DayLoad

WEEKS = 6


def first_weekday() -> int:
    """The weekday that a week begins with in the user's country, Monday 0."""
    return QLocale().firstDayOfWeek().value - 1


def days_of_grid(month: date) -> list[date]:
    """The 42 days that a month's grid shows, whole weeks."""
    first = month.replace(day=1)
    start = first - timedelta(days=(first.weekday() - first_weekday()) % 7)
    return [start + timedelta(days=i) for i in range(7 * WEEKS)]


class MonthGrid(QWidget):
    """Six weeks; arrows go by day and week, PgUp and PgDn by month, Enter opens the day."""

    day_opened = Signal(object)
    """date: Enter or a click."""
    month_changed = Signal(object)
    """date: the first of another month that is shown now."""

    def __init__(self, today: date, *, small: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._today, self._day, self._month = today, today, today.replace(day=1)
        self._small = small
        self._loads: Mapping[date, DayLoad] = {}
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Month"))
        policy = QSizePolicy.Policy.Fixed if small else QSizePolicy.Policy.Expanding
        self.setSizePolicy(QSizePolicy.Policy.Expanding, policy)
        self._say()

    def sizeHint(self) -> QSize:
        metrics = theme().tokens.metrics
        if self._small:
            return QSize(metrics.px(236), metrics.px(20) + WEEKS * metrics.px(26))
        return QSize(metrics.px(700), metrics.px(560))

    def day(self) -> date:
        """The day under the cursor."""
        return self._day

    def month(self) -> date:
        """The first day of the month that is shown."""
        return self._month

    def visits(self) -> int | None:
        """How many visits the month has that is shown; None until its loads are known."""
        days = [day for day in days_of_grid(self._month) if day.month == self._month.month]
        return sum(self._loads[day].visits for day in days) if self._loads.keys() >= set(days) else None

    def set_today(self, today: date) -> None:
        """Another day has begun."""
        self._today = today
        self.update()

    def choose(self, day: date) -> None:
        """Put the cursor on a day, and show its month."""
        self._day = day
        month = day.replace(day=1)
        changed, self._month = month != self._month, month
        self._say()
        self.update()
        if changed:
            self.month_changed.emit(month)

    def turn(self, months: int) -> None:
        """Show a month before or after, with the cursor on the same day of it."""
        at = self._day.month - 1 + months
        year, month = self._day.year + at // 12, at % 12 + 1
        self.choose(date(year, month, min(self._day.day, calendar.monthrange(year, month)[1])))

    def set_loads(self, loads: Iterable[DayLoad]) -> None:
        """How full the days are."""
        self._loads = {load.day: load for load in loads}
        self._say()
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        rtl = -1 if self.layoutDirection() is Qt.LayoutDirection.RightToLeft else 1
        steps = {
            Qt.Key.Key_Left: -rtl, Qt.Key.Key_Right: rtl, Qt.Key.Key_Up: -7, Qt.Key.Key_Down: 7,
        }  # fmt: skip
        key = event.key()
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            super().keyPressEvent(event)
        elif key in steps:
            self.choose(self._day + timedelta(days=steps[Qt.Key(key)]))
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self.turn(1 if key == Qt.Key.Key_PageDown else -1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.day_opened.emit(self._day)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for i, day in enumerate(days_of_grid(self._month)):
            if self._cell(i).contains(event.position()):
                self.choose(day)
                if self._small:
                    self.day_opened.emit(day)
                return

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if not self._small:
            self.day_opened.emit(self._day)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.turn(-1 if event.angleDelta().y() > 0 else 1)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.fillRect(event.rect(), tokens.base if not self._small else tokens.alt)
        painter.setFont(theme().font(Role.HAIR, 500))
        painter.setPen(tokens.ink3)
        locale, head = QLocale(), self._head()
        for i in range(7):
            cell = self._cell(i)
            number = (first_weekday() + i) % 7 + 1
            kind = QLocale.FormatType.ShortFormat
            name = locale.standaloneDayName(number, kind)[:2] if self._small else locale.standaloneDayName(number)
            box = QRectF(cell.left(), 0, cell.width(), head)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)
        for i, day in enumerate(days_of_grid(self._month)):
            (self._paint_small if self._small else self._paint_large)(painter, self._cell(i), day)

    def _head(self) -> int:
        return theme().tokens.metrics.px(20 if self._small else 28)

    def _cell(self, index: int) -> QRectF:
        across, down = index % 7, index // 7
        if self.layoutDirection() is Qt.LayoutDirection.RightToLeft:
            across = 6 - across
        width, height = self.width() / 7, (self.height() - self._head()) / WEEKS
        return QRectF(across * width, self._head() + down * height, width, height)

    def _fill(self, day: date) -> float:
        load = self._loads.get(day)
        if load is None or not load.open:
            return 1.0 if load is not None and load.visits else 0.0
        return min(load.booked / load.open, 1.0)

    def _paint_small(self, painter: QPainter, cell: QRectF, day: date) -> None:
        tokens = theme().tokens
        metrics = tokens.metrics
        box = QRectF(cell.center().x() - metrics.px(16), cell.top() + 1, metrics.px(32), cell.height() - 2)
        chosen, outside = day == self._day, day.month != self._month.month
        if chosen:
            shapes.box(painter, box, metrics.radius, tokens.solid)
        elif day == self._today:
            shapes.box(painter, box, metrics.radius, None, tokens.solid)
        ink = tokens.on_solid if chosen else tokens.ink3 if outside else tokens.ink
        painter.setFont(theme().font(Role.SMALL, 600 if chosen or day == self._today else 400))
        painter.setPen(ink)
        text = QRectF(box.left(), box.top(), box.width(), box.height() - metrics.px(5))
        painter.drawText(text, Qt.AlignmentFlag.AlignCenter, QLocale().toString(day.day))
        fill = self._fill(day)
        load = self._loads.get(day)
        if load is not None and (load.open or load.visits):
            bar = QRectF(box.center().x() - metrics.px(8), box.bottom() - metrics.px(4), metrics.px(16), 2)
            painter.fillRect(bar, tokens.on_solid if chosen and not fill else tokens.line2)
            done = QRectF(bar.left(), bar.top(), bar.width() * fill, 2)
            painter.fillRect(done, tokens.on_solid if chosen else tokens.slate)
        if chosen and self.hasFocus():
            shapes.focus_ring(painter, box, metrics.radius, tokens)

    def _paint_large(self, painter: QPainter, cell: QRectF, day: date) -> None:
        tokens = theme().tokens
        metrics = tokens.metrics
        inner = cell.adjusted(0, 0, -1, -1)
        load = self._loads.get(day)
        outside = day.month != self._month.month
        closed = load is not None and not load.open and not load.visits
        painter.fillRect(inner, tokens.alt if outside else tokens.off if closed else tokens.base)
        shapes.box(painter, cell.adjusted(0, 0, 0, 0), 0, None, tokens.line)
        pad = metrics.px(8)
        text = inner.adjusted(pad, pad, -pad, -pad)
        size = metrics.px(22)
        number = QRectF(text.left() - metrics.px(2), text.top() - metrics.px(2), size + metrics.px(4), size)
        if day == self._today:
            shapes.box(painter, number, metrics.radius, tokens.solid)
        painter.setFont(theme().font(Role.BODY, 600))
        painter.setPen(tokens.on_solid if day == self._today else tokens.ink3 if outside else tokens.ink)
        painter.drawText(number, Qt.AlignmentFlag.AlignCenter, QLocale().toString(day.day))
        if load is not None:
            self._paint_load(painter, text, load)
        if day == self._day:
            ring = inner.adjusted(4, 4, -4, -4)
            if self.hasFocus():
                shapes.focus_ring(painter, ring, metrics.radius, tokens)
            else:
                shapes.box(painter, ring.adjusted(-2, -2, 2, 2), metrics.radius, None, tokens.focus)

    def _paint_load(self, painter: QPainter, text: QRectF, load: DayLoad) -> None:
        tokens = theme().tokens
        metrics = tokens.metrics
        painter.setFont(theme().font(Role.SMALL))
        painter.setPen(tokens.ink2)
        side = Qt.AlignmentFlag.AlignTrailing | Qt.AlignmentFlag.AlignTop
        if load.visits:
            painter.drawText(text, side, self.tr("%n visits", "", load.visits))
        if load.holiday:
            painter.setPen(tokens.ink3)
            low = text.adjusted(0, metrics.px(24), 0, 0)
            wrapped = Qt.TextFlag.TextWordWrap
            painter.drawText(low, Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignTop | wrapped, load.holiday)
        if load.open:
            bar = QRectF(text.left(), text.bottom() - metrics.px(5), text.width(), metrics.px(5))
            shapes.box(painter, bar, 2, tokens.sunk)
            done = QRectF(bar.left(), bar.top(), bar.width() * self._fill(load.day), bar.height())
            shapes.box(painter, done, 2, tokens.slate)
            free = max(load.open - load.booked, timedelta())
            painter.setPen(tokens.ink3)
            words_box = QRectF(text.left(), bar.top() - metrics.px(18), text.width(), metrics.px(16))
            painter.drawText(
                words_box,
                Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter,
                self.tr("%1 free").replace("%1", words.hours_and_minutes(free)),
            )

    def _say(self) -> None:
        """Tell a screen reader where the cursor stands."""
        day = QLocale().toString(QDate(self._day.year, self._day.month, self._day.day), QLocale.FormatType.LongFormat)
        load = self._loads.get(self._day)
        said = [day]
        if load is not None:
            said.append(self.tr("%n visits", "", load.visits))
            if load.holiday:
                said.append(load.holiday)
        self.setAccessibleDescription(", ".join(said))
