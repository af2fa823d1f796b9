"""Recurring visits over HTTP: booked together, or refused with every day that does not fit, and changed from one on."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.server.conftest import VISITS, Book, booked, change

SERIES = f"{VISITS}/series"


def request(book: Book, **more: Any) -> dict[str, Any]:
    return {**book.visit(), "repeat": {"frequency": "weekly", "count": 3}, **more}


def test_a_series_is_booked_opened_and_cancelled(desk: TestClient, patient: TestClient, book: Book) -> None:
    made = desk.post(SERIES, json=request(book, patient_id=str(book.mine)))
    assert made.status_code == 201, made.text
    assert [one["start"] for one in made.json()["visits"]] == [
        "2026-11-24T08:00:00Z", "2026-12-01T08:00:00Z", "2026-12-08T08:00:00Z",
    ]  # fmt: skip
    series = made.json()["series"]
    assert series["rrule"] == "FREQ=WEEKLY;BYDAY=TU;COUNT=3"
    for client in (desk, patient):
        assert len(client.get(f"{SERIES}/{series['id']}").json()["visits"]) == 3
    second = made.json()["visits"][1]
    changed = change(desk, second, "series", {"scope": "following", "at": "15:00", "minutes": 45}).json()
    assert [one["start"] for one in changed["visits"]] == ["2026-12-01T14:00:00Z", "2026-12-08T14:00:00Z"]
    off = change(desk, changed["visits"][0], "series/cancel", {"scope": "all", "reason": "pat"}).json()
    assert {one["status"] for one in off["visits"]} == {"cancelled"}
    late = change(desk, second, "series/cancel", {"scope": "one", "reason": "pat"})
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")


def test_every_day_that_does_not_fit_is_named(desk: TestClient, book: Book) -> None:
    booked(desk, book.visit("2026-12-01T09:00:00+01:00", patient_id=str(book.mine)))
    refused = desk.post(SERIES, json=request(book))
    assert (refused.status_code, refused.json()["code"]) == (409, "series_does_not_fit")
    [clash] = refused.json()["clashes"]
    assert (clash["day"], clash["code"], clash["cause"]) == ("2026-12-01", "slot_taken", "practitioner")
    made = desk.post(SERIES, json=request(book, on_clash="skip")).json()
    assert ([one["day"] for one in made["skipped"]], len(made["visits"])) == (["2026-12-01"], 2)


def test_a_series_is_put_back_as_one(desk: TestClient, book: Book) -> None:
    made = desk.post(SERIES, json=request(book))
    undone = desk.post(f"{VISITS}/undo", json={"unit_id": made.headers["Clinicdesk-Unit"]}).json()
    assert [one["status"] for one in undone["visits"]] == ["entered-in-error"] * 3


@pytest.mark.parametrize(
    ("repeat", "field"),
    [
        ({}, "repeat.frequency"),
        ({"frequency": "hourly", "count": 1}, "repeat.frequency"),
        ({"frequency": "daily"}, "repeat.count"),
        ({"frequency": "daily", "count": 10**9}, "repeat.count"),
        ({"frequency": "daily", "count": 1, "interval": 0}, "repeat.interval"),
        ({"frequency": "daily", "until": "9999-12-31"}, "repeat.until"),
        ({"frequency": "daily", "until": "2199-12-31"}, "repeat.until"),
        ({"frequency": "weekly", "count": 1, "weekdays": [9]}, "repeat.weekdays[0]"),
        ({"frequency": "monthly", "count": 1, "nth": 0, "weekdays": [1]}, "repeat.nth"),
        ({"frequency": "yearly", "count": 300}, "repeat.count"),
    ],
)
def test_a_rule_that_cannot_be_right_is_refused_by_name(
    desk: TestClient, book: Book, repeat: dict[str, Any], field: str
) -> None:
    answer = desk.post(SERIES, json=request(book, repeat=repeat))
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_patient_books_no_series(patient: TestClient, desk: TestClient, book: Book) -> None:
    assert patient.post(SERIES, json=request(book, patient_id=str(book.mine))).status_code == 403
    theirs = desk.post(SERIES, json=request(book)).json()["series"]["id"]
    assert patient.get(f"{SERIES}/{theirs}").json()["code"] == "not_own_record"
