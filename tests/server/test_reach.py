"""Every endpoint about one patient, against every role: whose records each reaches, written out so that a change is seen.

Near is the record of the patient who is signed in, who has a visit with the doctor; far is somebody with whom neither has
anything to do.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import update

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import BookAppointment, CancelAppointment
from clinicdesk.features.observations import service as observations
from clinicdesk.features.observations.schemas import Measure, RecordObservation
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient, SaveAllergy, SaveContact
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.practitioners.schemas import SavePractitioner
from clinicdesk.features.users.models import User
from clinicdesk.features.users.schemas import UserRow
from tests.server.conftest import ROLES, SignedIn
from tests.server.test_matrix import BODIES, QUERIES

OF_ONE = ("patient_id", "appointment_id", "allergy_id", "contact_id", "metric_id")
"""Parts of paths, and parameters, that name a patient or a row of one."""

# Who reaches the near record, and who the far one: Administrator, Doctor, Nurse, Receptionist, Patient.
REACH: dict[tuple[str, str], str] = {
    ("ADNRP", "ADNR"): """
        open_patient edit_contact_details reveal_fields patient_timeline list_allergies list_contacts get_patient_photo
        get_contact_preference set_contact_preference
        list_visits find_openings open_visit edit_visit reschedule_visit cancel_visit
        file_document
    """,
    ("ADNR", "ADNR"): """
        edit_patient mark_deceased mark_living duplicates_of_patient patient_access_log
        add_contact edit_contact remove_contact restore_contact set_patient_photo remove_patient_photo
        change_series cancel_series list_waitlist arrive_visit check_in_visit start_visit fulfil_visit no_show_visit
        advance_visit step_back_visit reinstate_visit pend_visit propose_visit waitlist_visit
        list_messages
    """,
    # Clinical records are for those whose patient it is, and for the patient; allergies any clinician has to know.
    ("DNP", ""): """
        current_medications past_medications check_medicine list_reminders due_reminders
        list_metrics record_metric latest_metrics metric_trend
    """,
    ("DN", ""): """
        prescribe prescribe_phrase correct_metric mark_metric_wrong
    """,
    ("DN", "DN"): """
        add_allergy allergies_checked edit_allergy remove_allergy restore_allergy
    """,
    # The desk lists what is not clinical of anybody; a clinician asks for all that there is, and so of their own.
    ("ADNRP", "AR"): "list_documents",
    ("A", "A"): """
        merge_patients unmerge_patients entered_in_error_visit list_emergencies list_audit_entries export_audit_entries
    """,
    # What one did oneself, narrowed to a patient: of the far one, nothing.
    ("ADNRP", "ADNRP"): "list_own_audit_entries",
}
EXPECTED = {name: who for who, names in REACH.items() for name in names.split()}

Rows = dict[str, UUID]


@pytest.fixture
def rows(db: Database, operator: Actor, people: dict[Role, UserRow], own_record: UUID) -> tuple[Rows, Rows]:
    """What there is of the near patient, and of the far one, by the names that paths have for it."""
    with db.write(operator) as tx:
        ours, theirs = (practitioners.save_practitioner(tx, SavePractitioner(name)).id for name in ("Lee", "Okafor"))
        doctor = update(User).where(User.id == people[Role.DOCTOR].id)
        tx.session.execute(doctor.values(practitioner_id=ours, version=2))
        far = patients.register(tx, RegisterPatient(Demographics(family="Jones", given="Ada"))).id
        found = []
        for patient_id, with_ in ((own_record, ours), (far, theirs)):
            start = tx.now.replace(minute=0) + timedelta(days=1)
            asked = BookAppointment(patient_id, with_, start, timedelta(minutes=20), outside_hours=True)
            visit = appointments.book(tx, asked)
            found.append(
                {
                    "patient_id": patient_id,
                    "appointment_id": visit.id,
                    "allergy_id": patients.save_allergy(tx, SaveAllergy(patient_id, "Penicillin")).id,
                    "contact_id": patients.save_contact(tx, SaveContact(patient_id, "Ada", phone="555 0101")).id,
                    "metric_id": observations.record(tx, RecordObservation(patient_id, Measure.HEART_RATE, 64)).id,
                }
            )
        appointments.cancel(tx, CancelAppointment(visit.id, visit.version, "pat"))  # so the far one is in nobody's care
    return found[0], found[1]


def _about_one(server: FastAPI) -> dict[str, tuple[str, str]]:
    """Method and path of each endpoint that is about one patient, or narrowed to one."""
    return {
        one["operationId"]: (method, path)
        for path, methods in server.openapi()["paths"].items()
        for method, one in methods.items()
        if any(f"{{{name}}}" in path for name in OF_ONE)
        or any(given["in"] == "query" and given["name"] == "patient_id" for given in one.get("parameters", ()))
    }


def _reaches(client: TestClient, endpoint: tuple[str, str], name: str, row: Rows) -> bool:
    method, path = endpoint
    filled = re.sub(r"{(\w+)}", lambda part: str(row.get(part[1], new_id())), path)
    about: dict[str, Any] = {} if "{" in path else {"patient_id": str(row["patient_id"])}
    body = BODIES.get(name)
    answer = client.request(
        method, filled, params={**QUERIES.get(name, {}), **about}, json=body, headers={"If-Match": '"999"'}
    )
    return answer.status_code not in {401, 403}


@pytest.fixture
def settings() -> dict[str, str]:
    """Nobody is stopped for asking a lot."""
    return {f"CLINICDESK_LIMIT_{what}": "1000000" for what in ("ANONYMOUS", "SIGN_INS", "DEVICE")}


def test_a_role_reaches_whom_the_table_says(server: FastAPI, sign_in: SignedIn, rows: tuple[Rows, Rows]) -> None:
    endpoints = _about_one(server)
    reached: dict[str, tuple[str, str]] = dict.fromkeys(endpoints, ("", ""))
    for role in ROLES:
        client = sign_in(role)
        for name, endpoint in endpoints.items():
            near, far = (_reaches(client, endpoint, name, row) for row in rows)
            letter = role.value[0].upper()
            before = reached[name]
            reached[name] = (before[0] + letter * near, before[1] + letter * far)
    assert {name: who for name, who in reached.items() if EXPECTED.get(name) != who} == {}
    assert sorted(EXPECTED.keys() - endpoints.keys()) == [], "there is no such endpoint (any more)"
