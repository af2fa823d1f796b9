"""Finds patients who may be the person that is being registered, while the form is being filled in."""

from __future__ import annotations

from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx, verb
from clinicdesk.features.patients.schemas import Demographics, Duplicate


@verb(Permission.FIND_PATIENT, writes=False)
def find_duplicates(tx: Tx, demographics: Demographics) -> list[Duplicate]:
    """The patients who may be this person, the likeliest first."""
    return []
