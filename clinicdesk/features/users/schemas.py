"""What the verbs of users take and give."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from clinicdesk.core.errors import ClinicError, InvalidInput, NotPermitted, RateLimited
from clinicdesk.core.paging import PageRequest
from clinicdesk.core.permissions import Permission, Role
from clinicdesk.core.tx import Actor


class SignInRefused(NotPermitted):
    """The e-mail or the password is wrong, or the account is off; it is not said which. The failure is counted."""

    code = "sign_in_refused"
    keeps = True


class OwnPasswordWrong(SignInRefused):
    """Somebody who is signed in was asked for their password again, and it was another. The failure is counted."""

    code = "own_password_wrong"


class SignInLocked(RateLimited):
    """Too many wrong passwords for this account at this desk; `until` is the instant from which to try again."""

    code = "sign_in_locked"
    keeps = True


class CodeWrong(InvalidInput):
    """The first code of an authenticator that is being set up is not right. The failure is counted."""

    code = "code_not_right"
    keeps = True


class NotSignedIn(NotPermitted):
    """Nobody is signed in, or not any longer. HTTP 401."""

    code = "not_signed_in"


class SessionEnded(NotSignedIn):
    """The session is over; the refresh token is of no more use."""

    code = "session_ended"
    keeps = True


class SecondFactorRequired(ClinicError):
    """The password was right; `user_id` has to prove a second factor too, as long as it is this password (`mark`). HTTP 401."""

    code = "second_factor_required"
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
    patient_id: UUID | None = None
    email_verified: bool = False


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
    """The password that is to be replaced."""
    new: str = field(repr=False)
    """The one to come: 15 characters or more, and none that can be guessed."""


class UserSort(StrEnum):
    """What a list of accounts is sorted by."""

    NAME = "name"
    EMAIL = "email"
    CREATED = "created"


@dataclass(frozen=True, slots=True)
class UserQuery:
    """Which accounts to list, and how. `text` is looked for in names and e-mails."""

    text: str = ""
    role: Role | None = None
    active: bool | None = None
    sort: UserSort = UserSort.NAME
    descending: bool = False
    page: PageRequest = PageRequest()  # noqa: RUF009  (frozen)


@dataclass(frozen=True, slots=True)
class UserStatistics:
    """How many accounts there are: in all, on, with a verified e-mail, by role, and signed in now on the server."""

    total: int
    """How many accounts there are."""
    active: int
    """How many of them can be used."""
    email_verified: int
    """How many have proved their address."""
    by_role: dict[Role, int]
    open_sessions: int


@dataclass(frozen=True, slots=True)
class RoleGrants:
    """A role and what it may do."""

    role: Role
    permissions: list[Permission]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sign-in comes from: the device's id if it has one, the name that it gives itself, its network address."""

    device_id: UUID | None = None
    device_name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A sign-in that lasts; `current` where it is the one by which somebody looks at their list."""

    id: UUID
    device_id: UUID
    device_name: str
    address: str
    """The network address that it was last used from."""
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    current: bool = False


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as its owner gets it: who is signed in, and the token that it is refreshed with, once."""

    session: SessionRow
    user: UserRow
    actor: Actor
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Register:
    """A person who wants an account to see their own data."""

    email: str
    password: str = field(repr=False)
    given_name: str
    family_name: str


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator is set up with: its secret in base 32, and the same as an address for a QR code."""

    secret: str = field(repr=False)
    """In base 32."""
    address: str = field(repr=False)
    """An otpauth:// address, for a QR code."""
