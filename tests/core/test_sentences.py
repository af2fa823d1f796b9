"""Every error code that the program can give has a sentence, and a sentence asks only for what its errors carry."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from clinicdesk.core import files, tx
from clinicdesk.core.errors import InvalidInput, NotFound, RateLimited, Unavailable
from clinicdesk.core.sentences import SENTENCES, english

TREES = [ast.parse(file.read_bytes()) for file in (Path(__file__).resolve().parents[2] / "clinicdesk").rglob("*.py")]
NODES = [node for tree in TREES for node in ast.walk(tree)]


def name_of(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def error_classes() -> dict[str, ast.ClassDef | None]:
    """The classes of the family, by name, wherever in the source they stand."""
    family: dict[str, ast.ClassDef | None] = {"ClinicError": None}
    classes = [node for node in NODES if isinstance(node, ast.ClassDef)]
    while found := {c.name: c for c in classes if c.name not in family and any(name_of(b) in family for b in c.bases)}:
        family |= found
    return family


def words_of(node: ast.expr) -> list[str]:
    """The code that an expression can be: a constant, or either side of a choice."""
    if isinstance(node, ast.IfExp):
        return words_of(node.body) + words_of(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def codes() -> dict[str, list[set[str]]]:
    """Each code in the source, with the names of the parameters that each place gives it."""
    family = error_classes()
    found: dict[str, list[set[str]]] = defaultdict(list)
    for node in NODES:
        if isinstance(node, ast.Call) and name_of(node.func) in family and node.args:
            names = {keyword.arg for keyword in node.keywords if keyword.arg}
            for code in words_of(node.args[0]):
                found[code].append(names)
    for definition in family.values():
        for statement in definition.body if definition else []:
            if isinstance(statement, ast.Assign) and name_of(statement.targets[0]) == "code":
                found[ast.literal_eval(statement.value)].extend([])
    for code in {*tx._SIGNS.values(), *tx._STATES.values(), *files._REFUSALS.values()}:
        found[code].append(set())
    return found


CODES = codes()


def test_the_codes_of_the_source_are_found() -> None:
    assert {"slot_taken", "key_missing", "disk_full", "not_permitted", "changed_meanwhile"} <= CODES.keys()


def test_every_code_has_a_sentence() -> None:
    assert sorted(CODES.keys() - SENTENCES.keys()) == []


def test_a_sentence_asks_only_for_what_every_error_of_its_code_carries() -> None:
    asked = {code: set(re.findall(r"{(\w+)}", sentence)) for code, sentence in SENTENCES.items()}
    short = [code for code, places in CODES.items() if any(asked.get(code, set()) - given for given in places)]
    assert sorted(short) == []


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_a_sentence_is_calm_and_whole(code: str) -> None:
    sentence = SENTENCES[code]
    assert sentence[0].isupper() or sentence[0] == "{"
    assert "!" not in sentence
    assert not re.search(r"\b(please|oops|sorry)\b", sentence, re.I)


def test_parameters_are_filled_in() -> None:
    assert english(NotFound("no_clinic_here", folder="/data")) == "There is no clinic in the folder /data."


def test_an_instant_is_told_as_a_clock_shows_it() -> None:
    until = datetime(2026, 11, 27, 5, 30, tzinfo=timezone(timedelta(hours=1)))
    assert english(RateLimited("sign_in_locked", until=until)) == "Too many wrong passwords. Try again at 04:30 UTC."


def test_a_code_without_a_sentence_of_its_own_is_told_by_its_family() -> None:
    assert english(InvalidInput("made_up_for_this_test")) == SENTENCES["invalid_input"]
    assert english(Unavailable()) == SENTENCES["unavailable"]
