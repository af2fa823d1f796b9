"""A prescription is made, changed and ended by legal steps, warned of, audited, and never silently overwritten."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from clinicdesk.core.errors import ClinicError, Conflict, InvalidInput, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import PageRequest
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor, Database, Tx
from clinicdesk.features.medications import service as medications
from clinicdesk.features.medications.rules import LEGAL
from clinicdesk.features.medications.schemas import (
    Dispense,
    Dosage,
    EditDraft,
    MedicationRow,
    Moment,
    PeriodUnit,
    Prescribe,
    Renew,
    Route,
    SeriousWarning,
    Status,
)
from clinicdesk.features.patients import service as patients
from tests.conftest import Hands, noted
from tests.features.medications.conftest import TODAY, Allergic, PrescribeFor

DAY = timedelta(days=1)


def audited(db: Database) -> list[tuple[str, str, str]]:
    with db.engine.connect() as connection:
        found = select(AuditEntry.verb, AuditEntry.action, AuditEntry.detail).where(
            AuditEntry.verb.like("medications.%")
        )
        return [(row.verb, row.action, noted(row.detail)) for row in connection.execute(found.order_by(AuditEntry.seq))]


def do(db: Database, actor: Actor, verb: Callable[..., Any], *told: Any, **named: Any) -> Any:
    with db.write(actor) as tx:
        return verb(tx, *told, **named)


def current(db: Database, actor: Actor, smith: UUID) -> list[MedicationRow]:
    found: list[MedicationRow] = do(db, actor, medications.current_medications, smith)
    return found


def reason(verb: Callable[[], object]) -> str:
    with pytest.raises(ClinicError) as refused:
        verb()
    return refused.value.reason


def test_a_prescription_is_kept_whole(db: Database, doctor: Actor, smith: UUID, prescribe: PrescribeFor) -> None:
    dosage = Dosage(
        0.125, "mg", 1, 2, PeriodUnit.WEEK, Moment.BEDTIME, True, 3, Route.ORAL, "with water",
    )  # fmt: skip
    row = prescribe(
        "Digoxin", dosage=dosage, strength="0.125 mg", form="tablet", ends_on=TODAY + 9 * DAY, refills=2, supply_days=5,
        review_on=TODAY + 30 * DAY, indication="Heart",
    )  # fmt: skip
    assert current(db, doctor, smith) == [row]
    assert (row.dosage, row.strength, row.form, row.indication) == (dosage, "0.125 mg", "tablet", "Heart")
    assert (row.starts_on, row.ends_on, row.review_on) == (TODAY, TODAY + 9 * DAY, TODAY + 30 * DAY)
    assert (row.status, row.prescriber_id, row.prescriber) == (Status.ACTIVE, doctor.user_id, doctor.name)
    assert (row.refills_left, row.lasts_until, row.changed_on) == (2, TODAY + 14 * DAY, TODAY)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"medicine": " "}, "medicine"),
        ({"dosage": Dosage(0, "mg")}, "amount"),
        ({"dosage": Dosage(float("nan"), "mg")}, "amount"),
        ({"dosage": Dosage(1, "mg", 0)}, "times"),
        ({"dosage": Dosage(1, "mg", 1, 0)}, "period"),
        ({"dosage": Dosage(1, "mg", most_a_day=0)}, "most_a_day"),
        ({"dosage": Dosage(1, "mg", instructions="x" * 501)}, "instructions"),
        ({"ends_on": TODAY - DAY}, "ends_on"),
        ({"starts_on": date(1899, 12, 31)}, "starts_on"),
        ({"review_on": date(9999, 12, 31)}, "review_on"),
        ({"refills": 100}, "refills"),
        ({"supply_days": 0}, "supply_days"),
    ],
)
def test_what_cannot_be_right_is_refused_and_named(
    db: Database, prescribe: PrescribeFor, told: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        prescribe(**({"medicine": "Digoxin"} | told))
    assert refused.value.params["field"] == field
    assert audited(db) == []


VERBS: dict[Status, Callable[[Tx, MedicationRow], MedicationRow]] = {
    Status.ON_HOLD: lambda tx, row: medications.hold(tx, row.id, row.version, "fasting"),
    Status.STOPPED: lambda tx, row: medications.stop(tx, row.id, row.version, "rash"),
    Status.COMPLETED: lambda tx, row: medications.complete(tx, row.id, row.version),
    Status.CANCELLED: lambda tx, row: medications.withdraw(tx, row.id, row.version),
    Status.ENTERED_IN_ERROR: lambda tx, row: medications.mark_entered_in_error(
        tx, row.id, row.version, "other patient"
    ),
    Status.ACTIVE: lambda tx, row: (
        medications.sign(tx, row.id, row.version)
        if row.status is Status.DRAFT
        else medications.resume(tx, row.id, row.version)
    ),
}


@pytest.mark.parametrize("begin", [status for status in Status if status is not Status.UNKNOWN])
def test_every_step_is_legal_or_refused(db: Database, doctor: Actor, prescribe: PrescribeFor, begin: Status) -> None:
    for to, verb in VERBS.items():
        row = prescribe("Digoxin", draft=begin is Status.DRAFT)
        with db.write(doctor) as tx:
            if begin not in (Status.DRAFT, Status.ACTIVE):
                row = VERBS[begin](tx, row)
        if to in LEGAL[begin]:
            with db.write(doctor) as tx:
                assert verb(tx, row).status is to
                assert medications.open_medication(tx, row.id).row.status is to
        else:
            with pytest.raises(Conflict) as refused, db.write(doctor) as tx:
                verb(tx, row)
            assert refused.value.reason == "medication_transition"


def test_lists_are_of_what_is_taken_now_and_of_what_was(
    db: Database, doctor: Actor, smith: UUID, clock: Hands, prescribe: PrescribeFor
) -> None:
    for name in ("Zinc", "alpha", "Course", "Mistake", "Old"):
        prescribe(name, ends_on=TODAY + 6 * DAY if name == "Course" else None)
    rows = {row.medicine: row for row in current(db, doctor, smith)}
    assert list(rows) == ["alpha", "Course", "Mistake", "Old", "Zinc"]
    clock.now += DAY
    do(db, doctor, medications.mark_entered_in_error, rows["Mistake"].id, 1, "typed twice")
    stopped = do(db, doctor, medications.stop, rows["Old"].id, 1, "Ankle swelling")
    assert (stopped.status, stopped.status_reason) == (Status.STOPPED, "Ankle swelling")
    do(db, doctor, medications.hold, rows["Zinc"].id, 1, "fasting")
    clock.now += 6 * DAY
    assert [row.medicine for row in current(db, doctor, smith)] == ["alpha", "Zinc"]
    past = do(db, doctor, medications.past_medications, smith)
    assert [row.medicine for row in past.items] == ["Course", "Old"]
    assert len(do(db, doctor, medications.past_medications, smith, entered_in_error=True).items) == 3
    first = do(db, doctor, medications.past_medications, smith, PageRequest(1, total=True))
    rest = do(db, doctor, medications.past_medications, smith, PageRequest(1, first.next))
    assert (first.items + rest.items, first.total, rest.next) == (past.items, 2, None)


def test_somebody_elses_change_is_not_overwritten(db: Database, doctor: Actor, prescribe: PrescribeFor) -> None:
    row = prescribe("Digoxin")
    do(db, doctor, medications.hold, row.id, 1, "fasting")
    for verb, told in (
        (medications.stop, (row.id, 1, "x")), (medications.resume, (row.id, 1)), (medications.withdraw, (row.id, 1)),
        (medications.renew, (Renew(row.id, 1),)), (medications.dispense, (Dispense(row.id, 1),)),
    ):  # fmt: skip
        assert reason(lambda verb=verb, told=told: do(db, doctor, verb, *told)) == "changed_meanwhile"  # type: ignore[misc]


def test_a_draft_is_changed_and_signed_and_a_signed_one_is_not(
    db: Database, doctor: Actor, nurse: Actor, smith: UUID, prescribe: PrescribeFor
) -> None:
    draft = do(db, nurse, medications.prescribe, Prescribe(smith, "Digoxin", draft=True))
    edited = do(db, nurse, medications.edit_draft, EditDraft(draft.id, 1, Prescribe(smith, "Digoxin 0.25", refills=1)))
    assert (edited.medicine, edited.refills, edited.status, edited.version) == ("Digoxin 0.25", 1, Status.DRAFT, 2)
    signed = do(db, doctor, medications.sign, draft.id, 2)
    assert (signed.status, signed.prescriber) == (Status.ACTIVE, doctor.name)
    assert reason(lambda: do(db, doctor, medications.sign, draft.id, 3)) == "not_a_draft"
    assert (
        reason(lambda: do(db, doctor, medications.edit_draft, EditDraft(draft.id, 3, Prescribe(smith, "X"))))
        == "not_a_draft"
    )


def test_a_serious_warning_needs_a_reason_and_a_doctor(
    db: Database, doctor: Actor, nurse: Actor, smith: UUID, prescribe: PrescribeFor, allergic: Allergic
) -> None:
    allergic("Penicillin")
    with pytest.raises(SeriousWarning) as refused:
        prescribe("Amoxicillin")
    assert [warning.medicines for warning in refused.value.params["warnings"]] == [("Amoxicillin", "Penicillin")]  # type: ignore[attr-defined]
    with pytest.raises(NotPermitted):
        do(db, nurse, medications.prescribe, Prescribe(smith, "Amoxicillin", override_reason="No other"))
    assert current(db, doctor, smith) == []
    row = prescribe("Amoxicillin", override_reason="Tolerated in 2024")
    assert row.overridden == ("allergy serious: Amoxicillin, Penicillin",)
    assert row.override_reason == "Tolerated in 2024"
    assert audited(db)[-1] == ("medications.prescribe", "C", '{"note":"warnings_overridden 1"}')


def test_a_reason_where_nothing_speaks_against_it_is_not_kept(prescribe: PrescribeFor) -> None:
    assert prescribe("Digoxin", override_reason="just in case").override_reason == ""


def test_current_medicines_are_checked_against_and_past_ones_are_not(
    db: Database, doctor: Actor, smith: UUID, clock: Hands, prescribe: PrescribeFor
) -> None:
    prescribe("Warfarin 3 mg", ends_on=TODAY)
    assert reason(lambda: prescribe("Ibuprofen")) == "serious_warning"
    found = do(db, doctor, medications.check_medicine, smith, "Ibuprofen")
    assert [warning.medicines for warning in found.serious] == [("ibuprofen", "warfarin")]
    assert found.allergies_checked_on is None
    clock.now += 2 * DAY
    do(db, doctor, patients.allergies_checked, smith)
    assert prescribe("Ibuprofen").overridden == ()
    assert do(db, doctor, medications.check_medicine, smith, "Zinc").allergies_checked_on == TODAY + 2 * DAY


def test_what_went_on_hold_is_checked_again_when_it_resumes(
    db: Database, doctor: Actor, prescribe: PrescribeFor, allergic: Allergic
) -> None:
    row = prescribe("Amoxicillin")
    do(db, doctor, medications.hold, row.id, 1, "fasting")
    allergic("Amoxicillin")
    assert reason(lambda: do(db, doctor, medications.resume, row.id, 2)) == "serious_warning"
    assert do(db, doctor, medications.resume, row.id, 2, "Not allergic, says the test").status is Status.ACTIVE


def test_two_who_prescribe_at_once_cannot_both_miss_the_other(db: Database, doctor: Actor, smith: UUID) -> None:
    def sign(medicine: str) -> str:
        try:
            return str(do(db, doctor, medications.prescribe, Prescribe(smith, medicine)).status)
        except SeriousWarning:
            return "warned"

    with ThreadPoolExecutor(2) as desks:
        assert sorted(desks.map(sign, ("Warfarin", "Ibuprofen"))) == ["active", "warned"]


def test_the_dead_are_not_prescribed_for(db: Database, doctor: Actor, smith: UUID, prescribe: PrescribeFor) -> None:
    do(db, doctor, patients.mark_deceased, smith, 1, None)
    assert reason(lambda: prescribe("Digoxin")) == "patient_deceased_medicine"


def test_renewing_makes_a_new_one_and_completes_the_old(
    db: Database, doctor: Actor, smith: UUID, prescribe: PrescribeFor
) -> None:
    old = prescribe("Digoxin", strength="0.25 mg", supply_days=28, refills=3)
    new = do(db, doctor, medications.renew, Renew(old.id, 1, refills=1))
    assert (new.replaces_id, new.strength, new.dosage, new.supply_days, new.refills) == (
        old.id, "0.25 mg", old.dosage, 28, 1,
    )  # fmt: skip
    assert [row.id for row in current(db, doctor, smith)] == [new.id]
    before = do(db, doctor, medications.open_medication, old.id).row
    assert before.status is Status.COMPLETED
    withdrawn = do(db, doctor, medications.withdraw, new.id, 1)
    assert reason(lambda: do(db, doctor, medications.renew, Renew(new.id, withdrawn.version))) == "not_renewable"


def test_supplies_are_counted_until_none_is_left(
    db: Database, nurse: Actor, clock: Hands, prescribe: PrescribeFor
) -> None:
    row = prescribe("Atorvastatin 20 mg", supply_days=28, refills=1)
    assert (row.supplied_until, row.lasts_until, row.renew_due) == (None, TODAY + 55 * DAY, False)
    row = do(db, nurse, medications.dispense, Dispense(row.id, 1, quantity=28, unit="tablets"))
    assert (row.supplied_until, row.refills_left, row.refill_due) == (TODAY + 27 * DAY, 1, False)
    assert reason(lambda: do(db, nurse, medications.withdraw, row.id, 2)) == "already_dispensed"
    clock.now += 21 * DAY
    assert do(db, nurse, medications.open_medication, row.id).row.refill_due
    row = do(db, nurse, medications.dispense, Dispense(row.id, 2))
    # The second begins where the first ends.
    assert (row.supplied_until, row.refills_left) == (TODAY + 55 * DAY, 0)
    assert (row.refill_due, row.renew_due) == (False, False)
    assert reason(lambda: do(db, nurse, medications.dispense, Dispense(row.id, 3))) == "no_refill_left"
    clock.now += 27 * DAY
    detail = do(db, nurse, medications.open_medication, row.id)
    assert detail.row.renew_due
    assert [(supply.on, supply.quantity, supply.by) for supply in detail.dispensed] == [
        (TODAY, 28.0, nurse.name), (TODAY + 21 * DAY, None, nurse.name),
    ]  # fmt: skip


def test_a_course_that_ends_with_its_supply_is_not_to_be_renewed(prescribe: PrescribeFor) -> None:
    assert not prescribe("Amoxicillin", ends_on=TODAY + 6 * DAY, supply_days=7).renew_due
    assert prescribe("Digoxin", ends_on=TODAY + 30 * DAY, supply_days=7).renew_due


def test_a_supply_is_of_today_or_before_and_of_something_taken(
    db: Database, nurse: Actor, doctor: Actor, prescribe: PrescribeFor
) -> None:
    row = prescribe("Digoxin")
    assert reason(lambda: do(db, nurse, medications.dispense, Dispense(row.id, 1, on=TODAY + DAY))) == "in_the_future"
    assert reason(lambda: do(db, nurse, medications.dispense, Dispense(row.id, 1, days=0))) == "out_of_range"
    do(db, doctor, medications.stop, row.id, 1, "rash")
    assert reason(lambda: do(db, nurse, medications.dispense, Dispense(row.id, 2))) == "not_active"


def test_every_look_is_audited(db: Database, doctor: Actor, smith: UUID, prescribe: PrescribeFor) -> None:
    row = prescribe("Digoxin")
    do(db, doctor, medications.current_medications, smith)
    do(db, doctor, medications.past_medications, smith)
    do(db, doctor, medications.open_medication, row.id)
    do(db, doctor, medications.check_medicine, smith, "Zinc")
    do(db, doctor, medications.reminders_of_patient, smith)
    assert [entry[:2] for entry in audited(db)] == [
        ("medications.prescribe", "C"), ("medications.current_medications", "R"), ("medications.past_medications", "R"),
        ("medications.open_medication", "R"), ("medications.check_medicine", "R"), ("medications.reminders_of_patient", "R"),
    ]  # fmt: skip


def test_what_is_not_there_is_said(db: Database, doctor: Actor, smith: UUID) -> None:
    nobody = new_id()
    for verb, told in (
        (medications.current_medications, nobody), (medications.past_medications, nobody),
        (medications.open_medication, nobody), (medications.reminders_of_patient, nobody),
        (medications.prescribe, Prescribe(nobody, "Digoxin")), (medications.renew, Renew(nobody, 1)),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            do(db, doctor, verb, told)
