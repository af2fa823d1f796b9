"""The verbs of appointments, in one place: `appointments.service.book`, and the rest."""

from clinicdesk.features.appointments.booking import book, confirm, edit, reschedule, walk_in
from clinicdesk.features.appointments.listing import find_visits
from clinicdesk.features.appointments.openings import (
    find_openings,
    free_times,
    next_opening,
    openings_of,
    previous_opening,
)
from clinicdesk.features.appointments.past import correct_past, record_past
from clinicdesk.features.appointments.patients import patients_of_practitioner
from clinicdesk.features.appointments.schedule import (
    day_loads,
    day_schedule,
    visits_between,
    visits_of_patient,
    waiting_times,
)
from clinicdesk.features.appointments.series import book_series, cancel_series, change_series, open_series
from clinicdesk.features.appointments.statistics import statistics
from clinicdesk.features.appointments.types import list_types, save_type
from clinicdesk.features.appointments.undo import revert
from clinicdesk.features.appointments.visits import (
    advance,
    arrive,
    cancel,
    check_in,
    fulfil,
    make_pending,
    mark_entered_in_error,
    no_show,
    open_visit,
    propose,
    put_on_waitlist,
    reinstate,
    start_visit,
    step_back,
)
from clinicdesk.features.appointments.waitlist import (
    add_wish,
    candidates_for,
    edit_wish,
    fill,
    find_wishes,
    freed_times,
    open_wish,
    remove_wish,
    restore_wish,
)

__all__ = [
    "add_wish",
    "advance",
    "arrive",
    "book",
    "book_series",
    "cancel",
    "cancel_series",
    "candidates_for",
    "change_series",
    "check_in",
    "confirm",
    "correct_past",
    "day_loads",
    "day_schedule",
    "edit",
    "edit_wish",
    "fill",
    "find_openings",
    "find_visits",
    "find_wishes",
    "free_times",
    "freed_times",
    "fulfil",
    "list_types",
    "make_pending",
    "mark_entered_in_error",
    "next_opening",
    "no_show",
    "open_series",
    "open_visit",
    "open_wish",
    "openings_of",
    "patients_of_practitioner",
    "previous_opening",
    "propose",
    "put_on_waitlist",
    "record_past",
    "reinstate",
    "remove_wish",
    "reschedule",
    "restore_wish",
    "revert",
    "save_type",
    "start_visit",
    "statistics",
    "step_back",
    "visits_between",
    "visits_of_patient",
    "waiting_times",
    "walk_in",
]
