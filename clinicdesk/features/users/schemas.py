"""What the verbs of users take and give."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from clinicdesk.core.errors import NotPermitted, RateLimited
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor


class SignInRefused(NotPermitted):
    """The e-mail or the password is wrong, or the account is off; it is not said which. The failure is counted."""

    code = "sign_in_refused"
    keeps = True


class SignInLocked(RateLimited):
    """Too many wrong passwords for this account at this desk; `until` is the instant from which to try again."""

    code = "sign_in_locked"
    keeps = True


@dataclass(frozen=True, slots=True)
class UserRow:
    """An account as screens show it."""

    id: UUID
    email: str
    name: str
    role: Role
    active: bool
    practitioner_id: UUID | None
    must_change_password: bool
    last_seen_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class SignIn:
    """Credentials typed at a desk."""

    email: str
    password: str = field(repr=False)
    desk: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A successful sign-in: the account, and the actor to open units of work with."""

    user: UserRow
    actor: Actor


@dataclass(frozen=True, slots=True)
class AddUser:
    """A new account."""

    email: str
    name: str
    role: Role
    password: str = field(repr=False)
    practitioner_id: UUID | None = None
    must_change_password: bool = False


@dataclass(frozen=True, slots=True)
class EditUser:
    """New values for an account; `version` is the one that the editor saw."""

    id: UUID
    version: int
    email: str
    name: str
    role: Role
    practitioner_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """A person's own new password."""

    current: str = field(repr=False)
    new: str = field(repr=False)
