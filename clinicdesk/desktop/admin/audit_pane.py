"""The audit log, newest first: found by who, what or number, read page by page, and its chain verified."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import IntEnum

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.trail import Kept, Verification
from clinicdesk.core.tx import Database
from clinicdesk.desktop.admin import words
from clinicdesk.desktop.admin.deeds import deed, verbs_called
from clinicdesk.desktop.admin.list_pane import ListPane
from clinicdesk.desktop.admin.rows import ROOT, Cell, Index, RowModel
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, Chip, SearchField
from clinicdesk.desktop.widgets.labels import Tone
from clinicdesk.features.audit.schemas import AuditPage, AuditQuery, AuditRow
from clinicdesk.features.audit.service import list_entries, verify_chain
from clinicdesk.features.practitioners.rules import whole_day

_SETTLED = 250
"""Milliseconds without a letter after which the log is searched."""
_TICK = 100
_AROUND = 20
"""How many entries after a broken one are shown with it."""


class AuditModel(RowModel[AuditRow]):
    """The entries read so far; a view that reaches their end asks for more."""

    class Column(IntEnum):
        TIME = 0
        WHO = 1
        WHERE = 2
        DID = 3
        TO = 4
        NOTE = 5
        CHAIN = 6

    more_wanted = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._next: int | None = None
        self._asked = False

    @property
    def next_before(self) -> int | None:
        """Where the next page goes on; None at the end."""
        return self._next

    def set_page(self, page: AuditPage) -> None:
        """Begin with this page."""
        self._next, self._asked = page.next_before, False
        self.set_rows(page.rows)

    def add_page(self, page: AuditPage) -> None:
        """Go on with this page."""
        self._next, self._asked = page.next_before, False
        self.add_rows(page.rows)

    def key(self, row: AuditRow) -> object:
        return row.seq

    def canFetchMore(self, parent: Index = ROOT) -> bool:
        return not parent.isValid() and self._next is not None and not self._asked

    def fetchMore(self, parent: Index = ROOT) -> None:
        if self.canFetchMore(parent):
            self._asked = True
            self.more_wanted.emit()

    def header(self, column: int) -> str:
        return {
            self.Column.TIME: self.tr("Time"),
            self.Column.WHO: self.tr("Who"),
            self.Column.WHERE: self.tr("Where"),
            self.Column.DID: self.tr("Did"),
            self.Column.TO: self.tr("To"),
            self.Column.NOTE: self.tr("Note"),
            self.Column.CHAIN: self.tr("Chain"),
        }[self.Column(column)]

    def cell(self, row: AuditRow, column: int) -> Cell:
        match self.Column(column):
            case self.Column.TIME:
                return Cell(words.lately(row.at, self._desk.now(), self._desk.clinic.tz, seconds=True), "ink2")
            case self.Column.WHO:
                return Cell(row.who or self.tr("Not signed in"), weight=500)
            case self.Column.WHERE:
                return Cell(row.desk, "ink2")
            case self.Column.DID:
                did, glyph = deed(row)
                return Cell(did, glyph=glyph, glyph_ink="ink2" if row.outcome == "ok" else "amber")
            case self.Column.TO:
                return Cell(row.patient_number, "ink2")
            case self.Column.NOTE:
                return Cell(self._note(row), "ink2")
            case self.Column.CHAIN:
                return Cell(f"{row.hash[:4]}…{row.hash[-2:]}", "ink2", mono=True)

    def _note(self, row: AuditRow) -> str:
        fields = ", ".join(name.replace("_", " ") for name in row.fields if name != "version")
        return ": ".join(part for part in (row.note, fields) if part)


class AuditPane(ListPane):
    """The log under its badge: what the chain is worth, and a field that finds entries."""

    name = "audit"
    counted = False
    marks_first = False

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        column = AuditModel.Column
        widths = {
            column.TIME: 128,
            column.WHO: 190,
            column.WHERE: 130,
            column.DID: 250,
            column.TO: 110,
            column.CHAIN: 92,
        }
        self._entries = AuditModel(desk)
        super().__init__(desk, self._entries, widths, stretch=column.NOTE, row_height="row_audit", parent=parent)
        self.set_title(self.tr("Audit log"))
        self.set_empty(
            "ph.magnifying-glass", self.tr("No entry matches"), self.tr("Try fewer letters, or a longer time.")
        )
        self.badge = Chip("", parent=self)
        self.broken = ActionButton("", kind=ButtonKind.DANGER, glyph="ph.link-break", parent=self)
        self.broken.hide()
        self.search = SearchField(self.tr("Who, what or number"), "Ctrl+F", self)
        self.search.setMinimumWidth(theme().tokens.metrics.px(120))
        self.search.setMaximumWidth(theme().tokens.metrics.px(300))
        self.search.setClearButtonEnabled(False)
        self.today = ActionButton(self.tr("Today"), glyph="ph.calendar-blank", parent=self)
        self.today.setCheckable(True)
        self.verify_button = ActionButton(self.tr("Verify again"), glyph="ph.shield-check", parent=self)
        self.head.insertWidget(2, self.badge)
        self.head.insertWidget(3, self.broken)
        for widget in (self.search, self.today, self.verify_button):
            self.head.addWidget(widget)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLED)
        self._settle.timeout.connect(self.refresh)
        self.search.textChanged.connect(self._settle.start)
        self.search.returnPressed.connect(self._to_list)
        self.today.toggled.connect(lambda _on: self.refresh())
        self.verify_button.clicked.connect(self.verify)
        self.broken.clicked.connect(self._open_broken)
        self._entries.more_wanted.connect(self._read_more)
        self._asked = 0
        self._query = AuditQuery()
        self._progress = [0, 0]
        self._watch = QTimer(self)
        self._watch.setInterval(_TICK)
        self._watch.timeout.connect(self._show_progress)
        self._found: Verification | None = None
        self.badge.set_chip(self.tr("Not verified yet"), "quiet", "ph.link-simple")

    # Reading

    def refresh(self) -> None:
        """Read the newest entries that match; that is logged as well."""
        self._settle.stop()
        text = self.search.text()
        self._read(AuditQuery(since=self._since(), text=text, verbs=verbs_called(text)))

    def _since(self) -> datetime | None:
        if not self.today.isChecked():
            return None
        return whole_day(self.desk.now().date(), self.desk.clinic.tz).start

    def _read(self, query: AuditQuery, choose: int | None = None) -> None:
        self._query = query
        self._asked += 1
        asked = self._asked

        def show(page: AuditPage) -> None:
            if asked == self._asked:
                self._entries.set_page(page)
                self.show_rows(page.rows)
                if choose is not None:
                    self.choose(choose)

        self.desk.runner.write(lambda tx: list_entries(tx, query), show, owner=self)

    def _read_more(self) -> None:
        query, asked = replace(self._query, before_seq=self._entries.next_before), self._asked

        def show(page: AuditPage) -> None:
            if asked == self._asked:
                self._entries.add_page(page)

        self.desk.runner.write(lambda tx: list_entries(tx, query), show, owner=self)

    def _to_list(self) -> None:
        self.refresh()
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    # The chain

    def verify(self) -> None:
        """Walk the chain from its first entry, beside the work of the desk."""
        if self._watch.isActive():
            return
        self.verify_button.setEnabled(False)
        self._progress = progress = [0, 0]
        actor = self.desk.actor

        def note(done: int, total: int) -> None:
            progress[:] = done, total

        def work(database: Database) -> Verification:
            return verify_chain(database, actor, progress=note)

        self._show_progress()
        self._watch.start()
        self.desk.runner.call(work, self._show_found, owner=self, failed=self._failed, aside=True)

    @property
    def verified(self) -> bool:
        """Whether the chain has been walked since this list was made."""
        return self._found is not None or self._watch.isActive()

    def _show_progress(self) -> None:
        done, total = (self.locale().toString(number) for number in self._progress)
        text = self.tr("Checking {done} of {total}") if self._progress[1] else self.tr("Checking")
        self._badge(text.replace("{done}", done).replace("{total}", total), "accent", "ph.link-simple")

    def _show_found(self, found: Verification) -> None:
        self._found = found
        self._verify_ended()
        if found.ok:
            at = found.last_good_at
            text = (
                self.tr("Chain verified to {time}, %Ln entries", "", found.entries)
                if at
                else self.tr("Chain verified, no entries")
            )
            when = words.lately(at, self.desk.now(), self.desk.clinic.tz) if at else ""
            self._badge(text.replace("{time}", when), "ok", "ph.link-simple")
            unbound = found.history.unbound if found.history is not None else 0
            older = self.tr("Older changes that it does not vouch for: {count}")
            self.badge.setToolTip(older.replace("{count}", self.locale().toString(unbound)) if unbound else "")
        else:
            entry = self.locale().toString(found.first_bad or 0)
            text = (
                self.tr("History differs from entry {entry}")
                if found.problem == "history"
                else self.tr("Chain broken at entry {entry}")
            )
            self.broken.setText(text.replace("{entry}", entry))
            self.broken.setAccessibleDescription(self._problem(found))
            self.broken.setToolTip(self._problem(found))
            self.broken.show()
            self.badge.hide()

    def _problem(self, found: Verification) -> str:
        if found.history is not None and not found.history.ok:
            return self._history_problem(found.history)
        return {
            "edited": self.tr("This entry was changed, moved or put in between."),
            "missing": self.tr("Entries before this one were taken out."),
            "added": self.tr("Entries stand behind the sealed end."),
            "cut": self.tr("The end of the log was cut off."),
            "head": self.tr("The seal at the end of the log was broken."),
            "mark": self.tr("What says how much of the log was let go is not ours."),
            "pruned": self.tr("This entry stands before where the log begins."),
            "checkpoint": self.tr("The log contradicts what was noted of it elsewhere."),
        }.get(found.problem or "", "")

    def _history_problem(self, kept: Kept) -> str:
        if not kept.settled:
            return self.tr("The history of entries that were let go is not as it was then.")
        counts = (
            (kept.edited, self.tr("Edited: {count}")),
            (kept.deleted, self.tr("Deleted: {count}")),
            (kept.inserted, self.tr("Put in: {count}")),
            (kept.reordered, self.tr("Moved: {count}")),
        )
        parts = [self.tr("What records were before and after is not what the log vouches for.")]
        parts += [text.replace("{count}", self.locale().toString(count)) + "." for count, text in counts if count]
        if (at := kept.first_bad_at) is not None:
            when = words.lately(at, self.desk.now(), self.desk.clinic.tz)
            parts.append(self.tr("The oldest is of {time}.").replace("{time}", when))
        return " ".join(parts)

    def _failed(self, error: ClinicError) -> None:
        self._verify_ended()
        self._badge(self.tr("Not verified"), "amber", "ph.warning-fill")
        self.desk.say(error)

    def _verify_ended(self) -> None:
        self._watch.stop()
        self.verify_button.setEnabled(True)

    def _badge(self, text: str, tone: Tone, glyph: str) -> None:
        self.broken.hide()
        self.badge.show()
        self.badge.set_chip(text, tone, glyph)

    def _open_broken(self) -> None:
        """Show the entry at which the chain breaks, under those that follow it."""
        if self._found is not None and (seq := self._found.first_bad) is not None:
            for field in (self.search, self.today):
                field.blockSignals(True)
            self.search.clear()
            self.today.setChecked(False)
            for field in (self.search, self.today):
                field.blockSignals(False)
            self._read(AuditQuery(before_seq=seq + _AROUND), choose=seq)
            self.table.setFocus(Qt.FocusReason.OtherFocusReason)
