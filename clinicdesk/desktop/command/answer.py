"""What the command bar asks of the services while someone types, answered in one unit of work off the main thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx
from clinicdesk.desktop.appointments.booking_form import USUAL_MINUTES
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.phrase import Part, Phrase, openings_asked, parse
from clinicdesk.features.appointments.rules import HOLDING
from clinicdesk.features.appointments.schemas import AppointmentRow, DaySchedule, Opening, Status, TypeRow
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import PatientRow
from clinicdesk.features.practitioners.schemas import PractitionerRow
from clinicdesk.features.practitioners.service import list_practitioners

MOST_OPENINGS = 5
MOST_CANDIDATES = 4
"""People who may be meant by the name in a phrase."""
MOST_PEOPLE = 8
"""People listed where a name alone was typed."""
_FEW_PEOPLE = 3
"""People listed below the openings where a lone word may mean either."""


@dataclass(frozen=True, slots=True)
class Question:
    """What was typed, the clinic's day, and whom it may be about: `chosen` was picked here, `context` is whom the screen in
    front shows."""

    text: str
    today: date
    zone: ZoneInfo
    chosen: UUID | None = None
    context: UUID | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What can be done with the text. Lists that the role may not see, or that were not asked for, are empty."""

    question: Question
    phrase: Phrase
    practitioners: tuple[PractitionerRow, ...] = ()
    types: tuple[TypeRow, ...] = ()
    books: bool = False
    """Whether the text asks for a visit to be booked."""
    kind: TypeRow | None = None
    length: timedelta = timedelta(minutes=USUAL_MINUTES)
    candidates: tuple[PatientRow, ...] = ()
    """Whom the name in the phrase may mean."""
    patient: PatientRow | None = None
    """Whom it is taken to mean: one of the candidates, or whom the screen in front is about."""
    people: tuple[PatientRow, ...] = ()
    """Whose record may be meant."""
    openings: tuple[Opening, ...] = ()
    schedules: Mapping[tuple[UUID, date], DaySchedule] = field(default_factory=dict)
    """The practitioner's day around each opening."""
    planned: tuple[AppointmentRow, ...] = ()
    """What the patient is booked for from today on, soonest first."""
    seen: Mapping[UUID, AppointmentRow] = field(default_factory=dict)
    """The last visit that each candidate had, by patient."""


def asks_to_book(phrase: Phrase, today: date) -> bool:
    """Whether the phrase says more than a name; a day that is over is somebody's birth date."""
    says_more = any(span.part is not Part.PATIENT for span in phrase.spans)
    return says_more and not (phrase.last is not None and phrase.last < today)


def find_answer(tx: Tx, question: Question) -> Answer:
    """Read the phrase and look up all that is shown for it. Raises NotFound where the clinic is not set up."""
    if not tx.actor.may(Permission.SEE_CALENDAR):
        return Answer(question, Phrase(), people=_people(tx, question.text, MOST_PEOPLE))
    practitioners, types = tuple(list_practitioners(tx)), tuple(appointments.list_types(tx))
    phrase = parse(question.text, practitioners, types, question.today)
    books = asks_to_book(phrase, question.today) and tx.actor.may(Permission.BOOK)
    kind = next((row for row in types if row.id == phrase.type_id), types[0] if types else None)
    length = phrase.length or timedelta(minutes=kind.minutes if kind else USUAL_MINUTES)
    candidates = _people(tx, phrase.patient, MOST_CANDIDATES) if books else ()
    patient = _patient(tx, question, phrase, candidates)
    known = Answer(question, phrase, practitioners, types, books, kind, length, candidates, patient)
    return _booking(tx, known) if books else _with_people(tx, known, MOST_PEOPLE)


def _people(tx: Tx, text: str, most: int) -> tuple[PatientRow, ...]:
    if not text.strip() or not tx.actor.may(Permission.FIND_PATIENT):
        return ()
    return tuple(patients.search(tx, text, most))


def _patient(tx: Tx, question: Question, phrase: Phrase, candidates: tuple[PatientRow, ...]) -> PatientRow | None:
    wanted = (question.chosen, question.context)
    if candidates:
        return next((row for id_ in wanted for row in candidates if row.id == id_), candidates[0])
    if phrase.patient or question.context is None or not tx.actor.may(Permission.FIND_PATIENT):
        return None
    return patients.get_rows(tx, [question.context]).get(question.context)


def _booking(tx: Tx, known: Answer) -> Answer:
    question, patient = known.question, known.patient
    openings: tuple[Opening, ...] = ()
    if patient is None or not patient.deceased:
        asked = openings_asked(
            known.phrase, question.zone, tx.now, known.length, patient.id if patient else None, MOST_OPENINGS
        )
        openings = tuple(appointments.find_openings(tx, asked))
    days = {(row.practitioner_id, row.start.astimezone(question.zone).date()) for row in openings}
    visits = {row.id: appointments.visits_of_patient(tx, row.id) for row in known.candidates}
    if patient is not None and patient.id not in visits:
        visits[patient.id] = appointments.visits_of_patient(tx, patient.id)
    seen = {id_: visit for id_, rows in visits.items() if (visit := _last_seen(rows)) is not None}
    planned = [
        visit for visit in visits.get(patient.id, []) if visit.status in HOLDING and _day(visit, question) >= question.today
    ] if patient else []  # fmt: skip
    schedules = {(who, day): appointments.day_schedule(tx, day, (who,)) for who, day in days}
    found = replace(known, openings=openings, schedules=schedules, planned=tuple(reversed(planned)), seen=seen)
    lone_word = len(known.phrase.spans) == 1
    return _with_people(tx, found, _FEW_PEOPLE) if lone_word else found


def _with_people(tx: Tx, known: Answer, most: int) -> Answer:
    return replace(known, people=_people(tx, known.question.text, most))


def _last_seen(visits: list[AppointmentRow]) -> AppointmentRow | None:
    """The latest visit that is over; they come latest first."""
    return next((visit for visit in visits if visit.status is Status.FULFILLED), None)


def _day(visit: AppointmentRow, question: Question) -> date:
    return visit.start.astimezone(question.zone).date()
