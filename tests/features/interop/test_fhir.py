"""Reading FHIR: what a person's record says comes through as it was said, and nothing is made up."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.appointments.schemas import Status
from clinicdesk.features.interop.fhir import Entry, entries, parse
from clinicdesk.features.interop.fhir_records import AllergyRecord, PatientRecord, PractitionerRecord, VisitRecord
from clinicdesk.features.interop.shapes import tail
from clinicdesk.features.patients.schemas import Gender, Severity

BERLIN = ZoneInfo("Europe/Berlin")


def read(resource: dict[str, Any]) -> Any:
    parsed = parse(Entry("", "", {"id": "1", **resource}), BERLIN)
    return None if parsed is None else parsed.record


def patient(**fields: Any) -> PatientRecord:
    record = read({"resourceType": "Patient", "name": [{"family": "Díaz", "given": ["Ana"]}], **fields})
    assert isinstance(record, PatientRecord)
    return record


def test_a_patient_with_everything() -> None:
    record = patient(
        name=[
            {"use": "nickname", "given": ["Peggy"]},
            {"use": "maiden", "family": "Müller", "given": ["Margarethe", "Anna"]},
            {"use": "official", "family": "Abe604", "given": ["Margarethe", "Anna"], "prefix": ["Dr."]},
        ],
        telecom=[
            {"system": "phone", "value": "1", "use": "old"},
            {"system": "phone", "value": "2", "use": "home", "rank": 2},
            {"system": "phone", "value": "3", "use": "work", "rank": 1},
            {"system": "phone", "value": "4", "use": "mobile"},
            {"system": "email", "value": "m@example.org"},
        ],
        gender="female",
        birthDate="1974-12-25",
        deceasedDateTime="2015-02-14T13:42:00+10:00",
        address=[{"use": "old", "city": "Bonn"}, {"line": ["Weg 1", "Hof"], "city": "Ulm", "postalCode": "89073"}],
        communication=[
            {"language": {"coding": [{"code": "de", "display": "German"}]}},
            {"language": {"text": "Swabian"}, "preferred": True},
        ],
        contact=[{"name": {"text": "Bo"}, "relationship": [{"coding": [{"code": "N"}]}], "telecom": []}],
        identifier=[{"system": "urn:x", "value": "7"}, {"system": "urn:x", "value": "7"}, {"system": "urn:y"}],
    )
    said = record.demographics
    assert (said.given, said.family, said.prefix) == ("Margarethe Anna", "Abe604", "Dr.")
    assert (said.birth_family, said.other_names) == ("Müller", "Peggy")
    assert (said.phone, said.mobile, said.email) == ("3", "4", "m@example.org")
    assert (said.gender, said.birth_date) == (Gender.FEMALE, date(1974, 12, 25))
    assert (record.deceased, record.deceased_on) == (True, date(2015, 2, 14))
    assert (said.address, said.city, said.postal_code, said.language) == ("Weg 1, Hof", "Ulm", "89073", "Swabian")
    assert said.identifiers == ("urn:x|7",)
    assert record.contacts == (("Bo", "Next of kin", ""),)


@pytest.mark.parametrize("known", ["1974", "1974-12"])
def test_a_birth_date_that_is_not_whole_is_noted_and_not_made_up(known: str) -> None:
    said = patient(birthDate=known).demographics
    assert (said.birth_date, said.desk_notes) == (None, f"Born {known}")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": []}, "no_name"),
        ({"name": "Ana"}, "malformed"),
        ({"name": [{"family": ["Díaz"]}]}, "malformed"),
        ({"birthDate": "25.12.1974"}, "bad_date"),
        ({"birthDate": "1974-02-30"}, "bad_date"),
        ({"telecom": [None]}, "malformed"),
        ({"deceasedBoolean": "no"}, "malformed"),
        ({"id": "half a letter \ud800"}, "malformed"),
        ({"name": [{"family": "Díaz", "given": ["\udfff"]}]}, "malformed"),
    ],
)
def test_what_cannot_be_read_is_named(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        patient(**fields)


def test_a_practitioner_with_a_text_for_a_name() -> None:
    assert read({"resourceType": "Practitioner", "name": [{"text": "Juri van Gelder"}]}) == PractitionerRecord(
        "Juri van Gelder"
    )


def encounter(**fields: Any) -> VisitRecord | None:
    record: VisitRecord | None = read(
        {
            "resourceType": "Encounter",
            "status": "finished",
            "type": [{"text": "Check-up"}],
            "subject": {"reference": "Patient/1"},
            "participant": [{"individual": {"reference": "Practitioner/2", "display": "Dr Lee"}}],
            "period": {"start": "2020-06-01T09:00:00+02:00", "end": "2020-06-01T09:20:00+02:00"},
            **fields,
        }
    )
    return record


def test_a_finished_encounter() -> None:
    record = encounter()
    assert record is not None
    assert (record.patient, record.practitioner, record.practitioner_name) == ("Patient/1", "Practitioner/2", "Dr Lee")
    assert (record.status, record.reason) == (Status.FULFILLED, "Check-up")
    assert (record.start, record.end) == (
        datetime(2020, 6, 1, 7, 0, tzinfo=UTC),
        datetime(2020, 6, 1, 7, 20, tzinfo=UTC),
    )


def test_an_encounter_of_whole_days_ends_with_its_last_one() -> None:
    record = encounter(period={"start": "2020-03-28", "end": "2020-03-29"})
    assert record is not None
    assert record.start == datetime(2020, 3, 27, 23, tzinfo=UTC)
    assert record.end == datetime(2020, 3, 29, 22, tzinfo=UTC)  # the clocks went forward in between


@pytest.mark.parametrize("status", ["planned", "arrived", "in-progress", "unknown"])
def test_an_encounter_that_is_not_over_is_left_out(status: str) -> None:
    assert encounter(status=status) is None


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"period": {}}, "no_time"),
        ({"period": {"start": "2020-06-01T09:00:00Z"}}, "no_end"),
        ({"period": {"start": "2020-06-01T09:00:00Z", "end": "2020-06-01T08:00:00Z"}}, "ends_before_it_begins"),
        ({"period": {"start": "2020-06-01T09:00:00", "end": "2020-06-02"}}, "no_time_zone"),
        ({"period": {"start": "0001-01-01", "end": "2020-06-02"}}, "bad_date"),
        ({"period": {"start": "2020-06-01", "end": "9999-12-31"}}, "bad_date"),
        ({"participant": []}, "no_practitioner"),
        ({"subject": {}}, "no_patient"),
    ],
)
def test_an_encounter_that_cannot_be_a_visit_says_why(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        encounter(**fields)


def test_an_encounter_may_tell_its_length() -> None:
    record = encounter(period={"start": "2020-06-01T09:00:00Z"}, length={"value": 90, "code": "min"})
    assert record is not None
    assert record.end == datetime(2020, 6, 1, 10, 30, tzinfo=UTC)


def test_an_allergy_in_words() -> None:
    record = read(
        {
            "resourceType": "AllergyIntolerance",
            "patient": {"reference": "Patient/1"},
            "code": {"coding": [{"display": "Penicillin G"}]},
            "criticality": "high",
            "reaction": [
                {"manifestation": [{"text": "Hives"}], "severity": "mild"},
                {"manifestation": [{"text": "Wheeze"}], "severity": "severe"},
            ],
        }
    )
    assert record == AllergyRecord(
        "Patient/1", "Penicillin G", "Hives, Wheeze, high criticality", Severity.SEVERE, withdrawn=False
    )


def test_the_resources_of_bundles_in_bundles_keep_their_place() -> None:
    inner = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Flag"}}]}
    outer = {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "Patient"}, "fullUrl": "urn:uuid:7"}, {}, {"resource": inner}],
    }
    assert [(entry.position, entry.full_url) for entry in entries(outer)] == [
        ("entry[0]", "urn:uuid:7"),
        ("entry[2].entry[0]", ""),
    ]


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        "x",
        None,
        {"resourceType": 3},
        {"resourceType": "Bundle", "entry": [{"resource": 1}]},
    ],
)
def test_what_is_not_fhir_is_refused(document: object) -> None:
    with pytest.raises(InvalidInput, match="not_fhir"):
        list(entries(document))


@pytest.mark.parametrize(
    ("reference", "bare"),
    [
        ("Practitioner/f201", "Practitioner/f201"),
        ("https://example.org/fhir/Practitioner/f201/_history/3", "Practitioner/f201"),
        ("urn:uuid:96333652-ed28", "96333652-ed28"),
        ("Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|320", "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|320"),
    ],
)  # fmt: skip
def test_a_reference_comes_down_to_kind_and_id(reference: str, bare: str) -> None:
    assert tail(reference) == bare
