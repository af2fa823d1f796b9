"""Imports and exports patients as CSV: each file whole or not at all, and what goes out comes back the same."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from io import StringIO
from pathlib import Path

from sqlalchemy import select

from clinicdesk.core.errors import ClinicError, InvalidInput, NotPermitted, Unavailable
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import guarded
from clinicdesk.core.tx import Action, Actor, Change, Database, Tx, verb
from clinicdesk.features.interop import tables
from clinicdesk.features.interop.fhir_records import PatientRecord
from clinicdesk.features.interop.memory import Memory, digest_of
from clinicdesk.features.interop.people import store_patient
from clinicdesk.features.interop.schemas import (
    ImportProblem,
    ImportReport,
    IsCancelled,
    Outcome,
    Progress,
    ShowProgress,
)
from clinicdesk.features.interop.sources import LARGEST
from clinicdesk.features.interop.tables import DateOrder, Person, Table, person, read_table
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.patients.schemas import Demographics

_KIND = "csv:patient"
_SHOWN_EVERY = 100
_PATIENT = Patient.__table__.c
COLUMNS = (
    tables.NUMBER, *(field.name for field in fields(Demographics)), tables.DECEASED, tables.DECEASED_ON
)  # fmt: skip
"""The columns of an export, named as an import knows them."""


@dataclass(frozen=True, slots=True)
class CsvReport:
    """An import of a CSV file: how it was read, and what it did (or, in a dry run, would have done)."""

    report: ImportReport
    encoding: str = ""
    delimiter: str = ""
    mapping: Mapping[str, str] | None = None
    dry_run: bool = False

    def as_json(self) -> Mapping[str, object]:
        """The report as the command line prints it."""
        return {
            **self.report.as_json(),
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "mapping": dict(self.mapping or {}),
            "dry_run": self.dry_run,
        }


class _TakenBack(Exception):
    """Ends a dry run, or a cancelled import: the unit of work rolls back."""


def import_patients(
    database: Database,
    actor: Actor,
    path: Path,
    *,
    source: str = "",
    encoding: str = "",
    mapping: Mapping[str, str] | None = None,
    date_order: DateOrder | None = None,
    dry_run: bool = False,
    progress: ShowProgress | None = None,
    cancelled: IsCancelled | None = None,
) -> CsvReport:
    """Take in the people of a CSV file in one unit of work; a row that cannot be taken is reported by its line.

    `source` names where the ids in the file come from (the file's name, if empty), so that the next file of the same
    source changes whom this one has brought. Rows without an id are known again by all that they say. A dry run does the
    same work and takes it back. Raises NotPermitted.
    """
    try:
        table = read_table(_content(path), encoding=encoding, mapping=mapping, date_order=date_order)
    except ClinicError as error:
        problem = ImportProblem(path.name, str(error.params.get("position", "")), error)
        return CsvReport(ImportReport(files=1, refused=1, problems=[problem]), dry_run=dry_run)
    report = ImportReport(files=1)
    try:
        with database.write(actor) as tx:
            take_patients(tx, path.name, source or path.name, table, report, progress, cancelled)
            if dry_run or not report.finished:
                raise _TakenBack
    except _TakenBack:
        pass
    except KeyboardInterrupt:
        report.finished = False
    except Unavailable as error:
        report.problems.append(ImportProblem(path.name, "", error))
        report.finished = False
    if not report.finished:
        report.created, report.updated, report.unchanged = Counter(), Counter(), Counter()
    return CsvReport(report, table.encoding, table.delimiter, table.mapping, dry_run)


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise InvalidInput("file_too_large")
        return path.read_bytes()
    except FileNotFoundError:
        raise InvalidInput("file_not_found") from None
    except OSError:
        raise Unavailable("file_unreadable") from None


@verb(Permission.IMPORT)
def take_patients(
    tx: Tx,
    file: str,
    source: str,
    table: Table,
    report: ImportReport,
    progress: ShowProgress | None = None,
    cancelled: IsCancelled | None = None,
) -> None:
    """Take in the rows of a table, counting into `report`; not `finished` where it was cancelled."""
    memory = Memory(tx.session)
    for done, (line, cells) in enumerate(table.rows, start=1):
        if cancelled is not None and cancelled():
            report.finished = False
            return
        mark = len(memory.kept)
        try:
            with tx.attempt():
                outcome = _take(tx, memory, source, person(table, line, cells))
        except (NotPermitted, Unavailable):
            raise
        except ClinicError as error:
            memory.forget_since(mark)
            report.problems.append(ImportProblem(file, f"line {line}", error))
        else:
            getattr(report, outcome)["patient"] += 1
        if progress is not None and done % _SHOWN_EVERY == 0:
            progress(Progress(0, 1, done))
    done = sum(sum(counter.values()) for counter in (report.created, report.updated, report.unchanged))
    tx.record(Change("import", None, Action.EXECUTE, note=f"{done} taken, {len(report.problems)} not taken"))


def _take(tx: Tx, memory: Memory, source: str, row: Person) -> Outcome:
    record = PatientRecord(row.demographics, row.deceased, row.deceased_on)
    digest = digest_of((row.number, record))
    key = f"{source}/{row.number or row.source_id or digest.hex()}"
    known = memory.find(_KIND, key)
    if known is not None and known.digest == digest:
        return Outcome.UNCHANGED
    row_id = known.entity_id if known else None
    if row_id is None and row.number:
        row_id = tx.session.scalar(select(Patient.id).where(Patient.number == row.number))
    patient_id, outcome = store_patient(tx, record, row_id, number=row.number, match=False)
    memory.keep(_KIND, key, "patient", patient_id, digest)
    return outcome


@dataclass(frozen=True, slots=True)
class Exported:
    """A table of patients, in UTF-8, and how many there are."""

    content: bytes
    patients: int


@verb(Permission.EXPORT)
def export_patients(tx: Tx) -> Exported:
    """Everyone in the clinic's care, one a row. That they were exported, and how many, stands in the audit trail."""
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    count = 0
    for row in tx.session.execute(select(*(_PATIENT[name] for name in COLUMNS)).order_by(_PATIENT.number)):
        writer.writerow(map(_cell, row))
        count += 1
    tx.record(Change("export", None, Action.EXECUTE, note=f"{count} patients"))
    return Exported(text.getvalue().encode(), count)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else guarded(str(value))
