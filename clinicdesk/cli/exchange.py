"""Commands that take data in from files, and write it to some."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clinicdesk.cli.commands import COULD_NOT, DONE, Options, Outcome, argument, command, open_for
from clinicdesk.core.errors import Conflict
from clinicdesk.core.sentences import english

if TYPE_CHECKING:
    from clinicdesk.features.interop.schemas import ImportReport, Progress, ShowProgress


@command(
    "import fhir",
    "take in patients, practitioners, sites, allergies and visits from FHIR R4",
    argument("paths", nargs="+", type=Path, metavar="PATH", help="resources, bundles, folders, .tar.xz"),
)
def import_fhir(options: Options) -> Outcome:
    from clinicdesk.features.interop.imports import import_files
    from clinicdesk.opening import operator

    with open_for(options, create=True) as clinic:
        report = import_files(clinic.database, operator("command line"), options.paths, progress=_show_progress())
    return Outcome(dict(report.as_json()), _import_words(report), DONE if report.ok else COULD_NOT)


def _column_and_field(text: str) -> tuple[str, str]:
    column, equals, field_name = text.rpartition("=")
    if not equals:
        raise argparse.ArgumentTypeError("it takes COLUMN=FIELD")
    return column, field_name


@command(
    "import patients",
    "take in people from a CSV file",
    argument("file", type=Path, metavar="FILE.csv"),
    argument(
        "--map",
        action="append",
        default=[],
        type=_column_and_field,
        metavar="COLUMN=FIELD",
        help="what a column is (or: ignore)",
    ),
    argument("--encoding", default="", help="of the file, where the guess is wrong"),
    argument("--dates", choices=["dmy", "mdy"], help="how dates such as 3/4/1980 are to be read"),
    argument("--source", default="", metavar="NAME", help="where the ids come from (the file's name)"),
    argument("--dry-run", action="store_true", help="say what would be done, and store nothing"),
)
def import_patients_csv(options: Options) -> Outcome:
    from clinicdesk.features.interop.csv_patients import import_patients
    from clinicdesk.features.interop.tables import DateOrder
    from clinicdesk.opening import operator

    with open_for(options, create=True) as clinic:
        done = import_patients(
            clinic.database,
            operator("command line"),
            options.file,
            source=options.source,
            encoding=options.encoding,
            mapping=dict(options.map),
            date_order=DateOrder(options.dates) if options.dates else None,
            dry_run=options.dry_run,
            progress=_show_progress(),
        )
    words = _import_words(done.report)
    if done.mapping:
        columns = ", ".join(f"{column} = {field}" for column, field in done.mapping.items())
        words = f"Read as {done.encoding}. Columns: {columns}.\n{words}"
    if done.dry_run:
        words += "\nThis was a trial: nothing was stored."
    return Outcome(dict(done.as_json()), words, DONE if done.report.ok else COULD_NOT)


@command(
    "export patients",
    "write everybody in the clinic's care to a CSV file",
    argument("file", nargs="?", type=Path, metavar="FILE.csv", help="where to (patients-DATE.csv in this folder)"),
)
def export_patients_csv(options: Options) -> Outcome:
    from clinicdesk.core.files import write_private
    from clinicdesk.features.interop.csv_patients import export_patients
    from clinicdesk.opening import operator

    with open_for(options) as clinic:
        file: Path = options.file or Path(f"patients-{clinic.database.clock():%Y-%m-%d}.csv")
        if file.exists():
            raise Conflict("file_exists", file=str(file))
        with clinic.database.write(operator("command line")) as tx:
            table = export_patients(tx)
        write_private(file, table.content)
    facts = {"ok": True, "file": str(file.absolute()), "patients": table.patients}
    return Outcome(facts, f"Wrote {table.patients} patients to {file}, for your eyes alone.")


def _show_progress() -> ShowProgress | None:
    """Tells whoever sits at a terminal how far an import is."""
    if not sys.stderr.isatty():
        return None

    def show(at: Progress) -> None:
        files = f"{at.done} of {at.files} files, {at.records} records" if at.files else f"reading, {at.done} files"
        print(f"\r\x1b[K{files} ", end="", file=sys.stderr, flush=True)

    return show


def _import_words(report: ImportReport) -> str:
    """What an import did, a line each, and every record that it could not take."""
    lines = [
        f"{report.files} files." if report.finished else f"Stopped after {report.files} files; the last was taken back."
    ]
    told = {
        "New": report.created, "Changed": report.updated, "Unchanged": report.unchanged, "Left out": report.left_out
    }  # fmt: skip
    lines += [
        f"{what}: " + ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())) + "."
        for what, counts in told.items()
        if counts
    ]
    if report.problems:
        lines.append(f"Not taken: {len(report.problems)}.")
    lines += [
        f"  {' '.join(filter(None, (problem.file, problem.position)))}: {english(problem.error)}"
        for problem in report.problems
    ]
    return "\n".join(lines)
