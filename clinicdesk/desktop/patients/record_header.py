"""The head of a record: who it is, what is masked and can be shown, whether they have died, and their allergies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from html import escape

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from clinicdesk.desktop.look import shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import ColourName, Role
from clinicdesk.desktop.look.visit_painter import initials
from clinicdesk.desktop.patients import words
from clinicdesk.desktop.patients.elided_label import ElidedLabel
from clinicdesk.desktop.widgets import ActionButton, Glyph, InitialsTile, TextLabel
from clinicdesk.features.patients.schemas import PatientDetail

MASKED = ("birth_date", "mobile", "phone", "address", "city", "postal_code", "email")
"""Fields of Demographics that are shown masked, and in clear when asked for."""


class Fact(QWidget):
    """A caption over a value; an eye beside it says that the value is masked."""

    def __init__(self, caption: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._caption_text = caption
        self._value = ElidedLabel(parent=self)
        self._eye = Glyph("ph.eye-slash", 15, "ink3", self)
        keeps = self._eye.sizePolicy()
        keeps.setRetainSizeWhenHidden(True)  # nothing moves when the eye comes and goes
        self._eye.setSizePolicy(keeps)
        metrics = theme().tokens.metrics
        line = QHBoxLayout()
        line.setSpacing(metrics.px(6))
        line.addWidget(self._value)
        line.addWidget(self._eye)
        line.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(metrics.px(1))
        column.addWidget(TextLabel(caption, Role.SMALL, "ink2", parent=self))
        column.addLayout(line)

    def text(self) -> str:
        """What stands there."""
        return self._value.text()

    def set_value(self, text: str, *, masked: bool, spoken: str = "") -> None:
        """Show a value, or a dash for none; `spoken` is what a screen reader says of masked dots."""
        self._value.setText(text or "–")
        self._value.setAccessibleName(f"{self._caption_text}: {spoken or text}")
        self._eye.setVisible(masked and bool(text))


class RecordHeader(QWidget):
    """Name and facts; birth date, phone and address are masked until `reveal`."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        metrics = theme().tokens.metrics
        self._tile = InitialsTile("", 48, self)
        self._name = ElidedLabel(Role.FIGURE, parent=self)
        self._about = ElidedLabel(Role.BODY, "ink2", parent=self)
        self.born = Fact(self.tr("Born"), self)
        self.phone = Fact(self.tr("Phone"), self)
        self.address = Fact(self.tr("Address"), self)
        self.language = Fact(self.tr("Language"), self)
        who = QWidget(self)
        who.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        lines = QVBoxLayout(who)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(0)
        lines.addWidget(self._name)
        lines.addWidget(self._about)
        row = QHBoxLayout(self)
        row.setContentsMargins(metrics.page_margin, metrics.px(12), metrics.page_margin, metrics.px(12))
        row.setSpacing(metrics.px(14))
        row.addWidget(self._tile)
        row.addWidget(who, 9)
        for fact, stretch in ((self.born, 4), (self.phone, 5), (self.address, 5), (self.language, 3)):
            fact.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            row.addWidget(fact, stretch)

    def name(self) -> str:
        """The name as it is shown."""
        return self._name.text()

    def show_patient(self, patient: PatientDetail, today: date, initials_only: bool) -> None:
        """Show who it is, everything private masked."""
        d = patient.demographics
        self._tile.set_name(patient.name)
        self._name.setText(initials(patient.name) if initials_only else self._full_name(patient))
        parts = [words.person_text(d, today), patient.number]
        if d.birth_family and not initials_only:
            parts.insert(1, self.tr("born %1").replace("%1", d.birth_family))
        self._about.setText(words.DOT.join(filter(None, parts)))
        hidden = self.tr("hidden, key V shows it")
        self.born.set_value(words.masked_birth_date(d.birth_date), masked=True, spoken=hidden)
        self.phone.set_value(words.masked_phone(d.mobile or d.phone), masked=True, spoken=hidden)
        place = d.city or (words.DOTS if d.address else "")
        self.address.set_value(place, masked=bool(d.address), spoken=hidden if d.address else "")
        self.language.set_value(d.language, masked=False)

    def reveal(self, fields: Mapping[str, object]) -> None:
        """Show what was asked for, in clear."""
        born = fields.get("birth_date")
        self.born.set_value(words.day_text(born) if isinstance(born, date) else "", masked=False)
        phones = (str(fields.get("mobile") or ""), str(fields.get("phone") or ""))
        self.phone.set_value(words.DOT.join(words.isolated(phone) for phone in phones if phone), masked=False)
        town = " ".join(filter(None, (str(fields.get("postal_code") or ""), str(fields.get("city") or ""))))
        address = str(fields.get("address") or "").replace("\n", ", ")
        self.address.set_value(", ".join(filter(None, (address, town))), masked=False)

    def _full_name(self, patient: PatientDetail) -> str:
        d = patient.demographics
        return " ".join(filter(None, (d.prefix, patient.name, d.suffix)))


class Strip(QFrame):
    """A line across the record in a colour that means something: a glyph, words, and what can be done."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        metrics = theme().tokens.metrics
        self._tint: ColourName = "alt"
        self._edge: ColourName = "line2"
        self.glyph = Glyph("ph.info", 16, "ink2", self)
        self.words = TextLabel("", Role.BODY, wrap=True, parent=self)
        self.words.setTextFormat(Qt.TextFormat.RichText)
        self.aside = TextLabel("", Role.SMALL, "ink2", parent=self)
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(metrics.px(12), metrics.px(5), metrics.px(8), metrics.px(5))
        self.row.setSpacing(metrics.px(10))
        self.row.addWidget(self.glyph)
        self.row.addWidget(self.words, 1)
        self.row.addWidget(self.aside)
        self.setMinimumHeight(metrics.px(34))

    def set_look(self, tint: ColourName, edge: ColourName, ink: ColourName, glyph: str) -> None:
        """Show the strip in another colour, with another glyph."""
        self._tint, self._edge = tint, edge
        self.glyph.set_glyph(glyph, ink)
        self.aside.set_colour(ink if ink != "ink3" else "ink2")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        shapes.box(painter, QRectF(self.rect()), tokens.metrics.radius, tokens.colour(self._tint),
                   tokens.colour(self._edge))  # fmt: skip


class AllergyStrip(Strip):
    """The allergies of a patient on every tab; that there are none, or that nobody asked yet, is said as well."""

    edit_wanted = Signal()

    def __init__(self, may_edit: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self._edit = ActionButton(self.tr("Allergies"), "A", parent=self)
        self._edit.clicked.connect(self.edit_wanted)
        self._edit.setVisible(may_edit)
        self.row.addWidget(self._edit)

    def show_allergies(self, patient: PatientDetail) -> None:
        """Name each substance with its reaction, and say when the patient was asked."""
        checked = patient.allergies_checked_on
        asked = self.tr("Checked with the patient on %1").replace("%1", words.day_text(checked)) if checked else ""
        if patient.allergies:
            self.set_look("rust_tint", "rust", "rust_ink", "ph.warning-fill")
            title = f"<b style='color:{theme().tokens.rust_ink.name()}'>{escape(self.tr('Allergies'))}</b>&nbsp; "
            told = []
            for allergy in patient.allergies:
                more = words.allergy_text(allergy)
                told.append(f"<b>{escape(allergy.substance)}</b>" + (f", {escape(more)}" if more else ""))
            self.words.setText(title + " &nbsp;·&nbsp; ".join(told))
            self.aside.setText(asked or self.tr("Not checked yet"))
        elif checked:
            self.set_look("alt", "line2", "ink2", "ph.check-circle")
            self.words.setText(escape(self.tr("No known allergies, checked %1").replace("%1", words.day_text(checked))))
            self.aside.setText("")
        else:
            self.set_look("alt", "line2", "ink2", "ph.question")
            self.words.setText(escape(self.tr("Allergies: not asked yet")))
            self.aside.setText("")
        plain = ", ".join(
            " ".join(filter(None, (allergy.substance, words.allergy_text(allergy)))) for allergy in patient.allergies
        )
        self.setAccessibleName(": ".join(filter(None, (self.tr("Allergies"), plain))) if plain else self.words.text())
