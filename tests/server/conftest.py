"""The real app on a real database, people of every role who can sign in, and a mail server that keeps what it is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, time
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import update

from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import SaveType
from clinicdesk.features.care import service as care
from clinicdesk.features.care.schemas import CareRow, CareScope
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.practitioners.schemas import SavePractitioner, SetUpClinic, SetWeeklyHours, Shift
from clinicdesk.features.users import service as users
from clinicdesk.features.users.models import User
from clinicdesk.features.users.schemas import AddUser, UserRow
from clinicdesk.opening import put_rules
from clinicdesk.server.app import create_app
from clinicdesk.server.serving import serve_from
from clinicdesk.server.settings import load_settings
from tests.postgres import free_port

PASSWORD = "seven quiet boats at noon"
ROLES = (Role.ADMINISTRATOR, Role.DOCTOR, Role.NURSE, Role.RECEPTIONIST, Role.PATIENT)


class Postbox:
    """A mail server on the loopback; what it has received lies in `mails`."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # aiosmtpd's name
        self.mails.append(message_from_bytes(envelope.content))
        return "250 OK"

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    def token(self) -> str:
        """The token in the link of the last mail."""
        found = re.search(r"token=([\w-]+)", str(self.mails[-1].get_payload()))
        assert found is not None
        return found[1]


@pytest.fixture(scope="session")
def mail_server() -> Iterator[Postbox]:
    box = Postbox()
    box.start()
    yield box
    box.stop()


@pytest.fixture
def postbox(mail_server: Postbox) -> Postbox:
    """The mail server, empty."""
    mail_server.mails.clear()
    return mail_server


@pytest.fixture
def settings() -> dict[str, str]:
    """Settings that a test wants besides those that every test has."""
    return {}


@pytest.fixture
def people(db: Database, operator: Actor) -> dict[Role, UserRow]:
    """A clinic that is set up, guarded as the program guards it, with somebody of each role."""
    put_rules(db)
    with db.write(operator) as tx:
        practitioners.set_up_clinic(tx, SetUpClinic("Harbour Street Clinic", "Europe/Berlin"))
        return {
            role: users.add_user(tx, AddUser(f"{role}@harbour.example", f"Some {role}", role, PASSWORD))
            for role in ROLES
        }


@pytest.fixture
def own_record(db: Database, operator: Actor, people: dict[Role, UserRow]) -> UUID:
    """The record of the patient among the people; it has been linked to their account, whose e-mail is proved."""
    with db.write(operator) as tx:
        mine = patients.register(tx, RegisterPatient(Demographics(family="Smith", given="Jordan"))).id
        proved = {"patient_id": mine, "email_verified_at": tx.now}
        tx.session.execute(update(User).where(User.id == people[Role.PATIENT].id).values(**proved))
    return mine


@pytest.fixture
def everybody_in_care(db: Database, operator: Actor, people: dict[Role, UserRow]) -> None:
    """Clinicians reach every patient's records: what a test is about is not care."""
    with db.write(operator) as tx:
        care.edit_care_settings(tx, CareRow(CareScope.EVERYBODY))


@pytest.fixture(scope="session")
def apps() -> dict[str, FastAPI]:
    """Apps that were put together already, by the origins that they let in: the framework takes its time for that."""
    return {}


@pytest.fixture
def server(
    db: Database,
    people: dict[Role, UserRow],
    postbox: Postbox,
    settings: dict[str, str],
    apps: dict[str, FastAPI],
    tmp_path: Path,
) -> FastAPI:
    """The app, as one worker has it."""
    environment = {
        "CLINICDESK_SMTP_HOST": "127.0.0.1", "CLINICDESK_SMTP_PORT": str(postbox.port), "CLINICDESK_SMTP_TLS": "off",
        "CLINICDESK_PUBLIC_URL": "https://desk.example", "CLINICDESK_DOCUMENTS_DIR": str(tmp_path / "documents"), **settings,
    }  # fmt: skip
    serving = serve_from(load_settings(environment), db, lambda: None)
    app = apps.setdefault(settings.get("CLINICDESK_CORS_ORIGINS", ""), create_app(serving))
    app.state.serving = serving
    return app


Knock = Callable[..., TestClient]


@pytest.fixture
def knock(server: FastAPI) -> Knock:
    """Clients: `knock(address)` is somebody at that address, who comes by https."""

    def client(address: str = "203.0.113.7") -> TestClient:
        return TestClient(server, "https://desk.example", client=(address, 40_000))

    return client


@pytest.fixture
def client(knock: Knock) -> TestClient:
    """Somebody who is not signed in."""
    return knock()


SignedIn = Callable[[Role], TestClient]


@pytest.fixture
def sign_in(knock: Knock) -> SignedIn:
    """`sign_in(role)` is a client with the access token of somebody with that role."""

    def signed_in(role: Role) -> TestClient:
        visitor = knock()
        answer = visitor.post("/api/v1/auth/login", json={"email": f"{role}@harbour.example", "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        visitor.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return visitor

    return signed_in


@pytest.fixture
def administrator_client(sign_in: SignedIn) -> TestClient:
    return sign_in(Role.ADMINISTRATOR)


# ---- a book with visits --------------------------------------------------------------------------------------------

VISITS = "/api/v1/appointments"


@dataclass(frozen=True)
class Book:
    """A clinic in Berlin with two doctors, at work from 8 to 18 each day. `mine` is the record of the patient who signs in."""

    lee: UUID
    okafor: UUID
    mine: UUID
    other: UUID
    follow_up: UUID

    def visit(self, start: str = "2026-11-24T09:00:00+01:00", minutes: int = 30, **more: Any) -> dict[str, Any]:
        who = {"patient_id": str(self.other), "practitioner_id": str(self.lee)}
        return {**who, "start": start, "minutes": minutes, **more}


@pytest.fixture
def book(db: Database, operator: Actor, people: dict[Role, UserRow], own_record: UUID) -> Book:
    hours = tuple(Shift(weekday, time(8), time(18)) for weekday in range(7))
    with db.write(operator) as tx:
        lee, okafor = (
            practitioners.save_practitioner(tx, SavePractitioner(name, "Grace")).id for name in ("Lee", "Okafor")
        )
        for doctor in (lee, okafor):
            practitioners.set_weekly_hours(tx, SetWeeklyHours(doctor, hours, date(2020, 1, 1)))
        other = patients.register(tx, RegisterPatient(Demographics(family="Jones", given="Ada"))).id
        kind = appointments.save_type(tx, SaveType("Follow-up", 20)).id
    return Book(lee, okafor, own_record, other, kind)


@pytest.fixture
def desk(sign_in: SignedIn, book: Book) -> TestClient:
    """Somebody at the desk."""
    return sign_in(Role.RECEPTIONIST)


@pytest.fixture
def patient(sign_in: SignedIn, book: Book) -> TestClient:
    """The patient whose record is `mine`."""
    return sign_in(Role.PATIENT)


def booked(client: TestClient, request: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(VISITS, json=request)
    assert answer.status_code == 201, answer.text
    visit: dict[str, Any] = answer.json()
    return visit


def change(client: TestClient, visit: dict[str, Any], path: str, body: Any = None) -> Any:
    return client.post(f"{VISITS}/{visit['id']}/{path}", json=body, headers={"If-Match": f'"{visit["version"]}"'})
