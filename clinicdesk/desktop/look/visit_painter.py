"""Paints one visit box, the same on the calendar, the flow board, the pinboard and the waitlist."""

from dataclasses import dataclass, replace
from enum import IntEnum, auto
from functools import lru_cache

from PySide6.QtCore import QCoreApplication, QLocale, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontInfo, QFontMetricsF, QGuiApplication, QPainter, QStaticText

from clinicdesk.desktop.look import glyphs, shapes
from clinicdesk.desktop.look.status import Edge, FamilyName, Fill, StatusLook, status_look
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import ColourName, Role


@dataclass(frozen=True)
class VisitLook:
    """What a visit box shows, as plain values; `waited_minutes` counts from arrival.

    `note` replaces the word at the right end of the first line, `second_note` stands at the end of the second; `aside` is a
    quieter note, in amber where it says that somebody is `late`. `centred` is for cards in a list, where lines have air.
    `initials_only` is for screens that the public can see; `masked` shows the status in place of the person.
    """

    name: str
    reason: str = ""
    status: str = "booked"
    confirmed: bool = False
    in_progress: bool = False
    waited_minutes: int | None = None
    overbooked_count: int = 0
    awaiting_patient: bool = False
    initials_only: bool = False
    masked: bool = False
    cut: bool = False
    chosen: bool = False
    focused: bool = False
    not_sent: bool = False
    rebook: bool = False
    conflict: bool = False
    soon: bool = False
    note: str = ""
    second_note: str = ""
    aside: str = ""
    late: bool = False
    centred: bool = False


def initials(name: str) -> str:
    """The initials of the first and last word of a name: "DO" for Daniel Osei, one letter for one word."""
    words = name.partition(",")[0].split()
    ends = words[:1] + words[1:][-1:]
    return "".join(word[0] for word in ends).upper()


def shortened(name: str) -> str:
    """The name with its first word cut to the initial, "A. Ngata"; a name of one word stays whole."""
    first, _, rest = name.strip().partition(" ")
    if not rest or not first[0].isalpha():
        return name
    return f"{first[0]}. {rest}"


class _Type(IntEnum):  # whole numbers are hashed in no time, members of a plain Enum are not
    NAME = auto()
    NAME_LIGHT = auto()
    REASON = auto()
    NOTE = auto()


@dataclass(frozen=True)
class _Note:
    text: str
    colour: ColourName
    glyph: str = ""
    short: str = ""
    kind: _Type = _Type.NOTE


@dataclass(frozen=True)
class _Inks:
    glyph: ColourName
    name: ColourName
    reason: ColourName
    note: ColourName


_BY_FAMILY: dict[FamilyName, _Inks] = {
    "slate": _Inks("slate", "ink", "ink2", "ink"),
    "amber": _Inks("amber_ink", "ink", "ink2", "amber_ink"),
    "solid": _Inks("on_solid", "on_solid", "on_solid", "on_solid"),
    "rust": _Inks("rust_ink", "rust_ink", "rust_ink", "rust_ink"),
    "sand": _Inks("sand_ink", "ink", "ink2", "ink2"),
    "done": _Inks("ok", "ink2", "ink3", "ink2"),
    "quiet": _Inks("ink2", "ink2", "ink2", "ink2"),
}

_CUT_INKS = _Inks("ink2", "ink2", "ink2", "ink2")

_PAD = 7
_GLYPH_LEFT = 9
_GLYPH = 14
_TEXT_LEFT = 27
_GAP = 6
_LEAST_REASON = 28
_TOP = 3
_INK = 0.95
"""What stands between the top of a capital and the foot of a g, in parts of the font's size."""
_FOOT = 0.85
"""How much of a font's descent a g takes; the rest is air."""


class _Texts:
    """Texts in the four types, at the theme's sizes or, in a box too low for those, at `pixels`; what was laid out is kept."""

    def __init__(self, pixels: int | None = None) -> None:
        made = theme()
        self._fonts = {
            _Type.NAME: made.name_font(Role.SMALL, 600),
            _Type.NAME_LIGHT: made.name_font(Role.SMALL, 500),
            _Type.REASON: made.font(Role.SMALL, 400),
            _Type.NOTE: made.font(Role.HAIR, 600),
        }
        if pixels is not None:
            for font in self._fonts.values():
                font.setPixelSize(pixels)
        self._measures = {kind: QFontMetricsF(font) for kind, font in self._fonts.items()}
        name = self._measures[_Type.NAME]
        self.rise = name.ascent() - name.capHeight() / 2 + name.descent() * _FOOT / 2
        """How far above the middle of a low box a line begins whose ink, capitals to the foot of a g, is centred in it."""
        self.width = lru_cache(4_096)(self._measure)
        self.layout = lru_cache(1_024)(self._lay_out)
        self.elided = lru_cache(4_096)(self._cut)

    def font(self, kind: _Type) -> QFont:
        return self._fonts[kind]

    def measures(self, kind: _Type) -> QFontMetricsF:
        return self._measures[kind]

    def _measure(self, text: str, kind: _Type) -> float:
        return self._measures[kind].horizontalAdvance(text)

    def _cut(self, text: str, kind: _Type, room: int) -> str:
        return self._measures[kind].elidedText(text, Qt.TextElideMode.ElideRight, room)

    def _lay_out(self, text: str, kind: _Type) -> QStaticText:
        laid = QStaticText(text)
        laid.setTextFormat(Qt.TextFormat.PlainText)
        laid.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
        laid.prepare(font=self._fonts[kind])
        return laid


@dataclass(frozen=True)
class _Side:
    """Turns distances from the leading edge of a box into x, for either direction of reading; `texts` are those that fit it."""

    box: QRectF
    right_to_left: bool
    texts: _Texts

    def left(self, start: float, width: float) -> float:
        if self.right_to_left:
            return self.box.right() - start - width
        return self.box.left() + start


class VisitPainter:
    """Paints visits in the current theme; laid-out texts are kept until the theme changes."""

    def __init__(self) -> None:
        self._theme = theme()
        self._prepare()

    def paint(
        self, painter: QPainter, rect: QRect | QRectF, look: VisitLook, right_to_left: bool | None = None
    ) -> None:
        """Paint `look` into `rect`; the focus ring stands 3 px outside it. Direction is the application's by default."""
        box = QRectF(rect)
        if box.width() < 1 or box.height() < 1:
            return
        if right_to_left is None:
            right_to_left = QGuiApplication.layoutDirection() is Qt.LayoutDirection.RightToLeft
        if self._prepared_for is not self._theme.tokens:
            self._prepare()
        status = status_look(look.status, look.confirmed, look.in_progress)
        painter.save()
        self._paint_box(painter, box, look, status, right_to_left)
        low = box.height() < self._theme.tokens.metrics.visit_line
        # In a low box the accents of capitals may stand out above it: that is better than to cut them.
        painter.setClipRect(box.adjusted(0, -2, 0, 1) if low else box, Qt.ClipOperation.IntersectClip)
        self._paint_content(painter, _Side(box, right_to_left, self._texts(box.height())), look, status)
        painter.restore()
        if look.focused or look.chosen:
            painter.save()
            shapes.focus_ring(painter, box, self._theme.tokens.metrics.radius, self._theme.tokens)
            painter.restore()

    def _prepare(self) -> None:
        self._prepared_for = self._theme.tokens
        self._usual = _Texts()
        self._low: dict[int, _Texts] = {}

    def _texts(self, height: float) -> _Texts:
        """The texts for a box of that height: one lower than a line takes smaller ones, so that no letter is cut."""
        if height >= self._theme.tokens.metrics.visit_line:
            return self._usual
        pixels = min(QFontInfo(self._usual.font(_Type.NOTE)).pixelSize(), max(int((height + 0.5) / _INK), 1))
        if pixels not in self._low:
            self._low[pixels] = _Texts(pixels)
        return self._low[pixels]

    # The box

    def _paint_box(
        self, painter: QPainter, box: QRectF, look: VisitLook, status: StatusLook, right_to_left: bool
    ) -> None:
        tokens = self._theme.tokens
        radius = tokens.metrics.radius
        family = status.colours
        if look.cut:
            shapes.box(painter, box, radius, tokens.base, tokens.ctl, 1, Qt.PenStyle.DashLine)
            return
        fill = {
            Fill.BASE: tokens.base,
            Fill.TINT: tokens.colour(family.tint),
            Fill.SOLID: tokens.solid,
            Fill.SUNK: tokens.sunk,
        }[status.fill]
        if look.rebook:
            shapes.box(painter, box, radius, tokens.base, tokens.rust)
            shapes.bar(painter, box, tokens.metrics.bar, radius, tokens.rust, right_to_left)
            return
        edge, line = self._edge(look, status)
        shapes.box(painter, box, radius, fill, edge, 1, line)
        if status.hatch:
            colour = QColor(tokens.colour(family.colour))
            colour.setAlpha(110 if tokens.is_contrast else 56)
            shapes.hatch(painter, box, radius, colour)
        if status.bar and not look.not_sent:
            shapes.bar(painter, box, status.bar, radius, tokens.colour(family.colour), right_to_left)

    def _edge(self, look: VisitLook, status: StatusLook) -> tuple[QColor | None, Qt.PenStyle]:
        tokens = self._theme.tokens
        if look.not_sent or status.edge is Edge.DASHED:
            return tokens.colour(status.colours.colour), Qt.PenStyle.DashLine
        if status.edge is Edge.DOTTED:
            return tokens.ctl, Qt.PenStyle.DotLine
        if status.edge is Edge.LINE:
            return (tokens.line2 if status.struck else tokens.line), Qt.PenStyle.SolidLine
        return (tokens.ink if tokens.is_contrast else None), Qt.PenStyle.SolidLine

    # What stands in it

    def _paint_content(self, painter: QPainter, side: _Side, look: VisitLook, status: StatusLook) -> None:
        tokens = self._theme.tokens
        metrics = tokens.metrics
        inks = _CUT_INKS if look.cut else _BY_FAMILY[status.family]
        height = side.box.height()
        two_lines = height >= metrics.visit_two_lines
        line = metrics.visit_line
        if two_lines:
            middle_top = (height - 2 * line) / 2
            top = side.box.top() + (middle_top if look.centred else min(metrics.px(_TOP), middle_top))
        else:
            top = side.box.top() + (height - line) / 2
        self._paint_glyph(painter, side, top, look, status, inks)

        start, end = metrics.px(_TEXT_LEFT), side.box.width() - metrics.px(_PAD)
        name, reason = self._words(look, status)
        kind = _Type.NAME if status.weight == 600 else _Type.NAME_LIGHT
        notes, notes_width = self._fit_notes(side.texts, self._notes(look, status, inks), name, kind, end - start)
        right = end
        for note in notes:
            right = self._paint_note(painter, side, right, top, note) - metrics.px(_GAP)
        shown, name_width = self._fit_name(side.texts, name, kind, end - start - notes_width)
        self._put(painter, side, start, top, shown, kind, inks.name)
        if status.struck and shown:
            # QStaticText leaves out a font's strike-out.
            middle = round(side.box.center().y()) if side.texts is not self._usual else round(top + line * 0.55)
            left = side.left(start, name_width)
            shapes.hairline(
                painter, QPointF(left, middle), QPointF(left + name_width, middle), tokens.colour(inks.name)
            )
        if two_lines:
            if look.second_note:
                second = _Note(look.second_note, "accent")
                end = self._paint_note(painter, side, end, top + line, second) - metrics.px(_GAP)
            self._put(painter, side, start, top + line, side.texts.elided(reason, _Type.REASON, int(end - start)),
                      _Type.REASON, inks.reason)  # fmt: skip
            return
        room = end - start - notes_width - name_width - metrics.px(_GAP)
        if reason and shown == name and room >= metrics.px(_LEAST_REASON):
            self._put(painter, side, start + name_width + metrics.px(_GAP), top,
                      side.texts.elided(reason, _Type.REASON, int(room)), _Type.REASON, inks.reason)  # fmt: skip

    def _paint_glyph(
        self, painter: QPainter, side: _Side, top: float, look: VisitLook, status: StatusLook, inks: _Inks
    ) -> None:
        tokens = self._theme.tokens
        size = self._glyph_size(side)
        if look.cut:
            name, colour = "ph.scissors", tokens.rust_ink if look.rebook else tokens.ink2
        elif look.rebook:
            name, colour = "ph.warning-fill", tokens.rust
        else:
            name, colour = status.glyph, tokens.colour(inks.glyph)
        left = side.left(tokens.metrics.px(_GLYPH_LEFT), size)
        glyphs.draw(painter, QRectF(left, top + (tokens.metrics.visit_line - size) / 2, size, size), name, colour)

    def _glyph_size(self, side: _Side) -> int:
        return min(self._theme.tokens.metrics.px(_GLYPH), int(side.box.height()))

    def _words(self, look: VisitLook, status: StatusLook) -> tuple[str, str]:
        if look.masked:
            return status.label, ""
        if look.initials_only:
            return initials(look.name), ""
        return look.name, look.reason

    def _notes(self, look: VisitLook, status: StatusLook, inks: _Inks) -> list[_Note]:
        """What stands at the right end, outermost first."""
        translate = QCoreApplication.translate
        solid = status.fill is Fill.SOLID and not look.cut
        warning: ColourName = "on_solid" if solid else "rust_ink"
        notes = []
        if look.overbooked_count:
            count = QLocale().toString(look.overbooked_count)
            notes.append(_Note(count, "on_solid" if solid else "amber_ink", "ph.stack-bold"))
        if look.aside:
            ink: ColourName = "on_solid" if solid else "amber_ink" if look.late else "ink2"
            notes.append(_Note(look.aside, ink, "ph.clock" if look.late else "", kind=_Type.REASON))
        if look.note:
            notes.append(_Note(look.note, "on_solid" if solid else inks.note))
        if look.conflict:
            notes.append(_Note(translate("Visit", "Conflict"), warning, "ph.git-merge"))
        if look.rebook:
            notes.append(_Note(translate("Visit", "Rebook"), warning, "ph.warning-fill" if look.cut else ""))
        if look.not_sent:
            notes.append(_Note(translate("Visit", "Not sent yet"), "on_solid" if solid else "ink", "ph.cloud-arrow-up"))
        if look.soon:
            notes.append(_Note(translate("Visit", "Soon"), warning, "ph.flag-fill"))
        if not (notes or look.cut or look.masked):
            if status.key == "arrived" and look.waited_minutes is not None:
                minutes = look.waited_minutes
                notes.append(
                    _Note(
                        translate("Visit", "%n min", "", minutes),
                        inks.note,
                        short=translate("Visit", "%n m", "minutes, in a narrow box", minutes),
                    )
                )
            elif status.key == "pending" and look.awaiting_patient:
                notes.append(_Note(translate("Visit", "Awaiting patient"), inks.note))
            elif status.on_visit:
                notes.append(_Note(status.on_visit, inks.note))
        return notes

    def _fit_notes(
        self, texts: _Texts, notes: list[_Note], name: str, kind: _Type, room: float
    ) -> tuple[list[_Note], float]:
        """The notes that leave room for the name: whole, then short, then only those that carry a glyph."""
        if texts.width(name, kind) + self._notes_width(texts, notes) <= room:
            return notes, self._notes_width(texts, notes)
        notes = [replace(note, text=note.short or note.text) for note in notes]
        if texts.width(shortened(name), kind) + self._notes_width(texts, notes) > room:
            notes = [note if len(note.text) <= 2 else replace(note, text="") for note in notes if note.glyph]
        return notes, self._notes_width(texts, notes)

    def _notes_width(self, texts: _Texts, notes: list[_Note]) -> float:
        return sum(self._note_width(texts, note) + self._theme.tokens.metrics.px(_GAP) for note in notes)

    def _note_width(self, texts: _Texts, note: _Note) -> float:
        metrics = self._theme.tokens.metrics
        glyph = metrics.px(_GLYPH) if note.glyph else 0
        between = metrics.px(3) if note.glyph and note.text else 0
        return glyph + between + texts.width(note.text, note.kind)

    def _paint_note(self, painter: QPainter, side: _Side, right: float, top: float, note: _Note) -> float:
        """Paint a note that ends at `right`, and return where it starts."""
        metrics = self._theme.tokens.metrics
        start = right - self._note_width(side.texts, note)
        if note.glyph:
            size = self._glyph_size(side)
            box = QRectF(side.left(start, size), top + (metrics.visit_line - size) / 2, size, size)
            glyphs.draw(painter, box, note.glyph, self._theme.tokens.colour(note.colour))
        left = right - side.texts.width(note.text, note.kind)
        self._put(painter, side, left, top, note.text, note.kind, note.colour)
        return start

    def _fit_name(self, texts: _Texts, name: str, kind: _Type, room: float) -> tuple[str, float]:
        for text in (name, shortened(name)):
            if texts.width(text, kind) <= room:
                return text, texts.width(text, kind)
        text = texts.elided(shortened(name), kind, max(int(room), 0))
        return text, texts.width(text, kind)

    def _put(
        self, painter: QPainter, side: _Side, start: float, top: float, text: str, kind: _Type, colour: ColourName
    ) -> None:
        if not text:
            return
        texts = side.texts
        painter.setFont(texts.font(kind))
        painter.setPen(self._theme.tokens.colour(colour))
        measures = texts.measures(kind)
        if texts is self._usual:
            upper = top + (self._theme.tokens.metrics.visit_line - measures.height()) / 2
        else:
            upper = side.box.center().y() - texts.rise
        painter.drawStaticText(QPointF(side.left(start, texts.width(text, kind)), upper), texts.layout(text, kind))
