"""The verbs of users: accounts, signing in, one's own password; and the guard against accounts that are off."""

from clinicdesk.features.users.accounts import (
    add_user,
    edit_user,
    ensure_active,
    has_administrator,
    link_patient,
    list_users,
    reset_password,
    set_active,
)
from clinicdesk.features.users.directory import edit_own_name, find_users, get_user, own_account, user_statistics
from clinicdesk.features.users.registration import (
    choose_password,
    forgot_password,
    open_account,
    send_verification,
    verify_email,
)
from clinicdesk.features.users.schemas import SignInLocked, SignInRefused
from clinicdesk.features.users.second_factor import (
    confirm,
    disable,
    enrol,
    remove_second_factor,
    renew_recovery_codes,
)
from clinicdesk.features.users.sessions import (
    begin_session,
    desk_of,
    ensure_open,
    list_sessions,
    log_in_with_code,
    log_out,
    refresh,
)
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
    "begin_session",
    "change_password",
    "choose_password",
    "confirm",
    "desk_of",
    "disable",
    "edit_own_name",
    "edit_user",
    "enrol",
    "ensure_active",
    "ensure_open",
    "find_users",
    "forgot_password",
    "get_user",
    "has_administrator",
    "link_patient",
    "list_sessions",
    "list_users",
    "log_in_with_code",
    "log_out",
    "open_account",
    "own_account",
    "refresh",
    "remove_second_factor",
    "renew_recovery_codes",
    "replace_password",
    "reset_password",
    "send_verification",
    "set_active",
    "sign_in",
    "sign_out",
    "unlock",
    "unlock_screen",
    "user_statistics",
    "verify_email",
]
