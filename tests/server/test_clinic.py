"""The clinic over HTTP: its settings, places, kinds of visit, holidays and closures."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from clinicdesk.core.permissions import Role
from tests.server.conftest import SignedIn

CLINIC = "/api/v1/clinic"


def test_anybody_may_know_the_name_and_the_zone(sign_in: SignedIn) -> None:
    answer = sign_in(Role.PATIENT).get(CLINIC)
    assert answer.json() == {"name": "Harbour Street Clinic", "zone": "Europe/Berlin", "country": ""}


def test_settings_are_changed_by_the_version_that_was_read(administrator_client: TestClient) -> None:
    path = f"{CLINIC}/settings"
    read = administrator_client.get(path)
    values = {name: value for name, value in read.json().items() if name != "version"}
    values["wait_target_minutes"] = 20
    changed = administrator_client.put(path, json=values, headers={"If-Match": read.headers["ETag"]})
    assert (changed.json()["wait_target_minutes"], changed.headers["ETag"]) == (20, '"2"')
    assert administrator_client.put(path, json=values, headers={"If-Match": read.headers["ETag"]}).status_code == 412
    for name, wrong in (("zone", "Berlin"), ("lockout_failures", 10**30), ("country", "x\u0001"), ("name", " ")):
        refused = administrator_client.put(path, json={**values, name: wrong}, headers={"If-Match": '"2"'})
        assert (refused.status_code, refused.json()["field"]) == (422, name)


@pytest.mark.parametrize("kind", ["sites", "rooms"])
def test_places_are_added_changed_and_turned_off(administrator_client: TestClient, kind: str) -> None:
    path = f"{CLINIC}/{kind}"
    values: dict[str, Any] = {"name": "The <i>one</i>"}
    if kind == "rooms":
        values["site_id"] = administrator_client.post(f"{CLINIC}/sites", json={"name": "Hill"}).json()["id"]
    added = administrator_client.post(path, json=values)
    assert (added.status_code, added.json()["name"], added.headers["ETag"]) == (201, "The <i>one</i>", '"1"')
    one = f"{path}/{added.json()['id']}"
    assert administrator_client.put(one, json=values).status_code == 428
    off = administrator_client.put(one, json={**values, "active": False}, headers={"If-Match": '"1"'})
    assert (off.status_code, off.json()["active"]) == (200, False)
    assert added.json()["id"] not in {row["id"] for row in administrator_client.get(path).json()}
    inactive = {"inactive": True}
    assert added.json()["id"] in {row["id"] for row in administrator_client.get(path, params=inactive).json()}


def test_holidays_are_loaded_changed_and_removed(administrator_client: TestClient) -> None:
    path = f"{CLINIC}/holidays"
    public = {"country": "de", "year": 2027, "subdivision": "BY"}
    assert administrator_client.post(f"{path}/public", json=public).json()["added"] > 8
    assert administrator_client.post(f"{path}/public", json=public).json() == {"added": 0}
    unknown = administrator_client.post(f"{path}/public", json={"country": "X\"'", "year": 2027})
    assert (unknown.status_code, unknown.json()["field"]) == (422, "country")
    saved = administrator_client.put(path, json={"day": "2027-12-24", "name": "Christmas Eve"})
    assert saved.json()["closed"] is True
    days = {"from": "2027-12-24", "to": "2027-12-25"}
    assert [row["day"] for row in administrator_client.get(path, params=days).json()] == ["2027-12-24", "2027-12-25"]
    assert administrator_client.delete(f"{path}/{saved.json()['id']}").status_code == 204
    assert [row["day"] for row in administrator_client.get(path, params=days).json()] == ["2027-12-25"]


def test_the_whole_clinic_is_closed_for_a_time(administrator_client: TestClient) -> None:
    path, about = f"{CLINIC}/absences", {"from": "2026-12-04T00:00:00Z", "to": "2026-12-05T00:00:00Z"}
    new = {"kind": "block", "start": "2026-12-04T14:00:00+01:00", "end": "2026-12-04T18:00:00+01:00"}
    added = administrator_client.post(path, json=new).json()
    assert added["practitioner_id"] is None
    assert administrator_client.get(path, params=about).json() == [added]
    assert administrator_client.delete(f"{path}/{added['id']}").status_code == 204
    assert administrator_client.get(path, params=about).json() == []
    assert administrator_client.post(f"{path}/{added['id']}/restore").status_code == 204
    assert administrator_client.get(path, params=about).json() == [added]
    backwards = administrator_client.post(path, json={**new, "end": new["start"]})
    assert (backwards.status_code, backwards.json()["field"]) == (422, "end")
