"""Paints the cells of the administration's tables from what each says of itself; keeps no state."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem

from clinicdesk.desktop.admin.rows import Cell, CellRole
from clinicdesk.desktop.look import glyphs, shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.look.visit_painter import initials
from clinicdesk.desktop.widgets.labels import Chip, paint_chip
from clinicdesk.desktop.widgets.tables import HairlineDelegate

_PADDING = 10


class CellDelegate(HairlineDelegate):
    """Draws a Cell: text, glyph, chip, tile of initials or swatch."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        cell = index.data(CellRole)
        plain = QStyleOptionViewItem(option)
        self.initStyleOption(plain, index)
        plain.text = ""
        painter.save()
        chosen = bool(plain.state & QStyle.StateFlag.State_Selected)
        if cell.ground is not None and not chosen:
            painter.fillRect(option.rect, theme().tokens.colour(cell.ground))
        else:
            plain.widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, plain, painter, plain.widget)
        self._paint_cell(painter, option, cell, chosen)
        painter.restore()
        self.paint_hairline(painter, option)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        cell = index.data(CellRole)
        metrics = theme().tokens.metrics
        font = theme().font(Role.BODY, cell.weight)
        width = QFontMetricsF(font).horizontalAdvance(cell.text) + 2 * metrics.px(_PADDING)
        return QSize(round(width), metrics.row)

    def _paint_cell(self, painter: QPainter, option: QStyleOptionViewItem, cell: Cell, chosen: bool) -> None:
        tokens = theme().tokens
        metrics = tokens.metrics
        mirrored = option.direction is Qt.LayoutDirection.RightToLeft
        inner = option.rect.adjusted(metrics.px(_PADDING), 0, -metrics.px(_PADDING), 0)

        def place(width: int, height: int) -> QRectF:
            """A box at the leading side of the cell."""
            box = QRect(inner.left(), round(inner.center().y() + 1 - height / 2), width, height)
            return QRectF(QStyle.visualRect(option.direction, inner, box))

        if cell.tile:
            _paint_tile(painter, place(metrics.px(22), metrics.px(22)), cell)
            return
        if cell.tone is not None:
            width = Chip(cell.text, cell.tone, cell.glyph).sizeHint().width()
            chip = place(min(width, inner.width()), metrics.chip)
            paint_chip(painter, chip, cell.text, cell.tone, cell.glyph, False, mirrored)
            return
        skip = 0
        if cell.glyph:
            ink = tokens.colour("ink2" if cell.glyph_ink == "ink3" and chosen else cell.glyph_ink)
            side = metrics.icon
            area = QRectF(inner) if cell.centred else place(side, side)
            glyphs.draw(
                painter, QRectF(area.center().x() - side / 2, area.center().y() - side / 2, side, side), cell.glyph, ink
            )
            skip = metrics.px(22)
        if cell.swatch:
            shapes.box(
                painter, place(metrics.px(14), metrics.px(14)), metrics.radius_chip, QColor(cell.swatch), tokens.line2
            )
            skip = metrics.px(22)
        if cell.text and not (cell.centred and cell.glyph):
            room = inner.adjusted(0, 0, -skip, 0) if mirrored else inner.adjusted(skip, 0, 0, 0)
            _paint_text(painter, room, cell, chosen)


def _paint_tile(painter: QPainter, box: QRectF, cell: Cell) -> None:
    tokens = theme().tokens
    shapes.box(painter, box, tokens.metrics.radius, tokens.sunk, tokens.ink if tokens.is_contrast else None)
    painter.setFont(theme().font(Role.BADGE, 600))
    painter.setPen(tokens.colour(cell.ink))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, initials(cell.text))


def _paint_text(painter: QPainter, room: QRect, cell: Cell, chosen: bool) -> None:
    tokens = theme().tokens
    font = theme().mono_font(Role.SMALL) if cell.mono else theme().font(Role.BODY, cell.weight)
    painter.setFont(font)
    painter.setPen(tokens.colour("ink2" if cell.ink == "ink3" and chosen else cell.ink))
    text = painter.fontMetrics().elidedText(cell.text, Qt.TextElideMode.ElideRight, room.width())
    side = Qt.AlignmentFlag.AlignHCenter if cell.centred else Qt.AlignmentFlag.AlignLeading
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | side | Qt.TextFlag.TextSingleLine, text)
