"""The verbs of reports."""

from clinicdesk.features.reports.people import new_and_returning
from clinicdesk.features.reports.times import use_of_hours, waiting
from clinicdesk.features.reports.today import practitioner_statistics, today
from clinicdesk.features.reports.visits import attendance, busiest_days, cancellations, demand, lead_times

__all__ = [
    "attendance",
    "busiest_days",
    "cancellations",
    "demand",
    "lead_times",
    "new_and_returning",
    "practitioner_statistics",
    "today",
    "use_of_hours",
    "waiting",
]
