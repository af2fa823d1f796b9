"""Which records there are, and whose a caller reaches within a permission: what features ask, and one above them says."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from clinicdesk.core.permissions import Permission

if TYPE_CHECKING:
    from clinicdesk.core.tx import Tx


class Access:
    """The simplest rule, of a database that nobody has given another: any id is a patient's, and a permission reaches every
    patient; none goes beyond it."""

    def ensure_record(self, tx: Tx, patient_id: UUID) -> None:
        """Make sure that something may be kept with this patient, for a feature that lies below the one of the patients.

        Raises NotFound("patient_not_found"), Conflict("patient_merged").
        """

    def excepts(self, tx: Tx, permission: Permission) -> bool:
        """Whether the caller, whose role has not this permission, has it for somebody by an exception.

        `admit` then says for whom.
        """
        return False

    def admit(self, tx: Tx, permission: Permission, patient_id: UUID) -> bool:
        """Whether the caller reaches this patient by the permission; True where that is by an emergency that has to be marked.

        Raises NotPermitted.
        """
        return False
