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
from sqlalchemy import LargeBinary, bindparam, delete, select, text, update

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
_TAKE = text("""
    INSERT INTO kept_answer (user_id, key, fingerprint, status, headers, body, kept_at)
    VALUES (:user, :under, :nothing, 0, '{}', :nothing, :now)
    ON CONFLICT (user_id, key) DO UPDATE SET kept_at = excluded.kept_at WHERE kept_answer.kept_at <= :forgotten
""").bindparams(
    bindparam("user", type_=_k.user_id.type), bindparam("nothing", b"", LargeBinary),
    *(bindparam(name, type_=_k.kept_at.type) for name in ("now", "forgotten")),
)  # fmt: skip
"""Takes a key that nobody has, or whose answer is forgotten; who comes second with a new key waits for the first one's end."""
_RECALL = select(_k.status, _k.headers, _k.body, _k.fingerprint).where(*_UNDER_KEY)
_KEEP = update(KeptAnswer.__table__).where(*_UNDER_KEY)  # type: ignore[arg-type]


@verb(Permission.SIGN_IN, writes=False, owing=True)
def recall(tx: Tx, key: str) -> Answer | None:
    """What this person's request with this key was answered; waits for one that is under way. None for a new key, which is
    then taken until the end of this unit of work.

    Takes no turn among those who write, although what comes after it will: two who ran beside each other for this, and then
    each wanted the clinic alone, would wait for each other. Raises NotPermitted for an answer from before the caller owed
    something: what it tells is not for them now.
    """
    whose = {"user": tx.actor.user_id, "under": key}
    if tx.connection.execute(_TAKE, {**whose, "now": tx.now, "forgotten": tx.now - KEPT_FOR}).rowcount:
        return None
    if tx.owes:
        raise NotPermitted(tx.owes, verb=tx.verb)
    kept = tx.connection.execute(_RECALL, whose).one()
    body = _opened(tx, key, kept.body)  # nothing, where the request failed and what it did was kept all the same
    return None if body is None else Answer(kept.status, json.loads(kept.headers), body, kept.fingerprint)


@verb(Permission.SIGN_IN, concurrent=True, owing=True)
def keep(tx: Tx, key: str, answer: Answer) -> None:
    """Keep an answer under this person's key, which `recall` has taken."""
    tx.connection.execute(
        _KEEP,
        {
            "user": tx.actor.user_id, "under": key, "fingerprint": answer.fingerprint, "status": answer.status,
            "headers": json.dumps(answer.headers), "body": _sealed(tx, key, answer.body),
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
