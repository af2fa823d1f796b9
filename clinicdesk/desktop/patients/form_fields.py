"""The fields of a registration: what each is called, how it is typed, and which of them are folded away at first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QComboBox, QLineEdit, QPlainTextEdit, QWidget

from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.patients import words
from clinicdesk.features.patients.rules import LONGEST
from clinicdesk.features.patients.schemas import Demographics, Gender

FIRST = ("family", "given", "birth_date", "mobile", "gender")
"""What is asked of everybody; the rest is folded away until it is wanted."""
ROWS = (
    ("prefix", "suffix"),
    ("birth_family", "other_names"),
    ("pronouns", "language"),
    ("phone", "email"),
    ("address",),
    ("postal_code", "city"),
    ("state", "country"),
    ("desk_notes",),
)
"""The folded fields, as they stand beside each other."""

Typed = Mapping[str, str]
"""What stands in the fields, by the names of Demographics."""


def label_of(name: str) -> str:
    """What a field is called."""
    translate = QCoreApplication.translate
    return {
        "family": translate("Patients", "Family name"),
        "given": translate("Patients", "Given names"),
        "birth_date": translate("Patients", "Birth date"),
        "mobile": translate("Patients", "Phone"),
        "gender": translate("Patients", "Gender"),
        "prefix": translate("Patients", "Title"),
        "suffix": translate("Patients", "Suffix"),
        "birth_family": translate("Patients", "Name at birth"),
        "other_names": translate("Patients", "Other names"),
        "pronouns": translate("Patients", "Pronouns"),
        "language": translate("Patients", "Language"),
        "phone": translate("Patients", "Other phone"),
        "email": translate("Patients", "E-mail"),
        "address": translate("Patients", "Street and house number"),
        "postal_code": translate("Patients", "Postal code"),
        "city": translate("Patients", "City"),
        "state": translate("Patients", "State or county"),
        "country": translate("Patients", "Country"),
        "desk_notes": translate("Patients", "Desk notes"),
    }[name]


def names() -> Iterator[str]:
    """Every field, in the order in which Tab visits them."""
    yield from FIRST
    for row in ROWS:
        yield from row


def make_editor(name: str, parent: QWidget) -> QWidget:
    """The widget that the field is typed into."""
    if name == "gender":
        box = QComboBox(parent)
        for gender in (Gender.UNKNOWN, Gender.FEMALE, Gender.MALE, Gender.OTHER):
            unknown = QCoreApplication.translate("Patients", "not known")
            box.addItem(words.gender_text(gender) or unknown, gender.value)
        return box
    if name == "desk_notes":
        notes = QPlainTextEdit(parent)
        notes.setTabChangesFocus(True)
        notes.setFixedHeight(theme().tokens.metrics.px(76))
        return notes
    line = QLineEdit(parent)
    line.setMaxLength(LONGEST.get(name, 40))
    if name == "birth_date":
        line.setPlaceholderText(QCoreApplication.translate("Patients", "12.3.1984, 12 mar 1984"))
    return line


def typed_in(editor: QWidget) -> str:
    """What stands in an editor."""
    if isinstance(editor, QComboBox):
        return str(editor.currentData())
    if isinstance(editor, QPlainTextEdit):
        return editor.toPlainText()
    return editor.text() if isinstance(editor, QLineEdit) else ""


def type_into(editor: QWidget, text: str) -> None:
    """Let `text` stand in an editor."""
    if isinstance(editor, QComboBox):
        editor.setCurrentIndex(max(editor.findData(text), 0))
    elif isinstance(editor, QPlainTextEdit):
        if editor.toPlainText() != text:
            editor.setPlainText(text)
    elif isinstance(editor, QLineEdit) and editor.text() != text:
        editor.setText(text)


def typed_of(demographics: Demographics) -> dict[str, str]:
    """How demographics stand in the fields."""
    shown = {name: str(getattr(demographics, name) or "") for name in names()}
    shown["gender"] = demographics.gender.value
    shown["birth_date"] = words.day_text(demographics.birth_date) if demographics.birth_date else ""
    return shown


@dataclass(frozen=True, slots=True)
class Reading:
    """Demographics as far as what is typed can be read."""

    demographics: Demographics
    birth_date_is_right: bool
    """False where something stands for the birth date that is no date."""


def read(typed: Typed, today: date, kept: Demographics | None = None) -> Reading:
    """Read what is typed; what no field shows stays as it is in `kept`."""
    values: dict[str, Any] = dict(typed)
    birth_date = words.read_birth_date(typed["birth_date"], today)
    values["birth_date"] = birth_date
    values["gender"] = Gender(typed["gender"])
    return Reading(replace(kept or Demographics(), **values), birth_date is not None or not typed["birth_date"].strip())
