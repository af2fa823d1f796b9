"""The five answers of the first start, and the clinic that they make."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time

from PySide6.QtCore import QLocale, QTimeZone

from clinicdesk.core.errors import ClinicError, InvalidInput
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Tx
from clinicdesk.features.practitioners.schemas import SavePractitioner, SetUpClinic, SetWeeklyHours, Shift
from clinicdesk.features.practitioners.service import save_practitioner, set_up_clinic, set_weekly_hours
from clinicdesk.features.users.schemas import AddUser
from clinicdesk.features.users.service import add_user


@dataclass(frozen=True, slots=True)
class Answers:
    """What was typed. `weekdays` counts from Monday 0; hours are local to the clinic; `today` is the clinic's day."""

    clinic: str
    zone: str
    prefix: str
    given: str
    family: str
    weekdays: tuple[int, ...]
    start: time
    end: time
    name: str
    email: str
    today: date
    password: str = field(repr=False)
    country: str = ""


class AnswerRefused(InvalidInput):
    """An answer cannot be right. `question` says which: clinic, zone, practitioner, hours, name, email or password."""


def set_up(tx: Tx, answers: Answers) -> None:
    """Make the clinic, its first practitioner with their hours, and its administrator; all of it or nothing.

    Raises AnswerRefused, or what else the verbs raise.
    """
    question = "clinic"
    try:
        set_up_clinic(tx, SetUpClinic(answers.clinic, answers.zone, answers.country))
        question = "practitioner"
        doctor = save_practitioner(tx, SavePractitioner(answers.family, answers.given, answers.prefix))
        question = "hours"
        shifts = tuple(Shift(weekday, answers.start, answers.end) for weekday in answers.weekdays)
        set_weekly_hours(tx, SetWeeklyHours(doctor.id, shifts, answers.today))
        question = "email"
        add_user(tx, AddUser(answers.email, answers.name, Role.ADMINISTRATOR, answers.password))
    except ClinicError as error:
        field_name = str(error.params.get("field", ""))
        if question in ("clinic", "email") and field_name in ("zone", "name", "email", "password"):
            question = "clinic" if (question, field_name) == ("clinic", "name") else field_name
        raise AnswerRefused(error.reason, **{**error.params, "question": question}) from error


def system_zone() -> str:
    """The IANA name of this computer's time zone; UTC where it has none."""
    name = bytes(QTimeZone.systemTimeZoneId().data()).decode("ascii", "replace")
    return name if "/" in name and not name.startswith("Etc/") else "UTC"


def system_country() -> str:
    """The ISO 3166 code of the country that this computer is set to, for public holidays; empty where it says none."""
    code = QLocale.territoryToCode(QLocale.system().territory())
    return code if len(code) == 2 and code.isalpha() else ""
