"""The line above the calendar: which day, which view, whose columns, and the way to the command bar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from PySide6.QtCore import QCoreApplication, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets import ActionButton, SearchField, Segmented, TextLabel
from clinicdesk.features.practitioners.schemas import PractitionerRow


class Toolbar(QWidget):
    """Says what is asked of it in signals; what it shows is set."""

    stepped = Signal(int)
    """A day, week or month on (+1) or back (-1)."""
    today_asked = Signal()
    view_chosen = Signal(str)
    """day, week, month or list."""
    people_asked = Signal()
    """Choose whose columns, or whose week."""
    person_stepped = Signal(int)
    """The week of the practitioner who follows (+1) or goes before (-1)."""
    search_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        metrics = theme().tokens.metrics
        self.setFixedHeight(metrics.toolbar)
        self._back = ActionButton("", glyph="ph.caret-left", parent=self)
        self._back.setAccessibleName(self.tr("Back"))
        self._back.clicked.connect(lambda: self.stepped.emit(-1))
        self._today = ActionButton(self.tr("Today"), parent=self)
        self._today.clicked.connect(self.today_asked)
        self._on = ActionButton("", glyph="ph.caret-right", parent=self)
        self._on.setAccessibleName(self.tr("On"))
        self._on.clicked.connect(lambda: self.stepped.emit(1))
        self._title = TextLabel("", Role.PAGE, parent=self)
        self._subtitle = _Elided("", Role.BODY, "ink2", parent=self)
        self._segments = Segmented(
            [
                ("day", self.tr("Day")), ("week", self.tr("Week")), ("month", self.tr("Month")),
                ("list", self.tr("List")),
            ],
            self.tr("View"),
            self,
        )  # fmt: skip
        self._segments.chosen.connect(self.view_chosen)
        self._people = ActionButton("", glyph="ph.funnel-simple", parent=self)
        self._people.clicked.connect(self.people_asked)
        self._people.setToolTip(self.tr("Choose practitioners (Alt+W)"))
        self._steps = [
            self._person_step(-1, "ph.caret-left", self.tr("Practitioner before (Shift+←)")),
            self._person_step(1, "ph.caret-right", self.tr("Practitioner after (Shift+→)")),
        ]
        self._search = SearchButton(self.tr("Find, book or go to…"), self)
        self._search.pressed.connect(self.search_asked)
        row = QHBoxLayout(self)
        row.setContentsMargins(metrics.page_margin, 0, metrics.page_margin, 0)
        row.setSpacing(metrics.related)
        for button in (self._back, self._today, self._on):
            row.addWidget(button)
        row.addSpacing(metrics.px(8))
        row.addWidget(self._title)
        row.addWidget(self._subtitle, 1)
        row.addWidget(self._segments)
        row.addWidget(self._steps[0])
        row.addWidget(self._people)
        row.addWidget(self._steps[1])
        row.addWidget(self._search)

    def set_title(self, title: str, subtitle: str) -> None:
        """Which days are shown."""
        self._title.setText(title)
        self._subtitle.setText(subtitle)

    def choose_view(self, view: str) -> None:
        """Mark a view as the one that is shown."""
        self._segments.blockSignals(True)
        self._segments.choose(view)
        self._segments.blockSignals(False)

    def set_people(self, shown: Sequence[PractitionerRow], all_count: int) -> None:
        """Whose columns are shown, among how many."""
        count = len(shown)
        if count == 1 and all_count > 1:
            text = shown[0].name
        elif count == all_count:
            text = self.tr("%n practitioners", "", count)
        else:
            text = self.tr("%1 of %2 practitioners").replace("%1", str(count)).replace("%2", str(all_count))
        self._say_people(text, steps=False)

    def set_person(self, person: PractitionerRow | None) -> None:
        """Whose week is shown."""
        self._say_people(person.name if person else self.tr("Nobody"), steps=person is not None)

    def _say_people(self, text: str, *, steps: bool) -> None:
        self._people.setText(text)
        self._people.updateGeometry()
        for button in self._steps:
            button.setVisible(steps)

    def _person_step(self, way: int, glyph: str, name: str) -> ActionButton:
        button = ActionButton("", glyph=glyph, parent=self)
        button.setAccessibleName(name)
        button.setToolTip(name)
        button.clicked.connect(lambda: self.person_stepped.emit(way))
        button.hide()
        return button

    def fit(self, width: int) -> None:
        """Leave out what a narrow window has no room for: the search line first, its key works all the same."""
        metrics = theme().tokens.metrics
        self._search.setVisible(width >= metrics.px(1080))
        wide = width >= metrics.px(1300)
        self._search.setFixedWidth(metrics.px(300 if wide else 190))
        self._search.setPlaceholderText(self.tr("Find, book or go to…") if wide else self.tr("Find or book…"))
        self._subtitle.setVisible(width >= metrics.px(1000))

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.fillRect(event.rect(), tokens.base)
        painter.fillRect(0, self.height() - 1, self.width(), 1, tokens.line2)


class _Elided(TextLabel):
    """Gives way to what stands beside it, with dots at its end."""

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().tokens.metrics.px(24), super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter = QPainter(self)
        painter.setPen(self.palette().windowText().color())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter, shown)


class SearchButton(SearchField):
    """Looks like the line of the command bar and leads to it."""

    pressed = Signal()

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(text, "Ctrl+K", parent)
        self.setReadOnly(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(theme().tokens.metrics.px(230))

    def sizeHint(self) -> QSize:
        return QSize(theme().tokens.metrics.px(300), super().sizeHint().height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pressed.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.clearFocus()


def title_of(view: str, days: Sequence[date], person: PractitionerRow | None = None) -> tuple[str, str]:
    """The title and the smaller words after it, for what the view shows; a week is that of `person`."""
    translate = QCoreApplication.translate
    first, last = days[0], days[-1]
    week = translate("Calendar", "week %1").replace("%1", str(words.week_number(last)))
    if view == "month":
        return words.month_and_year(first), ""
    if view == "week":
        span = translate("Calendar", "%1 to %2", "first and last day")
        span = span.replace("%1", words.day_and_month(first)).replace("%2", words.day_and_month(last))
        if person is not None:
            return person.name, f"{span} {last.year}, {week}"
        return span, f"{last.year}, {week}"
    return words.long_day(first), f"{first.year}, {week}"
