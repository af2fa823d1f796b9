"""/health: what patients take, and what reminds them; a patient's own as well as the clinic's work."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Query, Response
from pydantic import Field

from clinicdesk.core.paging import Page
from clinicdesk.features.medications import service as medications
from clinicdesk.features.medications.phrase import Proposal
from clinicdesk.features.medications.schemas import (
    Checked,
    Dispense,
    Dosage,
    DueReminder,
    EditDraft,
    MedicationDetail,
    MedicationRow,
    Moment,
    PeriodUnit,
    Prescribe,
    ReminderRow,
    ReminderRule,
    Renew,
    Route,
    SaveReminder,
)
from clinicdesk.server.etags import IfMatch, etag, tagged
from clinicdesk.server.paging import Paging
from clinicdesk.server.problems import answers
from clinicdesk.server.routing import router as group
from clinicdesk.server.times import Day, Instant, TimeOfDay
from clinicdesk.server.units import AuditedTx, ReadTx, WriteTx

router = group("/health", "health")

Yes = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True, ge=0, le=10_000)]
Amount = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-1_000_000, le=1_000_000)]
Text = Annotated[str, Field(max_length=500)]

_MEDICINE = {"value": {"medicine": "Amoxicillin"}}
_CHECK = {"amoxicillin": _MEDICINE}
_PRESCRIBE = {
    "for a week": {
        "value": {
            "medicine": "Amoxicillin", "strength": "500 mg", "form": "capsule", "indication": "otitis media",
            "dosage": {"amount": 1, "unit": "capsule", "times": 3, "route": "oral"},
            "starts_on": "2026-11-23", "ends_on": "2026-11-29", "supply_days": 7,
        }
    },
    "in spite of a warning": {
        "value": {
            "medicine": "Ibuprofen", "dosage": {"amount": 400, "unit": "mg", "as_needed": True, "most_a_day": 3},
            "override_reason": "Two days only; renal function is normal",
        }
    },
    "to be signed later": {"value": {"medicine": "Metformin", "dosage": {"amount": 500, "unit": "mg"}, "draft": True}},
}  # fmt: skip
_PHRASE = {
    "as a draft": {"value": {"text": "ibuprofen 400 tds 7d"}},
    "signed": {"value": {"text": "ibuprofen 400mg tds 7d", "draft": False}},
}
_READ = {"as one types it": {"value": {"text": "amoxicillin 500mg cap tds 7d r1"}}}
_OVERRIDE = {"nothing serious": {"value": {}}, "in spite of it": {"value": {"override_reason": "No alternative"}}}
REASON = {"reason": {"value": {"reason": "Ankle swelling"}}}
_MAY_REASON = {"reason": {"value": {"reason": "Chose another"}}, "none": {"value": {}}}
_RENEW = {"for a quarter": {"value": {"ends_on": "2027-02-28", "refills": 2}}}
_DISPENSE = {"a week": {"value": {"days": 7, "quantity": 21, "unit": "capsule"}}}
_REMINDER = {
    "twice a day": {"value": {"times": ["08:00", "20:00"], "starts_on": "2026-11-23", "until": "2026-11-29"}},
    "on Mondays": {"value": {"times": ["09:00"], "starts_on": "2026-11-23", "weekdays": [0]}},
}
_ON = {"off": {"value": {"enabled": False}}, "on": {"value": {"enabled": True}}}


@dataclass(frozen=True, slots=True)
class Intake:
    """How much, how often, how: `times` doses in each `period` units; null where no rhythm was said."""

    amount: Amount | None = None
    unit: Text = ""
    times: Whole | None = None
    period: Whole = 1
    period_unit: PeriodUnit = PeriodUnit.DAY
    """Hours, days, weeks or months."""
    moment: Moment = Moment.ANY
    as_needed: Yes = False
    most_a_day: Whole | None = None
    """Doses that must not be exceeded in a day, for what is taken when needed."""
    route: Route = Route.UNSAID
    instructions: Annotated[str, Field(max_length=2000)] = ""

    def told(self) -> Dosage:
        return Dosage(
            self.amount, self.unit, self.times, self.period, self.period_unit, self.moment, self.as_needed,
            self.most_a_day, self.route, self.instructions,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prescription:
    """A prescription. `ends_on` is the last day of taking it; `override_reason` says why, in spite of serious warnings."""

    medicine: Text
    dosage: Intake = field(default_factory=Intake)
    strength: Text = ""
    form: Text = ""
    starts_on: Day | None = None
    ends_on: Day | None = None
    refills: Whole = 0
    supply_days: Whole | None = None
    review_on: Day | None = None
    indication: Text = ""
    draft: Yes = False
    override_reason: Text = ""

    def told(self, patient_id: UUID) -> Prescribe:
        return Prescribe(
            patient_id, self.medicine, self.dosage.told(), self.strength, self.form, self.starts_on, self.ends_on,
            self.refills, self.supply_days, self.review_on, self.indication, self.draft, self.override_reason,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Phrase:
    """A prescription as one types it, kept as a draft unless it is to be signed at once."""

    text: Text
    draft: Yes = True
    override_reason: Text = ""


@dataclass(frozen=True, slots=True)
class Typed:
    """A prescription as one types it."""

    text: Text


@dataclass(frozen=True, slots=True)
class Medicine:
    """A medicine that is thought of; `except_id` is a prescription that it would replace."""

    medicine: Text
    except_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """Why, in spite of serious warnings."""

    override_reason: Text = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why."""

    reason: Text


@dataclass(frozen=True, slots=True)
class MayReason:
    """Why, where there is something to say."""

    reason: Text = ""


@dataclass(frozen=True, slots=True)
class Renewal:
    """From when (null: today) to when it goes on."""

    starts_on: Day | None = None
    ends_on: Day | None = None
    refills: Whole = 0
    override_reason: Text = ""


@dataclass(frozen=True, slots=True)
class Supply:
    """What was handed out, and for how many days it lasts."""

    on: Day | None = None
    """The day on which it was handed out; null: today."""
    days: Whole | None = None
    quantity: Amount | None = None
    unit: Text = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """When somebody is reminded, by the clinic's clocks; Monday is 0, and `until` is the last day."""

    times: Annotated[list[TimeOfDay], Field(min_length=1, max_length=24)]
    starts_on: Day
    until: Day | None = None
    weekdays: Annotated[list[Annotated[int, Field(strict=True, ge=0, le=6)]], Field(min_length=1, max_length=7)] = (
        field(default_factory=lambda: list(range(7)))
    )

    def told(self) -> ReminderRule:
        return ReminderRule(tuple(self.times), self.starts_on, self.until, frozenset(self.weekdays))


@dataclass(frozen=True, slots=True)
class Enabled:
    """Whether a reminder is on."""

    enabled: Yes


PATIENT = "/patients/{patient_id}"
CHANGE: dict[str, Any] = {"responses": answers(404, 409, 412, 428)}
OF: dict[str, Any] = {"responses": answers(404, 409)}


# ---- medications: of a patient ---------------------------------------------------------------------------------------


@router.get(f"{PATIENT}/medications", operation_id="current_medications", summary="What a patient takes", **OF)
def current_medications(tx: AuditedTx, patient_id: UUID) -> list[MedicationRow]:
    return medications.current_medications(tx, patient_id)


@router.get(f"{PATIENT}/medications/past", operation_id="past_medications", summary="What a patient took", **OF)
def past_medications(
    tx: AuditedTx, patient_id: UUID, page: Paging, entered_in_error: bool = False
) -> Page[MedicationRow]:
    return medications.past_medications(tx, patient_id, page, entered_in_error=entered_in_error)


@router.post(
    f"{PATIENT}/medications/check", operation_id="check_medicine", **OF,
    summary="What speaks against a medicine: allergies, other medicines, doubles",
)  # fmt: skip
def check_medicine(
    tx: AuditedTx, patient_id: UUID, asked: Annotated[Medicine, Body(openapi_examples=_CHECK)]
) -> Checked:
    """What speaks against a medicine for this patient, worst first. That it was looked up stands in the audit trail."""
    return medications.check_medicine(tx, patient_id, asked.medicine, asked.except_id)


@router.post(
    f"{PATIENT}/medications", operation_id="prescribe", status_code=201, **OF,
    summary="Prescribe; a serious warning is told (409, serious_warning) and needs a reason to be overridden",
)  # fmt: skip
def prescribe(
    tx: WriteTx,
    patient_id: UUID,
    wanted: Annotated[Prescription, Body(openapi_examples=_PRESCRIBE)],
    response: Response,
) -> MedicationRow:
    return tagged(medications.prescribe(tx, wanted.told(patient_id)), response)


@router.post(
    f"{PATIENT}/medications/phrase", operation_id="prescribe_phrase", status_code=201, **OF,
    summary="Prescribe as one types it, such as `ibuprofen 400mg tds 7d`",
)  # fmt: skip
def prescribe_phrase(
    tx: WriteTx, patient_id: UUID, wanted: Annotated[Phrase, Body(openapi_examples=_PHRASE)], response: Response
) -> MedicationRow:
    row = medications.prescribe_phrase(
        tx, patient_id, wanted.text, draft=wanted.draft, override_reason=wanted.override_reason
    )
    return tagged(row, response)


@router.post("/medications/phrase", operation_id="read_phrase", summary="What a typed prescription is understood as")
def read_phrase(tx: ReadTx, typed: Annotated[Typed, Body(openapi_examples=_READ)]) -> Proposal:
    return medications.read_phrase(tx, typed.text)


# ---- medications: one prescription -----------------------------------------------------------------------------------


@router.get(
    "/medications/{medication_id}", operation_id="open_medication", summary="A prescription, with what was handed out",
    responses=answers(404),
)  # fmt: skip
def open_medication(tx: AuditedTx, medication_id: UUID, response: Response) -> MedicationDetail:
    found = medications.open_medication(tx, medication_id)
    response.headers["ETag"] = etag(found.row.version, found)
    return found


@router.put("/medications/{medication_id}", operation_id="edit_draft", summary="Change a draft", **CHANGE)
def edit_draft(
    tx: WriteTx, medication_id: UUID, version: IfMatch,
    wanted: Annotated[Prescription, Body(openapi_examples=_PRESCRIBE)], response: Response,
) -> MedicationRow:  # fmt: skip
    request = EditDraft(medication_id, version, wanted.told(medication_id))  # its patient stays the same
    return tagged(medications.edit_draft(tx, request), response)


@router.post("/medications/{medication_id}/sign", operation_id="sign_draft", summary="Sign a draft", **CHANGE)
def sign_draft(
    tx: WriteTx, medication_id: UUID, version: IfMatch, why: Annotated[Override, Body(openapi_examples=_OVERRIDE)],
    response: Response,
) -> MedicationRow:  # fmt: skip
    return tagged(medications.sign(tx, medication_id, version, why.override_reason), response)


@router.post(
    "/medications/{medication_id}/renew", operation_id="renew_medication", status_code=201,
    summary="Let a prescription go on as a new one", **CHANGE,
)  # fmt: skip
def renew_medication(
    tx: WriteTx, medication_id: UUID, version: IfMatch, wanted: Annotated[Renewal, Body(openapi_examples=_RENEW)],
    response: Response,
) -> MedicationRow:  # fmt: skip
    request = Renew(medication_id, version, wanted.starts_on, wanted.ends_on, wanted.refills, wanted.override_reason)
    return tagged(medications.renew(tx, request), response)


@router.post("/medications/{medication_id}/hold", operation_id="hold_medication", summary="Pause a medicine", **CHANGE)
def hold_medication(
    tx: WriteTx, medication_id: UUID, version: IfMatch, why: Annotated[Reason, Body(openapi_examples=REASON)],
    response: Response,
) -> MedicationRow:  # fmt: skip
    return tagged(medications.hold(tx, medication_id, version, why.reason), response)


@router.post(
    "/medications/{medication_id}/resume", operation_id="resume_medication", summary="Let a medicine go on", **CHANGE
)  # fmt: skip
def resume_medication(
    tx: WriteTx, medication_id: UUID, version: IfMatch, why: Annotated[Override, Body(openapi_examples=_OVERRIDE)],
    response: Response,
) -> MedicationRow:  # fmt: skip
    return tagged(medications.resume(tx, medication_id, version, why.override_reason), response)


@router.post("/medications/{medication_id}/stop", operation_id="stop_medication", summary="End a medicine", **CHANGE)
def stop_medication(
    tx: WriteTx, medication_id: UUID, version: IfMatch, why: Annotated[Reason, Body(openapi_examples=REASON)],
    response: Response,
) -> MedicationRow:  # fmt: skip
    return tagged(medications.stop(tx, medication_id, version, why.reason), response)


@router.post(
    "/medications/{medication_id}/complete", operation_id="complete_medication", summary="It was taken to its end",
    **CHANGE,
)  # fmt: skip
def complete_medication(tx: WriteTx, medication_id: UUID, version: IfMatch, response: Response) -> MedicationRow:
    return tagged(medications.complete(tx, medication_id, version), response)


@router.post(
    "/medications/{medication_id}/withdraw", operation_id="withdraw_medication", **CHANGE,
    summary="Cancel a prescription of which nothing was handed out",
)  # fmt: skip
def withdraw_medication(
    tx: WriteTx, medication_id: UUID, version: IfMatch, why: Annotated[MayReason, Body(openapi_examples=_MAY_REASON)],
    response: Response,
) -> MedicationRow:  # fmt: skip
    return tagged(medications.withdraw(tx, medication_id, version, why.reason), response)


@router.post(
    "/medications/{medication_id}/entered-in-error", operation_id="mark_medication_entered_in_error", **CHANGE,
    summary="It should never have stood on this record",
)  # fmt: skip
def mark_medication_entered_in_error(
    tx: WriteTx, medication_id: UUID, version: IfMatch, why: Annotated[Reason, Body(openapi_examples=REASON)],
    response: Response,
) -> MedicationRow:  # fmt: skip
    return tagged(medications.mark_entered_in_error(tx, medication_id, version, why.reason), response)


@router.post(
    "/medications/{medication_id}/dispense", operation_id="dispense_medication", summary="A supply was handed out",
    **CHANGE,
)  # fmt: skip
def dispense_medication(
    tx: WriteTx, medication_id: UUID, version: IfMatch, supply: Annotated[Supply, Body(openapi_examples=_DISPENSE)],
    response: Response,
) -> MedicationRow:  # fmt: skip
    request = Dispense(medication_id, version, supply.on, supply.days, supply.quantity, supply.unit)
    return tagged(medications.dispense(tx, request), response)


# ---- reminders ---------------------------------------------------------------------------------------------------------


@router.get(f"{PATIENT}/reminders", operation_id="list_reminders", summary="What a patient is reminded of", **OF)
def list_reminders(tx: AuditedTx, patient_id: UUID) -> list[ReminderRow]:
    return medications.reminders_of_patient(tx, patient_id)


@router.get(f"{PATIENT}/reminders/due", operation_id="due_reminders", summary="What is due in a time", **OF)
def due_reminders(
    tx: AuditedTx, patient_id: UUID,
    since: Annotated[Instant | None, Query(alias="from", description="Now, if not said.")] = None,
    hours: Annotated[int, Query(ge=1, le=744, description="How long a time to look at.")] = 24,
) -> list[DueReminder]:  # fmt: skip
    """When a patient is to be reminded of what, in a span of 31 days at most. Audited."""
    start = since or tx.now
    return medications.due_for_patient(tx, patient_id, start, start + timedelta(hours=hours))


@router.post(
    "/medications/{medication_id}/reminders", operation_id="add_reminder", summary="Remind of a medicine",
    status_code=201, **OF,
)  # fmt: skip
def add_reminder(
    tx: WriteTx, medication_id: UUID, rule: Annotated[Rule, Body(openapi_examples=_REMINDER)], response: Response
) -> ReminderRow:
    """Remind a patient of a medicine from now on."""
    return tagged(medications.save_reminder(tx, SaveReminder(medication_id, rule.told())), response)


@router.put(
    "/medications/{medication_id}/reminders/{reminder_id}", operation_id="edit_reminder",
    summary="Give a reminder another rule", **CHANGE,
)  # fmt: skip
def edit_reminder(
    tx: WriteTx, medication_id: UUID, reminder_id: UUID, version: IfMatch,
    rule: Annotated[Rule, Body(openapi_examples=_REMINDER)], response: Response,
) -> ReminderRow:  # fmt: skip
    """Give a reminder of a medicine another rule."""
    request = SaveReminder(medication_id, rule.told(), reminder_id, version)
    return tagged(medications.save_reminder(tx, request), response)


@router.put("/reminders/{reminder_id}/enabled", operation_id="enable_reminder", summary="Turn it on or off", **CHANGE)
def enable_reminder(
    tx: WriteTx, reminder_id: UUID, version: IfMatch, wanted: Annotated[Enabled, Body(openapi_examples=_ON)],
    response: Response,
) -> ReminderRow:  # fmt: skip
    return tagged(medications.enable_reminder(tx, reminder_id, version, wanted.enabled), response)
