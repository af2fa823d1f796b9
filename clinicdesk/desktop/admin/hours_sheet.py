"""The sheet of a working week: a line of hours for each weekday, and the days on which it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from PySide6.QtCore import QCoreApplication, QLocale, Qt
from PySide6.QtWidgets import QGridLayout, QLineEdit, QWidget

from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.tx import Tx
from clinicdesk.desktop.admin.day_text import from_day, to_day
from clinicdesk.desktop.admin.form import FormSheet
from clinicdesk.desktop.admin.shift_text import read_shifts, write_shifts
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets import TextLabel
from clinicdesk.features.practitioners.rules import check_week, end_minute, start_minute
from clinicdesk.features.practitioners.schemas import PractitionerRow, SetWeeklyHours, Shift, WeeklyHoursRow
from clinicdesk.features.practitioners.service import set_weekly_hours


class HoursSheet(FormSheet):
    """Sets a practitioner's week from a day on; `week` is what to begin with, `known` whether it changes that very week."""

    def __init__(
        self, desk: Desk, host: QWidget, who: PractitionerRow, week: WeeklyHoursRow | None, known: bool
    ) -> None:
        title = QCoreApplication.translate("HoursSheet", "Hours of {name}").replace("{name}", who.name)
        super().__init__(desk, host, title, QCoreApplication.translate("HoursSheet", "Set hours"), width=600)
        self._who = who
        metrics = theme().tokens.metrics
        shifts: Sequence[Shift] = week.shifts if week else ()
        self.days = [QLineEdit(write_shifts(shifts, weekday)) for weekday in range(7)]
        grid = QGridLayout()
        grid.setHorizontalSpacing(metrics.px(12))
        grid.setVerticalSpacing(metrics.px(8))
        for weekday, edit in enumerate(self.days):
            name = QLocale().dayName(weekday + 1)
            edit.setPlaceholderText(self.tr("not at work"))
            field = self.field(f"weekday_{weekday}", name, edit)
            grid.addWidget(field, weekday // 2, weekday % 2, Qt.AlignmentFlag.AlignTop)
        words = self.tr("Type hours like 8:30–12:30, 13:15–17:00, on the clock of the clinic.")
        self.body.addWidget(TextLabel(words, Role.SMALL, "ink2", wrap=True))
        self.body.addLayout(grid)
        now = desk.now().date()
        self.first = QLineEdit(from_day(week.valid_from if week and known else now))
        self.last = QLineEdit(from_day(week.valid_to if week and known else None))
        self.last.setPlaceholderText(self.tr("until further notice"))
        self.line(
            (self.field("valid_from", self.tr("From"), self.first), 1),
            (self.field("valid_to", self.tr("Until, that day included"), self.last), 1),
        )
        words = self.tr("Other hours end the day before. Visits that are booked stay where they are.")
        self.body.addWidget(TextLabel(words, Role.SMALL, "ink2", wrap=True))

    def work(self) -> Callable[[Tx], object]:
        shifts = tuple(shift for weekday, edit in enumerate(self.days) for shift in read_shifts(edit.text(), weekday))
        try:
            shifts = check_week(shifts)
        except InvalidInput as error:
            raise InvalidInput(error.reason, field=f"weekday_{error.params['weekday']}") from error
        today = self.desk.now().date()
        first = to_day(self.first.text(), "valid_from", today)
        last = to_day(self.last.text(), "valid_to", today) if self.last.text().strip() else None
        request = SetWeeklyHours(self._who.id, shifts, first, last)
        return lambda tx: set_weekly_hours(tx, request)


def hours_a_week(shifts: Sequence[Shift]) -> timedelta:
    """How long somebody works in such a week."""
    return timedelta(minutes=sum(end_minute(shift) - start_minute(shift) for shift in shifts))
