"""The verbs of users: accounts, signing in, one's own password; and the guard against accounts that are off."""

from clinicdesk.features.users.accounts import (
    add_user,
    edit_user,
    ensure_active,
    has_administrator,
    list_users,
    reset_password,
    set_active,
)
from clinicdesk.features.users.schemas import SignInLocked, SignInRefused
from clinicdesk.features.users.signing_in import (
    authenticate,
    change_password,
    replace_password,
    sign_in,
    sign_out,
    unlock,
    unlock_screen,
)

__all__ = [
    "SignInLocked",
    "SignInRefused",
    "add_user",
    "authenticate",
    "change_password",
    "edit_user",
    "ensure_active",
    "has_administrator",
    "list_users",
    "replace_password",
    "reset_password",
    "set_active",
    "sign_in",
    "sign_out",
    "unlock",
    "unlock_screen",
]
