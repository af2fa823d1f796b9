"""The visits of one column of the flow board: those that belong there, in the order in which they are served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from PySide6.QtCore import QCoreApplication, QModelIndex, QObject, QPersistentModelIndex, QSortFilterProxyModel, Qt

from clinicdesk.desktop.appointments.flow_cards import Card, Moment, Stage, card_of, in_sight, order_of, stage_of
from clinicdesk.desktop.appointments.visit_model import Column, RowRole, VisitModel
from clinicdesk.desktop.desk import Desk
from clinicdesk.features.appointments.schemas import AppointmentRow
from clinicdesk.features.practitioners.schemas import PractitionerRow

CardRole = Qt.ItemDataRole.UserRole + 2
"""The Card of a row."""

_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Pile:
    """What a column holds: the visits of a stage, or of a practitioner, and the words over it. `quiet` is not the desk's
    work of the moment."""

    title: str
    subtitle: str
    empty: str
    glyph: str = ""
    stage: Stage | None = None
    practitioner_id: UUID | None = None
    quiet: bool = False

    def holds(self, visit: AppointmentRow) -> bool:
        """Whether the visit stands in this column."""
        stage = stage_of(visit)
        if stage is None or self.stage not in (None, stage):
            return False
        return self.practitioner_id in (None, visit.practitioner_id)


def piles_by_status() -> list[Pile]:
    """The five columns of a day."""

    def tr(text: str) -> str:
        return QCoreApplication.translate("Flow", text)

    return [
        Pile(
            tr("Expected"), tr("next hour"), tr("Nobody more is expected today."), "ph.check-circle", Stage.EXPECTED,
            quiet=True,
        ),
        Pile(tr("Arrived"), tr("waiting"), tr("Nobody is waiting."), "ph.armchair-fill", Stage.ARRIVED),
        Pile(tr("Checked in"), tr("ready for the room"), tr("Nobody is ready yet."), "ph.sign-in-bold", Stage.CHECKED_IN),
        Pile(tr("With clinician"), tr("in the room"), tr("No room is in use."), "ph.door-fill", Stage.IN_ROOM),
        Pile(tr("Done"), tr("today"), tr("Nobody has been seen yet."), "ph.check-bold", Stage.DONE, quiet=True),
    ]  # fmt: skip


def piles_by_practitioner(people: Iterable[PractitionerRow]) -> list[Pile]:
    """A column for each of them, whatever stage their patients are in."""
    empty = QCoreApplication.translate("Flow", "No patients today.")
    return [Pile(person.name, person.room_name, empty, practitioner_id=person.id) for person in people]


class PileModel(QSortFilterProxyModel):
    """Shows the part of a VisitModel that is a column's; what is far ahead or long done only when asked for all."""

    def __init__(self, desk: Desk, visits: VisitModel, pile: Pile, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk, self._visits, self.pile = desk, visits, pile
        self._in_sight: frozenset[UUID] = frozenset()
        self._all = False
        self._people: Mapping[UUID, PractitionerRow] = {}
        self._names_them = True
        self._numbers: Mapping[UUID, int] = {}
        self.setSourceModel(visits)
        self.sort(0)

    def members(self) -> list[AppointmentRow]:
        """Every visit of the column, in sight or not, in the source's order."""
        return [visit for visit in self._visits.rows() if self.pile.holds(visit)]

    def look(self) -> bool:
        """Take up who is in sight by now; tells whether that is anybody else than before."""
        seen = in_sight(self.members(), self._desk.now(), done=self.pile.practitioner_id is None)
        if seen == self._in_sight:
            return False
        self.beginFilterChange()
        self._in_sight = seen
        self.endFilterChange(QSortFilterProxyModel.Direction.Rows)
        return True

    def shows_all(self) -> bool:
        """Whether the column was asked for all."""
        return self._all

    def show_all(self, on: bool) -> None:
        """Show every visit of the column, or who is in sight."""
        self.beginFilterChange()
        self._all = on
        self.endFilterChange(QSortFilterProxyModel.Direction.Rows)

    def hidden(self) -> int:
        """How many visits are not shown, or would not be if the column had not been asked for all."""
        return sum(visit.id not in self._in_sight for visit in self.members())

    def set_people(self, people: Mapping[UUID, PractitionerRow], *, named: bool) -> None:
        """Who the clinic's practitioners are; their names stand on the cards where it is not plain whose they are."""
        self._people, self._names_them = people, named and self.pile.practitioner_id is None

    def set_numbers(self, numbers: Mapping[UUID, int]) -> None:
        """The digit of each visit that has one."""
        self._numbers = numbers

    def row_of(self, visit_id: UUID) -> int:
        """The row of a visit, or -1."""
        return next((i for i in range(self.rowCount()) if self.visit(i).id == visit_id), -1)

    def visit(self, row: int) -> AppointmentRow:
        """The visit in a row. Raises LookupError for one that is not there."""
        visit = self.index(row, Column.PATIENT).data(RowRole)
        if not isinstance(visit, AppointmentRow):
            raise LookupError(f"the column has no row {row}")
        return visit

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role not in (CardRole, Qt.ItemDataRole.AccessibleTextRole):
            return super().data(index, role)
        card = self._card(super().data(index, RowRole))
        return card.spoken if card is not None and role == Qt.ItemDataRole.AccessibleTextRole else card

    def filterAcceptsRow(self, source_row: int, source_parent: _Index) -> bool:
        visit = self._visits.index(source_row, 0).data(RowRole)
        return self.pile.holds(visit) and (self._all or visit.id in self._in_sight)

    def lessThan(self, left: _Index, right: _Index) -> bool:
        return order_of(left.data(RowRole)) < order_of(right.data(RowRole))

    def _card(self, visit: object) -> Card | None:
        if not isinstance(visit, AppointmentRow) or (stage := stage_of(visit)) is None:
            return None
        desk = self._desk
        at = Moment(desk.now(), desk.clinic.tz, desk.clinic.wait_target_minutes, desk.privacy.initials_only)
        number = self._numbers.get(visit.id, 0)
        return card_of(visit, stage, at, self._people, number, named=self._names_them)
