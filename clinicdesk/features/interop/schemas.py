"""What an import says of itself: how far it is, what it did, and what it could not take and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.sentences import english


class Outcome(StrEnum):
    """What became of a record."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is: files done of `files` (0 while they are still being counted), and records so far."""

    done: int
    files: int
    records: int


ShowProgress = Callable[[Progress], None]
IsCancelled = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """A record, or a whole file (no position), that was not taken."""

    file: str
    position: str
    """Where in the file: entry[3], line 12."""
    error: ClinicError


@dataclass(slots=True)
class ImportReport:
    """What an import did, by kind: patient, practitioner, site, allergy, appointment; left_out by FHIR resource type."""

    files: int = 0
    created: Counter[str] = field(default_factory=Counter)
    updated: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    problems: list[ImportProblem] = field(default_factory=list)
    refused: int = 0
    """Files of which nothing could be read."""
    finished: bool = True
    """False where it was cancelled, or the database failed: the files before that are stored, the rest is not."""

    def add(self, other: ImportReport) -> None:
        """Count what was done to one more file."""
        for mine, theirs in zip(self._counters(), other._counters(), strict=True):
            mine.update(theirs)
        self.problems += other.problems
        self.refused += other.refused
        self.finished &= other.finished

    @property
    def ok(self) -> bool:
        """Whether every file was read, and something came of it where there was something in it."""
        taken = self.created.total() + self.updated.total() + self.unchanged.total()
        return self.finished and not self.refused and (taken > 0 or not self.problems)

    def _counters(self) -> tuple[Counter[str], ...]:
        return self.created, self.updated, self.unchanged, self.left_out

    def as_json(self) -> Mapping[str, object]:
        """The report as the command line prints it."""
        created, updated, unchanged, left_out = (dict(sorted(counter.items())) for counter in self._counters())
        errors = [{"file": p.file, "position": p.position, "reason": english(p.error)} for p in self.problems]
        return {
            "ok": self.ok,
            "files": self.files,
            "created": created,
            "updated": updated,
            "unchanged": unchanged,
            "left_out": left_out,
            "errors": errors,
            "finished": self.finished,
        }
