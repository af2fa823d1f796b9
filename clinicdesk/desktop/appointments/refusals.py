"""Says beside a field why a visit cannot be booked as it is typed, and when it could be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from PySide6.QtCore import QCoreApplication

from clinicdesk.core.errors import ClinicError
from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.slot_check import Cause, Obstacle
from clinicdesk.desktop.sentences import sentence
from clinicdesk.features.appointments.schemas import Opening, OutsideHours, SlotTaken

_translate = QCoreApplication.translate


def refusal(error: ClinicError, obstacle: Obstacle | None, who: str, day: date | None, zone: ZoneInfo) -> str:
    """ "Dr Okafor is at lunch until 13:15. Nearest free: 12:10 or 13:15." `day` is the one that is typed."""
    if not isinstance(error, SlotTaken | OutsideHours):
        return sentence(error, zone)
    said = _said_of(obstacle, day, zone) if obstacle is not None else _said_by(error)
    times = [opening_words(opening, day, zone) for opening in nearest(error)]
    if times:
        both = _translate("Booking", " or ", "between two times").join(times)
        said += " " + _translate("Booking", "Nearest free: %1.").replace("%1", both)
    return said.replace("%who", who)


def nearest(error: ClinicError) -> list[Opening]:
    """The openings that a refusal names, the one before first."""
    found = error.params.get("nearest")
    return [opening for opening in found if isinstance(opening, Opening)] if isinstance(found, Sequence) else []


def opening_words(opening: Opening, day: date | None, zone: ZoneInfo) -> str:
    """When an opening begins, with its day where that is not the one that is typed."""
    local = opening.start.astimezone(zone)
    if local.date() == day:
        return words.clock(local)
    return f"{words.short_day(local.date())}, {words.clock(local)}"


def _said_of(obstacle: Obstacle, day: date | None, zone: ZoneInfo) -> str:
    said = {
        Cause.LUNCH: _translate("Booking", "%who is at lunch until %1."),
        Cause.BREAK: _translate("Booking", "%who has a break until %1."),
        Cause.NOT_YET: _translate("Booking", "%who begins at %1."),
        Cause.NO_MORE: _translate("Booking", "%who works until %1."),
        Cause.NOT_IN: _translate("Booking", "%who does not work that day."),
        Cause.LEAVE: _translate("Booking", "%who is on leave until %1."),
        Cause.BLOCK: _translate("Booking", "%who takes no visits until %1."),
        Cause.HOLIDAY: _translate("Booking", "The clinic is closed: %2."),
        Cause.VISIT: _translate("Booking", "%who has another visit until %1."),
    }[obstacle.cause]
    until = ""
    if obstacle.until is not None:
        local = obstacle.until.astimezone(zone)
        until = words.clock(local) if local.date() == day else words.short_day(local.date())
    return said.replace("%1", until).replace("%2", obstacle.name)


def _said_by(error: ClinicError) -> str:
    """What the service says by itself, where nobody looked at the day."""
    if isinstance(error, SlotTaken):
        return {
            "patient": _translate("Booking", "The patient has another visit at that time."),
            "room": _translate("Booking", "The room is taken at that time."),
        }.get(str(error.params.get("what")), _translate("Booking", "%who has another visit at that time."))
    return {
        "leave": _translate("Booking", "%who is on leave then."),
        "block": _translate("Booking", "%who takes no visits then."),
        "holiday": _translate("Booking", "The clinic is closed for a holiday."),
    }.get(str(error.params.get("cause")), _translate("Booking", "%who does not work then."))
