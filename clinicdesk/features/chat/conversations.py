"""Conversations and who takes part in them: only members read, and only members ask others in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, literal, select, tuple_, update

from clinicdesk.core.clock import to_micros
from clinicdesk.core.errors import Conflict, Hidden, InvalidInput, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import Page, PageRequest, check_limit, decode_cursor, encode_cursor, id_of, instant_of
from clinicdesk.core.permissions import Permission, Role
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.chat import rules
from clinicdesk.features.chat.models import ChatMessage, Conversation, ConversationMember
from clinicdesk.features.chat.schemas import ConversationKind, ConversationRow, MemberRow
from clinicdesk.features.users.models import User

LONGEST_TITLE = 80


@verb(Permission.CHAT, writes=False)
def conversations(tx: Tx, page: PageRequest = PageRequest()) -> Page[ConversationRow]:  # noqa: B008  (frozen)
    """The conversations that the caller takes part in, the one with the latest word first.

    Raises InvalidInput("cursor_not_right", "out_of_range").
    """
    mine = select(ConversationMember.conversation_id).where(ConversationMember.user_id == tx.actor.user_id)
    wanted = select(Conversation).where(Conversation.id.in_(mine))
    behind = wanted
    if page.cursor:
        micros, last = decode_cursor(page.cursor, int, str)
        place = tuple_(
            literal(instant_of(micros), Conversation.last_at.type), literal(id_of(last), Conversation.id.type)
        )
        behind = wanted.where(tuple_(Conversation.last_at, Conversation.id) < place)
    latest_first = behind.order_by(Conversation.last_at.desc(), Conversation.id.desc())
    return _page(tx, page, wanted, latest_first, lambda one: [to_micros(one.last_at), one.id.hex])


@verb(Permission.CHAT, writes=False)
def rooms(tx: Tx, page: PageRequest = PageRequest()) -> Page[ConversationRow]:  # noqa: B008  (frozen)
    """The rooms that any colleague may enter, by name; how much is unread is told of those that the caller is in.

    Raises InvalidInput("cursor_not_right", "out_of_range").
    """
    wanted = select(Conversation).where(Conversation.kind == ConversationKind.ROOM.value)
    behind = wanted
    if page.cursor:
        title, last = decode_cursor(page.cursor, str, str)
        place = tuple_(func.lower(literal(title)), literal(id_of(last), Conversation.id.type))
        behind = wanted.where(tuple_(func.lower(Conversation.title), Conversation.id) > place)
    by_name = behind.order_by(func.lower(Conversation.title), Conversation.id)
    return _page(tx, page, wanted, by_name, lambda one: [one.title, one.id.hex])


@verb(Permission.CHAT, writes=False)
def conversation(tx: Tx, conversation_id: UUID) -> ConversationRow:
    """One conversation of the caller's. Raises as `require_member` does."""
    return _rows(tx, [require_member(tx, conversation_id)])[0]


@verb(Permission.CHAT, writes=False)
def unread(tx: Tx) -> int:
    """How many messages of others the caller has not read, over all conversations."""
    return sum(_unread(tx).values())


@verb(Permission.CHAT)
def open_direct(tx: Tx, user_id: UUID) -> ConversationRow:
    """The conversation with one colleague, made if there is none. Raises InvalidInput("not_a_colleague")."""
    if user_id == tx.actor.user_id:
        raise InvalidInput("not_a_colleague", field="user_id")
    me = _me(tx)
    key = rules.direct_key(me, user_id)
    found = tx.session.scalar(select(Conversation).where(Conversation.direct_key == key))
    if found is None:
        found = _make(tx, ConversationKind.DIRECT, "", [me, user_id], key)
    return _rows(tx, [found])[0]


@verb(Permission.CHAT)
def create_group(tx: Tx, title: str, member_ids: Sequence[UUID]) -> ConversationRow:
    """A conversation of the caller and these colleagues.

    Raises InvalidInput("empty", "too_long", "not_a_colleague", "too_many").
    """
    name = one_line(title, "title", LONGEST_TITLE, required=True)
    return _rows(tx, [_make(tx, ConversationKind.GROUP, name, [_me(tx), *member_ids])])[0]


@verb(Permission.MANAGE_CLINIC)
def create_room(tx: Tx, title: str) -> ConversationRow:
    """A room that any colleague may enter. Raises InvalidInput("empty", "too_long"), Conflict("name_taken")."""
    name = one_line(title, "title", LONGEST_TITLE, required=True)
    taken = select(Conversation.id).where(Conversation.kind == ConversationKind.ROOM.value, Conversation.title == name)
    if tx.session.scalar(taken) is not None:
        raise Conflict("name_taken")
    return _rows(tx, [_make(tx, ConversationKind.ROOM, name, [])])[0]


@verb(Permission.CHAT)
def enter_room(tx: Tx, conversation_id: UUID) -> ConversationRow:
    """Take part in a room. Raises NotFound("conversation_not_found"), Hidden for what is no room, InvalidInput("too_many")."""
    found = _load(tx, conversation_id)
    if found.kind != ConversationKind.ROOM:
        raise Hidden("conversation_not_found", verb=tx.verb)
    _admit(tx, found, [_me(tx)])
    return _rows(tx, [found])[0]


@verb(Permission.CHAT)
def add_members(tx: Tx, conversation_id: UUID, user_ids: Sequence[UUID]) -> ConversationRow:
    """Ask colleagues into a group or room that the caller takes part in; they can read all of it.

    Raises as `require_member` does, Conflict("conversation_of_two"), InvalidInput("not_a_colleague", "too_many").
    """
    found = require_member(tx, conversation_id)
    if found.kind == ConversationKind.DIRECT:
        raise Conflict("conversation_of_two")
    _admit(tx, found, user_ids)
    return _rows(tx, [found])[0]


@verb(Permission.CHAT)
def leave(tx: Tx, conversation_id: UUID) -> None:
    """No longer take part in a group or room. Raises as `require_member` does, Conflict("conversation_of_two")."""
    found = require_member(tx, conversation_id)
    if found.kind == ConversationKind.DIRECT:
        raise Conflict("conversation_of_two")
    me = _me(tx)
    tx.session.execute(
        delete(ConversationMember).where(
            ConversationMember.conversation_id == found.id, ConversationMember.user_id == me
        )
    )
    tx.record(Change("conversation_member", found.id, Action.DELETE, {"user_id": me}, None))


@verb(Permission.CHAT, concurrent=True)
def mark_read(tx: Tx, conversation_id: UUID, seq: int) -> None:
    """Note that the caller has read up to a message; it never goes back. Raises as `require_member` does."""
    found = require_member(tx, conversation_id)
    moved = tx.session.execute(
        update(ConversationMember)
        .where(
            ConversationMember.conversation_id == found.id,
            ConversationMember.user_id == tx.actor.user_id,
            ConversationMember.read_seq < min(seq, found.last_seq),
        )
        .values(read_seq=min(seq, found.last_seq))
        .returning(ConversationMember.user_id)
    ).all()
    if moved:
        tx.tell(Change("conversation_member", found.id, Action.UPDATE, None, {"user_id": tx.actor.user_id}))


def require_member(tx: Tx, conversation_id: UUID) -> Conversation:
    """The conversation, where the actor takes part in it.

    Raises NotFound("conversation_not_found"), and Hidden with the same code to a stranger; NotPermitted("not_a_member") for a
    room, of which everybody knows.
    """
    found = _load(tx, conversation_id)
    if tx.actor.user_id is None or tx.session.get(ConversationMember, (found.id, tx.actor.user_id)) is None:
        if found.kind == ConversationKind.ROOM:
            raise NotPermitted("not_a_member", verb=tx.verb)
        raise Hidden("conversation_not_found", verb=tx.verb)
    return found


@verb(Permission.MAINTAIN, writes=False)
def members_of(tx: Tx, conversation_ids: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """Who takes part in each of these conversations: for whoever passes on that something was said."""
    found: dict[UUID, set[UUID]] = {}
    members = select(ConversationMember.conversation_id, ConversationMember.user_id).where(
        ConversationMember.conversation_id.in_(conversation_ids)
    )
    for conversation_id, user_id in tx.session.execute(members):
        found.setdefault(conversation_id, set()).add(user_id)
    return found


def member_ids(tx: Tx, conversation_id: UUID) -> list[UUID]:
    """Everybody who takes part in a conversation."""
    members = select(ConversationMember.user_id).where(ConversationMember.conversation_id == conversation_id)
    return list(tx.session.scalars(members))


def _me(tx: Tx) -> UUID:
    if tx.actor.user_id is None:  # the command line takes part in nothing
        raise NotPermitted("not_a_member", verb=tx.verb)
    return tx.actor.user_id


def _load(tx: Tx, conversation_id: UUID) -> Conversation:
    found = tx.session.get(Conversation, conversation_id)
    if found is None:
        raise NotFound("conversation_not_found")
    return found


def _make(tx: Tx, kind: ConversationKind, title: str, user_ids: Sequence[UUID], key: str | None = None) -> Conversation:
    made = Conversation(
        id=new_id(), version=1, kind=kind.value, title=title, direct_key=key, last_seq=0, last_at=tx.now,
        created_at=tx.now, created_by=tx.actor.user_id,
    )  # fmt: skip
    tx.session.add(made)
    tx.record(Change.created(made))
    tx.session.flush()
    _admit(tx, made, user_ids)
    return made


def _admit(tx: Tx, conversation: Conversation, user_ids: Iterable[UUID]) -> None:
    present = set(member_ids(tx, conversation.id))
    new = [user_id for user_id in dict.fromkeys(user_ids) if user_id not in present]
    if len(present) + len(new) > rules.MOST_MEMBERS:
        raise InvalidInput("too_many", field="member_ids", most=rules.MOST_MEMBERS)
    colleagues = select(User.id).where(User.id.in_(new), User.active, User.role != Role.PATIENT.value)
    if set(tx.session.scalars(colleagues)) != set(new):
        raise InvalidInput("not_a_colleague", field="member_ids")
    for user_id in new:
        tx.session.execute(
            insert(ConversationMember).values(
                conversation_id=conversation.id, user_id=user_id, read_seq=conversation.last_seq, joined_at=tx.now
            )
        )
        tx.record(Change("conversation_member", conversation.id, Action.CREATE, None, {"user_id": user_id}))


def _rows(tx: Tx, found: Sequence[Conversation]) -> list[ConversationRow]:
    ids = [conversation.id for conversation in found]
    members: dict[UUID, list[MemberRow]] = {id_: [] for id_ in ids}
    people = (
        select(ConversationMember.conversation_id, User.id, User.name, User.active, ConversationMember.read_seq)
        .join(User, User.id == ConversationMember.user_id)
        .where(ConversationMember.conversation_id.in_(ids))
        .order_by(func.lower(User.name), User.id)
    )
    for conversation_id, user_id, name, active, read_seq in tx.session.execute(people):
        members[conversation_id].append(MemberRow(user_id, name, active, read_seq))
    unread_by_id = _unread(tx, ids)
    return [
        ConversationRow(
            one.id, ConversationKind(one.kind), one.title, tuple(members[one.id]), one.last_seq, one.last_at,
            unread_by_id.get(one.id, 0), one.version,
        )
        for one in found
    ]  # fmt: skip


def _unread(tx: Tx, ids: Sequence[UUID] | None = None) -> dict[UUID, int]:
    """How many messages of others the caller has not read, by conversation (of these, or of all of theirs)."""
    # Counted for each by itself, from where it was read to: joined, all that was ever said there would be gone through.
    behind = (
        select(func.count())
        .where(
            ChatMessage.conversation_id == ConversationMember.conversation_id,
            ChatMessage.seq > ConversationMember.read_seq,
            ChatMessage.author_id != tx.actor.user_id,
            ChatMessage.deleted_at.is_(None),
        )
        .scalar_subquery()
    )
    counted = select(ConversationMember.conversation_id, behind).where(ConversationMember.user_id == tx.actor.user_id)
    if ids is not None:
        counted = counted.where(ConversationMember.conversation_id.in_(ids))
    return {row[0]: row[1] for row in tx.session.execute(counted) if row[1]}


def _page(
    tx: Tx,
    page: PageRequest,
    wanted: Select[Conversation],
    ordered: Select[Conversation],
    place: Callable[[Conversation], list[str | int]],
) -> Page[ConversationRow]:
    """A page of what is `ordered` and lies behind the cursor, of all that is `wanted`."""
    check_limit(page)
    found = tx.session.scalars(ordered.limit(page.limit + 1)).all()
    here = found[: page.limit]
    total = tx.session.scalar(select(func.count()).select_from(wanted.subquery())) if page.total else None
    return Page(_rows(tx, here), encode_cursor(place(here[-1])) if len(found) > page.limit else None, total)
