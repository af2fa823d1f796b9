"""Puts an answer into rows and words: what is listed, in which order, and how each thing is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from PySide6.QtCore import QCoreApplication, QLocale

from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.command.answer import Answer
from clinicdesk.desktop.command.places import Found, Place
from clinicdesk.desktop.command.rows import Kind, Row
from clinicdesk.desktop.desk import NewPatient, Prefill
from clinicdesk.desktop.patients.words import about
from clinicdesk.features.appointments.phrase import Part, Phrase
from clinicdesk.features.appointments.schemas import AppointmentRow, Opening
from clinicdesk.features.patients.schemas import PatientRow
from clinicdesk.features.practitioners.rules import MINUTES_A_DAY

Name = Callable[[PatientRow], str]
"""How a patient is called now: by name, or by initials while names are hidden."""

_MOST_PLANNED = 2
_NOON = 12 * 60


_translate = QCoreApplication.translate


def rows_of(answer: Answer, found: Found, name: Name, *, may_register: bool = False) -> list[Row]:
    """All rows, best first: a place that the text names, then what can be booked, people, and other places.

    Where nobody has the name, the way to register them stands below.
    """
    first, last = found.named, found.others
    if answer.books and not found.exact:  # a phrase that happens to begin like a place
        first, last = (), first + last
    rows = _section(_translate("Command", "Go to and do"), _places(first))
    if answer.books:
        rows += openings(answer) + candidates(answer, name) + notes(answer, name)
    rows += _section(_translate("Command", "Open record"), [_person(row, answer, name) for row in answer.people])
    rows += _section(_translate("Command", "Also"), _places(last))
    if not rows:
        text = _translate("Command", "Nothing here is called “%1”.").replace("%1", answer.question.text.strip())
        rows.append(Row(Kind.NOTE, text, glyph="ph.magnifying-glass"))
    nobody = not answer.candidates if answer.books else not answer.people and not first
    if may_register and nobody and answer.phrase.patient:
        rows.append(_registering(answer))
    return rows


def _registering(answer: Answer) -> Row:
    """Take the person in; where a visit was asked for, it is booked on from there."""
    said, booking = answer.phrase.patient, None
    if answer.openings:
        first, kind = answer.openings[0], answer.kind
        booking = Prefill(None, first.practitioner_id, first.start, answer.length, kind.id if kind else None)
    text = _translate("Command", "Register “%1” as a new patient").replace("%1", said)
    return Row(Kind.PLACE, text, glyph="ph.user-plus", value=NewPatient(said, booking))


def first_rows(places: Iterable[Place]) -> list[Row]:
    """What is listed before anything is typed: the screens."""
    return _section(_translate("Command", "Go to"), _places([place for place in places if place.is_screen]))


def openings(answer: Answer) -> list[Row]:
    """The openings under their heading, or why there is none."""
    heading = Row(Kind.HEADING, _translate("Command", "Openings, best first"))
    if answer.patient is not None and answer.patient.deceased:
        return []
    if not answer.openings:
        return [
            heading,
            Row(
                Kind.NOTE,
                _translate("Command", "Nothing is free then. Try another day or practitioner."),
                glyph="ph.calendar-x",
            ),
        ]
    rows = [_opening(number, opening, answer) for number, opening in enumerate(answer.openings, start=1)]
    return [heading, *rows]


def candidates(answer: Answer, name: Name) -> list[Row]:
    """Whom the name may mean, where that is more than one person, or nobody."""
    said = answer.phrase.patient
    if said and not answer.candidates:
        return [
            Row(
                Kind.NOTE,
                _translate("Command", "No patient matches “%1”.").replace("%1", said),
                glyph="ph.user",
                warns=True,
            )
        ]
    if len(answer.candidates) < 2:
        return []
    rows = [
        Row(
            Kind.HEADING,
            _translate("Command", "Which %1?").replace("%1", said.title()),
            aside=_translate("Command", "choose another"),
            keys="Alt+↓",
        )
    ]
    for row in answer.candidates:
        chosen = row == answer.patient
        visit = answer.seen.get(row.id)
        seen = ""
        if visit is not None:
            seen = _translate("Command", "Seen by %1, %2").replace("%1", visit.practitioner_name)
            seen = seen.replace("%2", words.short_day(_local(visit.start, answer).date()))
        glyph = "ph.check-circle-fill" if chosen else "ph.circle"
        detail = about(row, answer.question.today)
        rows.append(Row(Kind.CANDIDATE, name(row), detail, seen, glyph, chosen=chosen, value=row))
    return rows


def notes(answer: Answer, name: Name) -> list[Row]:
    """What is known of the patient that may change one's mind."""
    patient, rows = answer.patient, []
    if patient is None:
        return []
    if patient.deceased:
        text = _translate("Command", "%1 has died. No visit can be booked.")
        rows.append(Row(Kind.NOTE, text.replace("%1", name(patient)), glyph="ph.warning-fill", warns=True))
    planned = answer.planned[:_MOST_PLANNED]
    rows += [Row(Kind.NOTE, _planned(visit, answer, name(patient)), glyph="ph.calendar-check") for visit in planned]
    return _section(_translate("Command", "Before you book"), rows)


def _planned(visit: AppointmentRow, answer: Answer, who: str) -> str:
    local = _local(visit.start, answer)
    if local.date() == answer.question.today:
        text = _translate("Command", "%1 has a visit today at %3 with %4.")
    else:
        text = _translate("Command", "%1 has a visit on %2 at %3 with %4.").replace("%2", words.short_day(local.date()))
    return text.replace("%3", words.clock(local)).replace("%4", visit.practitioner_name).replace("%1", who)


def clash(answer: Answer, opening: Opening, name: Name) -> str:
    """Whether the patient has another visit on the day of an opening."""
    if answer.patient is None:
        return ""
    day = _local(opening.start, answer).date()
    others = [visit for visit in answer.planned if _local(visit.start, answer).date() == day]
    text = (
        _translate("Command", "%1 has another visit that day")
        if others
        else _translate("Command", "No clash for %1 that day")
    )
    return text.replace("%1", name(answer.patient))


def _opening(number: int, opening: Opening, answer: Answer) -> Row:
    zone = answer.question.zone
    start, end = words.clock(opening.start, zone), words.clock(opening.end, zone)
    day = words.short_day(_local(opening.start, answer).date())
    detail, warning = reason(opening, answer)
    return Row(
        Kind.OPENING,
        f"{start}–{end}",
        detail,
        warning,
        number=number,
        cells=(day, opening.practitioner_name),
        value=opening,
    )


def reason(opening: Opening, answer: Answer) -> tuple[str, str]:
    """Why the opening stands where it does, and what speaks against it."""
    codes = set(opening.reasons)
    length = words.hours_and_minutes(opening.end - opening.start)
    said = {
        "exact_fit": _translate("Command", "Fills a %1 gap exactly").replace("%1", length),
        "first_of_day": _translate("Command", "First of the day"),
        "last_of_day": _translate("Command", "Last of the day"),
        "between_visits": _translate("Command", "Between two visits"),
        "later_day": _translate("Command", "On a later day"),
    }
    text = next((sentence for code, sentence in said.items() if code in codes), "")
    if "other_practitioner" in codes:
        asked = [row.short for row in answer.practitioners if row.id in answer.phrase.practitioner_ids]
        return text, _translate("Command", "Not %1").replace("%1", QLocale().createSeparatedList(asked))
    if "leaves_gap" in codes:
        return text, _translate("Command", "Leaves %1").replace("%1", words.hours_and_minutes(opening.gap))
    return text, ""


def part_words(answer: Answer, part: Part, name: Name) -> tuple[str, bool]:
    """What stands in the button of a part, and whether the text says it (else it is taken for granted)."""
    phrase = answer.phrase
    match part:
        case Part.PATIENT:
            patient = answer.patient or (answer.people[0] if answer.people and phrase.patient else None)
            if patient is not None:
                return f"{name(patient)} · {patient.number}", True
            return (
                _translate("Command", "Nobody found") if phrase.patient else _translate("Command", "Asked when booking")
            ), False
        case Part.PRACTITIONER:
            asked = [row.name for row in answer.practitioners if row.id in phrase.practitioner_ids]
            return (QLocale().createSeparatedList(asked), True) if asked else (_translate("Command", "Anybody"), False)
        case Part.TYPE:
            return answer.kind.name if answer.kind else _translate("Command", "Visit"), phrase.type_id is not None
        case Part.LENGTH:
            return words.hours_and_minutes(answer.length), phrase.length is not None
        case Part.WHEN:
            said = when_words(phrase)
            return said or _translate("Command", "As soon as possible"), bool(said)


def when_words(phrase: Phrase) -> str:
    """ "Tue, morning": the days and the time of day that the phrase asks for; nothing where it names none."""
    locale = QLocale()
    days = [locale.dayName(day + 1, QLocale.FormatType.ShortFormat) for day in sorted(phrase.weekdays)]
    said = [locale.createSeparatedList(days)] if days else []
    first, last = phrase.first, phrase.last
    if first is not None and first == last:
        said.insert(0, words.short_day(first))
    elif first is not None and last is not None:
        said.insert(0, f"{words.short_day(first)}–{words.short_day(last)}")
    elif first is not None:
        said.insert(0, _translate("Command", "from %1").replace("%1", words.short_day(first)))
    if phrase.from_minute or phrase.to_minute < MINUTES_A_DAY:
        said.append(_part_of_day(phrase.from_minute, phrase.to_minute))
    return ", ".join(said)


def _part_of_day(start: int, end: int) -> str:
    if (start, end) == (0, _NOON):
        return _translate("Command", "morning")
    if start == _NOON and end > _NOON:
        return _translate("Command", "afternoon")
    if end == MINUTES_A_DAY:
        return _translate("Command", "from %1").replace("%1", _clock(start))
    if start == 0:
        return _translate("Command", "until %1").replace("%1", _clock(end))
    return f"{_clock(start)}–{_clock(end)}"


def _clock(minute: int) -> str:
    return words.clock(time(minute // 60 % 24, minute % 60))


def strip_title(opening: Opening, zone: ZoneInfo) -> str:
    """ "Dr Grace Lee, Tue 24 Nov": what heads the strip of the day."""
    return f"{opening.practitioner_name}, {words.short_day(opening.start.astimezone(zone).date())}"


def _local(at: datetime, answer: Answer) -> datetime:
    return at.astimezone(answer.question.zone)


def _person(patient: PatientRow, answer: Answer, name: Name) -> Row:
    return Row(Kind.PERSON, name(patient), about(patient, answer.question.today), glyph="ph.user", value=patient)


def _places(places: Iterable[Place]) -> list[Row]:
    return [
        Row(Kind.PLACE, place.key.title, glyph="ph.arrow-right" if place.is_screen else "ph.lightning", keys=place.key.caps,
            value=place)
        for place in places
    ]  # fmt: skip


def _section(title: str, rows: list[Row]) -> list[Row]:
    return [Row(Kind.HEADING, title), *rows] if rows else []


def day_of(opening: Opening, zone: ZoneInfo) -> date:
    """The local day of an opening."""
    return opening.start.astimezone(zone).date()
