"""Imports FHIR R4 from files, folders and archives: each file whole or not at all, and twice with no change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from clinicdesk.core.clinic import find_clinic
from clinicdesk.core.errors import ClinicError, InvalidInput, Unavailable
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.interop import fhir
from clinicdesk.features.interop.fhir import Entry, Parsed
from clinicdesk.features.interop.schemas import ImportProblem, ImportReport, IsCancelled, Progress, ShowProgress
from clinicdesk.features.interop.sources import Document, documents, parsed
from clinicdesk.features.interop.taking import Cancelled, Run, take_in


def import_files(
    database: Database,
    actor: Actor,
    paths: Sequence[Path],
    *,
    progress: ShowProgress | None = None,
    cancelled: IsCancelled | None = None,
) -> ImportReport:
    """Take in what the paths hold: single resources, bundles and NDJSON, alone, in folders or in tar archives.

    Every file is read twice: first for the people and places that others refer to, which may come in any order. Then each
    is one unit of work. A record that cannot be taken is reported and the rest of its file taken; a file that cannot be read
    is reported and nothing of it taken. Where `cancelled` says so, or Ctrl+C comes, the file under way is taken back.
    Raises NotPermitted.
    """
    say = progress or (lambda _: None)
    stop = cancelled or (lambda: False)
    with database.read(actor) as tx:
        clinic = find_clinic(tx.session)
    zone = clinic.tz if clinic else ZoneInfo("UTC")
    run, report = Run(), ImportReport()
    try:
        total = _list_people(paths, zone, run, say, stop)
        for document in documents(paths):
            report.files += 1
            report.add(_import_document(database, actor, document, run, stop))
            counters = (report.created, report.updated, report.unchanged)
            say(Progress(report.files, total, sum(sum(counter.values()) for counter in counters)))
            if not report.finished:
                break
    except (Cancelled, KeyboardInterrupt):
        report.finished = False
    return report


def _list_people(paths: Sequence[Path], zone: ZoneInfo, run: Run, say: ShowProgress, stop: IsCancelled) -> int:
    """Note whom the files describe; what is wrong with them is reported when they are taken in. Gives back their number."""
    count = 0
    for document in documents(paths):
        if stop():
            raise Cancelled
        count += 1
        run.list(_people(document, zone))
        say(Progress(count, 0, 0))
    return count


def _people(document: Document, zone: ZoneInfo) -> list[Parsed]:
    found: list[Parsed] = []
    try:
        for entry in _entries(document):
            if entry.resource["resourceType"] in ("Practitioner", "Organization", "Patient"):
                try:
                    record = fhir.parse(entry, zone)
                except InvalidInput:
                    continue
                if record is not None:
                    found.append(record)
    except ClinicError:
        return []
    return found


def _entries(document: Document) -> list[Entry]:
    """Every resource in a document, with its position. Raises what `parsed` and `fhir.entries` do, with the position."""
    found: list[Entry] = []
    for prefix, value in parsed(document):
        try:
            inside = fhir.entries(value)
            found += [replace(entry, position=_position(prefix, entry.position)) for entry in inside]
        except InvalidInput as error:
            place = _position(prefix, str(error.params.get("position", "")))
            raise InvalidInput(error.reason, **{**error.params, "position": place}) from error
    return found


def _position(line: str, entry: str) -> str:
    return ", ".join(filter(None, (line, entry)))


def _import_document(database: Database, actor: Actor, document: Document, run: Run, stop: IsCancelled) -> ImportReport:
    """One file as one unit of work."""
    try:
        found = _entries(document)
    except ClinicError as error:
        return _refused(document, error)
    try:
        with database.write(actor) as tx:
            taken = take_in(tx, document.name, found, run, stop)
    except Unavailable as error:
        report = _refused(document, error)
        report.finished = False
        return report
    run.told |= taken.told
    return taken.report


def _refused(document: Document, error: ClinicError) -> ImportReport:
    position = str(error.params.get("position", ""))
    return ImportReport(refused=1, problems=[ImportProblem(document.name, position, error)])
