"""/users: accounts of the clinic, for those who manage them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from fastapi import Body, Query, Response

from clinicdesk.core.paging import Page
from clinicdesk.core.permissions import Role
from clinicdesk.features.users import service
from clinicdesk.features.users.schemas import (
    AddUser,
    EditUser,
    RoleGrants,
    UserQuery,
    UserRow,
    UserSort,
    UserStatistics,
)
from clinicdesk.server.etags import IfMatch, tagged
from clinicdesk.server.paging import Paging
from clinicdesk.server.problems import answers
from clinicdesk.server.routing import router as group
from clinicdesk.server.units import ReadTx, ReportTx, WriteTx

router = group("/users", "users")

_NEW = {
    "receptionist": {
        "value": {
            "email": "sam.reyes@harbour.example", "name": "Sam Reyes", "role": "receptionist",
            "password": "seven quiet boats at noon", "must_change_password": True,
        }
    }
}  # fmt: skip

_CHANGED = {"nurse": {"value": {"email": "sam.reyes@harbour.example", "name": "Sam Reyes-Lang", "role": "nurse"}}}
_OFF = {"off": {"value": {"active": False}}}
_LINK = {
    "shown at the desk": {"value": {"patient_id": "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6071", "in_person": True}},
}


@dataclass(frozen=True, slots=True)
class UserChanges:
    """New values for an account."""

    email: str
    name: str
    role: Role
    practitioner_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """Whether an account can be used."""

    active: bool


@dataclass(frozen=True, slots=True)
class PatientLink:
    """Which patient an account belongs to; null for none.

    An address that the patient has not confirmed by the mailed link needs the person: `in_person` says that they were here
    and have shown who they are.
    """

    patient_id: UUID | None
    in_person: bool = False


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password, to be changed at the next sign-in."""

    password: str = field(repr=False)


@router.get("", operation_id="list_users", summary="Accounts, a page at a time")
def list_users(
    tx: ReadTx,
    page: Paging,
    text: Annotated[str, Query(max_length=120, description="Part of a name or e-mail.", examples=["reyes"])] = "",
    role: Role | None = None,
    active: bool | None = None,
    sort: UserSort = UserSort.NAME,
    descending: bool = False,
) -> Page[UserRow]:
    return service.find_users(tx, UserQuery(text, role, active, sort, descending, page))


@router.post(
    "", operation_id="add_user", summary="Add an account", status_code=201, responses=answers(409)
)  # fmt: skip
def add_user(tx: WriteTx, request: Annotated[AddUser, Body(openapi_examples=_NEW)], response: Response) -> UserRow:
    return tagged(service.add_user(tx, request), response)


@router.get("/statistics", operation_id="user_statistics", summary="How many accounts there are of each kind")
def user_statistics(tx: ReportTx) -> UserStatistics:
    return service.user_statistics(tx)


@router.get("/roles", operation_id="list_roles", summary="The roles of accounts and what each may do")
def list_roles(tx: ReadTx) -> list[RoleGrants]:
    """Every role that an account can have, with the permissions that go with it."""
    return service.list_roles(tx)


@router.get("/{user_id}", operation_id="get_user", summary="One account", responses=answers(404))
def get_user(tx: ReadTx, user_id: UUID, response: Response) -> UserRow:
    return tagged(service.get_user(tx, user_id), response)


@router.put("/{user_id}", operation_id="edit_user", summary="Change an account", responses=answers(404, 409, 412, 428))
def edit_user(
    tx: WriteTx,
    user_id: UUID,
    version: IfMatch,
    changes: Annotated[UserChanges, Body(openapi_examples=_CHANGED)],
    response: Response,
) -> UserRow:
    request = EditUser(user_id, version, changes.email, changes.name, changes.role, changes.practitioner_id)
    return tagged(service.edit_user(tx, request), response)


@router.put(
    "/{user_id}/active", operation_id="set_user_active", summary="Turn an account on or off",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def set_active(
    tx: WriteTx,
    user_id: UUID,
    version: IfMatch,
    wanted: Annotated[Activity, Body(openapi_examples=_OFF)],
    response: Response,
) -> UserRow:
    """Turn an account on or off. Off, nothing more can be done with it, and its sessions end for good: whoever is let in again
    signs in again."""
    return tagged(service.set_active(tx, user_id, version, wanted.active), response)


@router.put(
    "/{user_id}/patient", operation_id="link_user_to_patient", summary="Say which patient an account belongs to",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def link_patient(
    tx: WriteTx,
    user_id: UUID,
    version: IfMatch,
    link: Annotated[PatientLink, Body(openapi_examples=_LINK)],
    response: Response,
) -> UserRow:
    return tagged(service.link_patient(tx, user_id, version, link.patient_id, in_person=link.in_person), response)


@router.post(
    "/{user_id}/password", operation_id="reset_user_password", summary="Give an account a new password",
    responses=answers(404, 409),
)  # fmt: skip
def reset_password(tx: WriteTx, user_id: UUID, new: NewPassword, response: Response) -> UserRow:
    return tagged(service.reset_password(tx, user_id, new.password), response)


@router.delete(
    "/{user_id}/second-factor", operation_id="remove_user_second_factor", status_code=204,
    summary="Turn off the second factor of somebody who has lost it", responses=answers(404, 409),
)  # fmt: skip
def remove_second_factor(tx: WriteTx, user_id: UUID) -> None:
    service.remove_second_factor(tx, user_id)


@router.delete(
    "/{user_id}", operation_id="deactivate_user", summary="Turn an account off; accounts are never deleted",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def deactivate(tx: WriteTx, user_id: UUID, version: IfMatch, response: Response) -> UserRow:
    """Turn an account off. Nothing more can be done with it, and its sessions end; what it did keeps its name."""
    return tagged(service.set_active(tx, user_id, version, active=False), response)
