"""The line above the calendar: which day, which view, whose columns, and the way to the command bar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from PySide6.QtCore import QCoreApplication, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QWidget

from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.calendar_data import Days
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
    shown_changed = Signal(object)
    """frozenset of practitioner ids whose columns are shown."""
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
        self._subtitle = TextLabel("", Role.BODY, "ink2", parent=self)
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
        self._menu = QMenu(self._people)
        self._people.clicked.connect(self._open_people)
        self._search = SearchButton(self.tr("Find, book or go to…"), self)
        self._search.pressed.connect(self.search_asked)
        self._practitioners: tuple[PractitionerRow, ...] = ()
        self._shown: frozenset[UUID] = frozenset()
        row = QHBoxLayout(self)
        row.setContentsMargins(metrics.page_margin, 0, metrics.page_margin, 0)
        row.setSpacing(metrics.related)
        for button in (self._back, self._today, self._on):
            row.addWidget(button)
        row.addSpacing(metrics.px(8))
        row.addWidget(self._title)
        row.addWidget(self._subtitle)
        row.addStretch(1)
        row.addWidget(self._segments)
        row.addWidget(self._people)
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

    def set_people(self, practitioners: Sequence[PractitionerRow], shown: frozenset[UUID]) -> None:
        """Who there is, and who is shown."""
        self._practitioners, self._shown = tuple(practitioners), shown
        all_count, count = len(practitioners), len(shown)
        if count == all_count:
            self._people.setText(self.tr("%n practitioners", "", count))
        elif count == 1:
            self._people.setText(next(p.name for p in practitioners if p.id in shown))
        else:
            text = QCoreApplication.translate("Toolbar", "%1 of %2 practitioners")
            self._people.setText(text.replace("%1", str(count)).replace("%2", str(all_count)))
        self._people.updateGeometry()

    def fit(self, width: int) -> None:
        """Leave out what a narrow window has no room for: the search line first, its key works all the same."""
        metrics = theme().tokens.metrics
        self._search.setVisible(width >= metrics.px(1080))
        self._subtitle.setVisible(width >= metrics.px(1000))

    def _open_people(self) -> None:
        self._menu.clear()
        everybody = self._menu.addAction(self.tr("Everybody"))
        everybody.triggered.connect(lambda: self._show(frozenset(p.id for p in self._practitioners)))
        self._menu.addSeparator()
        for practitioner in self._practitioners:
            action = self._menu.addAction(practitioner.name)
            action.setCheckable(True)
            action.setChecked(practitioner.id in self._shown)
            action.triggered.connect(
                lambda on, who=practitioner.id: self._show(self._shown | {who} if on else self._shown - {who})
            )
        self._menu.popup(self._people.mapToGlobal(self._people.rect().bottomLeft()))

    def _show(self, shown: frozenset[UUID]) -> None:
        if shown:
            self.set_people(self._practitioners, shown)
            self.shown_changed.emit(shown)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.fillRect(event.rect(), tokens.base)
        painter.fillRect(0, self.height() - 1, self.width(), 1, tokens.line2)


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


def title_of(view: str, days: Sequence[date]) -> tuple[str, str]:
    """The title and the smaller words after it, for what the view shows."""
    translate = QCoreApplication.translate
    first, last = days[0], days[-1]
    week = translate("Calendar", "week %1").replace("%1", str(words.week_number(last)))
    if view == "month":
        return words.month_and_year(first), ""
    if view == "week":
        both = translate("Calendar", "%1 to %2", "first and last day")
        return both.replace("%1", words.short_day(first)).replace("%2", words.short_day(last)), f"{last.year}, {week}"
    return words.long_day(first), f"{first.year}, {week}"


def words_of_empty(view: str, day: date, days: Days, anybody: bool) -> tuple[str, str]:
    """The title and the sentence of a day or week without visits: why it is empty, and whether there is time."""
    translate = QCoreApplication.translate
    title = translate("Calendar", "No visits on %1").replace("%1", words.long_day(day))
    if view == "week":
        title = translate("Calendar", "No visits in this week")
    working = [hours for schedule in days.schedules for hours in schedule.working]
    holiday = next((hours.holiday for hours in working if hours.holiday), "")
    if not anybody:
        return title, translate("Calendar", "Add practitioners and their hours in Administration.")
    if holiday:
        return title, translate("Calendar", "The clinic is closed: %1.").replace("%1", holiday)
    if any(hours.open for hours in working):
        return title, translate("Calendar", "All of the day is free.")
    return title, translate("Calendar", "Nobody works on that day.")
