"""Measures ClinicDesk beside the limits of this machine and prints one table: `python -m tests.benchmarks`."""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import version

import sqlcipher3.dbapi2 as sqlcipher

from tests.benchmarks.report import FULL, QUICK, Measure, Scale, table

BENCHMARKS = {
    "start": "the desk from its start to a complete Today, its memory, a change of day, a search on the screen",
    "booking": "bookings and reads, and what they cost as the clinic grows",
    "http": "the server: bookings and reads through HTTP, and what they cost as the clinic grows",
    "race": "two desks that want the same time at once",
    "trail": "the verification of the audit trail",
    "search": "a keystroke in the patient search",
}
"""Modules of this package with `measure(scale)`, in the order of the table."""


def main() -> None:
    """Read the command line, measure, and print the table; progress goes to standard error."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="with little data, to see that it works; says nothing")
    about = "; ".join(f"{name}: {what}" for name, what in BENCHMARKS.items())
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=BENCHMARKS, metavar="NAME", help=about)
    options = parser.parse_args()
    measures: list[Measure] = []
    for name in options.only:
        began = time.monotonic()
        _say(f"{name}: {BENCHMARKS[name]}")
        measure: Callable[[Scale], Iterator[Measure]] = import_module(f"tests.benchmarks.{name}").measure
        measures += measure(QUICK if options.quick else FULL)
        _say(f"{name}: {time.monotonic() - began:.0f} s")
    print(table(measures))
    print(f"\n{machine()}")


def machine() -> str:
    """What it ran on, in one line."""
    cipher = sqlcipher.connect(":memory:").execute("PRAGMA cipher_version").fetchone()[0]
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores; Python {platform.python_version()}, "
        f"PySide6 {version('PySide6-Essentials')}, SQLAlchemy {version('SQLAlchemy')}, "
        f"SQLite {sqlcipher.sqlite_version} in SQLCipher {cipher}, SQLite {sqlite3.sqlite_version} for plain files"
    )


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
