"""Signing in over HTTP: who gets in, how long, and what ends it."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pyotp
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from starlette.types import Message

from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.audit import service as audit
from clinicdesk.features.audit.schemas import AuditQuery
from clinicdesk.features.users import service as users
from clinicdesk.features.users.models import KeptAnswer
from clinicdesk.features.users.schemas import UserRow
from tests.conftest import Hands
from tests.server.conftest import PASSWORD, Knock, Postbox, SignedIn

AUTH = "/api/v1/auth"
NEW_PASSWORD = "nine green kites over Ulm"
AGAIN = {"password": PASSWORD}
MARA = {
    "email": "mara.lindt@mail.example", "password": NEW_PASSWORD, "given_name": "Mara", "family_name": "Lindt",
}  # fmt: skip


def log_in(client: TestClient, email: str = "receptionist@harbour.example", password: str = PASSWORD) -> dict[str, Any]:
    answer = client.post(f"{AUTH}/login", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    session: dict[str, Any] = answer.json()
    return session


def bearing(client: TestClient, token: str) -> int:
    status: int = client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"}).status_code
    return status


def test_a_password_opens_a_session_and_the_access_token_says_who_acts(client: TestClient) -> None:
    session = log_in(client)
    assert session["token_type"] == "bearer"
    assert session["expires_in"] == 900
    me = client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {session['access_token']}"})
    assert me.json()["email"] == "receptionist@harbour.example"
    assert me.headers["ETag"] == '"1"'


def test_a_wrong_password_an_unknown_account_and_no_token_are_told_alike(client: TestClient) -> None:
    wrong = client.post(f"{AUTH}/login", json={"email": "nurse@harbour.example", "password": "not this one"})
    unknown = client.post(f"{AUTH}/login", json={"email": "nobody@harbour.example", "password": "not this one"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["code"] == unknown.json()["code"] == "sign_in_refused"
    nobody = client.get(f"{AUTH}/me")
    assert (nobody.status_code, nobody.json()["code"]) == (401, "not_signed_in")
    assert nobody.headers["WWW-Authenticate"] == "Bearer"


def test_an_access_token_lasts_a_quarter_of_an_hour(client: TestClient, clock: Hands) -> None:
    token = log_in(client)["access_token"]
    clock.now += timedelta(minutes=14)
    assert bearing(client, token) == 200
    clock.now += timedelta(minutes=2)
    assert bearing(client, token) == 401


def test_tokens_of_another_kind_or_made_up_are_no_access_tokens(client: TestClient) -> None:
    session = log_in(client)
    head, _, rest = session["access_token"].partition(".")
    for token in (session["refresh_token"], session["device_token"], f"{head}.{rest[:-6]}AAAAAA", "é", "."):
        assert bearing(client, token.encode("latin-1").decode("latin-1") if token.isascii() else "x") == 401


def test_a_refresh_token_is_replaced_by_each_use(client: TestClient, clock: Hands) -> None:
    first = log_in(client)
    clock.now += timedelta(days=6)
    second = client.post(f"{AUTH}/refresh", json={"refresh_token": first["refresh_token"]}).json()
    assert bearing(client, second["access_token"]) == 200
    clock.now += timedelta(days=6)
    third = client.post(f"{AUTH}/refresh", json={"refresh_token": second["refresh_token"]})
    assert third.status_code == 200


def test_a_used_refresh_token_ends_the_session_for_whoever_has_it(client: TestClient, clock: Hands) -> None:
    first = log_in(client)
    second = client.post(f"{AUTH}/refresh", json={"refresh_token": first["refresh_token"]}).json()
    stolen = client.post(f"{AUTH}/refresh", json={"refresh_token": first["refresh_token"]})  # and no device
    assert (stolen.status_code, stolen.json()["code"]) == (401, "session_ended")
    assert bearing(client, second["access_token"]) == 401
    assert client.post(f"{AUTH}/refresh", json={"refresh_token": second["refresh_token"]}).status_code == 401


def test_the_same_device_may_repeat_itself_for_a_minute(client: TestClient, clock: Hands) -> None:
    first = log_in(client)
    device = {"Clinicdesk-Device": first["device_token"]}
    lost = client.post(f"{AUTH}/refresh", json={"refresh_token": first["refresh_token"]}, headers=device).json()
    clock.now += timedelta(seconds=50)
    again = client.post(f"{AUTH}/refresh", json={"refresh_token": first["refresh_token"]}, headers=device).json()
    assert again["refresh_token"] == lost["refresh_token"]
    clock.now += timedelta(seconds=20)
    late = client.post(f"{AUTH}/refresh", json={"refresh_token": first["refresh_token"]}, headers=device)
    assert late.status_code == 401
    assert client.post(f"{AUTH}/refresh", json={"refresh_token": again["refresh_token"]}).status_code == 401


@pytest.mark.parametrize(("step", "steps"), [(8, 1), (6, 5)], ids=["idle for a week", "open for a month"])
def test_a_session_ends_by_itself(client: TestClient, clock: Hands, step: int, steps: int) -> None:
    token = log_in(client)["refresh_token"]
    for _ in range(steps - 1):
        clock.now += timedelta(days=step)
        token = client.post(f"{AUTH}/refresh", json={"refresh_token": token}).json()["refresh_token"]
    clock.now += timedelta(days=step, minutes=1)
    assert client.post(f"{AUTH}/refresh", json={"refresh_token": token}).status_code == 401


def test_signing_out_ends_the_access_token_too(client: TestClient) -> None:
    session = log_in(client)
    mine = {"Authorization": f"Bearer {session['access_token']}"}
    assert client.post(f"{AUTH}/logout", headers=mine).status_code == 204
    assert bearing(client, session["access_token"]) == 401
    assert client.post(f"{AUTH}/refresh", json={"refresh_token": session["refresh_token"]}).status_code == 401


def test_an_account_that_is_turned_on_again_signs_in_again(
    client: TestClient, db: Database, people: dict[Role, UserRow], operator: Actor
) -> None:
    stolen = log_in(client)
    row = people[Role.RECEPTIONIST]
    with db.write(operator) as tx:
        row = users.set_active(tx, row.id, row.version, active=False)
        users.set_active(tx, row.id, row.version, active=True)
    assert bearing(client, stolen["access_token"]) == 401
    assert client.post(f"{AUTH}/refresh", json={"refresh_token": stolen["refresh_token"]}).status_code == 401
    assert bearing(client, log_in(client)["access_token"]) == 200


def test_sessions_are_listed_and_one_elsewhere_can_be_ended(client: TestClient) -> None:
    here, there = log_in(client), log_in(client)
    client.headers["Authorization"] = f"Bearer {here['access_token']}"
    listed = client.get(f"{AUTH}/sessions").json()["items"]
    assert {one["id"]: one["current"] for one in listed} == {here["session_id"]: True, there["session_id"]: False}
    assert client.delete(f"{AUTH}/sessions/{there['session_id']}").status_code == 204
    assert bearing(client, there["access_token"]) == 401
    assert client.delete(f"{AUTH}/sessions/{there['session_id']}").status_code == 404


def test_sessions_are_listed_a_page_at_a_time(client: TestClient) -> None:
    ids = [log_in(client)["session_id"] for _ in range(5)]
    client.headers["Authorization"] = f"Bearer {log_in(client)['access_token']}"
    first = client.get(f"{AUTH}/sessions", params={"limit": 4, "total": True}).json()
    second = client.get(f"{AUTH}/sessions", params={"limit": 4, "cursor": first["next"]}).json()
    assert (first["total"], second["next"]) == (6, None)
    assert [one["id"] for one in first["items"] + second["items"]][1:] == ids[::-1]
    assert [one["current"] for one in first["items"]] == [True, False, False, False]


@pytest.mark.parametrize("settings", [{"CLINICDESK_LIMIT_SESSIONS": "3"}])
def test_the_session_that_was_used_longest_ago_gives_way_to_one_too_many(
    client: TestClient, knock: Knock, clock: Hands, db: Database, operator: Actor
) -> None:
    other = log_in(client, "nurse@harbour.example")
    desk, phone, tablet = (log_in(client) for _ in range(3))
    clock.now += timedelta(minutes=1)
    used = client.post(f"{AUTH}/refresh", json={"refresh_token": desk["refresh_token"]}).json()
    new = log_in(client)
    alive = [bearing(client, one["access_token"]) for one in (used, phone, tablet, new, other)]
    assert alive == [200, 401, 200, 200, 200]
    assert client.post(f"{AUTH}/refresh", json={"refresh_token": phone["refresh_token"]}).status_code == 401
    with db.write(operator) as tx:
        notes = {row.entity_id: row.note for row in audit.list_entries(tx, AuditQuery()).rows if row.note}
    assert notes[UUID(phone["session_id"])] == "too_many_sessions"


@pytest.mark.parametrize("settings", [{"CLINICDESK_LIMIT_DEVICE": "20"}])
def test_more_sessions_of_an_account_are_not_more_requests(client: TestClient, knock: Knock) -> None:
    sessions = [log_in(knock(f"198.51.100.{nth}")) for nth in range(4)]
    answers = [bearing(client, one["access_token"]) for one in sessions for _ in range(6)]
    assert answers == [200] * 20 + [429] * 4
    assert bearing(client, log_in(client, "nurse@harbour.example")["access_token"]) == 200


@pytest.mark.parametrize("settings", [{"CLINICDESK_LIMIT_DEVICE": "20", "CLINICDESK_LIMIT_ANONYMOUS": "8"}])
def test_more_devices_of_an_account_are_not_more_requests_of_nobody(client: TestClient, knock: Knock) -> None:
    devices = [log_in(knock(f"198.51.100.{nth}"))["device_token"] for nth in range(4)]
    asked = [client.get(f"{AUTH}/me", headers={"Clinicdesk-Device": one}).status_code for one in devices * 6]
    assert asked == [401] * 20 + [429] * 4


def test_nobody_ends_the_session_of_another(client: TestClient, sign_in: SignedIn) -> None:
    other = log_in(client)
    assert sign_in(Role.ADMINISTRATOR).delete(f"{AUTH}/sessions/{other['session_id']}").status_code == 404
    assert bearing(client, other["access_token"]) == 200


def test_an_account_that_is_turned_off_is_out_at_once(
    client: TestClient, db: Database, people: dict[Role, UserRow], operator: Actor
) -> None:
    session = log_in(client)
    row = people[Role.RECEPTIONIST]
    with db.write(operator) as tx:
        users.set_active(tx, row.id, row.version, active=False)
    answer = client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {session['access_token']}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "account_off")
    assert client.post(f"{AUTH}/refresh", json={"refresh_token": session["refresh_token"]}).status_code == 401


# ---- browsers ------------------------------------------------------------------------------------------------------


@pytest.fixture
def browser(client: TestClient) -> TestClient:
    """A browser that somebody has signed in with."""
    answer = client.post(
        f"{AUTH}/login", json={"email": "nurse@harbour.example", "password": PASSWORD, "cookies": True}
    )
    assert answer.json()["access_token"] is None
    for cookie in answer.headers.get_list("set-cookie"):
        assert {"HttpOnly", "Secure", "SameSite=strict"} <= {part.strip() for part in cookie.split(";")}
    return client


def test_a_browser_is_known_by_a_cookie_that_no_script_reads(browser: TestClient) -> None:
    assert browser.get(f"{AUTH}/me").json()["role"] == "nurse"


def test_a_write_by_cookie_comes_from_our_own_pages_alone(browser: TestClient) -> None:
    by_address = {"Authorization": "Basic c29tZTpib2R5"}  # what a browser makes of https://some:body@desk.example
    for origin in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}, by_address):
        refused = browser.post(f"{AUTH}/logout", headers=origin)
        assert (refused.status_code, refused.json()["code"]) == (403, "cross_site")
        assert browser.post(f"{AUTH}/refresh", headers=origin).status_code == 403
    ours = {"Origin": "https://desk.example"}
    assert browser.post(f"{AUTH}/refresh", headers=ours).status_code == 200
    assert browser.post(f"{AUTH}/logout", headers=ours).status_code == 204
    assert browser.get(f"{AUTH}/me").status_code == 401


# ---- locks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{"CLINICDESK_LIMIT_ANONYMOUS": "5000", "CLINICDESK_LIMIT_SIGN_INS": "5000"}])
def test_strangers_do_not_lock_a_desk_out_that_has_signed_in_before(knock: Knock) -> None:
    desk, stranger = knock("203.0.113.7"), knock("203.0.113.7")
    enrolled = log_in(desk)["device_token"]
    wrong = {"email": "receptionist@harbour.example", "password": "not this one"}
    codes = [stranger.post(f"{AUTH}/login", json=wrong).json()["code"] for _ in range(100)]
    assert codes[:4] == ["sign_in_refused"] * 4
    assert set(codes[4:]) == {"sign_in_locked"}
    right = {"email": "receptionist@harbour.example", "password": PASSWORD}
    assert stranger.post(f"{AUTH}/login", json=right).status_code == 429
    desk.headers["Clinicdesk-Device"] = enrolled
    assert desk.post(f"{AUTH}/login", json=right).status_code == 200


def test_guesses_are_limited_by_address(client: TestClient) -> None:
    guesses = [{"email": f"somebody{n}@harbour.example", "password": "not this one"} for n in range(11)]
    answers = [client.post(f"{AUTH}/login", json=guess) for guess in guesses]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert answers[-1].json()["code"] == "too_many_requests"
    assert int(answers[-1].headers["Retry-After"]) > 0


# ---- accounts that people open by themselves -----------------------------------------------------------------------


def test_whoever_registers_gets_in_and_proves_the_address_by_a_mail(client: TestClient, postbox: Postbox) -> None:
    answer = client.post(f"{AUTH}/register", json=MARA)
    assert answer.status_code == 201
    assert answer.json() == {"email": MARA["email"], "given_name": "Mara", "family_name": "Lindt"}
    token = log_in(client, MARA["email"], NEW_PASSWORD)["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    assert (
        client.get(f"{AUTH}/me").json() | {"role": "patient", "email_verified": False}
        == client.get(f"{AUTH}/me").json()
    )
    assert postbox.mails[0]["To"] == MARA["email"]
    link = {"token": postbox.token()}
    assert client.post(f"{AUTH}/email/verify", json=link).status_code == 204
    assert client.get(f"{AUTH}/me").json()["email_verified"] is True
    again = client.post(f"{AUTH}/email/verify", json=link)
    assert (again.status_code, again.json()["code"]) == (422, "link_not_right")


def test_registering_twice_is_answered_alike_and_changes_nothing(client: TestClient, postbox: Postbox) -> None:
    first = client.post(f"{AUTH}/register", json=MARA)
    second = client.post(f"{AUTH}/register", json=MARA | {"password": "eleven other words to say"})
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert "already" in postbox.mails[1]["Subject"]
    log_in(client, MARA["email"], NEW_PASSWORD)


def test_a_verification_is_sent_again_to_those_who_lack_one_and_nobody_is_told(
    client: TestClient, postbox: Postbox, clock: Hands
) -> None:
    client.post(f"{AUTH}/register", json=MARA)
    old = postbox.token()
    for email in (MARA["email"], "nobody@mail.example"):
        answer = client.post(f"{AUTH}/email/resend", json={"email": email})
        assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    assert len(postbox.mails) == 2
    assert client.post(f"{AUTH}/email/verify", json={"token": old}).status_code == 422
    clock.now += timedelta(days=3)
    assert client.post(f"{AUTH}/email/verify", json={"token": postbox.token()}).status_code == 422


def test_whether_there_is_an_account_is_looked_up_behind_the_answer(server: FastAPI, db: Database) -> None:
    answered_at: list[int] = []

    def written() -> int:
        with db.engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(AuditEntry)) or 0

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered_at.append(written())

    before = written()
    transport = {"type": "http", "http_version": "1.1", "scheme": "https", "query_string": b"", "root_path": ""}
    for path in ("password/forgot", "email/resend"):
        body = {"type": "http.request", "body": b'{"email": "receptionist@harbour.example"}', "more_body": False}

        async def receive(body: Message = body) -> Message:
            return body

        asking = server(
            {
                **transport, "method": "POST", "path": f"{AUTH}/{path}", "raw_path": f"{AUTH}/{path}".encode(),
                "headers": [(b"host", b"desk.example"), (b"content-type", b"application/json")],
                "client": ("203.0.113.7", 40_000), "server": ("desk.example", 443), "app": server,
            },
            receive,
            send,
        )  # fmt: skip
        asyncio.run(asking)
        assert answered_at[-1] == before, "nothing was done for the account when the answer went out"
        assert written() > before
        before = written()


@pytest.mark.parametrize("email", ["receptionist@harbour.example", "nobody@mail.example"])
def test_nobodys_post_is_filled_by_whoever_asks_from_wherever(knock: Knock, postbox: Postbox, email: str) -> None:
    asked = [
        knock(f"203.0.113.{nth}").post(
            f"{AUTH}/{path}", json=MARA | {"email": email} if path == "register" else {"email": email}
        )
        for nth, path in enumerate(("register", "password/forgot", "email/resend") * 4)
    ]
    assert [answer.status_code for answer in asked[10:]] == [429, 429]
    assert all(answer.status_code < 300 for answer in asked[:10])
    assert len(postbox.mails) <= 10
    assert knock().post(f"{AUTH}/password/forgot", json={"email": MARA["email"]}).status_code == 202


@pytest.mark.parametrize("settings", [{"CLINICDESK_LIMIT_ANONYMOUS": "4"}])
def test_another_device_writes_no_more_mails_from_one_address(client: TestClient) -> None:
    client.headers["Clinicdesk-Device"] = log_in(client)["device_token"]
    mails = [{"email": f"somebody{nth}@mail.example"} for nth in range(5)]
    answers = [client.post(f"{AUTH}/password/forgot", json=mail) for mail in mails]
    assert [answer.status_code for answer in answers] == [202] * 4 + [429]


def test_a_lost_password_is_replaced_by_mail_which_ends_every_session(client: TestClient, postbox: Postbox) -> None:
    session = log_in(client)
    for email in ("receptionist@harbour.example", "nobody@mail.example"):
        answer = client.post(f"{AUTH}/password/forgot", json={"email": email})
        assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    assert len(postbox.mails) == 1
    weak = client.post(f"{AUTH}/password/reset", json={"token": postbox.token(), "password": "short"})
    assert (weak.status_code, weak.json()["code"], weak.json()["field"]) == (422, "password_too_short", "password")
    chosen = {"token": postbox.token(), "password": NEW_PASSWORD}
    assert client.post(f"{AUTH}/password/reset", json=chosen).status_code == 204
    assert client.post(f"{AUTH}/password/reset", json=chosen).status_code == 422
    assert bearing(client, session["access_token"]) == 401
    log_in(client, password=NEW_PASSWORD)


def test_a_changed_password_ends_the_sessions_elsewhere(client: TestClient) -> None:
    here, there = log_in(client), log_in(client)
    client.headers["Authorization"] = f"Bearer {here['access_token']}"
    answer = client.post(f"{AUTH}/password/change", json={"current": PASSWORD, "new": NEW_PASSWORD})
    assert answer.status_code == 200
    assert bearing(client, here["access_token"]) == 200
    assert bearing(client, there["access_token"]) == 401


def test_ones_own_name_is_changed_by_version(client: TestClient) -> None:
    client.headers["Authorization"] = f"Bearer {log_in(client)['access_token']}"
    assert client.put(f"{AUTH}/me", json={"name": "Sam Reyes"}).status_code == 428
    changed = client.put(f"{AUTH}/me", json={"name": "Sam Reyes"}, headers={"If-Match": '"1"'})
    assert (changed.json()["name"], changed.headers["ETag"]) == ("Sam Reyes", '"2"')
    late = client.put(f"{AUTH}/me", json={"name": "Samuel"}, headers={"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")


# ---- the second factor ---------------------------------------------------------------------------------------------


@pytest.fixture
def authenticator(client: TestClient, sign_in: SignedIn, clock: Hands) -> tuple[pyotp.TOTP, list[str]]:
    """The authenticator of a doctor who has turned the second factor on, and the recovery codes."""
    doctor = sign_in(Role.DOCTOR)
    enrolment = doctor.post(f"{AUTH}/second-factor", json=AGAIN).json()
    parsed = pyotp.parse_uri(enrolment["address"])
    assert isinstance(parsed, pyotp.TOTP)
    confirmed = doctor.post(f"{AUTH}/second-factor/confirm", json={"code": parsed.at(clock.now)})
    assert confirmed.status_code == 200, confirmed.text
    clock.now += timedelta(seconds=30)
    return parsed, confirmed.json()["codes"]


def test_a_secret_that_was_answered_once_is_in_no_table(sign_in: SignedIn, db: Database) -> None:
    doctor, key = sign_in(Role.DOCTOR), {"Idempotency-Key": "key-00000009"}
    enrolment = doctor.post(f"{AUTH}/second-factor", json=AGAIN, headers=key).json()
    assert doctor.post(f"{AUTH}/second-factor", json=AGAIN, headers=key).json() == enrolment, (
        "a repeat gets the first answer"
    )
    with db.engine.connect() as connection:
        kept = connection.execute(select(KeptAnswer.body)).scalar_one()
    assert enrolment["secret"].encode() not in kept


def test_an_open_desk_is_not_enough_to_set_up_an_authenticator(sign_in: SignedIn, clock: Hands) -> None:
    doctor = sign_in(Role.DOCTOR)
    assert doctor.post(f"{AUTH}/second-factor").status_code == 422
    wrong = [doctor.post(f"{AUTH}/second-factor", json={"password": f"not this {nth}"}) for nth in range(6)]
    assert [(one.status_code, one.json()["code"]) for one in wrong[:4]] == [(403, "own_password_wrong")] * 4
    assert [(one.status_code, one.json()["code"]) for one in wrong[4:]] == [(429, "sign_in_locked")] * 2
    assert doctor.post(f"{AUTH}/second-factor", json=AGAIN).status_code == 429
    clock.now += timedelta(minutes=14, seconds=30)
    assert doctor.post(f"{AUTH}/second-factor", json=AGAIN).status_code == 429
    sign_in(Role.DOCTOR)


def test_the_first_code_is_not_guessed(sign_in: SignedIn, clock: Hands) -> None:
    doctor = sign_in(Role.DOCTOR)
    totp = pyotp.TOTP(doctor.post(f"{AUTH}/second-factor", json=AGAIN).json()["secret"])
    wrong = [doctor.post(f"{AUTH}/second-factor/confirm", json={"code": "000 000"}) for _ in range(5)]
    assert [one.status_code for one in wrong] == [422] * 4 + [429]
    assert wrong[0].json()["code"] == "code_not_right"
    right = {"code": totp.at(clock.now)}
    assert doctor.post(f"{AUTH}/second-factor/confirm", json=right).status_code == 429


def test_new_recovery_codes_need_the_password_as_well(
    client: TestClient, authenticator: tuple[pyotp.TOTP, list[str]], clock: Hands
) -> None:
    code = {"ticket": ticket(client), "code": authenticator[1][0]}
    token = client.post(f"{AUTH}/login/code", json=code).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    renew = f"{AUTH}/second-factor/recovery-codes"
    one, other = authenticator[1][1:3]
    assert client.post(renew, json={"code": one}).status_code == 422
    wrong = client.post(renew, json={"password": "not this one", "code": one})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "own_password_wrong")
    assert client.post(renew, json=AGAIN | {"code": "000000"}).status_code == 401
    renewed = client.post(renew, json=AGAIN | {"code": one})
    assert (renewed.status_code, len(renewed.json()["codes"])) == (200, 10)
    assert client.post(f"{AUTH}/second-factor/disable", json={"code": other}).status_code == 401


def test_no_quick_digest_of_a_password_is_kept(administrator_client: TestClient, db: Database) -> None:
    new = {"email": "x@y.example", "name": "X", "role": "nurse", "password": NEW_PASSWORD}
    body, key = json.dumps(new).encode(), {"Idempotency-Key": "key-00000010", "Content-Type": "application/json"}
    assert administrator_client.post("/api/v1/users", content=body, headers=key).status_code == 201
    guess = sha256(b"POST /api/v1/users? \n" + body).digest()
    with db.engine.connect() as connection:
        kept = connection.execute(select(KeptAnswer.fingerprint)).scalar_one()
    assert kept not in (guess, sha256(guess + b"administrator None").digest())


def ticket(client: TestClient) -> str:
    answer = client.post(f"{AUTH}/login", json={"email": "doctor@harbour.example", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_required")
    given: str = answer.json()["ticket"]
    return given


def test_with_a_second_factor_the_password_is_half_the_way(
    client: TestClient, authenticator: tuple[pyotp.TOTP, list[str]], clock: Hands
) -> None:
    code = authenticator[0].at(clock.now)
    half = ticket(client)
    assert bearing(client, half) == 401
    done = client.post(f"{AUTH}/login/code", json={"ticket": half, "code": code})
    assert done.status_code == 200
    assert bearing(client, done.json()["access_token"]) == 200
    replayed = client.post(f"{AUTH}/login/code", json={"ticket": ticket(client), "code": code})
    assert (replayed.status_code, replayed.json()["code"]) == (401, "code_not_right")


def test_a_recovery_code_works_once(client: TestClient, authenticator: tuple[pyotp.TOTP, list[str]]) -> None:
    code = authenticator[1][3]
    assert client.post(f"{AUTH}/login/code", json={"ticket": ticket(client), "code": code}).status_code == 200
    assert client.post(f"{AUTH}/login/code", json={"ticket": ticket(client), "code": code}).status_code == 401


def test_wrong_codes_lock_whatever_the_password(
    client: TestClient, authenticator: tuple[pyotp.TOTP, list[str]], clock: Hands
) -> None:
    for _ in range(5):
        answer = client.post(f"{AUTH}/login/code", json={"ticket": ticket(client), "code": "000 000"})
    assert (answer.status_code, answer.json()["code"]) == (429, "sign_in_locked")
    right = {"ticket": ticket(client), "code": authenticator[0].at(clock.now)}
    assert client.post(f"{AUTH}/login/code", json=right).status_code == 429
    clock.now += timedelta(minutes=16)
    right = {"ticket": ticket(client), "code": authenticator[0].at(clock.now)}
    assert client.post(f"{AUTH}/login/code", json=right).status_code == 200


def test_a_ticket_lasts_five_minutes(
    client: TestClient, authenticator: tuple[pyotp.TOTP, list[str]], clock: Hands
) -> None:
    half = ticket(client)
    clock.now += timedelta(minutes=6)
    answer = client.post(f"{AUTH}/login/code", json={"ticket": half, "code": authenticator[0].at(clock.now)})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


def test_a_ticket_is_worth_nothing_once_the_password_is_another(
    client: TestClient, authenticator: tuple[pyotp.TOTP, list[str]], people: dict[Role, UserRow], db: Database,
    operator: Actor, clock: Hands,
) -> None:  # fmt: skip
    half = {"ticket": ticket(client), "code": authenticator[0].at(clock.now)}
    with db.write(operator) as tx:
        users.reset_password(tx, people[Role.DOCTOR].id, NEW_PASSWORD)
    answer = client.post(f"{AUTH}/login/code", json=half)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


def test_the_second_factor_is_turned_off_by_a_code_or_by_an_administrator(
    client: TestClient,
    authenticator: tuple[pyotp.TOTP, list[str]],
    sign_in: SignedIn,
    people: dict[Role, UserRow],
    clock: Hands,
) -> None:
    administrator = sign_in(Role.ADMINISTRATOR)
    user: UUID = people[Role.DOCTOR].id
    assert administrator.delete(f"/api/v1/users/{user}/second-factor").status_code == 204
    doctor = sign_in(Role.DOCTOR)
    assert doctor.post(f"{AUTH}/second-factor/disable", json={"code": "000000"}).status_code == 409
    secret = doctor.post(f"{AUTH}/second-factor", json=AGAIN).json()["secret"]
    first = pyotp.TOTP(secret).at(clock.now)
    codes = doctor.post(f"{AUTH}/second-factor/confirm", json={"code": first}).json()["codes"]
    assert doctor.post(f"{AUTH}/second-factor/disable", json={"code": first}).status_code == 401
    renewed = doctor.post(f"{AUTH}/second-factor/recovery-codes", json=AGAIN | {"code": codes[0]}).json()["codes"]
    assert doctor.post(f"{AUTH}/second-factor/disable", json={"code": codes[1]}).status_code == 401
    assert doctor.post(f"{AUTH}/second-factor/disable", json={"code": renewed[1]}).status_code == 204
    sign_in(Role.DOCTOR)
