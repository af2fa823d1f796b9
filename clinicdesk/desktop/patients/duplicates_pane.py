"""Who is on record already and may be the person that is being typed, with the reasons in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from uuid import UUID

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from clinicdesk.desktop.look import shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.patients import words
from clinicdesk.desktop.widgets import ActionButton, Glyph, TextLabel
from clinicdesk.features.patients.schemas import Duplicate

VERY_LIKELY = 0.9
MOST_SHOWN = 4


class DuplicatesPane(QWidget):
    """A pane of fixed width, so that nothing moves while somebody types."""

    open_wanted = Signal(object)
    """UUID of the patient whose record is to be opened instead."""

    def __init__(self, today: Callable[[], date], parent: QWidget) -> None:
        super().__init__(parent)
        self._today = today
        self._found: tuple[Duplicate, ...] = ()
        metrics = theme().tokens.metrics
        self._title = TextLabel("", Role.BODY, weight=600, wrap=True, parent=self)
        self._says = TextLabel("", Role.SMALL, "ink2", wrap=True, parent=self)
        self._cards = QVBoxLayout()
        self._cards.setSpacing(metrics.px(8))
        column = QVBoxLayout(self)
        column.setContentsMargins(metrics.page_margin, metrics.px(16), metrics.page_margin, metrics.px(16))
        column.setSpacing(metrics.px(8))
        column.addWidget(self._title)
        column.addWidget(self._says)
        column.addLayout(self._cards)
        column.addStretch()
        self.setFixedWidth(metrics.px(304))
        self.show_duplicates(())

    def found(self) -> Sequence[Duplicate]:
        """Who is shown, the likeliest first."""
        return self._found

    def show_duplicates(self, found: Sequence[Duplicate]) -> None:
        """Show who may be the same person."""
        shown = tuple(found[:MOST_SHOWN])
        if shown and shown == self._found:
            return  # the cards stay: one of them may be about to be chosen
        self._found = shown
        while item := self._cards.takeAt(0):
            if old := item.widget():
                old.hide()
                old.deleteLater()
        if not self._found:
            self._title.setText(self.tr("On record already?"))
            self._says.setText(self.tr("Nobody like this so far. Records that may be the same person appear here."))
            return
        likely = self._found[0].score >= VERY_LIKELY
        self._title.setText(self.tr("Very likely on record already") if likely else self.tr("May be the same person"))
        self._says.setText(self.tr("Open the record instead of registering twice."))
        for number, duplicate in enumerate(self._found, start=1):
            self._cards.addWidget(self._card(number, duplicate))

    def _card(self, number: int, duplicate: Duplicate) -> QWidget:
        patient, likely = duplicate.patient, duplicate.score >= VERY_LIKELY
        metrics = theme().tokens.metrics
        card = _Card(likely, self)
        name = TextLabel(patient.name, Role.BODY, "ink", 600, wrap=True, parent=card)
        about = TextLabel(words.about(patient, self._today()), Role.SMALL, "ink2", wrap=True, parent=card)
        reasons = words.DOT.join(filter(None, map(words.reason_text, duplicate.reasons)))
        why = TextLabel(reasons, Role.SMALL, "amber_ink" if likely else "ink2", 500, wrap=True, parent=card)
        open_it = ActionButton(self.tr("Open this record"), f"Alt+{number}", parent=card)
        open_it.setShortcut(f"Alt+{number}")
        open_it.setAccessibleDescription(", ".join((patient.name, about.text(), reasons)))
        patient_id: UUID = patient.id
        open_it.clicked.connect(lambda: self.open_wanted.emit(patient_id))
        column = QVBoxLayout(card)
        column.setContentsMargins(metrics.px(12), metrics.px(10), metrics.px(12), metrics.px(12))
        column.setSpacing(metrics.px(2))
        column.addWidget(name)
        column.addWidget(about)
        row = QHBoxLayout()
        row.setSpacing(metrics.px(6))
        if likely:
            row.addWidget(Glyph("ph.warning-fill", 14, "amber_ink", card), 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(why, 1)
        column.addLayout(row)
        column.addSpacing(metrics.px(6))
        column.addWidget(open_it)
        return card

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        painter.fillRect(event.rect(), tokens.alt)
        painter.fillRect(self.width() - 1 if mirrored else 0, 0, 1, self.height(), tokens.line2)


class _Card(QFrame):
    def __init__(self, likely: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self._likely = likely

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        fill, edge = (tokens.amber_tint, tokens.amber) if self._likely else (tokens.base, tokens.line2)
        shapes.box(QPainter(self), QRectF(self.rect()), tokens.metrics.radius_card, fill, edge)
