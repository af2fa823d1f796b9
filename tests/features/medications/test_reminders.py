"""Reminders are kept with the medicine, go on with its renewal, and are due only while it is taken."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.medications import service as medications
from clinicdesk.features.medications.schemas import DueReminder, ReminderRow, ReminderRule, Renew, SaveReminder
from clinicdesk.features.patients import service as patients
from tests.features.medications.conftest import TODAY, PrescribeFor

DAY = timedelta(days=1)
TWICE = ReminderRule((time(20), time(8), time(8)), TODAY)
MIDNIGHT = datetime(2026, 11, 22, 23, tzinfo=UTC)  # in Berlin


@pytest.fixture
def saved(db: Database, nurse: Actor, prescribe: PrescribeFor) -> ReminderRow:
    medication = prescribe("Digoxin", ends_on=TODAY + 9 * DAY)
    with db.write(nurse) as tx:
        return medications.save_reminder(tx, SaveReminder(medication.id, TWICE))


def due(db: Database, operator: Actor, days: int = 1) -> list[DueReminder]:
    with db.read(operator) as tx:
        return medications.due_between(tx, MIDNIGHT, MIDNIGHT + days * DAY)


def test_a_reminder_says_when_it_is_next_due(db: Database, nurse: Actor, smith: UUID, saved: ReminderRow) -> None:
    assert saved.rule == ReminderRule((time(8), time(20)), TODAY)
    assert saved.next_due == datetime(2026, 11, 23, 19, tzinfo=UTC)  # 08:00 in Berlin has passed
    with db.write(nurse) as tx:
        assert medications.reminders_of_patient(tx, smith) == [saved]
        off = medications.enable_reminder(tx, saved.id, 1, False)
    assert (off.enabled, off.next_due, off.version) == (False, None, 2)


def test_what_is_due_is_due_while_the_medicine_is_taken(
    db: Database, operator: Actor, smith: UUID, saved: ReminderRow
) -> None:
    assert due(db, operator) == [
        DueReminder(saved.id, saved.medication_id, smith, datetime(2026, 11, 23, hour, tzinfo=UTC)) for hour in (7, 19)
    ]
    assert len(due(db, operator, 31)) == 20  # ten days of the prescription


@pytest.mark.parametrize("why", ["off", "held", "stopped", "dead"])
def test_nothing_is_due_where_there_is_nothing_to_take(
    db: Database, operator: Actor, doctor: Actor, smith: UUID, saved: ReminderRow, why: str
) -> None:
    with db.write(doctor) as tx:
        if why == "off":
            medications.enable_reminder(tx, saved.id, 1, False)
        elif why == "held":
            medications.hold(tx, saved.medication_id, 1, "fasting")
        elif why == "stopped":
            medications.stop(tx, saved.medication_id, 1, "rash")
        else:
            patients.mark_deceased(tx, smith, 1, None)
    assert due(db, operator) == []


def test_a_new_rule_takes_the_place_of_the_old(db: Database, nurse: Actor, operator: Actor, saved: ReminderRow) -> None:
    rule = ReminderRule((time(12),), TODAY, TODAY + 1 * DAY, frozenset({1}))
    with db.write(nurse) as tx:
        row = medications.save_reminder(tx, SaveReminder(saved.medication_id, rule, saved.id, 1))
    assert (row.rule, row.version) == (rule, 2)
    assert [one.due_at for one in due(db, operator, 31)] == [datetime(2026, 11, 24, 11, tzinfo=UTC)]


def test_a_renewal_takes_the_reminders_along(
    db: Database, doctor: Actor, operator: Actor, smith: UUID, saved: ReminderRow
) -> None:
    with db.write(doctor) as tx:
        new = medications.renew(tx, Renew(saved.medication_id, 1))
        (row,) = medications.reminders_of_patient(tx, smith)
    assert (row.medication_id, row.rule) == (new.id, saved.rule)
    assert len(due(db, operator, 31)) == 62


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"times": ()}, "missing"),
        ({"times": tuple(time(0, minute) for minute in range(25))}, "too_many"),
        ({"times": (time(8, 0, 1),)}, "whole_minutes"),
        ({"times": (time(8, tzinfo=UTC),)}, "whole_minutes"),
        ({"weekdays": frozenset()}, "weekday"),
        ({"weekdays": frozenset({7})}, "weekday"),
        ({"until": TODAY - DAY}, "ends_before_start"),
        ({"starts_on": date(9999, 1, 1)}, "out_of_range"),
    ],
)
def test_a_rule_that_cannot_be_right_is_refused(
    db: Database, nurse: Actor, saved: ReminderRow, told: dict[str, Any], code: str
) -> None:
    rule = replace(ReminderRule((time(8),), TODAY), **told)
    with pytest.raises(ClinicError) as refused, db.write(nurse) as tx:
        medications.save_reminder(tx, SaveReminder(saved.medication_id, rule))
    assert refused.value.reason == code


def test_a_reminder_is_of_something_taken_and_of_its_own_medicine(
    db: Database, doctor: Actor, saved: ReminderRow, prescribe: PrescribeFor
) -> None:
    other = prescribe("Zinc")
    with pytest.raises(ClinicError) as refused, db.write(doctor) as tx:
        medications.save_reminder(tx, SaveReminder(other.id, TWICE, saved.id, 1))
    assert refused.value.reason == "reminder_not_found"
    with db.write(doctor) as tx:
        medications.stop(tx, other.id, 1, "rash")
    with pytest.raises(ClinicError) as refused, db.write(doctor) as tx:
        medications.save_reminder(tx, SaveReminder(other.id, TWICE))
    assert refused.value.reason == "not_active"
    with pytest.raises(ClinicError) as refused, db.write(doctor) as tx:
        medications.enable_reminder(tx, saved.id, 7, False)
    assert refused.value.reason == "changed_meanwhile"


def test_too_long_a_span_is_refused(db: Database, operator: Actor, saved: ReminderRow) -> None:
    with pytest.raises(ClinicError) as refused:
        due(db, operator, 32)
    assert refused.value.reason == "span"
