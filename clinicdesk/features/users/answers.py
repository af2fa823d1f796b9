"""What was answered to requests that came with a key, kept for a day so that a repeat gets the same.

It is kept sealed: among the answers are recovery codes and the secret of an authenticator, which the database knows nowhere
else, and a copy of it must not.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import bindparam, delete, insert, select

from clinicdesk.core.database import derive_key
from clinicdesk.core.errors import NotPermitted
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx, verb
from clinicdesk.features.users.models import KeptAnswer

KEPT_FOR = timedelta(days=1)
_NONCE = 12


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it went out, and what the request was like that got it."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)
    fingerprint: bytes = b""


_k = KeptAnswer.__table__.c
_UNDER_KEY = _k.user_id == bindparam("user"), _k.key == bindparam("under")
_RECALL = select(_k.status, _k.headers, _k.body, _k.fingerprint, _k.kept_at).where(*_UNDER_KEY)
_FORGET = delete(KeptAnswer).where(*_UNDER_KEY)
_KEEP = insert(KeptAnswer.__table__)  # type: ignore[arg-type]


@verb(Permission.SIGN_IN, writes=False, owing=True)
def recall(tx: Tx, key: str) -> Answer | None:
    """What this person's request with this key was answered; waits for one that is under way. None for a new key.

    Takes no turn among those who write, although what comes after it will: two who ran beside each other for this, and then
    each wanted the clinic alone, would wait for each other. Raises NotPermitted for an answer from before the caller owed
    something: what it tells is not for them now.
    """
    tx.claim(f"answer {tx.actor.user_id} {key}")
    whose = {"user": tx.actor.user_id, "under": key}
    kept = tx.connection.execute(_RECALL, whose).one_or_none()
    if kept is None:
        return None
    if tx.owes:
        raise NotPermitted(tx.owes, verb=tx.verb)
    body = _opened(tx, key, kept.body)
    if body is None or kept.kept_at <= tx.now - KEPT_FOR:
        tx.connection.execute(_FORGET, whose)
        return None
    return Answer(kept.status, json.loads(kept.headers), body, kept.fingerprint)


@verb(Permission.SIGN_IN, concurrent=True, owing=True)
def keep(tx: Tx, key: str, answer: Answer) -> None:
    """Keep an answer under this person's key, which `recall` has found to be new."""
    assert tx.actor.user_id is not None  # noqa: S101  (nobody's requests are not kept)
    tx.connection.execute(
        _KEEP,
        {
            "user_id": tx.actor.user_id, "key": key, "fingerprint": answer.fingerprint, "status": answer.status,
            "headers": json.dumps(answer.headers), "body": _sealed(tx, key, answer.body), "kept_at": tx.now,
        },
    )  # fmt: skip


@verb(Permission.MAINTAIN, concurrent=True)
def forget_answers(tx: Tx) -> int:
    """Forget the answers that are older than a day; says how many."""
    done = tx.session.execute(delete(KeptAnswer).where(KeptAnswer.kept_at <= tx.now - KEPT_FOR))
    return int(done.rowcount)  # type: ignore[attr-defined]


def _sealed(tx: Tx, key: str, body: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + _cipher(tx).encrypt(nonce, body, _about(tx, key))


def _opened(tx: Tx, key: str, sealed: bytes) -> bytes | None:
    """The body that was sealed for this person's key; None for one that was not sealed under our own."""
    try:
        return _cipher(tx).decrypt(sealed[:_NONCE], sealed[_NONCE:], _about(tx, key))
    except (InvalidTag, ValueError):
        return None


def _cipher(tx: Tx) -> AESGCM:
    return AESGCM(derive_key(tx.database.audit_key, "kept answers"))


def _about(tx: Tx, key: str) -> bytes:
    return f"{tx.actor.user_id} {key}".encode()
