"""A list with its heading: rows that are added, changed and turned off by keys, each by a verb and with a word on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.tx import Tx
from clinicdesk.desktop.admin.cells import CellDelegate
from clinicdesk.desktop.admin.form import FormSheet, Typed
from clinicdesk.desktop.admin.rows import RowModel, RowRole
from clinicdesk.desktop.desk import Desk, Reversal
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets import StatePane, TableView, TextLabel
from clinicdesk.desktop.widgets.tables import RowHeight


class ListPane(QWidget):
    """A heading over a table of rows. `keys` are the ids of the keys that act on it; a subclass says what they do.

    `name` finds the pane again when a draft is opened; `add_text` is what a button says that adds.
    """

    name = ""
    add_text = ""
    reads: frozenset[str] = frozenset()
    """The tables of the database that the list shows."""
    counted = True
    """Whether the number of rows stands beside the title."""
    marks_first = True
    """Whether a row is marked before the list has the focus."""

    def __init__(
        self,
        desk: Desk,
        model: RowModel[Any],
        widths: Mapping[Any, int],
        *,
        stretch: int,
        row_height: RowHeight = "row",
        parent: QWidget | None = None,
    ) -> None:
        """`widths` are in px at text size 1; the column `stretch` takes what is left."""
        super().__init__(parent)
        self.desk = desk
        self.model = model
        model.setParent(self)
        metrics = theme().tokens.metrics
        self.table = TableView("", row_height)
        self.table.setModel(model)
        self.table.installEventFilter(self)
        self.table.viewport().installEventFilter(self)
        self.table.setItemDelegate(CellDelegate(self.table))
        self._widths, self._stretch = dict(widths), stretch
        header = self.table.horizontalHeader()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(metrics.px(24))
        self._size_columns()
        theme().changed.connect(self._size_columns)
        self.table.doubleClicked.connect(lambda _index: self.edit())
        self._title = TextLabel("", Role.BODY, weight=600)
        self._count = TextLabel("", Role.SMALL, "ink2")
        self._count.hide()
        self.head = QHBoxLayout()
        self.head.setSpacing(metrics.related)
        self.head.addWidget(self._title)
        self.head.addWidget(self._count)
        self.head.addStretch()
        self.empty = StatePane()
        over = QVBoxLayout(self.table.viewport())
        over.addWidget(self.empty)
        self.empty.hide()
        self._has_empty = False
        self._sheet: FormSheet | None = None
        self._wanted: object = None
        self._left: tuple[Any, Typed] | None = None
        self._filled = self._doing = False
        self.open_key: object = None
        """The key of the row that the open form changes; None for a new one."""
        column = QVBoxLayout(self)
        column.setContentsMargins(metrics.page_margin, metrics.px(10), metrics.page_margin, metrics.px(8))
        column.setSpacing(metrics.px(8))
        head = QWidget()
        head.setLayout(self.head)
        self.head.setContentsMargins(0, metrics.px(4), 0, metrics.px(4))
        head.setMinimumHeight(metrics.px(38))
        column.addWidget(head)
        column.addWidget(self.table, 1)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setAutoFillBackground(True)

    # What a list is made of: a subclass says it

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """What the keys of the list do, by their ids."""
        return {}

    def sheet(self, row: Any | None) -> FormSheet | None:
        """A sheet that changes a row, or makes one where it is None; None where this list has none."""
        return None

    def refresh(self) -> None:
        """Read the rows anew."""
        raise NotImplementedError

    # What every list does

    def set_empty(self, glyph: str, title: str, words: str) -> None:
        """What to say in place of a table without rows."""
        self.empty.set_state(glyph, title, words)
        self._has_empty = True

    def set_title(self, title: str) -> None:
        """What the list is called."""
        self._title.setText(title)
        self.table.setAccessibleName(title)

    def set_count(self, words: str) -> None:
        """What stands beside the title."""
        self._count.setText(words)
        self._count.setVisible(bool(words))

    def show_rows(self, rows: Sequence[Any]) -> None:
        """List these rows; the cursor stays on its row, or at its height where that is gone."""
        current, height = self.current(), self.table.currentIndex().row()
        self.model.set_rows(rows)
        if self.counted:
            self.set_count(self.locale().toString(len(rows)) if rows else "")
        self.empty.setVisible(self._has_empty and not rows)
        wanted = self._wanted or (self.model.key(current) if current is not None else None)
        place = self.model.row_of(wanted) if wanted is not None else -1
        if place >= 0:
            self._wanted = None
        if rows and (place >= 0 or height >= 0 or self.marks_first or self.table.hasFocus()):
            self.table.selectRow(place if place >= 0 else min(max(height, 0), len(rows) - 1))
        self._filled = True
        self._doing = False
        self._try_reopen()

    def choose(self, key: object) -> None:
        """Put the cursor on the row with this key, if it is listed."""
        place = self.model.row_of(key)
        if place >= 0:
            self.table.selectRow(place)
            self.table.scrollTo(self.model.index(place, 0))

    def show_saved(self, row: Any) -> None:
        """Put the cursor on a row that was just saved, once it is listed."""
        self.want(self.model.key(row))

    def want(self, key: object) -> None:
        """Put the cursor on the row with this key, now or when it is listed."""
        self._wanted = key
        self.choose(key)

    def current(self) -> Any:
        """The row under the cursor; None where there is none."""
        return self.table.currentIndex().data(RowRole)

    def focus_pane(self) -> QWidget:
        """What F6 and a new screen give the focus."""
        return self.table

    def add(self) -> FormSheet | None:
        """Open the sheet that adds a row."""
        return self._open(None)

    def edit(self) -> FormSheet | None:
        """Open the sheet that changes the row under the cursor."""
        row = self.current()
        return self._open(row) if row is not None else None

    @property
    def open_sheet(self) -> FormSheet | None:
        """The form that is open for this list."""
        return self._sheet

    def reopen(self, key: object, typed: Typed) -> None:
        """Open the form of the row with this key (None: a new one) as it was left, once the rows are there."""
        self._left = (key, typed)
        self._try_reopen()

    def _try_reopen(self) -> None:
        if self._left is None or not self._filled:
            return
        (key, typed), self._left = self._left, None
        place = self.model.row_of(key)
        if key is None or place >= 0:
            sheet = self._open(None if key is None else self.model.rows()[place])
            if sheet is not None:
                sheet.fields.fill(typed)

    def _open(self, row: Any | None) -> FormSheet | None:
        sheet = self.sheet(row)
        if sheet is not None:
            self._sheet, self.open_key = sheet, None if row is None else self.model.key(row)
            sheet.closed.connect(self._closed)
            sheet.open_sheet()
        return sheet

    def _closed(self) -> None:
        self._sheet = None

    def do(self, work: Callable[[Tx], Reversal], done: str, undo_text: str) -> None:
        """Do something at once that can be undone; `done` says it in a toast, `undo_text` names it for undo.

        Until its result is listed nothing more is done: a second press would act on a row that is no longer so.
        """
        if self._doing:
            return
        self._doing = True

        def told(back: Reversal) -> None:
            self.desk.undo.push_reversal(back, undo_text)
            self.desk.toast(done, undo=True)

        def refused(error: ClinicError) -> None:
            self._doing = False
            self.desk.say(error)
            self.refresh()

        self.desk.runner.write(work, told, owner=self, failed=refused)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A list that gets the focus marks a row, so that its ring is seen; one that gets another width keeps it filled."""
        if event.type() is QEvent.Type.Resize:
            self._fill_width()
        if event.type() is QEvent.Type.FocusIn and not self.table.currentIndex().isValid():
            self.table.selectRow(0)
        return super().eventFilter(watched, event)

    def _size_columns(self) -> None:
        metrics = theme().tokens.metrics
        for column, width in self._widths.items():
            self.table.setColumnWidth(column, metrics.px(width))
        self._fill_width()

    def _fill_width(self) -> None:
        """Give what the other columns leave to the one that says who or what, and never too little to read that."""
        others = sum(
            self.table.columnWidth(column) for column in range(self.model.columnCount()) if column != self._stretch
        )
        left = self.table.viewport().width() - others
        self.table.setColumnWidth(self._stretch, max(left, theme().tokens.metrics.px(140)))
