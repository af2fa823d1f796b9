"""What the roles are called on the screen."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from clinicdesk.core.permissions import Role


def role_name(role: Role) -> str:
    """The role in a word or two, as it stands beside a person's name."""
    tr = QCoreApplication.translate
    match role:
        case Role.ADMINISTRATOR:
            return tr("Roles", "Administrator")
        case Role.DOCTOR:
            return tr("Roles", "Doctor")
        case Role.NURSE:
            return tr("Roles", "Nurse")
        case Role.RECEPTIONIST:
            return tr("Roles", "Front desk")
        case Role.PATIENT:
            return tr("Roles", "Patient")
        case Role.OPERATOR:
            return tr("Roles", "Operator")
        case Role.NOBODY:
            return tr("Roles", "Nobody")
        case Role.DEVICE:
            return tr("Roles", "Device")
