"""The verbs of practitioners: the clinic, its people and places, and when they work."""

from clinicdesk.features.practitioners.clinic import clinic, edit_clinic, set_up_clinic
from clinicdesk.features.practitioners.hours import (
    absences,
    add_absence,
    holidays,
    load_public_holidays,
    remove_absence,
    remove_holiday,
    restore_absence,
    save_holiday,
    set_weekly_hours,
    weekly_hours,
    working_days,
)
from clinicdesk.features.practitioners.people import (
    list_practitioners,
    list_rooms,
    list_sites,
    save_practitioner,
    save_room,
    save_site,
)

__all__ = [
    "absences",
    "add_absence",
    "clinic",
    "edit_clinic",
    "holidays",
    "list_practitioners",
    "list_rooms",
    "list_sites",
    "load_public_holidays",
    "remove_absence",
    "remove_holiday",
    "restore_absence",
    "save_holiday",
    "save_practitioner",
    "save_room",
    "save_site",
    "set_up_clinic",
    "set_weekly_hours",
    "weekly_hours",
    "working_days",
]
