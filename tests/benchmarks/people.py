"""Many made-up patients for benchmarks, quickly: a few names are common and most are rare, as among real people."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import insert
from sqlalchemy.orm import Session

from clinicdesk.core.clock import utc_now
from clinicdesk.core.ids import new_id
from clinicdesk.core.tx import Database
from clinicdesk.features.patients.index import rebuild_index
from clinicdesk.features.patients.models import Patient

FAMILIES = 70_000
GIVENS = 20_000
"""Different names to draw from: 100,000 patients have some 50,000 different words between them."""
_COMMON_FAMILIES = (
    "smith johnson garcia miller brown jones davis müller martin lee schmidt rossi novák silva nguyen kim wilson anderson "
    "thomas taylor moore jackson white harris lewis walker o'brien hernández lópez gonzález smithson"
)
_COMMON_GIVENS = (
    "maria james anna john mary michael josé david elena peter sarah thomas julia daniel laura ahmed olga mark jürgen zoë "
    "joão wei marie paul lucas emma noah mohamed fatima robert"
)
_ONSETS = "b br c ch d dr f g gr h j k kl l m n p pr r s sch st t tr v w z"
_BATCH = 20_000


def _coined(rng: random.Random, count: int, endings: list[str]) -> list[str]:
    """Different pronounceable names, in a fixed order for a seed."""
    onsets = [
        "b",
        "br",
        "c",
        "ch",
        "d",
        "dr",
        "f",
        "g",
        "gr",
        "h",
        "j",
        "k",
        "kl",
        "l",
        "m",
        "n",
        "p",
        "pr",
        "r",
        "s",
        "sch",
        "st",
        "t",
        "tr",
        "v",
        "w",
        "z",
    ]
    vowels = ["a", "e", "i", "o", "u", "ai", "ei", "ou", "ia"]
    codas = ["", "", "n", "r", "l", "s", "m", "ck", "nd", "rt"]
    coined: dict[str, None] = {}
    while len(coined) < count:
        syllables = (
            rng.choice(onsets) + rng.choice(vowels) + rng.choice(codas) for _ in range(rng.choice((1, 2, 2, 2)))
        )
        coined["".join(syllables) + rng.choice(endings)] = None
    return list(coined)


def _zipf(count: int) -> list[float]:
    """Cumulative weights under which the first name has about one in a hundred people."""
    return list(itertools.accumulate(1 / (rank + 12) ** 0.95 for rank in range(count)))


def made_up(count: int, seed: int = 1) -> Iterator[dict[str, object]]:
    """Columns of `count` patients; the same ones for the same seed."""
    rng = random.Random(seed)
    families = [*_COMMON_FAMILIES.split(), *_coined(rng, FAMILIES, ["", "son", "er", "ski", "ez", "man", "o"])]
    givens = [*_COMMON_GIVENS.split(), *_coined(rng, GIVENS, ["", "a", "o", "ine", "us"])]
    by_family, by_given = _zipf(len(families)), _zipf(len(givens))
    now, earliest = utc_now(), date(1930, 1, 1)
    blank = dict.fromkeys(
        ("prefix", "suffix", "birth_family", "other_names", "pronouns", "state", "country", "language", "desk_notes"),
        "",
    )
    family_names = rng.choices(families, cum_weights=by_family, k=count)
    given_names = rng.choices(givens, cum_weights=by_given, k=count)
    for at, (family, given) in enumerate(zip(family_names, given_names, strict=True), start=1):
        yield {
            **blank,
            "id": new_id(),
            "version": 1,
            "number": f"HS-{at:05d}",
            "family": family.title(),
            "given": given.title(),
            "birth_date": earliest + timedelta(days=rng.randrange(34_000)),
            "gender": rng.choice(("female", "male")),
            "deceased": False,
            "deceased_on": None,
            "phone": f"0{rng.randrange(20, 999)} {rng.randrange(10**6, 10**8)}" if rng.random() < 0.5 else "",
            "mobile": f"+49 1{rng.randrange(50, 79)} {rng.randrange(10**7, 10**8)}",
            "email": "",
            "address": f"{rng.randrange(1, 200)} Harbour Street",
            "city": "Harbourside",
            "postal_code": str(rng.randrange(10_000, 99_999)),
            "allergies_checked_on": None,
            "identifiers": "",
            "active": True,
            "created_at": now,
        }


def fill(database: Database, count: int) -> None:
    """Put `count` made-up patients and their search index into an empty, migrated database."""
    people = made_up(count)
    with database.engine.begin() as connection:
        while batch := list(itertools.islice(people, _BATCH)):
            connection.execute(insert(Patient.__table__), batch)  # type: ignore[arg-type]
    with Session(database.engine) as session, session.begin():
        rebuild_index(session)
