"""How the Patients screen says people: age, what is masked and how, allergies, dates, and what was done to a record."""

from __future__ import annotations

import calendar
from datetime import date, datetime
from zoneinfo import ZoneInfo

from PySide6.QtCore import QCoreApplication, QDate, QLocale, QTime

from clinicdesk.core.errors import ClinicError
from clinicdesk.desktop.patients.birth_dates import parse_birth_date
from clinicdesk.features.patients.schemas import AllergyRow, Demographics, Gender, PatientRow, Severity

_translate = QCoreApplication.translate

DOTS = "••••"
DOT = " · "


def day_text(day: date) -> str:
    """ "26 Oct 2026"."""
    return QLocale().toString(QDate(day.year, day.month, day.day), _translate("Patients", "d MMM yyyy", "date format"))


def when_text(at: datetime, zone: ZoneInfo, today: date) -> str:
    """The time for something of this day, the weekday within a week, else the day."""
    local = at.astimezone(zone)
    if local.date() == today:
        return QLocale().toString(QTime(local.hour, local.minute), QLocale.FormatType.ShortFormat)
    if 0 < (today - local.date()).days < 7:
        return QLocale().dayName(local.isoweekday(), QLocale.FormatType.ShortFormat)
    form = "d MMM" if local.year == today.year else "d MMM yyyy"
    return QLocale().toString(QDate(local.year, local.month, local.day), form)


def read_birth_date(text: str, today: date) -> date | None:
    """The birth date that is typed, in the order and with the names of months of the user's country, or English ones."""
    locale = QLocale()
    form = locale.dateFormat(QLocale.FormatType.ShortFormat).casefold()
    months = [[locale.monthName(i) for i in range(1, 13)], list(calendar.month_name)[1:]]
    return parse_birth_date(text, today, months, day_first=form.find("d") < form.find("m"))


def age_text(born: date, today: date) -> str:
    """ "42 years"; months for small children, days for the newborn."""
    months = (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
    if months >= 24:
        return _translate("Patients", "%n years", "", months // 12)
    if months >= 1:
        return _translate("Patients", "%n months", "", months)
    return _translate("Patients", "%n days", "", max((today - born).days, 0))


def gender_text(gender: Gender) -> str:
    """What the gender is called; nothing where it is not known."""
    return {
        Gender.FEMALE: _translate("Patients", "female"),
        Gender.MALE: _translate("Patients", "male"),
        Gender.OTHER: _translate("Patients", "other gender"),
        Gender.UNKNOWN: "",
    }[gender]


def person_text(person: PatientRow | Demographics, today: date) -> str:
    """ "42 years, they/them": age, and pronouns or else gender."""
    age = age_text(person.birth_date, today) if person.birth_date else ""
    return ", ".join(filter(None, (age, person.pronouns or gender_text(person.gender))))


def about(row: PatientRow, today: date) -> str:
    """The second line of a patient in a list: age, pronouns, record number, and whether they have died."""
    parts = [person_text(row, today), row.number]
    if row.deceased:
        parts.append(_translate("Patients", "deceased"))
    elif not row.active:
        parts.append(_translate("Patients", "no longer a patient here"))
    return DOT.join(filter(None, parts))


def masked_birth_date(born: date | None) -> str:
    """The year alone; nothing where no birth date is known."""
    return f"\u2066•• ••• {born.year}\u2069" if born else ""


def masked_phone(phone: str) -> str:
    """The last three figures alone."""
    figures = "".join(character for character in phone if character.isdigit())
    return f"\u2066•••• ••• {figures[-3:]}\u2069" if figures else ""


def isolated(phone: str) -> str:
    """A phone number that reads from left to right in any language."""
    return f"\u2066{phone}\u2069" if phone else ""


def severity_text(severity: Severity) -> str:
    """How bad a reaction is, in a word; nothing where nobody said."""
    return {
        Severity.MILD: _translate("Patients", "mild"),
        Severity.MODERATE: _translate("Patients", "moderate"),
        Severity.SEVERE: _translate("Patients", "severe"),
        Severity.UNKNOWN: "",
    }[severity]


def allergy_text(allergy: AllergyRow) -> str:
    """What follows the substance: "severe: anaphylaxis 2015"."""
    return ": ".join(filter(None, (severity_text(allergy.severity), allergy.reaction)))


def reason_text(code: str) -> str:
    """Why somebody may be the same person, in words."""
    return {
        "same_name": _translate("Patients", "same name"),
        "similar_name": _translate("Patients", "similar name"),
        "same_birth_date": _translate("Patients", "same birth date"),
        "similar_birth_date": _translate("Patients", "similar birth date"),
        "same_phone": _translate("Patients", "same phone"),
        "same_identifier": _translate("Patients", "same number elsewhere"),
        "same_address": _translate("Patients", "same address"),
    }.get(code, "")


def field_of(error: ClinicError) -> str:
    """The name of the field that an error is about; empty where it names none."""
    return str(error.params.get("field", ""))
