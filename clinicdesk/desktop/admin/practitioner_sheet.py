"""The sheet of a practitioner: how they are called, what they do, where they sit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from clinicdesk.core.tx import Tx
from clinicdesk.desktop.admin.form import FormSheet, choose, combo, current, number
from clinicdesk.desktop.desk import Desk
from clinicdesk.features.practitioners.schemas import PractitionerRow, RoomRow, SavePractitioner
from clinicdesk.features.practitioners.service import list_practitioners, save_practitioner


class PractitionerSheet(FormSheet):
    """Adds a practitioner, or changes one."""

    def __init__(
        self, desk: Desk, host: QWidget, row: PractitionerRow | None, rooms: Sequence[RoomRow], position: int
    ) -> None:
        """`position` is the place in the calendar that a new practitioner gets."""
        title = self.tr("Change practitioner") if row else self.tr("Add a practitioner")
        super().__init__(desk, host, title, self.tr("Save") if row else self.tr("Add practitioner"), width=560)
        self._row = row
        self.family, self.given = QLineEdit(), QLineEdit()
        self.prefix, self.suffix, self.specialty = QLineEdit(), QLineEdit(), QLineEdit()
        self.prefix.setPlaceholderText(self.tr("Dr"))
        choices: list[tuple[str, object]] = [(self.tr("None of their own"), None)]
        choices += [(f"{room.name}, {room.site_name}", room.id) for room in rooms]
        self.room = combo(choices, None)
        self.position = number(position + 1, 1, 999)
        self.active = QCheckBox(self.tr("Takes visits"))
        self.active.setChecked(True)
        self.line(
            (self.field("prefix", self.tr("Title"), self.prefix), 2),
            (self.field("given", self.tr("Given name"), self.given), 5),
            (self.field("family", self.tr("Family name"), self.family), 5),
            (self.field("suffix", self.tr("After the name"), self.suffix), 3),
        )
        self.line((self.field("specialty", self.tr("Specialty"), self.specialty), 1))
        self.line(
            (self.field("room_id", self.tr("Room"), self.room), 3),
            (self.field("position", self.tr("Column in the calendar"), self.position), 2),
        )
        self.body.addWidget(self.active)
        self.fields.also("active", self.active)
        if row:
            self.show_row(row)

    def stored(self, tx: Tx) -> PractitionerRow | None:
        return current(self._row, list_practitioners(tx, include_inactive=True))

    def show_row(self, row: PractitionerRow) -> None:
        self._row = row
        self.family.setText(row.family)
        self.given.setText(row.given)
        self.prefix.setText(row.prefix)
        self.suffix.setText(row.suffix)
        self.specialty.setText(row.specialty)
        choose(self.room, row.room_id)
        self.position.setValue(row.position + 1)
        self.active.setChecked(row.active)

    def work(self) -> Callable[[Tx], object]:
        request = SavePractitioner(
            self.family.text(), self.given.text(), self.prefix.text(), self.suffix.text(), self.specialty.text(),
            self.room.currentData(), self.position.value() - 1, self.active.isChecked(),
            self._row.id if self._row else None, self._row.version if self._row else 0,
        )  # fmt: skip
        return lambda tx: save_practitioner(tx, request)
