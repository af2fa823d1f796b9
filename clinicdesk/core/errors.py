"""One family of errors that a person can act on; they carry a stable code and parameters, never translated text."""

from __future__ import annotations

from typing import ClassVar


class ClinicError(Exception):
    """Something that the caller can be told. `code` is stable; `params` fill the sentence that the code stands for.

    `keeps` marks a refusal that is itself a fact worth storing (a wrong password is counted): the unit of work then
    commits what was done before the error left it.
    """

    code: ClassVar[str] = "error"
    keeps: ClassVar[bool] = False

    def __init__(self, code: str | None = None, /, **params: object) -> None:
        self.reason = code or self.code
        self.params = params
        super().__init__(self.reason)

    def __str__(self) -> str:
        return self.reason  # parameters may hold patient data, and messages end in logs


class NotFound(ClinicError):
    """There is no such thing (any more). HTTP 404."""

    code = "not_found"


class NotPermitted(ClinicError):
    """The actor's role does not allow it. HTTP 403."""

    code = "not_permitted"


class Hidden(NotPermitted):
    """The actor may not even know whether there is such a thing: audited as a refusal, told like NotFound. HTTP 404."""

    code = "not_found"


class Conflict(ClinicError):
    """The request contradicts what is stored. HTTP 409."""

    code = "conflict"


class InvalidInput(ClinicError):
    """A value cannot be right. `field` in the parameters names it. HTTP 422."""

    code = "invalid_input"


class RateLimited(ClinicError):
    """Too many tries; `until` in the parameters says when to try again. HTTP 429."""

    code = "rate_limited"


class Unavailable(ClinicError):
    """The environment fails us (disk full, database locked, wrong key); trying again may help. HTTP 503."""

    code = "unavailable"
