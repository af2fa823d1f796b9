"""Paints the cards of the flow board from their roles: large ones with a wait bar for who is here, small ones for the rest."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from clinicdesk.desktop.appointments.flow_cards import HERE, SCALE, Card, Stage
from clinicdesk.desktop.appointments.flow_model import CardRole
from clinicdesk.desktop.look import glyphs, shapes
from clinicdesk.desktop.look.status import Fill, status_look
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.look.visit_painter import VisitLook, VisitPainter, shortened
from clinicdesk.desktop.widgets.keys import caps_width, paint_caps

SIDE = 4
"""px that a card leaves free at its sides, for the ring."""
_SMALL, _LARGE, _OVER = 46, 68, 92
_GAP_SMALL, _GAP_LARGE = 6, 8
_LEADING = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_TRAILING = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class _Inks:
    """The colours on one kind of large card."""

    fill: QColor
    edge: QColor | None
    bar: QColor | None
    name: QColor
    line: QColor
    warning: QColor
    wait: QColor
    track: QColor


class FlowDelegate(QStyledItemDelegate):
    """Reads the Card under CardRole. The chosen card has the ring and, where it is over the target, the key that helps."""

    def __init__(self, parent: object = None) -> None:
        super().__init__(parent)  # type: ignore[arg-type]
        self._visits = VisitPainter()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        card = index.data(CardRole)
        metrics = theme().tokens.metrics
        if not isinstance(card, Card) or card.stage not in HERE:
            return QSize(metrics.px(120), metrics.px(_SMALL) + metrics.px(_GAP_SMALL))
        return QSize(metrics.px(120), metrics.px(_OVER if card.over else _LARGE) + metrics.px(_GAP_LARGE))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        card = index.data(CardRole)
        if not isinstance(card, Card):
            return
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        rect = card_rect(option.rect, card)
        painter.save()
        if card.stage in HERE:
            self._paint_large(painter, rect, card, option.direction, chosen)
        else:
            self._paint_small(painter, rect, card, option.direction, chosen)
        painter.restore()

    def _paint_small(
        self, painter: QPainter, rect: QRect, card: Card, direction: Qt.LayoutDirection, chosen: bool
    ) -> None:
        visit = card.visit
        look = VisitLook(
            card.name, card.line, visit.status.value, visit.confirmed, chosen=chosen, aside=card.aside,
            late=card.late, centred=True, overbooked_count=2 if visit.overbooked else 0,
        )  # fmt: skip
        self._visits.paint(painter, rect, look, direction is Qt.LayoutDirection.RightToLeft)

    def _paint_large(
        self, painter: QPainter, rect: QRect, card: Card, direction: Qt.LayoutDirection, chosen: bool
    ) -> None:
        tokens = theme().tokens
        metrics = tokens.metrics
        inks = _inks(card)
        rtl = direction is Qt.LayoutDirection.RightToLeft
        shapes.box(painter, rect, metrics.radius, inks.fill, inks.edge)
        if inks.bar is not None:
            shapes.bar(painter, rect, 4, metrics.radius, inks.bar, rtl)
        inner = QStyle.visualRect(direction, rect, rect).adjusted(metrics.px(12), 0, -metrics.px(12), 0)

        def place(left: float, top: int, width: float, height: int) -> QRect:
            """A place in the card, its `left` counted from the leading edge of the text."""
            return QStyle.visualRect(
                direction, inner, QRect(inner.left() + round(left), rect.top() + top, round(width), height)
            )

        row, line = metrics.px(20), metrics.px(16)
        start = self._paint_number(painter, place(0, metrics.px(9), metrics.px(18), metrics.px(18)), card, inks)
        used = self._paint_minutes(painter, inner, rect.top() + metrics.px(8), card, inks, direction)
        room = inner.width() - start - used - metrics.px(8)
        name_font = theme().name_font(Role.BODY, 600)
        name = _fitting(card.name, name_font, room)
        _write(painter, place(start, metrics.px(8), room, row), name, name_font, inks.name, _LEADING, direction)
        small = theme().font(Role.SMALL)
        text = QFontMetrics(small).elidedText(card.line, Qt.TextElideMode.ElideRight, inner.width())
        _write(painter, place(0, metrics.px(31), inner.width(), line), text, small, inks.line, _LEADING, direction)
        self._paint_bar(painter, place(0, metrics.px(53), inner.width(), metrics.px(4)), card, inks, rtl)
        if card.over:
            self._paint_over(painter, inner, rect.top() + metrics.px(64), card, inks, direction, chosen)
        if chosen:
            shapes.focus_ring(painter, rect, metrics.radius, tokens)

    def _paint_number(self, painter: QPainter, box: QRect, card: Card, inks: _Inks) -> int:
        """Paint the digit that chooses the card, and return where the name starts."""
        if not card.number:
            return 0
        metrics = theme().tokens.metrics
        shapes.box(painter, box, metrics.radius_chip, None, inks.name, 1.5)
        painter.setFont(theme().font(Role.HAIR, 600))
        painter.setPen(inks.name)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(card.number))
        return metrics.px(25)

    def _paint_minutes(
        self, painter: QPainter, inner: QRect, top: int, card: Card, inks: _Inks, direction: Qt.LayoutDirection
    ) -> int:
        """Paint the time that runs, at the trailing end, and return its width."""
        metrics = theme().tokens.metrics
        figure, unit = theme().font(Role.CARD, 600), theme().font(Role.BODY)
        number, word = str(card.minutes), self.tr("min")
        unit_width = QFontMetrics(unit).horizontalAdvance(word)
        figure_width = QFontMetrics(figure).horizontalAdvance(number)
        gap = metrics.px(4)
        total = figure_width + gap + unit_width
        right = inner.left() + inner.width()
        for left, width, text, font in (
            (right - total, figure_width, number, figure), (right - unit_width, unit_width, word, unit),
        ):  # fmt: skip
            box = QStyle.visualRect(direction, inner, QRect(left, top, width, metrics.px(20)))
            _write(painter, box, text, font, inks.name, Qt.AlignmentFlag.AlignCenter, direction)
        return total

    def _paint_bar(self, painter: QPainter, track: QRect, card: Card, inks: _Inks, rtl: bool) -> None:
        """How long, out of half an hour; a tick stands at the longest good wait."""
        metrics = theme().tokens.metrics
        radius = track.height() / 2
        shapes.box(painter, track, radius, inks.track)
        scale = max(SCALE, 2 * card.target) if card.target > SCALE else SCALE
        width = track.width() * min((card.minutes or 0) / scale, 1)
        if width >= 1:
            left = track.left() + track.width() - width if rtl else track.left()
            shapes.box(
                painter, QRectF(left, track.top(), max(width, track.height()), track.height()), radius, inks.wait
            )
        if card.stage is not Stage.IN_ROOM:
            at = round(track.width() * card.target / scale)
            x = track.left() + (track.width() - at if rtl else at) - 1
            painter.fillRect(QRect(x, track.top() - metrics.px(2), 2, track.height() + 2 * metrics.px(2)), inks.name)

    def _paint_over(
        self,
        painter: QPainter,
        inner: QRect,
        top: int,
        card: Card,
        inks: _Inks,
        direction: Qt.LayoutDirection,
        chosen: bool,
    ) -> None:
        metrics = theme().tokens.metrics
        height, size = metrics.px(18), metrics.px(14)
        glyph = QStyle.visualRect(direction, inner, QRect(inner.left(), top + (height - size) // 2, size, size))
        glyphs.draw(painter, glyph, "ph.warning-fill", inks.warning)
        font = theme().font(Role.SMALL, 600)
        said = self.tr("Over %1 min").replace("%1", str(card.target))
        width = QFontMetrics(font).horizontalAdvance(said) + 1
        start = inner.left() + size + metrics.px(5)
        box = QStyle.visualRect(direction, inner, QRect(start, top, width, height))
        _write(painter, box, said, font, inks.warning, _LEADING, direction)
        if not chosen:
            return
        small = theme().font(Role.SMALL)
        word = self.tr("check in") if card.stage is Stage.ARRIVED else self.tr("to the room")
        word_width, caps = QFontMetrics(small).horizontalAdvance(word) + 1, caps_width("Space")
        right = inner.left() + inner.width()
        room = right - start - width - metrics.px(8)
        if caps + metrics.px(6) + word_width > room:
            word, word_width = "", -metrics.px(6)
        needed = caps + metrics.px(6) + word_width
        if needed > room:
            return
        box = QStyle.visualRect(direction, inner, QRect(right - word_width, top, word_width, height))
        _write(painter, box, word, small, inks.name, _TRAILING, direction)
        box = QStyle.visualRect(direction, inner, QRect(right - round(needed), top, round(caps), height))
        on_card = card.stage is Stage.ARRIVED and not theme().tokens.is_dark
        if on_card:
            shapes.box(
                painter, QRectF(box.left(), top, caps, metrics.key_cap), metrics.radius_chip, theme().tokens.base
            )
        paint_caps(painter, box.left(), top + height / 2, "Space", inks.name, inks.line)


def card_rect(item: QRect, card: Card) -> QRect:
    """Where in an item's rectangle the card itself lies."""
    metrics = theme().tokens.metrics
    half = metrics.px(_GAP_LARGE if card.stage in HERE else _GAP_SMALL) // 2
    return item.adjusted(SIDE, half, -SIDE, -half)


def running_rect(item: QRect) -> QRect:
    """The part of a large card that changes as time goes on: the minutes, and the bar."""
    metrics = theme().tokens.metrics
    return item.adjusted(0, 0, 0, -(item.height() - metrics.px(_LARGE)))


def _inks(card: Card) -> _Inks:
    tokens = theme().tokens
    status = status_look(card.visit.status.value, in_progress=card.stage is Stage.IN_ROOM)
    colours = status.colours
    contrast = tokens.ink if tokens.is_contrast else None
    if card.stage is Stage.IN_ROOM:
        return _Inks(
            tokens.accent_tint, tokens.accent, tokens.accent, tokens.ink, tokens.ink2, tokens.rust_ink, tokens.accent,
            _faint(tokens.ink),
        )  # fmt: skip
    if status.fill is Fill.SOLID:
        on = tokens.on_solid
        return _Inks(tokens.solid, contrast, None, on, on, on, on, _faint(on, 80))
    return _Inks(
        tokens.colour(colours.tint), contrast, tokens.colour(colours.colour), tokens.ink, tokens.ink2, tokens.rust_ink,
        tokens.rust if card.over else tokens.colour(colours.colour), _faint(tokens.ink),
    )  # fmt: skip


def _faint(colour: QColor, alpha: int = 40) -> QColor:
    faint = QColor(colour)
    faint.setAlpha(alpha)
    return faint


def _fitting(name: str, font: QFont, room: int) -> str:
    """The name, cut to an initial before it is cut at the end."""
    measure = QFontMetrics(font)
    shown = name if measure.horizontalAdvance(name) <= room else shortened(name)
    return measure.elidedText(shown, Qt.TextElideMode.ElideRight, max(room, 0))


def _write(
    painter: QPainter,
    box: QRect,
    text: str,
    font: QFont,
    colour: QColor,
    side: Qt.AlignmentFlag,
    direction: Qt.LayoutDirection,
) -> None:
    painter.setFont(font)
    painter.setPen(colour)
    visual = QStyle.visualAlignment(direction, side) | Qt.AlignmentFlag.AlignAbsolute
    painter.drawText(box, visual | Qt.TextFlag.TextSingleLine, text)
