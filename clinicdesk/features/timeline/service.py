"""The verb of the timeline: what happened with a patient, as far as the caller may see it."""

from __future__ import annotations

from heapq import merge
from itertools import islice

from clinicdesk.core.clock import in_utc, to_micros
from clinicdesk.core.errors import NotPermitted
from clinicdesk.core.paging import check_limit, decode_cursor, encode_cursor, id_of, instant_of
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.patients.record import load
from clinicdesk.features.timeline.schemas import EntryKind, Timeline, TimelineQuery
from clinicdesk.features.timeline.sources import SOURCES, Found, Look

__all__ = ["of_patient"]


@verb(Permission.OPEN_PATIENT, concurrent=True, of_patient=True)
def of_patient(tx: Tx, query: TimelineQuery) -> Timeline:
    """What happened with a patient, the latest first. What the caller's role or care does not reach is left out, and said to be.

    Audited. Raises NotFound, Conflict("patient_merged"), InvalidInput("cursor_not_right", "out_of_range").
    """
    tx.reach(query.patient_id)
    page = query.page
    check_limit(page)
    load(tx, query.patient_id)
    behind = None
    if page.cursor:
        micros, last = decode_cursor(page.cursor, int, str)
        behind = instant_of(micros), id_of(last)
    look = Look(
        None if query.since is None else in_utc(query.since), None if query.until is None else in_utc(query.until),
        behind, page.limit + 1, page.total,
    )  # fmt: skip
    told: list[Found] = []
    hidden: set[EntryKind] = set()
    for kind, source in SOURCES:
        if kind in query.kinds:
            try:
                told.append(source(tx, query.patient_id, look))
            except NotPermitted:
                hidden.add(kind)
    tx.record(Change("patient", query.patient_id, Action.READ, patient_id=query.patient_id, note="timeline"))
    latest_first = merge(*(found.entries for found in told), key=lambda entry: (entry.at, entry.id), reverse=True)
    entries = list(islice(latest_first, page.limit + 1))
    shown = entries[: page.limit]
    following = encode_cursor([to_micros(shown[-1].at), shown[-1].id.hex]) if len(entries) > page.limit else None
    total = sum(found.total for found in told) if page.total else None
    return Timeline(shown, [kind for kind in EntryKind if kind in hidden], following, total)
