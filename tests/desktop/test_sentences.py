"""An error is said in a sentence, with times as the clinic's clocks show them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from PySide6.QtCore import QCoreApplication, QTranslator

from clinicdesk.core.errors import ClinicError, Conflict, RateLimited
from clinicdesk.core.sentences import SENTENCES
from clinicdesk.desktop.sentences import sentence


def test_an_instant_is_told_in_the_zone_of_the_clinic() -> None:
    error = RateLimited("sign_in_locked", until=datetime(2026, 11, 23, 10, 42, tzinfo=UTC))
    assert sentence(error, ZoneInfo("Asia/Tokyo")) == "Too many wrong passwords. Try again at 19:42."


def test_a_code_that_nobody_wrote_a_sentence_for_falls_back_to_its_family() -> None:
    assert sentence(Conflict("no such code")) == SENTENCES["conflict"]


def test_a_length_is_told_in_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SENTENCES, "a_length", "Needs {length}.")
    assert sentence(ClinicError("a_length", length=timedelta(minutes=15))) == "Needs 15 min."


class Spanish(QTranslator):
    def translate(self, context: str, source: str, disambiguation: str | None = None, n: int = -1) -> str:
        return "Se fue." if (context, source) == ("Errors", SENTENCES["not_found"]) else ""

    def isEmpty(self) -> bool:
        return False


def test_sentences_are_translated(qapp: QCoreApplication) -> None:
    spanish = Spanish()
    qapp.installTranslator(spanish)
    try:
        assert sentence(ClinicError("not_found")) == "Se fue."
    finally:
        qapp.removeTranslator(spanish)
