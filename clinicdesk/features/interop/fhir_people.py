"""Reads who and where from FHIR R4 resources: patients and their allergies, practitioners and the places they work in."""

from __future__ import annotations

import re
from datetime import date
from zoneinfo import ZoneInfo

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.interop.fhir_records import AllergyRecord, PatientRecord, PractitionerRecord, SiteRecord
from clinicdesk.features.interop.shapes import (
    Json,
    codes,
    cut,
    day,
    flag,
    identifiers,
    objects,
    one,
    text,
    texts,
    words,
)
from clinicdesk.features.patients.schemas import Demographics, Gender, Severity

_PARTIAL_DATE = re.compile(r"\d{4}(-\d{2})?")
_NOT_A_PLACE = frozenset({"ins", "pay", "edu", "reli", "crs", "govt", "cg", "bus"})
_FORMER = frozenset({"old", "maiden"})
_SECONDARY = frozenset({"nickname", "temp", "anonymous"})


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


def patient_record(patient: Json, zone: ZoneInfo) -> PatientRecord:
    """A person. Raises InvalidInput for one without a name, or whose birth date is no day."""
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


def practitioner_record(practitioner: Json, zone: ZoneInfo) -> PractitionerRecord:
    """Somebody who sees patients. Raises InvalidInput("no_name")."""
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


def organization_record(organization: Json, zone: ZoneInfo) -> SiteRecord | None:
    """A place where care is given; None for an organisation that is none. Raises InvalidInput("no_name")."""
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


def allergy_record(allergy: Json, zone: ZoneInfo) -> AllergyRecord:
    """An allergy in words, whatever it was coded in. Raises InvalidInput: no_patient, no_substance."""
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
    return AllergyRecord(patient, substance[:200], cut(", ".join(signs), 200), worst, withdrawn)
