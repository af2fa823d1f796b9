"""Whose columns the calendar shows: those who were chosen, or else whoever works or has visits on the days in sight."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from PySide6.QtCore import QObject, Signal

from clinicdesk.desktop.appointments.calendar_data import Days
from clinicdesk.desktop.appointments.people_sheet import PeopleSheet
from clinicdesk.desktop.desk import Desk
from clinicdesk.features.practitioners.schemas import PractitionerRow


class ShownPeople(QObject):
    """A person's choice, kept in the preferences of this desk; and the one practitioner that the week is of."""

    changed = Signal()
    """Others are to be shown."""

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk, self._user, self._preferences = desk, desk.user, desk.preferences
        self._chosen = self._preferences.practitioners(self._user.id)
        self._one: UUID | None = self.own

    @property
    def own(self) -> UUID | None:
        """The practitioner who sits at this desk."""
        return self._user.practitioner_id

    @property
    def chosen(self) -> frozenset[UUID] | None:
        """Who was chosen; None where it follows from the day."""
        return self._chosen

    def choose(self, ids: frozenset[UUID] | None) -> None:
        """Show these people, or (None) whoever works or has visits on the day."""
        self._chosen = ids
        self._preferences.set_practitioners(self._user.id, ids)
        self.changed.emit()

    def ask(self, days: Days, *, for_week: bool) -> None:
        """Open the sheet to choose whose columns, or whose week."""
        if self._desk.host is None:
            return
        shown = frozenset(person.id for person in self.in_sight(days, for_week=for_week))
        everybody = self.in_order(days.choices.practitioners)
        sheet = PeopleSheet(self._desk.host, everybody, shown, only_one=for_week)
        sheet.chosen.connect((lambda ids: self.choose_week_of(next(iter(ids)))) if for_week else self.choose)
        sheet.open_sheet()

    def in_order(self, everybody: Iterable[PractitionerRow]) -> tuple[PractitionerRow, ...]:
        """Who sits here first, and then as the clinic orders them."""
        return tuple(sorted(everybody, key=lambda person: person.id != self.own))

    def among(self, days: Days) -> tuple[PractitionerRow, ...]:
        """Those whose columns are shown on these days."""
        everybody = self.in_order(days.choices.practitioners)
        chosen = tuple(person for person in everybody if self._chosen is not None and person.id in self._chosen)
        if chosen:
            return chosen
        there = {day.practitioner_id for schedule in days.schedules for day in schedule.working if day.shifts}
        there |= {visit.practitioner_id for visit in days.visits}
        return tuple(person for person in everybody if person.id in there)

    def in_sight(self, days: Days, *, for_week: bool) -> tuple[PractitionerRow, ...]:
        """Whose time is shown on these days: of a week, the one practitioner's."""
        if not for_week:
            return self.among(days)
        one = self.week_of(days)
        return (one,) if one is not None else ()

    def week_of(self, days: Days) -> PractitionerRow | None:
        """The one practitioner whose week is shown; the first who is shown at all where none was chosen."""
        everybody = self.in_order(days.choices.practitioners)
        one = next((person for person in everybody if person.id == self._one), None)
        return one or next(iter((*self.among(days), *everybody)), None)

    def choose_week_of(self, practitioner_id: UUID) -> None:
        """Show the week of this practitioner."""
        if practitioner_id != self._one:
            self._one = practitioner_id
            self.changed.emit()

    def step_week_of(self, days: Days, way: int) -> None:
        """Go on to the next practitioner who is shown (+1), or back (-1), around the end."""
        shown, now = self.among(days), self.week_of(days)
        if shown:
            here = next((i for i, person in enumerate(shown) if person == now), -1 if way > 0 else 0)
            self.choose_week_of(shown[(here + way) % len(shown)].id)
