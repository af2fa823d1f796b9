"""A desk at a server of several workers: one that dies in a push loses nothing, and who is cut off is so at each of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.sync import service as sync
from clinicdesk.features.sync.models import OpLedger
from tests.server.fleet import API, SLOT, Client, Fleet, StartFleet

_KILLS = 3
_OPS = 60


def enrolled(server: Fleet, administrator: Client) -> tuple[Client, str]:
    """A receptionist's desk that bears its token, and its id."""
    code = administrator.post("/sync/codes", {"name": "Desk 1", "roles": ["receptionist"]}).json()["code"]
    key, desk = Ed25519PrivateKey.generate(), server.stranger()
    public = key.public_key().public_bytes_raw().hex()
    id_ = desk.post("/sync/devices/enroll", {"code": code, "public_key": public}).json()["id"]
    asked = desk.post("/sync/devices/challenge", {"device_id": id_}).json()["challenge"]
    signature = key.sign(sync.to_sign(asked)).hex()
    answer = desk.post("/sync/devices/token", {"device_id": id_, "challenge": asked, "signature": signature})
    desk._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return desk, id_


def ops_of(server: Fleet) -> list[dict[str, Any]]:
    """A visit for each slot, in the order of the stream."""
    clinic, ops = server.clinic, []
    for n in range(_OPS):
        start = clinic.slot(n)
        new = {
            "patient_id": str(clinic.patients[n % len(clinic.patients)]), "practitioner_id": str(clinic.practitioners[0]),
            "start": start.isoformat(), "end": (start + SLOT).isoformat(), "status": "booked",
            "created_at": clinic.first_day.isoformat(),
        }  # fmt: skip
        ops.append(
            {
                "n": n + 1, "op_id": str(new_id()), "user_id": str(clinic.user_ids[Role.RECEPTIONIST]),
                "entity": "appointment", "id": str(new_id()), "action": "C", "wall_at": clinic.first_day.isoformat(),
                "new": new,
            }
        )  # fmt: skip
    return ops


def test_a_push_goes_on_where_a_worker_died_and_nothing_is_done_twice(fleet: StartFleet) -> None:
    server = fleet(workers=2)
    desk, _ = enrolled(server, server.client(Role.ADMINISTRATOR))
    hello = desk.get("/sync/hello").json()
    ops, stream = ops_of(server), str(new_id())

    def push_all() -> list[dict[str, Any]]:
        results = []
        for first in range(0, _OPS, 10):
            body = {
                "protocol": 1,
                "schema": 1,
                "epoch": hello["epoch"],
                "stream_id": stream,
                "ops": ops[first : first + 10],
            }
            answer = desk.post("/sync/push", body)
            assert answer.status_code == 200, answer.text
            results += answer.json()["results"]
        return results

    with ThreadPoolExecutor(1) as pool:
        pushing = pool.submit(push_all)
        for _ in range(_KILLS):
            if not pushing.done():
                server.kill_worker()
                server.await_ready()
        results = pushing.result()
    assert [one["op_id"] for one in results] == [op["op_id"] for op in ops]
    assert {one["outcome"] for one in results} == {"applied"}
    with server.database.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(Appointment)).scalar_one() == _OPS
        assert connection.execute(select(func.count()).select_from(OpLedger)).scalar_one() == _OPS


def test_a_desk_that_is_cut_off_is_refused_by_every_worker_at_its_next_call(fleet: StartFleet) -> None:
    server = fleet(workers=2)
    administrator = server.client(Role.ADMINISTRATOR)
    desk, id_ = enrolled(server, administrator)
    assert desk.get("/sync/hello").status_code == 200
    answer = administrator.insist("DELETE", f"{API}/sync/devices/{id_}", headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    others = [server.stranger() for _ in range(6)]  # connections of their own, which either worker takes
    for other in others:
        other._http.headers["Authorization"] = desk._http.headers["Authorization"]
        refused = other.get("/sync/hello")
        assert (refused.status_code, refused.json()["code"]) == (403, "device_revoked")
