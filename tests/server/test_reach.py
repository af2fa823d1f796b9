"""Every endpoint about one patient, against every role: whose records each reaches, written out so that a change is seen.

Near is the record of the patient who is signed in, who has a visit with the doctor; far is somebody with whom neither has
anything to do. Of what belongs to people who work here (conversations, notifications), near is what those who ask take part
in, and far what others have among themselves.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from datetime import time, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import CARE, Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import VERBS, Actor, Database, Tx
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.recurrence import Frequency, Recurrence
from clinicdesk.features.appointments.schemas import BookAppointment, CancelAppointment
from clinicdesk.features.appointments.series_schemas import BookSeries
from clinicdesk.features.appointments.waitlist_schemas import Wish
from clinicdesk.features.chat import service as chat
from clinicdesk.features.chat.schemas import Say
from clinicdesk.features.medications import service as medications
from clinicdesk.features.medications.schemas import Prescribe, ReminderRule, SaveReminder
from clinicdesk.features.notifications import service as notifications
from clinicdesk.features.notifications.models import Notification, OutboundMessage
from clinicdesk.features.notifications.schemas import Channel, Kind, Template
from clinicdesk.features.observations import service as observations
from clinicdesk.features.observations.schemas import Measure, RecordObservation
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient, SaveAllergy, SaveContact
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.practitioners.schemas import SavePractitioner
from clinicdesk.features.users import service as users
from clinicdesk.features.users.models import User
from clinicdesk.features.users.schemas import AddUser, UserRow
from clinicdesk.server.app import ROUTERS
from tests.conftest import Hands
from tests.features.documents import files
from tests.server.conftest import PASSWORD, ROLES, SignedIn
from tests.server.test_matrix import BODIES, QUERIES

OF_ONE = frozenset(
    {
        "patient_id", "appointment_id", "allergy_id", "contact_id", "metric_id", "medication_id", "reminder_id",
        "document_id", "series_id", "entry_id", "message_id", "conversation_id", "notification_id",
    }
)  # fmt: skip
"""Parts of paths, and parameters, that name a patient, a row of one, or what somebody keeps to themselves."""
OF_NOBODY = frozenset(
    {"absence_id", "doctor_id", "holiday_id", "room_id", "rule_id", "site_id", "type_id", "user_id"}
)  # fmt: skip
"""Those that name what is the clinic's."""
ELSEWHERE = {
    "session_id": "test_auth",
    "emergency_id": "test_care",
    "device_id": "test_sync",
    "conflict_id": "test_sync",
    "sha256": "test_sync",
}
"""Those that name what is of one account, and the tests that ask others about them."""
ABOUT_ACCOUNTS = {"break_glass", "link_user_to_patient", "list_conflicts"}
"""They name a patient for whom somebody then reaches more (test_care, test_patients), or whose desks disagree (test_sync)."""

# Who reaches the near record, and who the far one: Administrator, Doctor, Nurse, Receptionist, Patient.
REACH: dict[tuple[str, str], str] = {
    ("ADNRP", "ADNR"): """
        open_patient edit_contact_details reveal_fields patient_timeline list_allergies list_contacts get_patient_photo
        get_contact_preference set_contact_preference
        list_visits find_openings book_visit open_visit edit_visit reschedule_visit cancel_visit open_series open_wish
        file_document get_document(desk) download_document(desk) get_document_thumbnail(desk)
    """,
    ("ADNR", "ADNR"): """
        edit_patient mark_deceased mark_living duplicates_of_patient patient_access_log
        add_contact edit_contact remove_contact restore_contact set_patient_photo remove_patient_photo
        book_series change_series cancel_series arrive_visit check_in_visit start_visit fulfil_visit no_show_visit
        advance_visit step_back_visit reinstate_visit pend_visit propose_visit waitlist_visit take_in_walk_in
        list_waitlist add_wish edit_wish remove_wish restore_wish fill_time
        list_messages get_message hold_message_back send_message_again
        edit_document(desk) remove_document(desk) restore_document(desk)
    """,
    # Clinical records are for those whose patient it is, and for the patient; allergies any clinician has to know.
    ("DNP", ""): """
        current_medications past_medications check_medicine open_medication
        list_reminders due_reminders add_reminder edit_reminder enable_reminder
        list_metrics record_metric latest_metrics metric_trend
        get_document download_document get_document_thumbnail
    """,
    ("DN", ""): """
        prescribe prescribe_phrase edit_draft sign_draft renew_medication hold_medication resume_medication
        stop_medication complete_medication withdraw_medication mark_medication_entered_in_error dispense_medication
        correct_metric mark_metric_wrong edit_document remove_document restore_document
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
    # Conversations are of those who take part, what was said in one is its author's, and an inbox is one's own.
    ("ADNR", ""): """
        get_conversation add_conversation_members mark_conversation_read list_chat_messages say leave_conversation
    """,
    ("D", ""): "edit_chat_message delete_chat_message",
    ("P", ""): "mark_notification_read delete_notification",
    # A room is open to every colleague, and nothing else is entered.
    ("", ""): "enter_chat_room",
}  # fmt: skip
EXPECTED = {name: who for who, names in REACH.items() for name in names.split()}

LAST = {"leave_conversation", "delete_notification"}
"""After these there is less to ask about."""

Rows = dict[str, UUID]
Json = dict[str, Any]
Endpoints = dict[str, tuple[str, str]]


@pytest.fixture
def rows(
    db: Database, operator: Actor, people: dict[Role, UserRow], own_record: UUID, sign_in: SignedIn
) -> tuple[Rows, Rows]:
    """What there is of the near patient, and of the far one, by the names that paths have for it."""
    with db.write(operator) as tx:
        ours, theirs = (practitioners.save_practitioner(tx, SavePractitioner(name)).id for name in ("Lee", "Okafor"))
        doctor = update(User).where(User.id == people[Role.DOCTOR].id)
        tx.session.execute(doctor.values(practitioner_id=ours, version=2))
        far = patients.register(tx, RegisterPatient(Demographics(family="Jones", given="Ada"))).id
        others = [
            users.add_user(tx, AddUser(f"{name}@harbour.example", name, Role.NURSE, PASSWORD))
            for name in ("Ina", "Olu")
        ]
    staff = [people[role] for role in (Role.DOCTOR, Role.NURSE, Role.RECEPTIONIST, Role.ADMINISTRATOR)]
    near = _of_patient(db, operator, own_record, ours) | _of_account(db, operator, staff, people[Role.PATIENT])
    away = _of_patient(db, operator, far, theirs) | _of_account(db, operator, others, others[0])
    with db.write(operator) as tx:  # so that the far one is in nobody's care
        for visit in appointments.visits_of_patient(tx, far):
            appointments.cancel(tx, CancelAppointment(visit.id, visit.version, "pat"))
    desk = sign_in(Role.RECEPTIONIST)
    for row in (near, away):
        one = str(row["patient_id"])
        assert desk.put(f"/api/v1/documents/photos/{one}", content=files.image()).status_code == 200
        for name, type_ in (("document_id", "laboratory"), ("document_id(desk)", "insurance-card")):
            filed = desk.post(
                "/api/v1/documents", params={"patient_id": one, "type": type_}, content=files.image(size=(800, 600))
            )
            assert filed.status_code == 201, filed.text
            row[name] = UUID(filed.json()["id"])
    return near, away


def _of_patient(db: Database, operator: Actor, patient_id: UUID, with_: UUID) -> Rows:
    def done(verb: Callable[..., Any], *asked: Any) -> Any:
        """Each in a unit of work of its own: some have the clinic alone, and some run beside others."""
        with db.write(operator) as tx:
            return verb(tx, *asked)

    start = db.clock().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    length = timedelta(minutes=20)
    recurring = BookSeries(
        patient_id, with_, start + timedelta(hours=2), length, Recurrence(Frequency.DAILY, count=2), outside_hours=True
    )
    visit = BookAppointment(patient_id, with_, start, length, outside_hours=True)
    medicine = done(medications.prescribe, Prescribe(patient_id, "Folic acid")).id
    rule = ReminderRule((time(8),), starts_on=start.date())
    return {
        "patient_id": patient_id,
        "practitioner_id": with_,
        "appointment_id": done(appointments.book, visit).id,
        "series_id": done(appointments.book_series, recurring).series.id,
        "entry_id": done(appointments.add_wish, patient_id, Wish(length)).id,
        "allergy_id": done(patients.save_allergy, SaveAllergy(patient_id, "Penicillin")).id,
        "contact_id": done(patients.save_contact, SaveContact(patient_id, "Ada", phone="555 0101")).id,
        "metric_id": done(observations.record, RecordObservation(patient_id, Measure.HEART_RATE, 64)).id,
        "medication_id": medicine,
        "reminder_id": done(medications.save_reminder, SaveReminder(medicine, rule)).id,
        "message_id": done(_queued, patient_id),
    }


def _queued(tx: Tx, patient_id: UUID) -> UUID:
    """A message to the patient that waits to be sent."""
    to = "ada@home.example"
    notifications.queue(tx, f"reach:{patient_id}", Channel.EMAIL, to, Template.VISIT_BOOKED, {}, patient_id=patient_id)
    return tx.session.scalars(select(OutboundMessage.id).where(OutboundMessage.patient_id == patient_id)).one()


def _of_account(db: Database, operator: Actor, staff: list[UserRow], told: UserRow) -> Rows:
    """A conversation of these people in which the first has spoken, and what lies in the inbox of the one who was told."""
    first = Actor(staff[0].id, staff[0].role, staff[0].name)
    with db.write(first) as tx:
        group = chat.create_group(tx, "Vaccines", [one.id for one in staff[1:]]).id
        said = chat.say(tx, Say(group, "Room 2 is free")).id
        notifications.notify(tx, [told.id], Kind.CHAT_MESSAGE, {}, new_id())
        tx.session.flush()
        lies = tx.session.scalars(select(Notification.id).where(Notification.user_id == told.id)).all()
    return {"conversation_id": group, "chat_message_id": said, "notification_id": lies[-1]}


# ---- which endpoints these are -------------------------------------------------------------------------------------


@pytest.fixture
def endpoints(server: FastAPI) -> Endpoints:
    """Method and path of each endpoint that is about one patient or one person, or narrowed to one."""
    document = server.openapi()
    verbs = {str(one.operation_id): set(_verbs(inspect.unwrap(one.endpoint))) for one in _routes()}

    def is_about_one(path: str, one: Json) -> bool:
        body = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        schema = document["components"]["schemas"].get(body.get("$ref", "").rpartition("/")[2], {})
        return (
            any(f"{{{name}}}" in path for name in OF_ONE)
            or any(given["in"] == "query" and given["name"] == "patient_id" for given in one.get("parameters", ()))
            or "patient_id" in schema.get("properties", {})
            or any(VERBS[name].of_patient for name in verbs.get(one["operationId"], ()))
        )

    return {
        one["operationId"]: (method, path)
        for path, methods in document["paths"].items()
        for method, one in methods.items()
        if is_about_one(path, one)
        and one["operationId"] not in ABOUT_ACCOUNTS
        and not any(f"{{{name}}}" in path for name in ELSEWHERE)
    }


def _routes() -> list[APIRoute]:
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def _verbs(function: Callable[..., Any], seen: set[Any] | None = None) -> Iterator[str]:
    """The verbs that a function of ours calls, itself or by other functions of ours that it names."""
    seen = set() if seen is None else seen
    if function in seen:
        return
    seen.add(function)
    declared = f"{function.__module__.split('.')[2]}.{function.__name__}" if hasattr(function, "__wrapped__") else ""
    if declared in VERBS:
        yield declared
    body = inspect.unwrap(function)
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(body)))):
        named = body.__globals__.get(node.id) if isinstance(node, ast.Name) else None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            named = getattr(body.__globals__.get(node.value.id), node.attr, None)
        table = [cell for line in named for cell in line] if isinstance(named, tuple) and _is_table(named) else [named]
        for one in table:
            if inspect.isfunction(one) and one.__module__.startswith("clinicdesk."):
                yield from _verbs(one, seen)


def _is_table(named: tuple[Any, ...]) -> bool:
    return all(isinstance(line, tuple) for line in named)


def test_every_endpoint_about_one_is_in_the_table_and_nothing_else_is(endpoints: Endpoints) -> None:
    asked = {name.partition("(")[0] for name in EXPECTED}
    assert sorted(endpoints.keys() - asked) == [], "say above who reaches whom by it"
    assert sorted(asked - endpoints.keys()) == [], "there is no such endpoint (any more)"


def test_every_part_of_a_path_says_whose_it_is(server: FastAPI) -> None:
    named = {name for path in server.openapi()["paths"] for name in re.findall(r"{(\w+)}", path)}
    assert named == (OF_ONE | OF_NOBODY | ELSEWHERE.keys()) & named
    assert named >= OF_ONE


def test_every_verb_about_one_patient_is_asked_by_an_endpoint_or_by_the_desk_alone() -> None:
    asked = {name for route in _routes() for name in _verbs(inspect.unwrap(route.endpoint))}
    ours = {name for name in VERBS if not name.startswith("test_")}  # other tests declare verbs of their own
    left = {name for name in ours if VERBS[name].of_patient} - asked
    assert left == {"audit.access_log", "appointments.confirm", "patients.get_row"}


# ---- who reaches whom ----------------------------------------------------------------------------------------------


def _reaches(client: TestClient, endpoint: tuple[str, str], asked: str, row: Rows) -> bool:
    name, _, kind = asked.partition("(")
    method, path = endpoint

    def id_for(part: re.Match[str]) -> str:
        chat_message = part[1] == "message_id" and path.startswith("/api/v1/chat")
        key = "chat_message_id" if chat_message else f"{part[1]}({kind}" if kind else part[1]
        return str(row.get(key) or row[part[1]])

    filled = re.sub(r"{(\w+)}", id_for, path)
    body = BODIES.get(name)
    about: dict[str, Any] = {} if "{" in path or body is not None else {"patient_id": str(row["patient_id"])}
    if isinstance(body, dict):
        body = {key: str(row[key]) if key in row and value is not None else value for key, value in body.items()}
    answer = client.request(
        method, filled, params={**QUERIES.get(name, {}), **about}, json=body, headers={"If-Match": '"999"'}
    )
    refused = answer.status_code in {401, 403, 404}
    return not refused or answer.json()["code"] == "picture_not_found"


@pytest.fixture
def settings() -> dict[str, str]:
    """Nobody is stopped for asking a lot."""
    return {f"CLINICDESK_LIMIT_{what}": "1000000" for what in ("ANONYMOUS", "SIGN_INS", "DEVICE")}


def test_a_role_reaches_whom_the_table_says(endpoints: Endpoints, sign_in: SignedIn, rows: tuple[Rows, Rows]) -> None:
    reached: dict[str, tuple[str, str]] = dict.fromkeys(EXPECTED, ("", ""))
    for role in ROLES:
        client = sign_in(role)
        for name in sorted(EXPECTED, key=LAST.__contains__):
            near, far = (_reaches(client, endpoints[name.partition("(")[0]], name, row) for row in rows)
            letter = role.value[0].upper()
            before = reached[name]
            reached[name] = (before[0] + letter * near, before[1] + letter * far)
    assert {name: who for name, who in reached.items() if EXPECTED.get(name) != who} == {}


# ---- in an emergency -----------------------------------------------------------------------------------------------

# Who reaches the far record besides, once they have broken its glass: the desk looks, clinicians do what has to be done.
BEHIND_GLASS = {
    "ADNR": """
        current_medications past_medications check_medicine open_medication list_reminders due_reminders
        list_metrics latest_metrics metric_trend
        get_document download_document get_document_thumbnail list_documents
    """,
    "DN": """
        prescribe prescribe_phrase edit_draft sign_draft renew_medication hold_medication resume_medication
        stop_medication complete_medication withdraw_medication mark_medication_entered_in_error dispense_medication
        add_reminder edit_reminder enable_reminder record_metric correct_metric mark_metric_wrong
        edit_document remove_document restore_document
    """,
}
IN_EMERGENCY = {name: who for who, names in BEHIND_GLASS.items() for name in names.split()}


def test_the_table_of_emergencies_has_every_endpoint_that_care_or_role_closes() -> None:
    closed = {name for name, (_, far) in EXPECTED.items() if far in {"", "AR"} and EXPECTED[name][0] not in {"D", "P"}}
    of_staff = {name for name in closed if EXPECTED[name][0] in {"ADNR", ""}}
    assert closed - of_staff == IN_EMERGENCY.keys()


def test_a_broken_glass_opens_one_record_for_an_hour_and_marks_what_is_done(
    endpoints: Endpoints, sign_in: SignedIn, rows: tuple[Rows, Rows], clock: Hands, db: Database
) -> None:
    near, far = rows
    for role in ROLES[:4]:
        letter = role.value[0].upper()
        before, own, opened = (
            {name for name in IN_EMERGENCY if letter in who(name)}
            for who in (lambda name: EXPECTED[name][1], lambda name: EXPECTED[name][0], IN_EMERGENCY.__getitem__)
        )
        assert _opened(sign_in(role), endpoints, far) == before, role
        glass = {"patient_id": str(far["patient_id"]), "reason": "Unconscious", "password": PASSWORD}
        assert sign_in(role).post("/api/v1/break-glass", json=glass).status_code == 201
        since = _last_seq(db)
        assert _opened(sign_in(role), endpoints, far) == opened, role
        assert _opened(sign_in(role), endpoints, near) == own, role
        clock.now += timedelta(minutes=59, seconds=59)
        assert _opened(sign_in(role), endpoints, far) == opened, role
        assert _unmarked(db, since, far["patient_id"]) == set()
        clock.now += timedelta(seconds=1)
        since = _last_seq(db)
        assert _opened(sign_in(role), endpoints, far) == before, role
        assert "emergency" not in "".join(detail for _, detail in _noted(db, since, far["patient_id"]))


def _opened(client: TestClient, endpoints: Endpoints, row: Rows) -> set[str]:
    return {name for name in IN_EMERGENCY if _reaches(client, endpoints[name], name, row)}


def _last_seq(db: Database) -> int:
    with db.engine.connect() as connection:
        return connection.scalar(select(AuditEntry.seq).order_by(AuditEntry.seq.desc()).limit(1)) or 0


def _noted(db: Database, since: int, patient_id: UUID) -> list[tuple[str, str]]:
    """Verb and detail of what was done with the patient's record after that entry of the trail."""
    done = select(AuditEntry.verb, AuditEntry.detail).where(
        AuditEntry.seq > since, AuditEntry.patient_id == patient_id.hex, AuditEntry.outcome == "ok"
    )
    with db.engine.connect() as connection:
        return [(verb, detail) for verb, detail in connection.execute(done)]


def _unmarked(db: Database, since: int, patient_id: UUID) -> set[str]:
    """What was done that a caller reaches by the emergency alone, and is not marked with it."""
    noted = _noted(db, since, patient_id)
    assert {"medications.current_medications", "observations.list_observations"} <= {verb for verb, _ in noted}
    return {verb for verb, detail in noted if VERBS[verb].permission in CARE and '"emergency"' not in detail}
