"""Accounts in pages, one by one, and counted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, tuple_

from clinicdesk.core.clock import to_micros
from clinicdesk.core.errors import Conflict, NotFound, NotPermitted
from clinicdesk.core.paging import (
    Page,
    check_limit,
    decode_cursor,
    encode_cursor,
    id_of,
    instant_of,
    plan_for_values,
    total_of,
)
from clinicdesk.core.permissions import GRANTS, Permission, Role
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Actor, Change, Tx, verb
from clinicdesk.features.users.accounts import record_user, row_of
from clinicdesk.features.users.models import User, UserSession
from clinicdesk.features.users.rules import ACCOUNT_ROLES
from clinicdesk.features.users.schemas import RoleGrants, UserQuery, UserRow, UserSort, UserStatistics


@verb(Permission.MANAGE_USERS, writes=False)
def find_users(tx: Tx, query: UserQuery) -> Page[UserRow]:
    """A page of the accounts that fit. Raises InvalidInput("cursor_not_right", "out_of_range")."""
    page = query.page
    check_limit(page)
    plan_for_values(tx.connection)
    fitting = _fitting(query)
    column, kind = _SORTS[query.sort]
    rows = fitting
    if page.cursor:
        place, last = decode_cursor(page.cursor, kind, str)
        behind = tuple_(
            literal(instant_of(place) if kind is int else place, column.type), literal(id_of(last), User.id.type)
        )
        here = tuple_(column, User.id)
        rows = rows.where(here < behind if query.descending else here > behind)
    order = (column.desc(), User.id.desc()) if query.descending else (column, User.id)
    users = list(tx.session.execute(rows.add_columns(column).order_by(*order).limit(page.limit + 1)).all())
    following = None
    if len(users) > page.limit:
        users.pop()
        user, place = users[-1]
        following = encode_cursor([to_micros(place) if kind is int else place, user.id.hex])
    total = tx.session.scalar(total_of(fitting)) if page.total else None
    return Page([row_of(user) for user, _ in users], following, total)


@verb(Permission.MANAGE_USERS, writes=False)
def get_user(tx: Tx, user_id: UUID) -> UserRow:
    """One account. Raises NotFound("user_not_found")."""
    user = tx.session.get(User, user_id)
    if user is None:
        raise NotFound("user_not_found")
    return row_of(user)


@verb(Permission.SIGN_IN, writes=False)
def acting(tx: Tx) -> Actor:
    """Who acts, with which patient or practitioner that is, as of now."""
    return tx.actor


@verb(Permission.SIGN_IN, writes=False)
def list_roles(tx: Tx) -> list[RoleGrants]:
    """The roles that an account can have, and what each may do."""
    return [RoleGrants(role, sorted(GRANTS[role])) for role in sorted(ACCOUNT_ROLES)]


@verb(Permission.SIGN_IN, writes=False, owing=True)
def own_account(tx: Tx) -> UserRow:
    """The account of whoever asks. Raises NotPermitted where nobody is signed in."""
    return row_of(own(tx))


@verb(Permission.SIGN_IN)
def edit_own_name(tx: Tx, version: int, name: str) -> UserRow:
    """Change one's own name. Raises InvalidInput, Conflict("changed_meanwhile"), NotPermitted where nobody is signed in."""
    user = own(tx, version)
    user.name = one_line(name, "name", 120, required=True)
    record_user(tx, Change.updated(user))
    tx.session.flush()
    return row_of(user)


@verb(Permission.MANAGE_USERS, writes=False)
def user_statistics(tx: Tx) -> UserStatistics:
    """How many accounts there are of each kind."""
    by_role = tx.session.execute(
        select(User.role, func.count(), func.count().filter(User.active), func.count(User.email_verified_at)).group_by(
            User.role
        )
    ).all()
    sessions = select(func.count()).where(UserSession.ended_at.is_(None), UserSession.expires_at > tx.now)
    return UserStatistics(
        sum(row[1] for row in by_role), sum(row[2] for row in by_role), sum(row[3] for row in by_role),
        {Role(row[0]): row[1] for row in by_role}, tx.session.scalar(sessions) or 0,
    )  # fmt: skip


def own(tx: Tx, version: int | None = None) -> User:
    """The actor's account, at this version. Raises NotPermitted, Conflict("changed_meanwhile")."""
    user = None if tx.actor.user_id is None else tx.session.get(User, tx.actor.user_id)
    if user is None:
        raise NotPermitted(verb=tx.verb)
    if version is not None and user.version != version:
        raise Conflict("changed_meanwhile")
    return user


_SORTS: dict[UserSort, tuple[ColumnElement[Any], type[int] | type[str]]] = {
    UserSort.NAME: (func.lower(User.name), str),
    UserSort.EMAIL: (User.email, str),  # type: ignore[dict-item]
    UserSort.CREATED: (User.created_at, int),  # type: ignore[dict-item]
}


def _fitting(query: UserQuery) -> Select[User]:
    users = select(User)
    text = one_line(query.text, "text", 120).lower()
    if text:
        users = users.where(
            or_(func.lower(User.name).contains(text, autoescape=True), User.email.contains(text, autoescape=True))
        )
    if query.role is not None:
        users = users.where(User.role == query.role.value)
    if query.active is not None:
        users = users.where(User.active if query.active else ~User.active)  # as an index says it
    return users
