"""All tables of all features, imported for the sake of the one metadata that holds them."""

from clinicdesk.core import changes, clinic, epoch, history, jobs, pauses, trail
from clinicdesk.core.model import Base
from clinicdesk.features.appointments import models as appointments
from clinicdesk.features.care import models as care
from clinicdesk.features.chat import models as chat
from clinicdesk.features.documents import models as documents
from clinicdesk.features.interop import models as interop
from clinicdesk.features.medications import models as medications
from clinicdesk.features.notifications import models as notifications
from clinicdesk.features.observations import models as observations
from clinicdesk.features.patients import models as patients
from clinicdesk.features.practitioners import models as practitioners
from clinicdesk.features.sync import models as sync
from clinicdesk.features.users import models as users

__all__ = [
    "appointments",
    "care",
    "changes",
    "chat",
    "clinic",
    "documents",
    "epoch",
    "history",
    "interop",
    "jobs",
    "medications",
    "metadata",
    "notifications",
    "observations",
    "patients",
    "pauses",
    "practitioners",
    "sync",
    "trail",
    "users",
]

metadata = Base.metadata

MODELS = {str(mapper.local_table.name): mapper.class_ for mapper in Base.registry.mappers}  # type: ignore[attr-defined]
"""The model of each table, by the table's name: what the history calls an entity."""
