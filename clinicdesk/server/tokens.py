"""Access tokens and second-factor tickets: short-lived, signed, and valid for one purpose each."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt

from clinicdesk.core.clock import Clock
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor

ACCESS_LASTS = timedelta(minutes=15)
SYNC_LASTS = timedelta(minutes=15)
TICKET_LASTS = timedelta(minutes=5)
EVENTS_TICKET_LASTS = timedelta(seconds=30)
_MOST_KNOWN = 4_096
_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request, by its access token; `session_id` is the sign-in that the token belongs to.

    `until` is when the access token ends, in seconds since 1970; `once` names a ticket that is good for one use.
    """

    actor: Actor
    session_id: UUID
    until: int
    once: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """A device that somebody has signed in on, and who did so last."""

    id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class DeviceCaller:
    """An enrolled desk that sends a request by itself; `until` is when its token ends, in seconds since 1970."""

    device_id: UUID
    name: str
    until: int


class Tokens:
    """Makes and reads signed tokens."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._key = key
        self._clock = clock
        self._known: dict[str, Caller] = {}
        """Access tokens that were read before, and found to be ours."""

    def access(self, actor: Actor, session_id: UUID) -> str:
        """A token that lets whoever bears it act as this person for 15 minutes."""
        return self._sign("access", ACCESS_LASTS, _facts(actor, session_id))

    def read_access(self, token: str) -> Caller | None:
        """Who the token stands for; None where it is not ours, is of another kind or has expired."""
        known = self._known.get(token)
        if known is None:
            facts = self._read("access", token)
            if facts is None:
                return None
            known = _caller(facts, facts["exp"])
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[token] = known
        return known if self._clock().timestamp() < known.until else None

    def sync(self, device_id: UUID, name: str) -> str:
        """A token that lets the desk that bears it send and fetch for 15 minutes, as long as it is not revoked."""
        return self._sign("sync", SYNC_LASTS, {"sub": str(device_id), "name": name})

    def read_sync(self, token: str) -> DeviceCaller | None:
        """The desk that the token stands for; None where it is not ours, is of another kind or has expired."""
        facts = self._read("sync", token)
        return None if facts is None else DeviceCaller(UUID(facts["sub"]), facts["name"], facts["exp"])

    def events_ticket(self, caller: Caller) -> str:
        """What a browser opens the stream of events with, which sends no header: good once, for half a minute."""
        facts = _facts(caller.actor, caller.session_id) | {"until": caller.until, "once": new_id().hex}
        return self._sign("events", EVENTS_TICKET_LASTS, facts)

    def read_events_ticket(self, token: str) -> Caller | None:
        """Who the ticket stands for; None where it is none of ours or has expired."""
        facts = self._read("events", token)
        return None if facts is None else _caller(facts, facts["until"])

    def ticket(self, user_id: UUID, mark: str) -> str:
        """A token that says for five minutes: this person's password was right; the second factor is missing."""
        return self._sign("ticket", TICKET_LASTS, {"sub": str(user_id), "mark": mark})

    def read_ticket(self, token: str) -> tuple[UUID, str] | None:
        """The person of a ticket and the mark of their password; None where it is none of ours or has expired."""
        facts = self._read("ticket", token)
        return None if facts is None else (UUID(facts["sub"]), facts.get("mark", ""))

    def device(self, device_id: UUID, user_id: UUID) -> str:
        """What a device shows to be known again, with who last signed in there. It lets nobody in; it has locks of its own."""
        mac = hmac.digest(self._key, b"device " + device_id.bytes + user_id.bytes, "sha256").hex()[:32]
        return f"{device_id.hex}.{user_id.hex}.{mac}"

    def read_device(self, token: str) -> Device | None:
        """The device that shows this; None where it is none of ours."""
        try:
            device = Device(*(UUID(part) for part in token.split(".")[:2]))
        except (ValueError, TypeError):
            return None
        fits = hmac.compare_digest(token.encode(), self.device(device.id, device.user_id).encode())
        return device if fits else None

    def _sign(self, kind: str, lasts: timedelta, facts: Mapping[str, str | int]) -> str:
        until = int((self._clock() + lasts).timestamp())
        return jwt.encode({**facts, "aud": kind, "iss": "clinicdesk", "exp": until}, self._key, _ALGORITHM)

    def _read(self, kind: str, token: str) -> dict[str, Any] | None:
        try:
            facts: dict[str, Any] = jwt.decode(
                token, self._key, [_ALGORITHM], audience=kind, issuer="clinicdesk",
                options={"verify_exp": False, "require": ["exp", "sub"]},
            )  # fmt: skip
        except (jwt.PyJWTError, ValueError):
            return None
        return facts if self._clock().timestamp() < facts["exp"] else None


def _facts(actor: Actor, session_id: UUID) -> dict[str, str | int]:
    return {
        "sub": str(actor.user_id), "sid": str(session_id), "role": actor.role.value, "name": actor.name,
        "desk": actor.desk,
    }  # fmt: skip


def _caller(facts: Mapping[str, Any], until: int) -> Caller:
    session_id = UUID(facts["sid"])
    actor = Actor(UUID(facts["sub"]), Role(facts["role"]), facts["name"], facts["desk"], session_id=session_id)
    return Caller(actor, session_id, until, facts.get("once", ""))
