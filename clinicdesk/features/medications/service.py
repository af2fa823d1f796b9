"""The verbs of medications, in one place: `medications.service.prescribe`, and the rest."""

from clinicdesk.features.medications.prescribing import (
    check_medicine,
    edit_draft,
    prescribe,
    prescribe_phrase,
    read_phrase,
    renew,
    resume,
    sign,
)
from clinicdesk.features.medications.reminders import (
    due_between,
    due_for_patient,
    enable_reminder,
    reminders_of_patient,
    save_reminder,
)
from clinicdesk.features.medications.taking import (
    complete,
    current_medications,
    dispense,
    hold,
    mark_entered_in_error,
    open_medication,
    past_medications,
    stop,
    withdraw,
)

__all__ = [
    "check_medicine",
    "complete",
    "current_medications",
    "dispense",
    "due_between",
    "due_for_patient",
    "edit_draft",
    "enable_reminder",
    "hold",
    "mark_entered_in_error",
    "open_medication",
    "past_medications",
    "prescribe",
    "prescribe_phrase",
    "read_phrase",
    "reminders_of_patient",
    "renew",
    "resume",
    "save_reminder",
    "sign",
    "stop",
    "withdraw",
]
