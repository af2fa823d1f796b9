"""The list under the line: it is worked from the line, so it never takes the focus."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from clinicdesk.desktop.command.rows import Kind, Row, RowModel, RowRole
from clinicdesk.desktop.look import glyphs, shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import ColourName, Role
from clinicdesk.desktop.widgets.keys import caps_width, paint_caps

_EDGE = 18
_TIME, _DAY, _WITH, _REASON = 48, 146, 252, 404
_HEIGHTS = {Kind.HEADING: 32, Kind.CANDIDATE: 28, Kind.NOTE: 28}


class Results(QListView):
    """Rows of which one is current as long as any can be taken."""

    current_changed = Signal()
    taken = Signal(object)
    """Row: it was clicked, or clicked twice if it is an opening."""
    candidate_clicked = Signal(object)
    """Row of a person who may be meant."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = RowModel(self)
        self.setModel(self.rows)
        self.setItemDelegate(_RowPainter(self))
        self.setAccessibleName(name)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.viewport().setAutoFillBackground(False)
        self.clicked.connect(self._clicked)
        self.doubleClicked.connect(self._clicked_twice)
        self.selectionModel().currentChanged.connect(lambda: self.current_changed.emit())
        theme().changed.connect(self.scheduleDelayedItemsLayout)

    def show_rows(self, rows: Sequence[Row], *, keep: bool = False) -> None:
        """Show these. The first that can be taken is current; with `keep`, the one that was, if it is still there."""
        if tuple(rows) == self.rows.rows:
            return
        before = self.current()
        self.rows.set_rows(rows)
        able = self.takeable()
        same = (nth for nth, row in enumerate(able) if before is not None and row.value == before.value)
        self.choose(next(same, 0) if keep else 0)
        if not keep:
            self.scrollToTop()

    def takeable(self) -> list[Row]:
        """The rows that Enter can take, top to bottom."""
        return [row for row in self.rows.rows if row.is_taken]

    def current(self) -> Row | None:
        """The row that Enter takes."""
        row = self.currentIndex().data(RowRole)
        return row if isinstance(row, Row) else None

    def choose(self, nth: int) -> None:
        """Make the nth of the rows that can be taken current, as far as there are so many."""
        able = [at for at, row in enumerate(self.rows.rows) if row.is_taken]
        if not able:
            self.current_changed.emit()
            return
        index = self.rows.index(able[min(max(nth, 0), len(able) - 1)])
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.scrollTo(index)

    def step(self, step: int) -> None:
        """Go that many rows down (or up)."""
        able, current = self.takeable(), self.current()
        if current is not None:
            self.choose(able.index(current) + step)

    def _clicked(self, index: QModelIndex) -> None:
        row = index.data(RowRole)
        if row.kind is Kind.CANDIDATE:
            self.candidate_clicked.emit(row)
        elif row.kind in (Kind.PERSON, Kind.PLACE):
            self.taken.emit(row)

    def _clicked_twice(self, index: QModelIndex) -> None:
        if index.data(RowRole).kind is Kind.OPENING:
            self.taken.emit(index.data(RowRole))


class _Brush:
    """Draws along one row: distances count from its leading edge, whichever side that is."""

    def __init__(self, painter: QPainter, rect: QRect, direction: Qt.LayoutDirection) -> None:
        self.painter, self.rect, self.direction = painter, rect, direction

    def place(self, left: float, width: float, height: float | None = None) -> QRectF:
        """A stretch of the row, centred on its height."""
        height = self.rect.height() if height is None else height
        top = self.rect.top() + (self.rect.height() - height) / 2
        box = QRect(round(self.rect.left() + left), round(top), round(width), round(height))
        return QRectF(QStyle.visualRect(self.direction, self.rect, box))

    def words(
        self, left: float, width: float, text: str, colour: ColourName, weight: int = 400, role: Role = Role.BODY, *,
        trailing: bool = False,
    ) -> float:  # fmt: skip
        """Write, elided to the width, from the leading or trailing side of the stretch; gives the width it took."""
        font = theme().font(role, weight)
        measure = QFontMetricsF(font)
        shown = measure.elidedText(text, Qt.TextElideMode.ElideRight, max(width, 0))
        side = Qt.AlignmentFlag.AlignTrailing if trailing else Qt.AlignmentFlag.AlignLeading
        self.painter.setFont(font)
        self.painter.setPen(theme().tokens.colour(colour))
        align = QStyle.visualAlignment(self.direction, side) | Qt.AlignmentFlag.AlignVCenter
        self.painter.drawText(self.place(left, width), align, shown)
        return measure.horizontalAdvance(shown)

    def glyph(self, left: float, size: float, name: str, colour: ColourName) -> None:
        glyphs.draw(self.painter, self.place(left, size, size), name, theme().tokens.colour(colour))

    def caps(self, left: float, keys: str, ink: ColourName = "ink2") -> None:
        tokens = theme().tokens
        box = self.place(left, caps_width(keys))
        mirrored = self.direction is Qt.LayoutDirection.RightToLeft
        paint_caps(self.painter, box.left(), box.center().y(), keys, tokens.colour(ink), tokens.line2, mirrored)


class _RowPainter(QStyledItemDelegate):
    """Paints each kind of row."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        metrics = theme().tokens.metrics
        height = _HEIGHTS.get(index.data(RowRole).kind)
        return QSize(metrics.px(200), metrics.row_opening if height is None else metrics.px(height))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row: Row = index.data(RowRole)
        tokens = theme().tokens
        painter.save()
        current = bool(option.state & QStyle.StateFlag.State_Selected)
        if current:
            painter.fillRect(option.rect, tokens.sel)
            if tokens.is_contrast:
                shapes.box(painter, option.rect, 0, None, tokens.focus, tokens.metrics.focus_stroke)
        brush = _Brush(painter, option.rect, option.direction)
        if row.kind is Kind.OPENING:
            self._opening(brush, row, current)
        elif row.kind is Kind.HEADING:
            self._heading(brush, row)
        else:
            self._line(brush, row, current)
        painter.restore()

    def _opening(self, brush: _Brush, row: Row, current: bool) -> None:
        px, whole = theme().tokens.metrics.px, brush.rect.width()
        brush.caps(px(_EDGE), str(row.number))
        start, dash, end = row.text.partition("–")
        taken = brush.words(px(_TIME), px(_DAY - _TIME), start, "ink", 600)
        brush.words(px(_TIME) + taken, px(_DAY - _TIME) - taken, f"{dash}{end}", "ink2")
        brush.words(px(_DAY), px(_WITH - _DAY - 8), row.cells[0], "ink", 500)
        brush.words(px(_WITH), px(_REASON - _WITH - 8), row.cells[1], "ink", 500)
        right = float(whole - px(_EDGE))
        if current:
            right -= caps_width("Enter")
            brush.caps(right, "Enter")
            right -= px(10)
        if row.aside:
            measure = QFontMetricsF(theme().font(Role.SMALL, 600))
            width = min(measure.horizontalAdvance(row.aside) + 2, right - px(_REASON))
            right -= width
            brush.words(right, width, row.aside, "amber_ink", 600, Role.SMALL, trailing=True)
            right -= px(8)
        brush.words(px(_REASON), right - px(_REASON), row.detail, "ink2")

    def _heading(self, brush: _Brush, row: Row) -> None:
        px, right = theme().tokens.metrics.px, float(brush.rect.width() - theme().tokens.metrics.px(_EDGE))
        brush.words(px(_EDGE), right - px(_EDGE), row.text, "ink2", 600, Role.SMALL)
        if row.aside:
            width = QFontMetricsF(theme().font(Role.SMALL, 400)).horizontalAdvance(row.aside) + 2
            right -= width
            brush.words(right, width, row.aside, "ink2", 400, Role.SMALL)
            if row.keys:
                brush.caps(right - px(5) - caps_width(row.keys), row.keys)

    def _line(self, brush: _Brush, row: Row, current: bool) -> None:
        """A person, a place or a note: a glyph, words, and what stands at the end."""
        tokens = theme().tokens
        px, right = tokens.metrics.px, float(brush.rect.width() - tokens.metrics.px(_EDGE))
        colour: ColourName = "amber_ink" if row.warns else "accent" if row.chosen else "ink2"
        brush.glyph(px(_EDGE), px(16), row.glyph, colour)
        keys = "Enter" if current else row.keys
        if keys:
            right -= caps_width(keys)
            brush.caps(right, keys)
            right -= px(10)
        if row.aside:
            width = min(QFontMetricsF(theme().font(Role.SMALL, 400)).horizontalAdvance(row.aside) + 2, px(220))
            right -= width
            brush.words(right, width, row.aside, "ink2", 400, Role.SMALL, trailing=True)
            right -= px(12)
        left = float(px(_EDGE + 24))
        weight = {Kind.NOTE: 400, Kind.CANDIDATE: 600 if row.chosen else 500}.get(row.kind, 500)
        left += brush.words(left, right - left, row.text, "amber_ink" if row.warns else "ink", weight) + px(10)
        if row.detail and left < right:
            brush.words(left, right - left, row.detail, "ink2", 400)
