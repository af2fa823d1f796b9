"""The rooms over the flow board: who is inside and for how long, which are free, and who goes in next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QStyle, QWidget

from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.day_view import LATE, minutes_late
from clinicdesk.desktop.appointments.flow_cards import Stage, next_to_go_in, stage_of
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look import glyphs, shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import ColourName, Role
from clinicdesk.desktop.look.visit_painter import shortened
from clinicdesk.features.appointments.schemas import AppointmentRow, Status
from clinicdesk.features.practitioners.schemas import PractitionerRow, WorkingDay

_HEIGHT = 58
_LEAST = 216
_MOST = 440
_MANY = 12
"""More rooms than these may take three lines."""


@dataclass(frozen=True, slots=True)
class RoomNow:
    """A practitioner's room as it is now."""

    practitioner: PractitionerRow
    inside: AppointmentRow | None = None
    free_since: datetime | None = None
    """When the last patient left."""
    next_in: AppointmentRow | None = None
    """Who is here and goes in next."""
    next_due: datetime | None = None
    late: int = 0
    """Minutes behind, if that is worth a word."""


def rooms_now(
    practitioners: Sequence[PractitionerRow],
    working: Mapping[UUID, WorkingDay],
    visits: Sequence[AppointmentRow],
    now: datetime,
) -> tuple[RoomNow, ...]:
    """The rooms of those who are at work now, or have a patient here; in the clinic's order."""
    found = []
    for person in practitioners:
        own = [visit for visit in visits if visit.practitioner_id == person.id]
        inside = next((visit for visit in own if stage_of(visit) is Stage.IN_ROOM), None)
        next_in = next_to_go_in(own, person.id)
        day = working.get(person.id)
        at_work = day is not None and any(shift.start <= now < shift.end for shift in day.shifts)
        if not (at_work or inside or next_in):
            continue
        left = [visit.ended_at for visit in own if visit.status is Status.FULFILLED and visit.ended_at]
        due = [visit.start for visit in own if stage_of(visit) is Stage.EXPECTED]
        late = minutes_late(own, now)
        found.append(
            RoomNow(
                person, inside, max(left, default=None), next_in, min(due, default=None), late if late >= LATE else 0
            )
        )
    return tuple(found)


class RoomStrip(QWidget):
    """The tiles of all rooms, in as few lines as they fit in."""

    visit_chosen = Signal(object)
    """AppointmentRow: who is in the room, or goes in next."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._tiles: list[RoomTile] = []
        self.setAccessibleName(self.tr("Rooms"))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        desk.privacy.changed.connect(self.tick)

    def tiles(self) -> Sequence[RoomTile]:
        """One for each room, in the clinic's order."""
        return self._tiles

    def set_rooms(self, rooms: Sequence[RoomNow]) -> None:
        """Show these rooms."""
        while len(self._tiles) > len(rooms):
            gone = self._tiles.pop()
            gone.hide()
            gone.deleteLater()
        while len(self._tiles) < len(rooms):
            tile = RoomTile(self._desk, self)
            tile.clicked.connect(lambda _checked=False, tile=tile: self._choose(tile))
            tile.show()
            self._tiles.append(tile)
        for tile, room in zip(self._tiles, rooms, strict=True):
            tile.set_room(room)
        self.setVisible(bool(rooms))
        if self._tiles:
            self.setFocusProxy(self._tiles[0])
        self._place()

    def tick(self) -> None:
        """The clock goes on."""
        for tile in self._tiles:
            tile.refresh()

    def _choose(self, tile: RoomTile) -> None:
        visit = tile.visit()
        if visit is not None:
            self.visit_chosen.emit(visit)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def _place(self) -> None:
        metrics = theme().tokens.metrics
        gap, margin, height = metrics.px(10), metrics.px(12), metrics.px(_HEIGHT)
        count = len(self._tiles)
        if not count:
            return
        room = self.width() - 2 * margin + gap
        in_line = max(room // (metrics.px(_LEAST) + gap), -(-count // (3 if count > _MANY else 2)), 1)
        lines = -(-count // in_line)
        in_line = -(-count // lines)
        width = min(room / in_line, metrics.px(_MOST) + gap)
        for i, tile in enumerate(self._tiles):
            left = margin + round(i % in_line * width)
            right = margin + round((i % in_line + 1) * width) - gap
            place = QRect(left, margin + i // in_line * (height + gap), right - left, height)
            tile.setGeometry(QStyle.visualRect(self.layoutDirection(), self.rect(), place))
        self.setFixedHeight(2 * margin + lines * (height + gap) - gap + 1)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.fillRect(event.rect(), tokens.base)
        painter.fillRect(0, self.height() - 1, self.width(), 1, tokens.line2)


class RoomTile(QAbstractButton):
    """One room in two lines; pressed, it leads to the patient's card."""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        self._room: RoomNow | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def set_room(self, room: RoomNow) -> None:
        """Show a room."""
        self._room = room
        self.refresh()

    def visit(self) -> AppointmentRow | None:
        """Who is inside, or goes in next."""
        return (self._room.inside or self._room.next_in) if self._room else None

    def refresh(self) -> None:
        """Say it as of now."""
        title, state, aside, late = self.words()
        self.setAccessibleName(", ".join(part for part in (title, state, aside, late) if part))
        self.update()

    def words(self) -> tuple[str, str, str, str]:
        """Room and practitioner, who is inside, since when or who is next, and how late it runs."""
        room = self._room
        if room is None:
            return "", "", "", ""
        now, zone, hidden = self._desk.now(), self._desk.clinic.tz, self._desk.privacy.initials_only
        person = room.practitioner
        title = " · ".join(part for part in (person.room_name, person.name) if part)
        late = self.tr("%n min late", "", room.late) if room.late else self.tr("on time")
        if room.inside is not None:
            since = room.inside.started_at or now
            aside = self.tr("In room %1").replace("%1", _length(now - since))
            return title, words.person(room.inside, hidden), aside, late
        state = self.tr("Free")
        if room.free_since is not None:
            state = self.tr("Free for %1").replace("%1", _length(now - room.free_since))
        aside = ""
        if room.next_in is not None:
            aside = self.tr("Next: %1").replace("%1", words.person(room.next_in, hidden))
        elif room.next_due is not None:
            aside = self.tr("Next at %1").replace("%1", words.clock(room.next_due, zone))
        return title, state, aside, late

    def sizeHint(self) -> QSize:
        metrics = theme().tokens.metrics
        return QSize(metrics.px(_LEAST), metrics.px(_HEIGHT))

    def paintEvent(self, event: QPaintEvent) -> None:
        room = self._room
        if room is None:
            return
        tokens = theme().tokens
        metrics = tokens.metrics
        painter = QPainter(self)
        calls = room.inside is None and room.next_in is not None
        fill = tokens.alt if self.underMouse() else tokens.base
        shapes.box(painter, self.rect(), metrics.radius_card, fill, tokens.accent if calls else tokens.line)
        _, state, aside, late = self.words()
        inner = self.rect().adjusted(metrics.px(12), metrics.px(8), -metrics.px(12), -metrics.px(8))
        line = inner.height() // 2
        upper = QRect(inner.left(), inner.top(), inner.width(), line)
        lower = QRect(inner.left(), inner.top() + line, inner.width(), line)
        lateness: ColourName = "amber_ink" if room.late else "ink2"
        used = self._put_end(painter, upper, late, lateness, 600 if room.late else 400, "ph.clock" if room.late else "")
        title = self._title(upper.width() - used)
        self._put_start(painter, upper, used, title, Role.SMALL, "ink2", 400)
        inside = room.inside is not None
        size = metrics.px(15)
        place = QRect(lower.left(), lower.top() + (line - size) // 2, size, size)
        glyphs.draw(painter, self._visual(place), "ph.door-fill" if inside else "ph.door", tokens.accent)
        lower.setLeft(lower.left() + size + metrics.px(8))
        wanted = QFontMetrics(theme().name_font(Role.BODY, 600)).horizontalAdvance(state)
        aside = self._aside(aside, lower.width() - wanted - metrics.px(8))
        used = self._put_end(painter, lower, aside, "ink" if calls else "ink2", 400)
        self._put_start(painter, lower, used, state, Role.BODY, "ink", 600)

    def _title(self, room: int) -> str:
        """Room and practitioner, the latter with as much of the name as fits."""
        if self._room is None:
            return ""
        person = self._room.practitioner
        measure = QFontMetrics(theme().font(Role.SMALL))
        titles = [" · ".join(part for part in (person.room_name, name) if part) for name in (person.name, person.short)]
        return next((title for title in titles if measure.horizontalAdvance(title) <= room), titles[-1])

    def _aside(self, text: str, room: int) -> str:
        """The words at the end of the second line, or less of them where the state needs the room."""
        measure = QFontMetrics(theme().font(Role.SMALL))
        if measure.horizontalAdvance(text) <= room or self._room is None:
            return text
        if self._room.inside is not None and self._room.inside.started_at is not None:
            short = _length(self._desk.now() - self._room.inside.started_at)
            return short if measure.horizontalAdvance(short) <= room else ""
        if self._room.next_in is None and self._room.next_due is not None:
            return ""  # a time that is cut says nothing, and stands on its card
        if self._room.next_in is not None and not self._desk.privacy.initials_only:
            text = self.tr("Next: %1").replace("%1", shortened(self._room.next_in.patient_name))
        return measure.elidedText(text, Qt.TextElideMode.ElideRight, max(room, 0))

    def _visual(self, rect: QRect) -> QRect:
        return QStyle.visualRect(self.layoutDirection(), self.rect(), rect)

    def _put_end(
        self, painter: QPainter, line: QRect, text: str, colour: ColourName, weight: int, glyph: str = ""
    ) -> int:
        """Write at the trailing end, and return the width that is taken."""
        if not text:
            return 0
        metrics = theme().tokens.metrics
        font = theme().font(Role.SMALL, weight)
        width = QFontMetrics(font).horizontalAdvance(text) + 1
        right = line.left() + line.width()
        painter.setFont(font)
        painter.setPen(theme().tokens.colour(colour))
        box = self._visual(QRect(right - width, line.top(), width, line.height()))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        if not glyph:
            return width + metrics.px(8)
        size = metrics.px(14)
        place = QRect(right - width - size - metrics.px(4), line.top() + (line.height() - size) // 2, size, size)
        glyphs.draw(painter, self._visual(place), glyph, theme().tokens.colour(colour))
        return width + size + metrics.px(12)

    def _put_start(
        self, painter: QPainter, line: QRect, used: int, text: str, role: Role, colour: ColourName, weight: int
    ) -> None:
        font = theme().name_font(role, weight)
        room = max(line.width() - used, 0)
        shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, room)
        painter.setFont(font)
        painter.setPen(theme().tokens.colour(colour))
        box = self._visual(QRect(line.left(), line.top(), room, line.height()))
        side = QStyle.visualAlignment(self.layoutDirection(), Qt.AlignmentFlag.AlignLeft)
        painter.drawText(box, side | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter, shown)


def _length(length: timedelta) -> str:
    """Whole minutes that have passed."""
    return words.hours_and_minutes(timedelta(minutes=max(length.total_seconds() // 60, 0)))
