"""Repeats of a request that carry the same Idempotency-Key get the first answer: it is kept in the transaction of the write."""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated

from fastapi import Header, Request
from starlette.responses import Response

from clinicdesk.core.database import derive_key
from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.tx import Tx
from clinicdesk.features.users import answers
from clinicdesk.server.identity import serving_of

HEADER = "Idempotency-Key"
UNIT_HEADER = "Clinicdesk-Unit"
"""Names the unit of work of a write in its answer: what an undo asks for."""
REPLAYED_HEADER = "Idempotency-Replayed"
"""Says of an answer that it is the first one again."""
_KEPT_HEADERS = ("content-type", "etag", "location", UNIT_HEADER.lower())

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias=HEADER,
        min_length=8,
        max_length=100,
        pattern=r"^[\x21-\x7e]+$",
        description="Makes a repeat of this request safe: it gets the first answer, for a day.",
        examples=["3f1d9c1e-6c1b-4d53-9d0e-0a4f7f6b2f10"],
    ),
]


class Repeated(Exception):
    """The request was answered before; `response` is that answer."""

    def __init__(self, response: Response) -> None:
        self.response = response


async def fingerprint(request: Request) -> bytes | None:
    """What a repeat of this request has to be like; None for one without a key."""
    if HEADER not in request.headers or request.method in {"GET", "HEAD"}:
        return None
    about = f"{request.method} {request.url.path}?{request.url.query} {request.headers.get('if-match', '')}\n"
    return hashlib.sha256(about.encode() + await request.body()).digest()


def recall(tx: Tx, request: Request, key: str) -> None:
    """Wait for whoever uses the same key at this moment, then see whether it was answered.

    Raises Repeated, InvalidInput("idempotency_key_reused") for another request under the same key.
    """
    known = answers.recall(tx, key)
    if known is None:
        return
    if known.fingerprint != _asked_by(tx, request):
        raise InvalidInput("idempotency_key_reused", field=HEADER)
    marks = serving_of(request).marks
    if marks is not None:  # whoever wrote it may have died before it told the caches; now it counts as acknowledged
        marks.everything()
    raise Repeated(Response(known.body, known.status, {**known.headers, REPLAYED_HEADER: "true"}))


def keep(tx: Tx, request: Request, key: str, response: Response) -> None:
    """Keep the answer to the request, in its unit of work."""
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    answer = answers.Answer(response.status_code, headers, bytes(response.body), _asked_by(tx, request))
    answers.keep(tx, key, answer)


def _asked_by(tx: Tx, request: Request) -> bytes:
    """The request, as somebody asks who is what they are now: whoever has another role or record since then is not to be
    told again what they were told before.

    Under our key: there are passwords in requests, and a copy of the database must not be what they are guessed by.
    """
    whose = f"{tx.actor.role} {tx.actor.patient_id}".encode()
    key = derive_key(tx.database.audit_key, "kept requests")
    return hmac.digest(key, request.state.fingerprint + whose, "sha256")
