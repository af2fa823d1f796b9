"""Takes the records of one file into the clinic, through the verbs that the desk uses too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

from clinicdesk.core.clinic import find_clinic
from clinicdesk.core.errors import ClinicError, InvalidInput, NotFound, NotPermitted, Unavailable
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.interop import fhir, people, visits
from clinicdesk.features.interop.fhir import Entry, Parsed
from clinicdesk.features.interop.fhir_records import (
    AllergyRecord,
    PatientRecord,
    PractitionerRecord,
    SiteRecord,
    VisitRecord,
)
from clinicdesk.features.interop.memory import Key, Memory, digest_of
from clinicdesk.features.interop.schemas import ImportProblem, ImportReport, IsCancelled, Outcome
from clinicdesk.features.interop.shapes import tail

ENTITIES = {
    "Organization": "site",
    "Practitioner": "practitioner",
    "Patient": "patient",
    "AllergyIntolerance": "allergy",
    "Appointment": "appointment",
    "Encounter": "appointment",
}
"""What each kind of record becomes."""

_ORDER = {kind: number for number, kind in enumerate(fhir.KINDS)}


class Cancelled(Exception):
    """The person who started the import has had enough; the file under way is taken back."""


@dataclass(slots=True)
class Run:
    """One import: what its files say about people and places that other files refer to, and what it has taken so far."""

    directory: dict[str, Parsed] = field(default_factory=dict)
    """Practitioners, organisations and patients of all files, by every reference to them."""
    told: dict[Key, bytes] = field(default_factory=dict)
    """The digests of what was taken in this run: the first telling of a record counts."""

    def list(self, records: Sequence[Parsed]) -> None:
        """Let other files refer to these records."""
        for parsed in records:
            if isinstance(parsed.record, PatientRecord | PractitionerRecord | SiteRecord):
                for name in parsed.names:
                    self.directory.setdefault(name, parsed)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken of one file: the report, and the digests to remember once the file is stored."""

    report: ImportReport
    told: dict[Key, bytes]


@verb(Permission.IMPORT)
def take_in(tx: Tx, file: str, found: Sequence[Entry], run: Run, cancelled: IsCancelled = lambda: False) -> Taken:
    """Take the records of one file; what cannot be taken is in the report, by its position, and the rest is taken.

    Raises Cancelled, and NotPermitted and Unavailable, which end the whole file.
    """
    clinic = find_clinic(tx.session)
    taking = _Taking(tx, file, run, clinic.tz if clinic else ZoneInfo("UTC"))
    taking.take_all(found, cancelled)
    report = taking.report
    counts = (sum(counter.values()) for counter in (report.created, report.updated, report.unchanged, report.left_out))
    note = "{} new, {} changed, {} unchanged, {} left out".format(*counts)
    tx.record(Change("import", None, Action.EXECUTE, note=f"{note}, {len(report.problems)} not taken"))
    return Taken(report, taking.told)


class _Taking:
    """The work on one file."""

    def __init__(self, tx: Tx, file: str, run: Run, zone: ZoneInfo) -> None:
        self.tx = tx
        self.file = file
        self.run = run
        self.zone = zone
        self.memory = Memory(tx.session)
        self.report = ImportReport(files=1)
        self.local: dict[str, Parsed] = {}
        self.told: dict[Key, bytes] = {}
        self.step: list[tuple[Parsed, bytes, Outcome]] = []
        """What the record under way has led to: itself, and whom it brought along."""

    def take_all(self, found: Sequence[Entry], cancelled: IsCancelled) -> None:
        records = self._parse(found)
        self.memory.load((parsed.kind, parsed.source_id) for _, parsed in records)
        for position, parsed in records:
            if cancelled():
                raise Cancelled
            mark = len(self.memory.kept)
            self.step.clear()
            try:
                with self.tx.attempt():
                    self._take(parsed)
            except (NotPermitted, Unavailable):
                raise
            except ClinicError as error:
                self.memory.forget_since(mark)
                self._problem(position, error)
            else:
                self._count()

    def _parse(self, found: Sequence[Entry]) -> list[tuple[str, Parsed]]:
        """What is taken of the file, each kind after those that it refers to; the rest is counted as left out."""
        records: list[tuple[str, Parsed]] = []
        for entry in found:
            try:
                parsed = fhir.parse(entry, self.zone)
            except InvalidInput as error:
                self._problem(entry.position, error)
                continue
            if parsed is None:
                self.report.left_out[entry.resource["resourceType"]] += 1
                continue
            records.append((entry.position, parsed))
            for name in parsed.names:
                self.local.setdefault(name, parsed)
        return sorted(records, key=lambda one: _ORDER[one[1].kind])

    def _problem(self, position: str, error: ClinicError) -> None:
        self.report.problems.append(ImportProblem(self.file, position, error))

    def _count(self) -> None:
        for parsed, digest, outcome in self.step:
            self.told[parsed.kind, parsed.source_id] = digest
            if outcome is Outcome.LEFT_OUT:
                self.report.left_out[parsed.kind] += 1
            else:
                getattr(self.report, outcome)[ENTITIES[parsed.kind]] += 1

    def _take(self, parsed: Parsed) -> UUID | None:
        """Take one record, unless it has been told in this run; gives back the row that it is, if any.

        Raises InvalidInput("told_differently") where an earlier file of the run says something else of the same record.
        """
        key, digest = (parsed.kind, parsed.source_id), digest_of(parsed.record)
        known = self.memory.find(*key)
        told = self.told.get(key) or self.run.told.get(key)
        if told is not None:
            if told != digest:
                raise InvalidInput("told_differently")
            return known.entity_id if known else None
        if known is not None and known.digest == digest:
            self.step.append((parsed, digest, Outcome.UNCHANGED))
            return known.entity_id
        row_id, outcome = self._store(parsed, known.entity_id if known else None)
        if row_id is not None:
            self.memory.keep(*key, ENTITIES[parsed.kind], row_id, digest)
        self.step.append((parsed, digest, outcome))
        return row_id

    def _store(self, parsed: Parsed, row_id: UUID | None) -> tuple[UUID | None, Outcome]:
        match parsed.record:
            case PatientRecord() as record:
                return people.store_patient(self.tx, record, row_id)
            case PractitionerRecord() as record:
                return people.store_practitioner(self.tx, record, row_id)
            case SiteRecord() as record:
                return people.store_site(self.tx, record, row_id)
            case AllergyRecord() as record:
                return people.store_allergy(self.tx, record, row_id, self._patient(record.patient))
            case VisitRecord() as record:
                who = self._patient(record.patient), self._practitioner(record)
                row_id = row_id or self._booked_as(record, who[0])
                return visits.store_visit(self.tx, record, row_id, *who)

    def _patient(self, reference: str) -> UUID:
        found = self._resolve("Patient", reference)
        if found is None and "?identifier=" in reference:
            found = people.patient_with(self.tx, (tail(reference).partition("=")[2],))
        if found is None:
            raise NotFound("patient_not_imported")
        return found

    def _practitioner(self, record: VisitRecord) -> UUID:
        """The practitioner of a visit. One who is described nowhere is taken by name, if the reference has one."""
        found = self._resolve("Practitioner", record.practitioner)
        if found is not None:
            return found
        if not record.practitioner_name:
            raise NotFound("practitioner_not_imported")
        kind, _, own_id = tail(record.practitioner).partition("/")
        source_id = own_id if kind == "Practitioner" and own_id else record.practitioner
        named = Parsed("Practitioner", source_id, (record.practitioner,), PractitionerRecord(record.practitioner_name))
        taken = self._take(named)
        if taken is None:
            raise NotFound("practitioner_not_imported")
        return taken

    def _booked_as(self, record: VisitRecord, patient_id: UUID) -> UUID | None:
        """The visit that an encounter was booked as, if that was taken and is this patient's."""
        found = self._resolve("Appointment", record.appointment) if record.appointment else None
        return found if found and visits.patient_of(self.tx, found) == patient_id else None

    def _resolve(self, kind: str, reference: str) -> UUID | None:
        """The row that a reference means: described in this file, in another of this run, or taken before."""
        short = tail(reference)
        for place in (self.local, self.run.directory):
            parsed = place.get(reference) or place.get(short)
            if parsed is not None and parsed.kind == kind:
                known = self.memory.find(kind, parsed.source_id)
                return known.entity_id if known else self._take(parsed)
        target, _, own_id = short.rpartition("/")
        if target not in ("", kind):
            return None
        known = self.memory.find(kind, own_id)
        return known.entity_id if known else None
