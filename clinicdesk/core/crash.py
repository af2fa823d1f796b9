"""Writes down a bug under a reference that a person can read out, with its trace and without anybody's data."""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Callable

log = logging.getLogger(__name__)

reporters: list[Callable[[BaseException, str], None]] = []
"""Told of each bug and its reference besides the log; none unless an operator asks for it."""

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # no letter that is read as a digit, nor the other way round


def log_crash(error: BaseException) -> str:
    """Log where the error came from and return its reference, six letters and digits.

    Only its type and the lines of code are kept: the words of an exception may hold what a patient said.
    """
    reference = "".join(secrets.choice(_ALPHABET) for _ in range(6))
    origin = error.__cause__ or error.__context__
    log.error("crash %s: %s", reference, " from ".join(_trace(one) for one in (error, origin) if one is not None))
    for report in reporters:
        report(error, reference)
    return reference


def _trace(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return "\n".join(
        [type(error).__qualname__, *(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)]
    )
