"""The sheets of public holidays: one of the clinic's own, and those that a country has in a year."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from clinicdesk.core.tx import Tx
from clinicdesk.desktop.admin.countries import country_box
from clinicdesk.desktop.admin.day_text import from_day, to_day
from clinicdesk.desktop.admin.form import FormSheet, number
from clinicdesk.desktop.desk import Desk
from clinicdesk.features.practitioners.schemas import HolidayRow
from clinicdesk.features.practitioners.service import load_public_holidays, save_holiday

_translate = QCoreApplication.translate


class HolidaySheet(FormSheet):
    """Adds a holiday, or changes what one is called and whether the clinic is closed."""

    def __init__(self, desk: Desk, host: QWidget, row: HolidayRow | None) -> None:
        title = _translate("HolidaySheet", "Change holiday") if row else _translate("HolidaySheet", "Add a holiday")
        super().__init__(desk, host, title, _translate("HolidaySheet", "Save"), width=420)
        self.day, self.name = QLineEdit(from_day(row.day if row else None)), QLineEdit(row.name if row else "")
        self.day.setPlaceholderText(self.tr("24 Dec"))
        self.day.setReadOnly(row is not None)
        self.is_closed = QCheckBox(self.tr("The clinic is closed"))
        self.is_closed.setChecked(row.closed if row else True)
        self.line((self.field("day", self.tr("Day"), self.day), 1))
        self.line((self.field("name", self.tr("Name"), self.name), 1))
        self.body.addWidget(self.is_closed)
        self.fields.also("closed", self.is_closed)

    def work(self) -> Callable[[Tx], object]:
        day = to_day(self.day.text(), "day", self.desk.now().date())
        name, closed = self.name.text(), self.is_closed.isChecked()
        return lambda tx: save_holiday(tx, day, name, closed)


class LoadHolidaysSheet(FormSheet):
    """Takes in a country's public holidays of a year; `saved` brings how many were new."""

    def __init__(self, desk: Desk, host: QWidget, year: int) -> None:
        super().__init__(
            desk,
            host,
            _translate("HolidaySheet", "Load public holidays"),
            _translate("HolidaySheet", "Load"),
            width=420,
        )
        self.country = country_box(desk.clinic.country, required=True)
        self.year = number(year, 1970, 2100)
        self.line(
            (self.field("country", self.tr("Country"), self.country), 3),
            (self.field("year", self.tr("Year"), self.year), 1),
        )

    def work(self) -> Callable[[Tx], object]:
        country, year = str(self.country.currentData()), self.year.value()
        return lambda tx: load_public_holidays(tx, country, year)
