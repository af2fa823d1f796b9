"""Who can talk to whom, what stays of what was said, and what nobody else gets to read."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from clinicdesk.core.errors import ClinicError, Conflict, InvalidInput, NotFound, NotPermitted
from clinicdesk.core.history import HistoryEntry
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import PageRequest, encode_cursor
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.chat import rules
from clinicdesk.features.chat import service as chat
from clinicdesk.features.chat.models import ChatMessage
from clinicdesk.features.chat.schemas import ConversationRow, EditMessage, MessageRow, Say
from clinicdesk.features.notifications import service as notifications
from clinicdesk.features.users.models import User
from tests.conftest import Hands, noted
from tests.features.appointments.conftest import Desk, Place, furnish
from tests.features.notifications.conftest import add_user

QUARTER = timedelta(minutes=15)


@pytest.fixture
def place(db: Database) -> Place:
    return furnish(db)


@pytest.fixture
def ann(db: Database, place: Place, receptionist: Actor) -> Desk:
    add_user(db, receptionist)
    return Desk(db, receptionist, place)


@pytest.fixture
def ben(db: Database, place: Place, doctor: Actor) -> Desk:
    add_user(db, doctor)
    return Desk(db, doctor, place)


@pytest.fixture
def eve(db: Database, place: Place, nurse: Actor) -> Desk:
    add_user(db, nurse)
    return Desk(db, nurse, place)


@pytest.fixture
def talk(ann: Desk, ben: Desk) -> ConversationRow:
    row: ConversationRow = ann.do(chat.open_direct, ben.actor.user_id)
    return row


def say(who: Desk, where: ConversationRow, text: str = "Room 2 is free", **other: Any) -> MessageRow:
    row: MessageRow = who.do(chat.say, Say(where.id, text, **other))
    return row


def refusal(who: Desk, verb: Any, *args: Any) -> str:
    with pytest.raises(ClinicError) as refused:
        who.do(verb, *args)
    return refused.value.reason


def test_two_people_have_one_conversation_whoever_begins(ann: Desk, ben: Desk, talk: ConversationRow) -> None:
    assert ben.do(chat.open_direct, ann.actor.user_id).id == talk.id
    assert {member.user_id for member in talk.members} == {ann.actor.user_id, ben.actor.user_id}
    assert refusal(ann, chat.open_direct, ann.actor.user_id) == "not_a_colleague"


def test_what_is_said_is_kept_as_text_and_counted_as_unread_by_the_other(
    ann: Desk, ben: Desk, talk: ConversationRow
) -> None:
    text = "<script>alert('x')</script>\nSELECT 1; -- Grüße 👋"
    said = say(ann, talk, text)
    assert (said.text, said.seq) == (text, 1)
    say(ann, talk)
    assert (ann.ask(chat.unread), ben.ask(chat.unread)) == (0, 2)
    ben.do(chat.mark_read, talk.id, 1)
    assert ben.ask(chat.unread) == 1
    ben.do(chat.mark_read, talk.id, 99)
    ben.do(chat.mark_read, talk.id, 1)
    assert ben.ask(chat.unread) == 0
    say(ann, talk)
    assert ben.ask(chat.unread) == 1


def test_only_members_read_and_write(ann: Desk, ben: Desk, eve: Desk, talk: ConversationRow) -> None:
    said = say(ann, talk)
    for verb, *args in (
        (chat.messages, talk.id),
        (chat.conversation, talk.id),
        (chat.say, Say(talk.id, "hello")),
        (chat.mark_read, talk.id, 1),
        (chat.add_members, talk.id, [eve.actor.user_id]),
        (chat.enter_room, talk.id),
        (chat.leave, talk.id),
        (chat.edit_message, EditMessage(said.id, said.version, "changed")),
        (chat.delete_message, said.id, said.version),
    ):
        assert refusal(eve, verb, *args) in {"conversation_not_found", "message_not_found"}, verb
    assert eve.ask(chat.conversations).items == []
    with pytest.raises(NotFound):
        eve.ask(chat.messages, new_id())
    with eve.db.engine.connect() as connection:
        refused = select(AuditEntry.verb).where(AuditEntry.outcome == "refused").distinct()
        assert set(connection.scalars(refused)) >= {"chat.messages", "chat.say", "chat.edit_message"}


def test_a_page_ends_where_the_next_begins(ann: Desk, talk: ConversationRow) -> None:
    for nth in range(5):
        say(ann, talk, f"message {nth}")
    first = ann.ask(chat.messages, talk.id, PageRequest(limit=2, total=True))
    say(ann, talk, "meanwhile")
    second = ann.ask(chat.messages, talk.id, PageRequest(limit=2, cursor=first.next))
    third = ann.ask(chat.messages, talk.id, PageRequest(limit=2, cursor=second.next))
    assert [m.seq for page in (first, second, third) for m in page.items] == [5, 4, 3, 2, 1]
    assert (first.total, third.next) == (5, None)
    for limit in (0, 201):
        with pytest.raises(InvalidInput):
            ann.ask(chat.messages, talk.id, PageRequest(limit=limit))


def test_an_author_may_change_or_take_back_for_a_quarter_of_an_hour(
    ann: Desk, ben: Desk, talk: ConversationRow, clock: Hands
) -> None:
    said = say(ann, talk)
    assert refusal(ben, chat.edit_message, EditMessage(said.id, said.version, "x")) == "not_your_message"
    assert refusal(ann, chat.edit_message, EditMessage(said.id, said.version + 1, "x")) == "changed_meanwhile"
    clock.now += QUARTER
    changed = ann.do(chat.edit_message, EditMessage(said.id, said.version, "Room 3 is free"))
    assert (changed.text, changed.edited_at, changed.version) == ("Room 3 is free", clock.now, 2)
    clock.now += timedelta(microseconds=1)
    assert refusal(ann, chat.delete_message, said.id, changed.version) == "message_too_old"


def test_of_a_deleted_message_remains_that_there_was_one(ann: Desk, ben: Desk, talk: ConversationRow) -> None:
    said = say(ann, talk, patient_id=ann.place.smith)
    assert ben.ask(chat.unread) == 1
    gone = ann.do(chat.delete_message, said.id, said.version)
    assert (gone.text, gone.patient_id, gone.seq) == ("", None, 1)
    assert gone.deleted_at is not None
    assert ben.ask(chat.unread) == 0
    assert refusal(ann, chat.edit_message, EditMessage(said.id, gone.version, "back")) == "message_deleted"
    with ann.db.engine.connect() as connection:
        assert connection.scalars(select(ChatMessage.text)).all() == [""]


def test_the_trail_says_that_something_was_said_and_not_what(ann: Desk, talk: ConversationRow) -> None:
    said = say(ann, talk, "the quick brown fox", patient_id=ann.place.smith)
    ann.do(chat.edit_message, EditMessage(said.id, said.version, "the lazy dog"))
    with ann.db.engine.connect() as connection:
        entries = connection.execute(select(AuditEntry.verb, AuditEntry.patient_id, AuditEntry.detail)).all()
        history = connection.execute(select(HistoryEntry.old, HistoryEntry.new)).all()
    assert ("chat.say", ann.place.smith.hex, "{}") in [
        (entry.verb, entry.patient_id, noted(entry.detail)) for entry in entries
    ]
    assert "fox" not in str(entries) + str(history)
    assert "dog" not in str(entries) + str(history)


def test_a_group_has_those_who_were_asked_in(ann: Desk, ben: Desk, eve: Desk) -> None:
    group = ann.do(chat.create_group, "Vaccines", [ben.actor.user_id])
    say(ann, group)
    assert refusal(eve, chat.enter_room, group.id) == "conversation_not_found"
    group = ben.do(chat.add_members, group.id, [eve.actor.user_id, ann.actor.user_id])
    assert len(group.members) == 3
    assert [m.seq for m in eve.ask(chat.messages, group.id).items] == [1]
    assert eve.ask(chat.unread) == 0  # it was said before they came
    eve.do(chat.leave, group.id)
    assert refusal(eve, chat.messages, group.id) == "conversation_not_found"


def test_a_room_is_open_to_every_colleague(ann: Desk, ben: Desk, administrator: Actor) -> None:
    add_user(ann.db, administrator)
    office = ann.as_(administrator)
    room = office.do(chat.create_room, "Front desk")
    assert refusal(office, chat.create_room, "Front desk") == "name_taken"
    assert [row.title for row in ben.ask(chat.rooms).items] == ["Front desk"]
    assert refusal(ben, chat.conversation, room.id) == "not_a_member"
    assert refusal(ben, chat.say, Say(room.id, "hello")) == "not_a_member"
    ben.do(chat.enter_room, room.id)
    assert say(ben, room).seq == 1


def test_conversations_come_in_pages_the_latest_word_first(ann: Desk, ben: Desk, clock: Hands) -> None:
    groups = [ann.do(chat.create_group, f"Group {n}", [ben.actor.user_id]) for n in range(5)]
    for nth in (3, 1, 4, 0, 2):
        clock.now += timedelta(seconds=1)
        say(ann, groups[nth])
    pages = [ben.ask(chat.conversations, PageRequest(2, total=True))]
    while pages[-1].next:
        pages.append(ben.ask(chat.conversations, PageRequest(2, pages[-1].next)))
    assert [[row.title for row in page.items] for page in pages] == [
        ["Group 2", "Group 0"], ["Group 4", "Group 1"], ["Group 3"],
    ]  # fmt: skip
    assert pages[0].total == 5
    assert {row.unread for page in pages for row in page.items} == {1}


def test_rooms_come_in_pages_by_name(ann: Desk, administrator: Actor) -> None:
    add_user(ann.db, administrator)
    for title in ("beta", "Alpha", "Émile", "alpha two", "ÉMILE"):
        ann.as_(administrator).do(chat.create_room, title)
    pages = [ann.ask(chat.rooms, PageRequest(2, total=True))]
    while pages[-1].next:
        pages.append(ann.ask(chat.rooms, PageRequest(2, pages[-1].next)))
    titles = [row.title for page in pages for row in page.items]
    assert titles[:3] == ["Alpha", "alpha two", "beta"]
    assert (sorted(titles[3:]), pages[0].total) == (["ÉMILE", "Émile"], 5)


@pytest.mark.parametrize("place", [[1 << 62, "00"], [1, "no id"], ["a", "b"], [1], [1, "\ud800"]])
def test_a_cursor_that_nobody_was_given_is_refused(ann: Desk, place: list[Any]) -> None:
    for verb in (chat.conversations, chat.rooms):
        assert refusal(ann, verb, PageRequest(cursor=encode_cursor(place))) == "cursor_not_right"


def test_a_conversation_of_two_stays_one(ann: Desk, eve: Desk, talk: ConversationRow) -> None:
    assert refusal(ann, chat.add_members, talk.id, [eve.actor.user_id]) == "conversation_of_two"
    assert refusal(ann, chat.leave, talk.id) == "conversation_of_two"


@pytest.mark.parametrize("who", ["patient", "off", "unknown"])
def test_nobody_talks_to_a_patient_or_to_an_account_that_is_off(ann: Desk, who: str) -> None:
    other = Actor(new_id(), Role.PATIENT if who == "patient" else Role.NURSE, "Somebody")
    if who != "unknown":
        add_user(ann.db, other)
    if who == "off":
        with ann.db.engine.begin() as connection:
            connection.execute(update(User).where(User.id == other.user_id).values(active=False))
    assert refusal(ann, chat.open_direct, other.user_id) == "not_a_colleague"
    assert refusal(ann, chat.create_group, "Group", [other.user_id]) == "not_a_colleague"


def test_a_patient_who_is_mentioned_is_a_patient(ann: Desk, talk: ConversationRow) -> None:
    assert say(ann, talk, patient_id=ann.place.smith).patient_id == ann.place.smith
    assert refusal(ann, chat.say, Say(talk.id, "hello", new_id())) == "patient_not_found"


def test_the_others_are_notified_once_until_they_read(ann: Desk, ben: Desk, talk: ConversationRow) -> None:
    for _ in range(3):
        say(ann, talk, "a secret")
    (told,) = ben.ask(notifications.inbox).items
    assert (told.kind, told.subject_id, dict(told.params)) == ("chat_message", talk.id, {})
    assert ann.ask(notifications.unread_count) == 0
    ben.do(notifications.mark_read, told.id)
    say(ann, talk)
    assert ben.ask(notifications.unread_count) == 1


def test_two_who_talk_at_once_are_numbered_one_after_the_other(ann: Desk, ben: Desk, talk: ConversationRow) -> None:
    together, failed = threading.Barrier(2), []

    def chatter(who: Desk) -> None:
        together.wait()
        try:
            for _ in range(10):
                say(who, talk)
        except BaseException as error:
            failed.append(error)

    people = [threading.Thread(target=chatter, args=(who,)) for who in (ann, ben)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert failed == []
    assert [m.seq for m in ann.ask(chat.messages, talk.id).items] == list(range(20, 0, -1))


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "empty"), (" \n ", "empty"), ("x" * 4001, "too_long"), ("a\x00b", "control_characters"),
     ("a\ud800b", "control_characters")],
)  # fmt: skip
def test_what_cannot_be_said(text: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        rules.check_text(text)
    assert (refused.value.reason, refused.value.params["field"]) == (code, "text")


@given(st.text(max_size=60))
def test_a_text_that_may_be_said_stays_as_it_is(text: str) -> None:
    try:
        tidy = rules.check_text(text)
    except InvalidInput:
        return
    assert rules.check_text(tidy) == tidy
    assert tidy.isprintable() or len(tidy) <= rules.MOST_CHARACTERS


def test_the_command_line_takes_part_in_nothing(ann: Desk, operator: Actor, talk: ConversationRow) -> None:
    for verb, *args in ((chat.messages, talk.id), (chat.open_direct, ann.actor.user_id)):
        with pytest.raises((NotPermitted, Conflict)):
            ann.as_(operator).do(verb, *args)
