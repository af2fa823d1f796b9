"""Reads FHIR R4 resources: pure, from parsed JSON to frozen records, and what cannot be read is named, never guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.appointments.rules import CANCEL_REASONS
from clinicdesk.features.appointments.schemas import Status
from clinicdesk.features.interop.shapes import (
    Json,
    codes,
    day,
    first_words,
    flag,
    identifiers,
    instant,
    objects,
    one,
    text,
    texts,
    words,
)
from clinicdesk.features.patients.schemas import Demographics, Gender, Severity

_DEEPEST = 8
_REASON_LENGTH = 250
_PARTIAL_DATE = re.compile(r"\d{4}(-\d{2})?")
_NOT_A_PLACE = frozenset({"ins", "pay", "edu", "reli", "crs", "govt", "cg", "bus"})
_FORMER = frozenset({"old", "maiden"})
_SECONDARY = frozenset({"nickname", "temp", "anonymous"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource of a document: where it stands there, the address it goes by in its bundle, and itself."""

    position: str
    full_url: str
    resource: Json


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """A person as another system knows them."""

    demographics: Demographics
    deceased: bool = False
    deceased_on: date | None = None
    contacts: tuple[tuple[str, str, str], ...] = ()
    """Name, relationship and phone of each."""


@dataclass(frozen=True, slots=True)
class PractitionerRecord:
    """Somebody who saw patients."""

    family: str
    given: str = ""
    prefix: str = ""
    suffix: str = ""
    specialty: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class SiteRecord:
    """A place where care was given."""

    name: str
    address: str = ""
    city: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class AllergyRecord:
    """An allergy in words; `patient` is a reference."""

    patient: str
    substance: str
    reaction: str = ""
    severity: Severity = Severity.UNKNOWN
    withdrawn: bool = False
    """Refuted, resolved or entered in error: not to be shown as an allergy (any more)."""


@dataclass(frozen=True, slots=True)
class VisitRecord:
    """A visit that was, or is to be. `patient`, `practitioner` and `appointment` are references."""

    patient: str
    practitioner: str
    practitioner_name: str
    """What the reference calls the practitioner, for one who is described nowhere else."""
    start: datetime
    end: datetime
    status: Status
    reason: str = ""
    cancel_reason: str = ""
    confirmed: bool = False
    appointment: str = ""
    """The appointment that this encounter was made by, if that is told."""


Record = PatientRecord | PractitionerRecord | SiteRecord | AllergyRecord | VisitRecord


@dataclass(frozen=True, slots=True)
class Parsed:
    """A record, the kind and id that it has at its source, and every reference by which others may mean it."""

    kind: str
    source_id: str
    names: tuple[str, ...]
    record: Record


def entries(document: object) -> Iterator[Entry]:
    """Every resource of a document: a single one, or those of a bundle and of the bundles in it.

    Raises InvalidInput("not_fhir") where the document is no resource, "malformed" where a bundle is not built like one.
    """
    if not isinstance(document, dict) or not isinstance(document.get("resourceType"), str):
        raise InvalidInput("not_fhir")
    yield from _walk(document, "", "", 0)


def _walk(resource: Json, full_url: str, position: str, depth: int) -> Iterator[Entry]:
    if resource["resourceType"] != "Bundle":
        yield Entry(position, full_url, resource)
        return
    if depth > _DEEPEST:
        raise InvalidInput("malformed", field="entry")
    for number, entry in enumerate(objects(resource, "entry")):
        here = f"{position}.entry[{number}]".lstrip(".")
        inner = entry.get("resource")
        if inner is None or text(one(entry, "request"), "method") == "DELETE":
            continue
        if not isinstance(inner, dict) or not isinstance(inner.get("resourceType"), str):
            raise InvalidInput("not_fhir", position=here)
        yield from _walk(inner, text(entry, "fullUrl"), here, depth + 1)


def parse(entry: Entry, zone: ZoneInfo) -> Parsed | None:
    """The record in a resource; None for a resource of a kind, or in a state, that the clinic does not take.

    `zone` is where days without a time begin. Raises InvalidInput for a resource that should be taken and cannot be.
    """
    read = _READERS.get(entry.resource["resourceType"])
    if read is None:
        return None
    record = read(entry.resource, zone)
    return None if record is None else named(entry, record)


def named(entry: Entry, record: Record) -> Parsed:
    """The record with its source id (its own id, else its address or first identifier) and the references to it."""
    resource = entry.resource
    kind, own_id = resource["resourceType"], text(resource, "id")
    numbers = identifiers(resource)
    source_id = own_id or entry.full_url or next(iter(numbers), "")
    if not source_id:
        raise InvalidInput("no_id", field="id")
    names = [f"{kind}?identifier={number}" for number in numbers]
    if entry.full_url:
        names.append(entry.full_url)
    if own_id:
        names.append(f"{kind}/{own_id}")
    return Parsed(kind, source_id, tuple(names), record)


def tail(reference: str) -> str:
    """What a reference comes down to without server and version: Kind/id, Kind?identifier=…, or the id of a urn:uuid."""
    bare = reference.partition("/_history/")[0]
    if "?" in bare:
        path, _, query = bare.partition("?")
        return f"{path.rpartition('/')[2]}?{query}"
    if bare.startswith("urn:"):
        return bare.rpartition(":")[2]
    return "/".join(bare.split("/")[-2:])


# Patient


def _name_in_use(names: list[Json]) -> Json:
    """The name that a person goes by: the official one, else the usual one, else any that is no former or side name."""
    order = {"official": 0, "usual": 1}
    present = [name for name in names if text(name, "use") not in _FORMER | _SECONDARY]
    ranked = sorted(present or names, key=lambda name: order.get(text(name, "use"), 2))
    return ranked[0] if ranked else {}


def _family_and_given(name: Json) -> tuple[str, str]:
    family, given = text(name, "family"), " ".join(texts(name, "given"))
    if not family and not given:
        return text(name, "text"), ""
    return family, given


def _other_names(names: list[Json], main: Json, birth_family: str) -> str:
    """What else a person is called: former family names, nicknames, differing given names."""
    family, given = _family_and_given(main)
    found: dict[str, None] = {}
    for name in names:
        if name is main:
            continue
        other_family, other_given = _family_and_given(name)
        parts = ((other_given, {given}), (other_family, {family, birth_family}))
        differing = " ".join(part for part, known in parts if part and part not in known)
        if differing:
            found[differing] = None
    return ", ".join(found)


def _current(items: list[Json]) -> list[Json]:
    """Addresses and numbers that are in use, most preferred first."""

    def rank(item: Json) -> float:
        value = item.get("rank")
        return value if isinstance(value, int) else 99

    return sorted((i for i in items if text(i, "use") != "old" and not one(i, "period").get("end")), key=rank)


def _telecom(resource: Json) -> dict[str, str]:
    """Phone, mobile and e-mail: the first of each."""
    found: dict[str, str] = {}
    for point in _current(objects(resource, "telecom")):
        system, use, value = text(point, "system"), text(point, "use"), text(point, "value")
        if system == "email":
            kind = "email"
        elif system == "sms" or (system == "phone" and use == "mobile"):
            kind = "mobile"
        elif system == "phone":
            kind = "phone"
        else:
            continue
        if value:
            found.setdefault(kind, value)
    return found


def _address(resource: Json) -> Json:
    addresses = resource.get("address")
    if isinstance(addresses, dict):
        return addresses
    usable = [a for a in _current(objects(resource, "address")) if text(a, "use") != "billing"]
    return usable[0] if usable else {}


def _street(address: Json) -> str:
    return ", ".join(texts(address, "line")) or text(address, "text")


def _language(patient: Json) -> str:
    spoken = objects(patient, "communication")
    first = next((c for c in spoken if flag(c, "preferred")), spoken[0] if spoken else {})
    return words(one(first, "language"))


def _birth(patient: Json) -> tuple[date | None, str]:
    """The birth date, and a note for the desk where only a year or a month is known: a day is not made up."""
    said = text(patient, "birthDate")
    if not said:
        return None, ""
    if _PARTIAL_DATE.fullmatch(said):
        return None, f"Born {said}"
    return day(said, "birthDate"), ""


def _deceased(patient: Json) -> tuple[bool, date | None]:
    when = text(patient, "deceasedDateTime")
    if when:
        return True, None if _PARTIAL_DATE.fullmatch(when) else day(when[:10], "deceasedDateTime")
    return bool(flag(patient, "deceasedBoolean")), None


def _contacts(patient: Json) -> tuple[tuple[str, str, str], ...]:
    found = []
    for contact in objects(patient, "contact"):
        if one(contact, "period").get("end"):
            continue
        name = one(contact, "name")
        family, given = _family_and_given(name)
        relationship = next(filter(None, (_relationship(r) for r in objects(contact, "relationship"))), "")
        numbers = _telecom(contact)
        if family or given:
            called = f"{given} {family}".strip()
            found.append((called, relationship, numbers.get("mobile") or numbers.get("phone", "")))
    return tuple(found)


_RELATIONSHIPS = {"N": "Next of kin", "C": "Emergency contact", "E": "Employer", "CP": "Contact person"}


def _relationship(concept: Json) -> str:
    """HL7's one-letter codes in words where the source gave none."""
    said = words(concept)
    return _RELATIONSHIPS.get(said, said)


def _patient(patient: Json, zone: ZoneInfo) -> PatientRecord:
    names = objects(patient, "name")
    main = _name_in_use(names)
    family, given = _family_and_given(main)
    if not family and not given:
        raise InvalidInput("no_name", field="name")
    birth_date, note = _birth(patient)
    deceased, deceased_on = _deceased(patient)
    maiden = next((text(name, "family") for name in names if text(name, "use") == "maiden"), "")
    gender = text(patient, "gender")
    address, numbers = _address(patient), _telecom(patient)
    return PatientRecord(
        Demographics(
            family=family,
            given=given,
            prefix=" ".join(texts(main, "prefix")),
            suffix=" ".join(texts(main, "suffix")),
            birth_family=maiden if maiden != family else "",
            other_names=_other_names(names, main, maiden),
            birth_date=birth_date,
            gender=Gender(gender) if gender in set(Gender) else Gender.UNKNOWN,
            phone=numbers.get("phone", ""),
            mobile=numbers.get("mobile", ""),
            email=numbers.get("email", ""),
            address=_street(address),
            city=text(address, "city"),
            state=text(address, "state"),
            postal_code=text(address, "postalCode"),
            country=text(address, "country"),
            language=_language(patient),
            desk_notes=note,
            identifiers=identifiers(patient),
        ),
        deceased,
        deceased_on,
        _contacts(patient),
    )


# Practitioner, Organization


def _practitioner(practitioner: Json, zone: ZoneInfo) -> PractitionerRecord:
    main = _name_in_use(objects(practitioner, "name"))
    family, given = _family_and_given(main)
    if not family and not given:
        raise InvalidInput("no_name", field="name")
    qualifications = (words(one(q, "code")) for q in objects(practitioner, "qualification"))
    return PractitionerRecord(
        family or given,
        given if family else "",
        " ".join(texts(main, "prefix")),
        " ".join(texts(main, "suffix")),
        next(filter(None, qualifications), "")[:80],
        flag(practitioner, "active") is not False,
    )


def _organization(organization: Json, zone: ZoneInfo) -> SiteRecord | None:
    kinds = {code for kind in objects(organization, "type") for code in codes(kind)}
    if kinds and kinds <= _NOT_A_PLACE:
        return None
    name = text(organization, "name")
    if not name:
        raise InvalidInput("no_name", field="name")
    address = _address(organization)
    parts = (_street(address), text(address, "city"), text(address, "state"), text(address, "postalCode"))
    whole = ", ".join(filter(None, parts))
    return SiteRecord(name, whole, text(address, "city"), flag(organization, "active") is not False)


# AllergyIntolerance


def _allergy(allergy: Json, zone: ZoneInfo) -> AllergyRecord:
    patient = text(one(allergy, "patient"), "reference")
    if not patient:
        raise InvalidInput("no_patient", field="patient")
    reactions = objects(allergy, "reaction")
    substance = words(one(allergy, "code")) or next(
        filter(None, (words(one(reaction, "substance")) for reaction in reactions)), ""
    )
    if not substance:
        raise InvalidInput("no_substance", field="code")
    seen = [words(sign) for reaction in reactions for sign in objects(reaction, "manifestation")]
    signs = list(dict.fromkeys(filter(None, seen)))
    criticality = text(allergy, "criticality")
    if criticality in ("low", "high"):
        signs.append(f"{criticality} criticality")
    severities = {text(reaction, "severity") for reaction in reactions}
    worst = next((s for s in (Severity.SEVERE, Severity.MODERATE, Severity.MILD) if s in severities), Severity.UNKNOWN)
    state = codes(one(allergy, "clinicalStatus")) | codes(one(allergy, "verificationStatus"))
    withdrawn = bool(state & {"resolved", "inactive", "refuted", "entered-in-error"})
    return AllergyRecord(patient, substance[:200], _cut(", ".join(signs), 200), worst, withdrawn)


# Encounter, Appointment


def _cut(said: str, length: int) -> str:
    return said if len(said) <= length else said[: length - 1] + "…"


def _people(resource: Json, field: str, subject: str) -> tuple[str, str, str]:
    """References to the patient and the practitioner among the participants, and what the latter is called."""
    patient = subject
    found: list[tuple[bool, str, str]] = []
    for participant in objects(resource, "participant"):
        actor = one(participant, field)
        reference, display = text(actor, "reference"), text(actor, "display")
        kind = tail(reference).partition("/")[0].partition("?")[0]
        if kind == "Patient":
            patient = patient or reference
        elif reference and (kind in ("Practitioner", "PractitionerRole") or reference.startswith("urn:")):
            roles = {code for role in objects(participant, "type") for code in codes(role)}
            found.append((not roles & {"ATND", "PPRF"}, reference, display))
    if not patient:
        raise InvalidInput("no_patient", field="subject" if field == "individual" else "participant")
    if not found:
        raise InvalidInput("no_practitioner", field="participant")
    _, reference, display = min(found, key=lambda one: one[0])
    return patient, reference, display


def _minutes(resource: Json, start: datetime) -> datetime | None:
    """The end of an encounter that tells its length instead."""
    length = one(resource, "length")
    value, unit = length.get("value"), text(length, "code") or text(length, "unit")
    if not isinstance(value, int | float) or unit not in ("min", "h", "s", "d"):
        return None
    return start + value * {"s": timedelta(seconds=1), "min": timedelta(minutes=1), "h": timedelta(hours=1)}.get(
        unit, timedelta(days=1)
    )


_ENCOUNTER_STATUS = {
    "finished": Status.FULFILLED,
    "cancelled": Status.CANCELLED,
    "entered-in-error": Status.ENTERED_IN_ERROR,
}


def _encounter(encounter: Json, zone: ZoneInfo) -> VisitRecord | None:
    """An encounter that is over; one that is planned or under way is not taken: what will come of it is not known."""
    status = _ENCOUNTER_STATUS.get(text(encounter, "status"))
    if status is None:
        return None
    patient, practitioner, name = _people(encounter, "individual", text(one(encounter, "subject"), "reference"))
    period = one(encounter, "period")
    if not text(period, "start"):
        raise InvalidInput("no_time", field="period")
    start = instant(text(period, "start"), "period.start", zone)
    ended = text(period, "end")
    end = instant(ended, "period.end", zone, end=True) if ended else _minutes(encounter, start)
    if end is None:
        raise InvalidInput("no_end", field="period")
    if end <= start:
        raise InvalidInput("ends_before_it_begins", field="period")
    reason = first_words(encounter, "type", "reasonCode")
    booked_as = next((text(a, "reference") for a in objects(encounter, "appointment")), "")
    cancelled_for = "other" if status is Status.CANCELLED else ""
    return VisitRecord(
        patient, practitioner, name, start, end, status, _cut(reason, _REASON_LENGTH), cancelled_for, False, booked_as
    )


def _appointment(appointment: Json, zone: ZoneInfo) -> VisitRecord:
    said = text(appointment, "status")
    if said not in set(Status):
        raise InvalidInput("unknown_status", field="status")
    status = Status(said)
    patient, practitioner, name = _people(appointment, "actor", "")
    starts, ends, minutes = text(appointment, "start"), text(appointment, "end"), appointment.get("minutesDuration")
    if not starts:
        raise InvalidInput("no_time", field="start")
    start = instant(starts, "start", zone)
    if ends:
        end = instant(ends, "end", zone)
    elif isinstance(minutes, int) and 0 < minutes <= 24 * 60:
        end = start + timedelta(minutes=minutes)
    else:
        raise InvalidInput("no_end", field="end")
    if end <= start:
        raise InvalidInput("ends_before_it_begins", field="end")
    reason = text(appointment, "description") or first_words(appointment, "reasonCode", "serviceType")
    known = codes(one(appointment, "cancelationReason")) & set(CANCEL_REASONS)
    cancelled_for = min(known, default="other") if status is Status.CANCELLED else ""
    accepted = any(
        text(p, "status") == "accepted" and tail(text(one(p, "actor"), "reference")) == tail(patient)
        for p in objects(appointment, "participant")
    )
    return VisitRecord(
        patient, practitioner, name, start, end, status, _cut(reason, _REASON_LENGTH), cancelled_for, accepted
    )


_READERS: dict[str, Callable[[Json, ZoneInfo], Record | None]] = {
    "Organization": _organization,
    "Practitioner": _practitioner,
    "Patient": _patient,
    "AllergyIntolerance": _allergy,
    "Appointment": _appointment,
    "Encounter": _encounter,
}
KINDS = tuple(_READERS)
"""The kinds of resource that are taken, in an order in which each can refer to those before it."""
