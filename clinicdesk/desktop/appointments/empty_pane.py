"""What stands in place of a day or week without anything to see: why it is empty, and where to go from there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.calendar_data import Days
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, StatePane
from clinicdesk.features.practitioners.schemas import PractitionerRow, WorkingDay


class EmptyPane(StatePane):
    """Says when the next visits are, and offers to book where somebody works."""

    book_asked = Signal(object)
    """datetime: the first free time of the day."""
    next_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)

    def say(
        self, view: str, day: date, days: Days, shown: Sequence[PractitionerRow], now: datetime, *, may_book: bool
    ) -> None:
        """Explain the emptiness of `day`, or of the week around it, among those who are shown."""
        ids = {person.id for person in shown}
        working = [hours for schedule in days.schedules for hours in schedule.working if hours.practitioner_id in ids]
        title = self.tr("No visits in this week") if view == "week" else self.tr("No visits on %1")
        sentence = self._why(days, shown, working)
        if days.next_visits is not None:
            following = self.tr("The next visits are on %1.").replace("%1", words.long_day(days.next_visits))
            sentence = f"{sentence} {following}"
        following_day = ActionButton(self.tr("Next day with visits"), "End")
        following_day.clicked.connect(self.next_asked)
        buttons = [following_day]
        starts = [span.start for hours in working for span in hours.open if span.end > now]
        if starts and may_book:
            first = max(min(starts), now)
            book = ActionButton(self.tr("Book"), "N", kind=ButtonKind.PRIMARY)
            book.clicked.connect(lambda: self.book_asked.emit(first))
            buttons.insert(0, book)
        self.set_state("ph.calendar-blank", title.replace("%1", words.long_day(day)), sentence, *buttons)

    def _why(self, days: Days, shown: Sequence[PractitionerRow], working: Sequence[WorkingDay]) -> str:
        if not days.choices.practitioners:
            return self.tr("Add practitioners and their hours in Administration.")
        if any(hours.open for hours in working):
            return self.tr("All of the day is free.")
        everybody = [hours for schedule in days.schedules for hours in schedule.working]
        if holiday := next((hours.holiday for hours in everybody if hours.holiday), ""):
            return self.tr("The clinic is closed: %1.").replace("%1", holiday)
        if len(shown) == 1:
            return self.tr("%1 is not in.").replace("%1", shown[0].name)
        if any(hours.open for hours in everybody):
            return self.tr("None of those whose columns you chose is in.")
        return self.tr("Nobody works on that day.")
