"""Who stands where in the calendar: each worker says so of its own again and again, and forgets what it hears no more."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from clinicdesk.core.ids import new_id
from clinicdesk.core.tx import Actor

LASTS_SECONDS = 12.0
_ASKED = "who"


@dataclass(frozen=True, slots=True)
class Place:
    """A day in the calendar, somebody's column in it, a time there; `holding` where a visit is about to be put there."""

    day: date | None = None
    practitioner_id: UUID | None = None
    start: datetime | None = None
    holding: bool = False


class Presence:
    """What is known of who stands where. `tell` passes it on here, `publish` to the other workers."""

    every = 4.0
    """Seconds after which each worker says again where its own stand."""

    def __init__(self, tell: Callable[[str, dict[str, Any]], None], publish: Callable[[str], None]) -> None:
        self._tell = tell
        self._publish = publish
        self._worker = new_id().hex
        self._own: dict[str, dict[str, Any]] = {}
        self._others: dict[str, tuple[float, dict[str, Any]]] = {}

    def stand(self, id_: str, actor: Actor, place: Place) -> None:
        """Somebody of ours stands there."""
        message = {
            "type": "presence", "id": id_, "user_id": str(actor.user_id), "name": actor.name,
            "day": place.day.isoformat() if place.day else None,
            "practitioner_id": str(place.practitioner_id) if place.practitioner_id else None,
            "start": place.start.isoformat() if place.start else None, "holding": place.holding, "gone": False,
        }  # fmt: skip
        self._own[id_] = message
        self._tell(id_, message)
        self._say(message)

    def leave(self, id_: str) -> None:
        """Somebody of ours is gone."""
        if self._own.pop(id_, None) is not None:
            self._tell(id_, _gone(id_))
            self._say(_gone(id_))

    def everybody(self) -> dict[str, dict[str, Any]]:
        """Where everybody stands, here and at other workers."""
        return {**{id_: message for id_, (_, message) in self._others.items()}, **self._own}

    def ask(self) -> None:
        """Ask the other workers where theirs stand."""
        self._say({"type": _ASKED})

    def keep(self) -> None:
        """Say again where ours stand, and forget those of whom nothing was heard for a while."""
        self._say_all()
        now = time.monotonic()
        for id_ in [id_ for id_, (until, _) in self._others.items() if until < now]:
            del self._others[id_]
            self._tell(id_, _gone(id_))

    def hear(self, text: str) -> None:
        """Take in what another worker says (or this one, which is passed over)."""
        message = json.loads(text)
        if message.pop("worker", None) == self._worker:
            return
        if message["type"] == _ASKED:
            self._say_all()
            return
        id_ = message["id"]
        if message["gone"]:
            if self._others.pop(id_, None) is not None:
                self._tell(id_, message)
            return
        known = self._others.get(id_)
        self._others[id_] = (time.monotonic() + LASTS_SECONDS, message)
        if known is None or known[1] != message:
            self._tell(id_, message)

    def _say_all(self) -> None:
        for message in self._own.values():
            self._say(message)

    def _say(self, message: dict[str, Any]) -> None:
        self._publish(json.dumps({**message, "worker": self._worker}))


def _gone(id_: str) -> dict[str, Any]:
    return {"type": "presence", "id": id_, "gone": True}
