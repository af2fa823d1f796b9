"""Edits one part of the phrase: the choices that there are for it, and the text that says them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise

from clinicdesk.features.appointments.phrase import Part, Phrase, Span, parse
from clinicdesk.features.appointments.schemas import TypeRow
from clinicdesk.features.practitioners.schemas import PractitionerRow

_MINUTES = (10, 15, 20, 30, 40, 45, 60, 90)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def rewritten(text: str, spans: Sequence[Span], part: Part, words: str) -> tuple[str, int]:
    """The text with `words` in place of what it says of the part (at its end, where it says nothing), and where they end."""
    before, after = text, ""
    if mine := [span for span in spans if span.part is part]:
        before = text[: mine[0].start]
        after = "".join(text[one.end : other.start] for one, other in pairwise(mine)) + text[mine[-1].end :]
    front = " ".join([*before.split(), *words.split()])
    back = " ".join(after.split())
    return " ".join(filter(None, (front, back))), len(front)


class Choices:
    """What the arrow keys step through in each part; every choice is words that the phrase reads back as that choice."""

    def __init__(self, practitioners: Sequence[PractitionerRow], types: Sequence[TypeRow], today: date) -> None:
        self._practitioners, self._types, self._today = practitioners, types, today

    def read(self, text: str) -> Phrase:
        """What the text asks for."""
        return parse(text, self._practitioners, self._types, self._today)

    def stepped(self, text: str, part: Part, step: int) -> str:
        """The text with the next choice of the part (`step` 1) or the one before (-1); the same text at either end."""
        phrase = self.read(text)
        texts = [rewritten(text, phrase.spans, part, words)[0] for words in self._words(part)]
        here = next((nth for nth, choice in enumerate(texts) if self.read(choice) == phrase), None)
        there = (0 if step > 0 else len(texts) - 1) if here is None else here + step
        return texts[there] if 0 <= there < len(texts) else text

    def _words(self, part: Part) -> list[str]:
        match part:
            case Part.PRACTITIONER:
                return ["", *self._names()]
            case Part.TYPE:
                return list(self._kinds())
            case Part.LENGTH:
                return ["", *map(str, _MINUTES)]
            case Part.WHEN:
                later = (self._today + timedelta(days=days) for days in range(2, 7))
                return ["", "today", "tomorrow", *(_WEEKDAYS[day.weekday()] for day in later), "next week"]
            case Part.PATIENT:
                return []  # people are chosen among those found, not by words

    def _names(self) -> Iterator[str]:
        for row in self._practitioners:
            names = (row.family, row.given, *row.family.split())
            word = next((name for name in names if self.read(name).practitioner_ids == (row.id,)), "")
            if word:
                yield word.casefold()

    def _kinds(self) -> Iterator[str]:
        for row in self._types:
            word = next((name for name in (row.short, row.name) if name and self.read(name).type_id == row.id), "")
            if word:
                yield word.casefold()
