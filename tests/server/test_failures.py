"""The server goes on: a worker that is killed, a database and a Redis that go away and come back, with people at work."""

from __future__ import annotations

from clinicdesk.core.permissions import Role
from tests.server.fleet import ROLES, StartFleet


def test_people_of_each_role_sign_in_at_any_worker(fleet: StartFleet) -> None:
    server = fleet(workers=2)
    assert len(server.workers()) == 2
    for role in ROLES:
        with server.client(role) as somebody:
            assert {somebody.get("/auth/me").json()["role"] for _ in range(4)} == {role.value}
    with server.stranger(Role.NURSE) as nobody:
        assert nobody.get("/auth/me").status_code == 401
    assert server.stop() == 0


def test_a_worker_that_is_killed_is_replaced(fleet: StartFleet) -> None:
    server = fleet(workers=2)
    before = server.workers()
    victim = server.kill_worker()
    server.await_ready()
    assert victim not in server.workers()
    assert len(set(before) & set(server.workers())) == 1
    with server.client() as desk:
        assert desk.get("/auth/me").status_code == 200


def test_a_server_with_a_database_of_its_own_is_there_for_others_to_hurt(frail_fleet: StartFleet) -> None:
    server = frail_fleet()
    assert server.postgres is not None
    assert server.redis is not None
    with server.client() as desk:
        server.postgres.restart()
        server.redis.restart()
        assert desk.get("/auth/me").status_code == 200
