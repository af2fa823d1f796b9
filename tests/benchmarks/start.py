"""The desk beside an empty window: its start, its memory, a change of day, a search. Both run in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import sqlalchemy as sa

from clinicdesk.core.clock import utc_now
from clinicdesk.core.keys import KEYRING_SETTING
from clinicdesk.core.permissions import Role
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.users import passwords, service
from clinicdesk.features.users.schemas import AddUser
from clinicdesk.opening import open_clinic, operator
from tests.benchmarks import clinic, people
from tests.benchmarks.report import Aim, Measure, Scale, percentile
from tests.benchmarks.session import EMAIL, PASSWORD

_FEW_PATIENTS = 1_000
_DAYS_OF_VISITS = 40
_PATIENCE = 120
"""Seconds after which a desk that does not come to its end is given up."""


def measure(scale: Scale) -> Iterator[Measure]:
    """The desk with few patients and with many. What bcrypt takes by intention is left out: the account's hash is a cheap one."""
    many = scale.patients[0]
    with tempfile.TemporaryDirectory() as folder:
        for count in (_FEW_PATIENTS, many):
            _make(Path(folder, str(count)), count)
        _run("bare_window"), _run("session", Path(folder, str(many)))  # what is compiled once is compiled now
        bare = []
        runs: dict[int, list[dict[str, Any]]] = {_FEW_PATIENTS: [], many: []}
        for _ in range(scale.starts):
            bare.append(_run("bare_window"))
            for count, found in runs.items():
                found.append(_run("session", Path(folder, str(count))))
    empty = median(run["complete"] for run in bare)
    for count, found in runs.items():
        ours = median(run["complete"] for run in found)
        what = f"start, sign-in typed at once, to a complete Today, {count:,} patients (limit: an empty window)"
        yield Measure(what, ours, empty, "ms", Aim(most_ratio=3))
    asked = median(run["asked"] for run in runs[many])
    yield Measure("… of it until it asks who sits down", asked, empty, "ms")
    given = median(run["complete"] - run["given"] for run in runs[many])
    yield Measure("… of it from the password to a complete Today", given, None, "ms")
    at_start, at_end, least = (
        median(run[name] / 1024 for run in found)
        for found, name in ((runs[many], "start_peak"), (runs[many], "peak"), (bare, "peak"))
    )
    yield Measure(
        f"peak memory at a complete Today, {many:,} patients (limit: an empty window)", at_start, least, "MiB"
    )
    yield Measure("… and after 20 days and 5 searches", at_end, least, "MiB", Aim(most=150))
    yield from _on_screen(runs[many], bare)


def _on_screen(desks: list[dict[str, Any]], bare: list[dict[str, Any]]) -> Iterator[Measure]:
    spent = [day[0] * 1e3 for run in desks for day in run["days"]]
    until = [day[1] * 1e3 for run in desks for day in run["days"]]
    least = median(day * 1e3 for run in bare for day in run["days"])
    what = "change of day, 10 practitioners, 300 visits: processor time of the main thread"
    yield Measure(f"{what} (limit: 300 boxes, 600 texts)", median(spent), least, "ms", Aim(most=16))
    yield Measure("… until it is painted, p95", percentile(until, 0.95), None, "ms")
    keys = [key[1] * 1e3 for run in desks for key in run["keys"]]
    least = median(key * 1e3 for run in bare for key in run["keys"])
    what = "search on the screen, a key to the painted list"
    yield Measure(f"{what}, p50 (limit: a plain list of 50 rows)", median(keys), least, "ms")
    yield Measure(f"{what}, p95", percentile(keys, 0.95), None, "ms", Aim(most=50))


def _make(folder: Path, patients: int) -> None:
    """A clinic's data folder with so many patients, 300 visits on each of the last days and today, and a receptionist."""
    os.environ[KEYRING_SETTING] = "off"
    rounds, passwords.ROUNDS = passwords.ROUNDS, 4
    try:
        with open_clinic(folder) as opened:
            database = opened.database
            with database.write(operator("benchmark")) as tx:
                service.add_user(tx, AddUser(EMAIL, "Some receptionist", Role.RECEPTIONIST, PASSWORD))
            people.fill(database, patients)
            with database.engine.connect() as connection:
                ids = list(connection.scalars(sa.select(Patient.id)))
            visits = clinic.PRACTITIONERS * clinic.A_DAY * _DAYS_OF_VISITS
            clinic.fill(database, ids, visits, _first_visit())
    finally:
        passwords.ROUNDS = rounds


def _first_visit() -> datetime:
    """Three hours ago, so that the day is in sight whenever this runs, as far as its 30 visits keep within today."""
    now = utc_now().astimezone(clinic.ZONE)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return min(
        max(now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=3), midnight), midnight.replace(hour=14)
    )


def _run(module: str, *arguments: Path) -> dict[str, Any]:
    """Run a module of this package, and give what it prints; its instants in milliseconds since it was started."""
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", KEYRING_SETTING: "off"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *map(str, arguments)]
    began = time.monotonic_ns()
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=_PATIENCE)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found | {name: (found[name] - began) / 1e6 for name in ("asked", "given", "complete") if name in found}
