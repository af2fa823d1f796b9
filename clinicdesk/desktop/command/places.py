"""Where a word may lead: the screens and actions of the table of keys that work here and now, found by their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtGui import QAction

from clinicdesk.desktop.keys import KEYS, Key
from clinicdesk.features.patients.folding import parts

_LEAST_LETTERS = 3
"""So many letters of a name's beginning are taken to mean it, and not a person."""
_NEVER = ("command", "back")


@dataclass(frozen=True, slots=True)
class Place:
    """A screen or an action. What triggers it is looked up by `name` when it is wanted, as the screen may be gone by then."""

    name: str

    @property
    def key(self) -> Key:
        return KEYS[self.name]

    @property
    def is_screen(self) -> bool:
        return self.name.startswith("go.")


@dataclass(frozen=True, slots=True)
class Found:
    """Places for a text: those that it names, and those that merely have its words."""

    named: tuple[Place, ...] = ()
    exact: bool = False
    """The text is the whole name of the first."""
    others: tuple[Place, ...] = ()


def places_of(actions: Iterable[QAction]) -> list[Place]:
    """The places that can be gone to now, in the order of the table: what the role may not do is hidden or has no action."""
    able = {action.objectName() for action in actions if action.isEnabled() and action.isVisible()}
    return [Place(name) for name in KEYS if name in able and name not in _NEVER]


def find_places(text: str, places: Sequence[Place]) -> Found:
    """The places whose name or hint has a word that begins with each typed word."""
    typed = parts(text)
    if not typed:
        return Found()
    said = " ".join(typed)
    named, others, exact = [], [], []
    for place in places:
        names = [" ".join(parts(name)) for name in (place.key.title, place.key.word)]
        if said in names:
            exact.append(place)
        elif len(said) >= _LEAST_LETTERS and any(name.startswith(said) for name in names):
            named.append(place)
        elif any(_has_words(name.split(), typed) for name in names):
            others.append(place)
    return Found((*exact, *named), bool(exact), tuple(others))


def _has_words(name: Sequence[str], typed: Sequence[str]) -> bool:
    return all(any(word.startswith(beginning) for word in name) for beginning in typed)
