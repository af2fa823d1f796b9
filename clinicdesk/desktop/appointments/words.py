"""How the calendar says times, days and visits: the same words on the screen, in toasts and to a screen reader."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from PySide6.QtCore import QCoreApplication, QDate, QLocale, QTime

from clinicdesk.desktop.appointments.columns import Slot
from clinicdesk.desktop.look.status import status_look
from clinicdesk.desktop.look.visit_painter import VisitLook, initials
from clinicdesk.features.appointments.rules import COUNTED
from clinicdesk.features.appointments.schemas import AppointmentRow, Status

_translate = QCoreApplication.translate


def clock(at: datetime | time, zone: ZoneInfo | None = None) -> str:
    """A time of day as the user's language writes it; an instant is shown in `zone`."""
    local = at.astimezone(zone) if isinstance(at, datetime) and zone else at
    return QLocale().toString(QTime(local.hour, local.minute), QLocale.FormatType.ShortFormat)


def long_day(day: date) -> str:
    """ "Monday 23 November": the title of a day."""
    return QLocale().toString(_qdate(day), _translate("Calendar", "dddd d MMMM", "date format"))


def short_day(day: date) -> str:
    """ "Tue 24 Nov": a day in a sentence."""
    return QLocale().toString(_qdate(day), _translate("Calendar", "ddd d MMM", "date format"))


def day_and_month(day: date) -> str:
    """ "24 Nov": a day where its weekday is plain."""
    return QLocale().toString(_qdate(day), _translate("Calendar", "d MMM", "date format"))


def short_date(day: date) -> str:
    """A date with its year in figures, as the user's country writes it."""
    return QLocale().toString(_qdate(day), QLocale.FormatType.ShortFormat)


def month_and_year(day: date) -> str:
    """ "November 2026": the title of a month."""
    return QLocale().toString(_qdate(day), _translate("Calendar", "MMMM yyyy", "date format"))


def week_number(day: date) -> int:
    """The ISO week that the day lies in."""
    return day.isocalendar().week


def hours_and_minutes(length: timedelta) -> str:
    """ "30 min", "1 h", "2 h 15 min"."""
    hours, minutes = divmod(round(length.total_seconds() / 60), 60)
    if not hours:
        return _translate("Calendar", "%n min", "", minutes)
    if not minutes:
        return _translate("Calendar", "%n h", "", hours)
    return _translate("Calendar", "%1 h %2 min").replace("%1", str(hours)).replace("%2", str(minutes))


def of_slot(slot: Slot, now: datetime, zone: ZoneInfo) -> tuple[str, ...]:
    """What is said of the time under the cursor, in full and then ever shorter: "09:00, 1 h 50 min free"."""
    at = clock(slot.start, zone)
    if slot.is_past(now):
        return _translate("Calendar", "%1, past").replace("%1", at), at
    if not slot.is_open:
        return _translate("Calendar", "%1, closed").replace("%1", at), at
    free = hours_and_minutes(slot.free)
    whole, short = _translate("Calendar", "%1, %2 free"), _translate("Calendar", "%1, %2", "time, how long it is free")
    return whole.replace("%1", at).replace("%2", free), short.replace("%1", at).replace("%2", free), at


def minutes_waited(row: AppointmentRow, now: datetime) -> int | None:
    """Whole minutes since the patient arrived, while they wait; None for anybody who does not."""
    if row.arrived_at is None or row.in_progress or row.status not in (Status.ARRIVED, Status.CHECKED_IN):
        return None
    return max(int((now - row.arrived_at).total_seconds() // 60), 0)


def count(visits: int) -> tuple[str, str]:
    """How many visits there are, as the status bar says it: icon and words."""
    return "ph.calendar-blank", _translate("Calendar", "%n visits", "", visits)


def counts(visits: Sequence[AppointmentRow], now: datetime) -> tuple[tuple[str, str], ...]:
    """What the status bar says of these visits, as icon and words: how many, and how many wait for how long."""
    counted = [visit for visit in visits if visit.status in COUNTED]
    found = [count(len(counted))]
    waits = [waited for visit in counted if (waited := minutes_waited(visit, now)) is not None]
    if waits:
        text = _translate("Calendar", "%n waiting, longest %1 min", "", len(waits)).replace("%1", str(max(waits)))
        found.append(("ph.armchair", text))
    return tuple(found)


def status_word(row: AppointmentRow) -> str:
    """The name of the visit's state: "Arrived", "In room"."""
    return status_look(row.status, row.confirmed, row.in_progress).label


def booked(row: AppointmentRow, zone: ZoneInfo) -> str:
    """What the toast says of a new visit: "Booked Tue 24 Nov, 11:40 with Dr Lee"."""
    local = row.start.astimezone(zone)
    text = _translate("Calendar", "Booked %1, %2 with %3").replace("%1", short_day(local.date()))
    return text.replace("%2", clock(local)).replace("%3", row.practitioner_name)


def person(row: AppointmentRow, initials_only: bool) -> str:
    """The patient's name, or initials while names are hidden."""
    return initials(row.patient_name) if initials_only else row.patient_name


def spoken(row: AppointmentRow, now: datetime, zone: ZoneInfo, initials_only: bool = False) -> str:
    """What a screen reader says: "10:20 to 10:50, Daniel Osei, arrived, waiting 22 minutes, Dr Lee"."""
    parts = [
        _translate("Calendar", "%1 to %2").replace("%1", clock(row.start, zone)).replace("%2", clock(row.end, zone)),
        person(row, initials_only),
        status_word(row).lower(),
    ]
    waited = minutes_waited(row, now)
    if waited is not None:
        parts.append(_translate("Calendar", "waiting %n minutes", "", waited))
    if row.overbooked:
        parts.append(_translate("Calendar", "overbooked"))
    parts.append(row.practitioner_name)
    return ", ".join(parts)


def look_of(
    row: AppointmentRow,
    now: datetime,
    *,
    initials_only: bool = False,
    cut: bool = False,
    rebook: bool = False,
    focused: bool = False,
) -> VisitLook:
    """What the visit painter shows of a visit. The reason on the calendar is the kind of visit, never the free text."""
    return VisitLook(
        name=row.patient_name,
        reason=row.type_name,
        status=row.status.value,
        confirmed=row.confirmed,
        in_progress=row.in_progress,
        waited_minutes=minutes_waited(row, now),
        overbooked_count=2 if row.overbooked else 0,
        initials_only=initials_only,
        cut=cut,
        rebook=rebook,
        focused=focused,
    )


def _qdate(day: date) -> QDate:
    return QDate(day.year, day.month, day.day)
