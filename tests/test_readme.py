"""What the pages for users name is there: keys in the table of keys, commands on the command line, files in the repository."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from clinicdesk import cli
from clinicdesk.cli.commands import Options
from clinicdesk.desktop.keys import KEYS

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = [README, ROOT / "docs" / "front-desk.md", ROOT / "docs" / "administrator.md", ROOT / "docs" / "operator.md"]
SIGNS = {"Enter": "Return", "↑": "Up", "↓": "Down"}
IN_SHEETS = {"1", "9", "Alt+2"}
"""Keys of what a sheet or board lists: they choose by number, and stand in no table."""

SEQUENCES = {sequence for key in KEYS.values() for sequence in key.sequences} | {"Up", "Down", "Left", "Right"}
CHORD = re.compile(r"`((?:(?:Ctrl|Shift|Alt)\+)*(?:[A-Z0-9./,↑↓]|F\d+|Enter|Space|Backspace|Del|Esc))`")


def chords_of(page: Path) -> set[str]:
    """The chords that a page names, as the table of keys writes them."""
    found = set(CHORD.findall(page.read_text(encoding="utf-8")))
    chords = {"+".join(SIGNS.get(part, part) for part in chord.split("+")) for chord in found}
    return chords - IN_SHEETS


def commands_of(page: Path) -> list[list[str]]:
    """The command lines that a page shows, without what the shell does."""
    lines = re.findall(r"^clinicdesk\b([^#<\n]*)", page.read_text(encoding="utf-8"), re.M)
    return [shlex.split(line) for line in lines]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_key_that_a_page_names_does_something(page: Path) -> None:
    assert sorted(chords_of(page) - SEQUENCES) == []


def test_the_readme_has_the_keys_that_matter() -> None:
    assert chords_of(README) >= {"/", "Ctrl+K", "N", "C", "Space", "Ctrl+X", "Ctrl+V", "Ctrl+Z", "Ctrl+L"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_shows_is_understood(page: Path) -> None:
    for words in commands_of(page):
        cli._parser().parse_args(words, Options(json=False, data_dir=None, run=None))


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md"], ids=lambda page: page.name
)
def test_every_page_that_is_linked_is_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
