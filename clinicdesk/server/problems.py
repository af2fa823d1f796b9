"""Answers that say what is wrong: problem documents (RFC 9457) with a stable code, and nothing of a patient or of the code."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from clinicdesk.core.crash import log_crash
from clinicdesk.core.errors import (
    ClinicError,
    Conflict,
    Hidden,
    InvalidInput,
    NotFound,
    NotPermitted,
    RateLimited,
    Unavailable,
)
from clinicdesk.core.logs import CONTEXT
from clinicdesk.core.sentences import SENTENCES, english
from clinicdesk.features.appointments.series_schemas import Clash
from clinicdesk.features.medications.schemas import SafetyWarning
from clinicdesk.features.merging.schemas import OverlappingVisits
from clinicdesk.features.patients.schemas import Duplicate
from clinicdesk.features.sync.schemas import CursorExpired, TooOld
from clinicdesk.features.users.schemas import NotSignedIn, OwnPasswordWrong, SecondFactorRequired, SignInRefused
from clinicdesk.server.fields import Place, Places, spelt

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


Within = Literal["body", "query", "path", "header", "cookie"]


class FieldProblem(BaseModel):
    """One value that cannot be right."""

    field: str | None = Field(
        default=None,
        examples=["email"],
        description="As it was sent, such as `shifts[2].start`; none where it is the whole.",
    )
    within: Within = Field(alias="in", examples=["body"])
    code: str = Field(examples=["missing"])


class Problem(BaseModel):
    """What is wrong, for a program (`code`) and for a person (`detail`)."""

    type: str = Field(default="about:blank")
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409], description="The HTTP status.")
    code: str = Field(examples=["changed_meanwhile"], description="Stable; what a program decides by.")
    detail: str = Field(examples=["Somebody else has changed this in the meantime. Look at it again."])
    request_id: str = Field(examples=["01932f0c8a7b7d2e9b1f2c3d4e5f6071"], description="Names the request in the log.")
    field: str | None = Field(
        default=None,
        examples=["email"],
        description="Which value it is about, as it was sent, such as `shifts[2].start`.",
    )
    within: Within | None = Field(
        default=None, alias="in", examples=["body"], description="Where that value is in the request."
    )
    errors: list[FieldProblem] | None = Field(default=None, description="All values that cannot be right, one by one.")
    until: datetime | None = Field(default=None, description="When to try again.")
    duplicates: list[Duplicate] | None = Field(
        default=None, description="With possible_duplicates: who is very likely the same person."
    )
    merged_into: UUID | None = Field(default=None, description="With patient_merged: the record to open instead.")
    overlaps: list[OverlappingVisits] | None = Field(default=None, description="With visits_overlap: which visits.")
    clashes: list[Clash] | None = Field(
        default=None, description="With series_does_not_fit: which visits of the series do not, and why."
    )
    warnings: list[SafetyWarning] | None = Field(
        default=None, description="With serious_warning: what speaks against the medicine."
    )
    last_n: int | None = Field(
        default=None, description="With seq_gap and stream_forked: the last number of the stream that was taken."
    )
    epoch: UUID | None = Field(default=None, description="With epoch_changed: the epoch that the server is in.")
    scope_hash: str | None = Field(default=None, description="With scope_changed: the scope that the desk has now.")
    ticket: str | None = Field(default=None, description="With second_factor_required: what the code is sent with.")


class PreconditionRequired(ClinicError):
    """An update has to say by If-Match which version it changes. HTTP 428."""

    code = "if_match_required"


class UnsupportedMedia(ClinicError):
    """The body is of a kind that the endpoint does not take. HTTP 415."""

    code = "unsupported_media_type"


class TooLarge(ClinicError):
    """The body is too large. HTTP 413."""

    code = "body_too_large"


class Malformed(ClinicError):
    """The request cannot be read. HTTP 400."""

    code = "not_json"


TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    409: "Conflict", 410: "Gone", 412: "Precondition Failed", 413: "Content Too Large", 415: "Unsupported Media Type",
    422: "Unprocessable Content", 426: "Upgrade Required", 428: "Precondition Required", 429: "Too Many Requests",
    500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip

_STATUS: list[tuple[type[ClinicError], int]] = [
    (Malformed, 400),
    (OwnPasswordWrong, 403), (NotSignedIn, 401), (SignInRefused, 401), (SecondFactorRequired, 401),
    (CursorExpired, 410), (TooOld, 426),
    (Hidden, 404), (NotPermitted, 403), (NotFound, 404), (Conflict, 409), (TooLarge, 413), (UnsupportedMedia, 415),
    (InvalidInput, 422), (PreconditionRequired, 428), (RateLimited, 429), (Unavailable, 503),
]  # fmt: skip

_OF_HTTP = {404: "no_such_path", 405: "method_not_allowed", 400: "bad_request", 413: "body_too_large"}
_OF_PYDANTIC = {
    "missing": "missing", "string_too_long": "too_long", "string_too_short": "too_short", "too_long": "too_many",
    "unexpected_keyword_argument": "no_such_field",
    **{code: code for code in ("day_not_right", "instant_not_right", "clock_not_right")},
}  # fmt: skip


_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")

_MOST_AT_ONCE, _MOST_OF_A_FIELD = 100, 200
"""How many values are named that cannot be right, and how much of the name of each: whoever sent them may have made it up."""


def status_of(error: ClinicError, request: Request | None = None) -> int:
    """The HTTP status that the error stands for."""
    if error.reason == "account_off":
        return 401
    if error.reason == "changed_meanwhile" and request is not None and "if-match" in request.headers:
        return 412
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 400)


def answer(status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """A problem document."""
    problem = Problem(
        title=TITLES.get(status, "Error"), status=status, code=code, detail=detail,
        request_id=str(CONTEXT.get().get("request_id", "")), **more,
    )  # fmt: skip
    body = {name: value for name, value in problem.model_dump(mode="json", by_alias=True).items() if value is not None}
    return JSONResponse(body, status, headers, MEDIA_TYPE)


_TOLD = (
    "until", "ticket", "duplicates", "merged_into", "overlaps", "clashes", "warnings", "last_n", "epoch", "scope_hash",
)  # fmt: skip
"""Parameters of errors that are told to programs."""


def of_error(error: ClinicError, request: Request | None = None) -> Response:
    """The answer that an error of the family stands for."""
    status = status_of(error, request)
    more = {name: error.params[name] for name in _TOLD if name in error.params}
    if place := _place(error, request):
        more |= {"field": place.field or None, "in": place.within}
    headers: dict[str, str] = {}
    until = more.get("until")
    if isinstance(until, datetime):
        headers["Retry-After"] = str(max(1, round((until - datetime.now(UTC)).total_seconds())))
    elif status == 503:
        headers["Retry-After"] = "2"
    if status == 426:
        headers["Upgrade"] = f"clinicdesk-sync/{error.params.get('oldest', 1)}"
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return answer(status, error.reason, english(error), headers, **more)


def _place(error: ClinicError, request: Request | None) -> Place | None:
    """Where the value is that the error is about: as it says itself, or else as the endpoint calls what a verb speaks of."""
    field = error.params.get("field")
    if not isinstance(field, str):
        return None
    if isinstance(within := error.params.get("within"), str):
        return Place(within, field)
    places: Places = getattr(request.scope.get("route"), "places", {}) if request is not None else {}
    return places.get(field)


def _clinic_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ClinicError)  # noqa: S101  (registered for it alone)
    return of_error(error, request)


def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return of_error(Malformed())
    once: dict[
        tuple[str, str | None], FieldProblem
    ] = {}  # where a value may be of several kinds, it is refused for each
    for one in found[:_MOST_AT_ONCE]:
        refused = _refused(one["type"], *one["loc"])
        once.setdefault((refused.within, refused.field), refused)
    fields = list(once.values())
    first = fields[0]
    detail = english(InvalidInput(first.code if "{" not in SENTENCES[first.code] else "invalid_input"))
    more: dict[str, Any] = {"field": first.field, "in": first.within, "errors": fields}
    return answer(422, first.code, detail, **more)


_NOT_SENT = frozenset({"[key]", "constrained-str", "constrained-int", "str", "bool", "int", "float", "none"})
"""Steps that the framework takes besides those of the request: to a key itself, and to each kind that a value may be of."""


def _refused(kind: str, within: Any, *way: str | int) -> FieldProblem:
    """What the framework has found, with the way to it; the name of a key is all that is told of one."""
    field = spelt(step for step in way if step not in _NOT_SENT)[:_MOST_OF_A_FIELD]
    return FieldProblem(field=field or None, code=_OF_PYDANTIC.get(kind, "invalid_input"), **{"in": within})


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    code = _OF_HTTP.get(error.status_code, "bad_request")
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed(request))
    return answer(error.status_code, code, SENTENCES[code], headers)


def _allowed(request: Request) -> list[str]:
    """By which methods there is something at the address. The framework says only those of the first endpoint that it finds."""
    routes = request.app.routes
    asked = {method: {**request.scope, "method": method} for method in _METHODS}
    return [method for method, scope in asked.items() if any(r.matches(scope)[0] is Match.FULL for r in routes)]


def crashed(error: Exception) -> Response:
    """The answer to a bug: a reference that is in the log, and no word of what went wrong."""
    reference = log_crash(error)
    return answer(500, "crashed", SENTENCES["crashed"].replace("{reference}", reference))


def install(app: FastAPI) -> None:
    """Let the app answer every error with a problem document."""
    app.add_exception_handler(ClinicError, _clinic_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem documents that an endpoint may answer with, for its OpenAPI document."""
    return {
        status: {
            "description": TITLES[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


ALWAYS = (400, 403, 413, 415, 422, 429, 503)
"""What any endpoint may answer with; those for signed-in people 401 too."""
