"""Lets a desk without a server let go of what the audit trail has kept long enough: after a backup, a short piece at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta

from clinicdesk.core.errors import ClinicError, InvalidInput
from clinicdesk.core.jobs import begin_job, end_job
from clinicdesk.core.retention import has_old, prune
from clinicdesk.core.tx import Actor, Database

SETTING = "CLINICDESK_RETENTION_YEARS"
JOB = "retention"
"""The same job as a server's, so that of all who have the data open one does it."""
EVERY = timedelta(hours=6)
_YEARS = 6
_MOST_YEARS = 100


def kept_years() -> int:
    """How many years the trail is kept by the environment; 0 for ever. Raises InvalidInput("retention_invalid")."""
    value = os.environ.get(SETTING, "").strip() or str(_YEARS)
    if not (value.isascii() and value.isdecimal() and int(value) <= _MOST_YEARS):
        raise InvalidInput("retention_invalid", field=SETTING, setting=SETTING)
    return int(value)


def let_go(
    database: Database, actor: Actor, years: int, back_up: Callable[[], object], going_on: Callable[[], bool]
) -> int:
    """Let go of entries that are older than so many years, if it is time to look and there are some; says how many went.

    A backup is made first. It ends early where it is not `going_on` any more, and goes on the next time. Raises Unavailable
    where the backup fails, or what is old is not whole: then nothing goes.
    """
    with database.write(actor) as tx:
        claim_id = begin_job(tx, JOB)
    if claim_id is None:
        return 0
    gone, error = 0, ""
    try:
        with database.read(actor) as tx:
            old = has_old(tx, years)
        if old:
            back_up()
        while old and going_on():
            with database.write(actor) as tx:
                went = prune(tx, years)
            gone, old = gone + went, went > 0
    except ClinicError as failure:
        error = failure.reason
        raise
    finally:
        with database.write(actor) as tx:
            end_job(tx, JOB, claim_id, EVERY, error)
    return gone
