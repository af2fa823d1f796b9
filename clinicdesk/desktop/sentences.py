"""Says an error to a person: the translated sentence of its code, with its parameters in words."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import Enum

from PySide6.QtCore import QCoreApplication, QDate, QLocale

from clinicdesk.core.errors import ClinicError


def sentence(error: ClinicError, zone: tzinfo = UTC) -> str:
    """What went wrong and what to do, in one or two sentences; instants are told as times in `zone`."""
    from clinicdesk.core.sentences import SENTENCES  # a start without an error need not load it

    source = SENTENCES.get(error.reason) or SENTENCES[type(error).code]
    text = QCoreApplication.translate("Errors", source)
    for name, value in error.params.items():
        text = text.replace("{" + name + "}", _words(value, zone))
    return text


def warning(code: str) -> str:
    """What the clinic is told at each start, for a code of `OpenClinic.warnings`."""
    from clinicdesk.core.sentences import SENTENCES

    return QCoreApplication.translate("Errors", SENTENCES[code])


def _words(value: object, zone: tzinfo) -> str:
    locale = QLocale()
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%H:%M")
    if isinstance(value, date):
        return locale.toString(QDate(value.year, value.month, value.day), QLocale.FormatType.ShortFormat)
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, timedelta):
        return QCoreApplication.translate("Errors", "%n min", "", round(value.total_seconds() / 60))
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, list | tuple | set | frozenset):
        return locale.createSeparatedList([_words(item, zone) for item in value])
    return str(value)
