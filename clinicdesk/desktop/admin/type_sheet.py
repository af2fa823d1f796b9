"""The sheet of a kind of visit: its names, its length, its colour."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QWidget

from clinicdesk.core.tx import Tx
from clinicdesk.desktop.admin.form import FormSheet, choose, combo, current, number
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.theme import theme
from clinicdesk.features.appointments.schemas import SaveType, TypeRow
from clinicdesk.features.appointments.types import CODES, list_types, save_type

COLOURS = (
    "#41679F", "#0B6870", "#2B6E49", "#7A6A45", "#B06A00", "#B23A24", "#8A4B78", "#5B5EA6", "#5D696F", "#2F7DA8",
)  # fmt: skip
"""What is offered; any other can be typed."""

_translate = QCoreApplication.translate


def code_words(code: str) -> str:
    """What one of HL7's reasons for a visit is called."""
    return {
        "CHECKUP": _translate("TypeSheet", "Check-up"),
        "EMERGENCY": _translate("TypeSheet", "Emergency"),
        "FOLLOWUP": _translate("TypeSheet", "Follow-up"),
        "ROUTINE": _translate("TypeSheet", "Routine"),
        "WALKIN": _translate("TypeSheet", "Walk-in"),
    }.get(code, code)


class TypeSheet(FormSheet):
    """Adds a kind of visit, or changes one."""

    def __init__(self, desk: Desk, host: QWidget, row: TypeRow | None, position: int) -> None:
        """`position` is the place in the order that a new one gets."""
        title = _translate("TypeSheet", "Change visit type") if row else _translate("TypeSheet", "Add a visit type")
        verb = _translate("TypeSheet", "Save") if row else _translate("TypeSheet", "Add visit type")
        super().__init__(desk, host, title, verb)
        self._row, self._position = row, position
        self.name, self.short = QLineEdit(), QLineEdit()
        self.short.setPlaceholderText(self.tr("fu"))
        self.minutes = number(20, 1, 24 * 60, self.tr(" min"))
        self.code = combo([(code_words(code), code) for code in CODES], "ROUTINE")
        self.colour = _colour_box()
        self.active = QCheckBox(self.tr("Is booked"))
        self.active.setChecked(True)
        self.line(
            (self.field("name", self.tr("Name"), self.name), 3),
            (self.field("short", self.tr("Typed in the command bar as"), self.short), 2),
        )
        self.line(
            (self.field("minutes", self.tr("Length"), self.minutes), 1),
            (self.field("code", self.tr("Kind"), self.code), 1),
            (self.field("colour", self.tr("Colour"), self.colour), 1),
        )
        self.body.addWidget(self.active)
        self.fields.also("active", self.active)
        if row:
            self.show_row(row)

    def stored(self, tx: Tx) -> TypeRow | None:
        return current(self._row, list_types(tx, include_inactive=True))

    def show_row(self, row: TypeRow) -> None:
        self._row, self._position = row, row.position
        self.name.setText(row.name)
        self.short.setText(row.short)
        self.minutes.setValue(row.minutes)
        choose(self.code, row.code)
        if self.colour.findText(row.colour.upper()) < 0:
            _offer(self.colour, row.colour.upper())
        self.colour.setCurrentText(row.colour.upper())
        self.active.setChecked(row.active)

    def work(self) -> Callable[[Tx], object]:
        request = SaveType(
            self.name.text(), self.minutes.value(), self.colour.currentText().strip(), self.short.text(),
            str(self.code.currentData()), self._position, self.active.isChecked(),
            self._row.id if self._row else None, self._row.version if self._row else 0,
        )  # fmt: skip
        return lambda tx: save_type(tx, request)


def _colour_box() -> QComboBox:
    box = QComboBox()
    box.setEditable(True)
    box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    for colour in COLOURS:
        _offer(box, colour)
    box.setCurrentText(COLOURS[0])
    return box


def _offer(box: QComboBox, colour: str) -> None:
    side = theme().tokens.metrics.px(14)
    swatch = QPixmap(side, side)
    swatch.fill(QColor(colour))
    box.addItem(QIcon(swatch), colour)
