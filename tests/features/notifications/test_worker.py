"""The worker against a real mail server and a real HTTP server: at most once, whoever dies, and honest where nobody can know."""

from __future__ import annotations

import email
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select, update

from clinicdesk.core.errors import Conflict
from clinicdesk.core.ids import new_id
from clinicdesk.core.trail import AuditEntry
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.notifications import rules
from clinicdesk.features.notifications import service as notifications
from clinicdesk.features.notifications.models import OutboundMessage
from clinicdesk.features.notifications.schemas import Channel, ContactPreferenceRow, Letter, MessageState, Reach
from clinicdesk.features.notifications.senders import (
    HttpSmsSender,
    MaybeSent,
    NotSent,
    Sender,
    SmsSettings,
    SmtpSender,
    SmtpSettings,
    Tls,
)
from clinicdesk.features.notifications.worker import run_worker, send_next
from clinicdesk.features.patients.models import Patient
from tests.features.appointments.conftest import Desk, at
from tests.features.notifications.conftest import GRACE, Outbox

Answer = Callable[[Any], str]


class Postbox:
    """A mail server's handler that keeps what it takes, and answers as it is told to."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.answers: list[str] = []
        """What to say to the next mails; 250 afterwards."""
        self.refused = ""

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if address == self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            self.taken.append(email.message_from_bytes(envelope.content, policy=policy.default))
        return answer


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def mail(postbox: Postbox) -> Iterator[SmtpSender]:
    controller = Controller(postbox, hostname="127.0.0.1", port=0)
    with socket.socket() as listener:  # aiosmtpd would look for itself on port 0
        listener.bind(("127.0.0.1", 0))
        controller.port = listener.getsockname()[1]
    controller.start()
    yield SmtpSender(SmtpSettings("127.0.0.1", "desk@clinic.example", controller.port, Tls.NONE, timeout=10))
    controller.stop()


class Provider(ThreadingHTTPServer):
    """A provider of SMS that keeps what it takes, and answers as it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.taken: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.status = 202

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/messages"


class _Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        self.server.headers.append(dict(self.headers))
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.status == 0:  # it took the message, and the line went dead
            self.server.taken.append(body)
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if self.server.status // 100 == 2:
            self.server.taken.append(body)
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def letter(address: str = "jordan@home.example") -> Letter:
    return Letter(new_id(), address, "Your visit", "Dear Jordan,\n\nyour visit is at 10:15. Ünïcode.\n")


# ---- the senders -----------------------------------------------------------------------------------------------------


def test_a_mail_arrives_as_it_was_written(mail: SmtpSender, postbox: Postbox) -> None:
    sent = letter()
    mail.send(sent)
    (message,) = postbox.taken
    assert (message["To"], message["From"], message["Subject"]) == (sent.address, "desk@clinic.example", "Your visit")
    assert message.get_content().replace("\r\n", "\n") == sent.body
    assert message["Message-ID"] == f"<{sent.reference.hex}@clinic.example>"
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(("answer", "again"), [("451 try later", True), ("554 no thanks", False)])
def test_a_mail_that_is_refused_was_not_sent(mail: SmtpSender, postbox: Postbox, answer: str, again: bool) -> None:
    postbox.answers = [answer]
    with pytest.raises(NotSent) as refused:
        mail.send(letter())
    assert (refused.value.code, refused.value.again) == ("message_refused", again)


def test_an_address_that_the_server_does_not_take_is_not_tried_again(mail: SmtpSender, postbox: Postbox) -> None:
    postbox.refused = "jordan@home.example"
    with pytest.raises(NotSent) as refused:
        mail.send(letter())
    assert (refused.value.code, refused.value.again) == ("address_refused", False)


@pytest.mark.parametrize("address", ["a@b.example\r\nBcc: c@d.example", "a@b.example\nX: y"])
def test_an_address_cannot_add_a_header(mail: SmtpSender, postbox: Postbox, address: str) -> None:
    with pytest.raises(NotSent):
        mail.send(letter(address))
    assert postbox.taken == []


def test_a_server_that_is_away_or_speaks_no_tls_has_taken_nothing(mail: SmtpSender) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        nobody = SmtpSender(SmtpSettings("127.0.0.1", "a@b.example", listener.getsockname()[1], Tls.NONE))
        with pytest.raises(NotSent) as away:
            nobody.send(letter())
    assert (away.value.code, away.value.again) == ("server_unreachable", True)
    plain = SmtpSender(SmtpSettings("127.0.0.1", "a@b.example", mail._settings.port, Tls.STARTTLS))
    with pytest.raises(NotSent):
        plain.send(letter())


def test_a_line_that_breaks_after_the_mail_was_handed_over_leaves_a_doubt() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take_and_fall_silent() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rwb") as line:
                for answer in (b"220 here", b"250 hello", b"250 sender", b"250 recipient", b"354 go on"):
                    line.write(answer + b"\r\n")
                    line.flush()
                    line.readline()
                while line.readline() not in (b".\r\n", b""):
                    pass

        server = threading.Thread(target=take_and_fall_silent)
        server.start()
        sender = SmtpSender(SmtpSettings("127.0.0.1", "a@b.example", listener.getsockname()[1], Tls.NONE, timeout=10))
        with pytest.raises(MaybeSent):
            sender.send(letter())
        server.join()


def test_an_sms_is_posted_with_its_reference_and_token(provider: Provider) -> None:
    sent = letter("+15550100")
    HttpSmsSender(SmsSettings(provider.url, "Clinic", "secret")).send(sent)
    assert provider.taken == [{"to": "+15550100", "from": "Clinic", "text": sent.body, "reference": sent.reference.hex}]
    assert provider.headers[0]["Authorization"] == "Bearer secret"
    assert provider.headers[0]["Idempotency-Key"] == sent.reference.hex


@pytest.mark.parametrize(
    ("status", "error", "again"),
    [(429, NotSent, True), (503, NotSent, True), (401, NotSent, True), (422, NotSent, False), (302, NotSent, False),
     (500, MaybeSent, None), (504, MaybeSent, None), (0, MaybeSent, None)],
)  # fmt: skip
def test_what_a_provider_answers_says_what_became_of_an_sms(
    provider: Provider, status: int, error: type[Exception], again: bool | None
) -> None:
    provider.status = status
    with pytest.raises(error) as told:
        HttpSmsSender(SmsSettings(provider.url, "Clinic", timeout=10)).send(letter("1"))
    assert getattr(told.value, "again", None) is again


def test_a_provider_that_is_away_has_taken_nothing_and_one_without_tls_is_not_spoken_to() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        away = HttpSmsSender(SmsSettings(f"http://127.0.0.1:{listener.getsockname()[1]}/", "Clinic"))
        with pytest.raises(NotSent):
            away.send(letter("1"))
    with pytest.raises(ValueError, match="https"):
        HttpSmsSender(SmsSettings("http://sms.example/", "Clinic"))


# ---- the worker ------------------------------------------------------------------------------------------------------


def until_empty(outbox: Outbox, senders: dict[Channel, Sender]) -> None:
    while send_next(outbox.db, senders):
        pass


def test_four_workers_send_each_message_once(outbox: Outbox, mail: SmtpSender, postbox: Postbox) -> None:
    with outbox.db.engine.begin() as connection:
        for nth, id_ in enumerate(outbox.desk.place.others):
            connection.execute(update(Patient).where(Patient.id == id_).values(email=f"other{nth}@home.example"))
    for nth, id_ in enumerate(outbox.desk.place.others):
        outbox.desk.book(at(9, day=1 + nth), patient_id=id_)
        outbox.desk.book(at(11, day=1 + nth), patient_id=id_)
    outbox.later(GRACE)
    together, failed = threading.Barrier(4), []

    def work() -> None:
        together.wait()
        try:
            until_empty(outbox, {Channel.EMAIL: mail})
        except BaseException as error:
            failed.append(error)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failed == []
    assert len(postbox.taken) == 20
    assert set(Counter(message["Message-ID"] for message in postbox.taken).values()) == {1}
    assert len(outbox.found("sent")) == 20


def test_a_visit_is_named_to_its_patient_alone(
    outbox: Outbox, mail: SmtpSender, postbox: Postbox, provider: Provider
) -> None:
    wish = ContactPreferenceRow(outbox.desk.place.jones, Reach.SMS, 0)
    outbox.desk.do(notifications.set_contact_preference, wish)
    outbox.desk.book(at(10, day=7))
    outbox.desk.book(at(14, day=7), patient_id=outbox.desk.place.jones)
    outbox.later(GRACE)
    sms = HttpSmsSender(SmsSettings(provider.url, "Clinic"))
    until_empty(outbox, {Channel.EMAIL: mail, Channel.SMS: sms})
    (message,) = postbox.taken
    assert message["To"] == "jordan@home.example"
    assert "your visit with Dr Grace Lee is booked for Monday 30 November 2026 at 10:00." in message.get_content()
    assert "Lee" not in message["Subject"]
    assert provider.taken[0]["to"] == "05550101"
    assert provider.taken[0]["text"] == (
        "Harbour Street: your visit with Dr Grace Lee is booked for Monday 30 November 2026 at 14:00."
    )


def test_what_fails_for_now_is_tried_again_later_and_given_up_in_the_end(
    outbox: Outbox, mail: SmtpSender, postbox: Postbox
) -> None:
    outbox.desk.book(at(10, day=7))
    outbox.later(GRACE)
    postbox.answers = ["451 later"] * rules.MOST_TRIES
    waits = []
    for _ in range(rules.MOST_TRIES):
        assert send_next(outbox.db, {Channel.EMAIL: mail})
        for message in outbox.found("due"):
            waits.append(message.next_try_at - outbox.clock.now)
            assert message.error == "message_refused"
        assert not send_next(outbox.db, {Channel.EMAIL: mail}) or waits[-1] <= timedelta()
        outbox.later(timedelta(hours=1))
    assert len(waits) == rules.MOST_TRIES - 1
    assert len({*waits}) > 1
    (message,) = outbox.found("failed")
    assert message.attempts == rules.MOST_TRIES
    inbox = Desk(outbox.db, outbox.desk.actor, outbox.desk.place).ask(notifications.inbox)
    assert [(row.kind, row.subject_id) for row in inbox.items] == [("message_failed", message.id)]
    row = outbox.desk.do(notifications.send_again, message.id, message.version)
    assert row.state is MessageState.DUE
    until_empty(outbox, {Channel.EMAIL: mail})
    assert len(postbox.taken) == 1


def test_a_message_that_recovers_is_sent_once(outbox: Outbox, mail: SmtpSender, postbox: Postbox) -> None:
    outbox.desk.book(at(10, day=7))
    outbox.later(GRACE)
    postbox.answers = ["451 later"]
    until_empty(outbox, {Channel.EMAIL: mail})
    outbox.later(timedelta(hours=1))
    until_empty(outbox, {Channel.EMAIL: mail})
    assert len(postbox.taken) == 1


def test_what_a_dead_worker_held_is_not_sent_again_by_itself(
    outbox: Outbox, mail: SmtpSender, postbox: Postbox
) -> None:
    outbox.desk.book(at(10, day=7))
    outbox.later(GRACE)
    (dead,) = outbox.claim()
    outbox.later(rules.LEASE - timedelta(seconds=1))
    until_empty(outbox, {Channel.EMAIL: mail})
    assert len(outbox.found("sending")) == 1
    outbox.later(timedelta(seconds=1))
    until_empty(outbox, {Channel.EMAIL: mail})
    assert postbox.taken == []
    (message,) = outbox.found("unknown")
    assert message.error == "worker_lost"
    # It was only slow after all: what it knows for certain is kept.
    outbox.operator().do(notifications.mark_sent, dead.id, dead.claim_id)
    assert len(outbox.found("sent")) == 1


def test_a_person_decides_about_a_message_that_nobody_knows_of(
    outbox: Outbox, mail: SmtpSender, postbox: Postbox
) -> None:
    outbox.desk.book(at(10, day=7))
    outbox.later(GRACE)
    (dead,) = outbox.claim()
    outbox.later(rules.LEASE)
    until_empty(outbox, {Channel.EMAIL: mail})
    (message,) = outbox.found("unknown")
    outbox.desk.do(notifications.send_again, message.id, message.version)
    with pytest.raises(Conflict) as late:
        outbox.operator().do(notifications.mark_sent, dead.id, dead.claim_id)
    assert late.value.reason == "not_claimed"
    until_empty(outbox, {Channel.EMAIL: mail})
    assert len(postbox.taken) == 1


def test_a_visit_that_is_cancelled_behind_the_plan_is_not_reminded_of(outbox: Outbox) -> None:
    outbox.db.followers.clear()
    outbox.db.followers.append(notifications.follow)
    visit = outbox.desk.book(at(10, day=7))
    with outbox.db.engine.begin() as connection:  # by a program that follows nothing
        connection.execute(update(Appointment).where(Appointment.id == visit.id).values(status="cancelled"))
    outbox.later(GRACE)
    assert outbox.send_all() == []
    assert [m.error for m in outbox.found("cancelled")] == ["visit_changed"]


def test_the_audit_says_that_a_message_went_out_and_not_where_to(
    outbox: Outbox, mail: SmtpSender, postbox: Postbox
) -> None:
    outbox.desk.book(at(10, day=7))
    outbox.later(GRACE)
    until_empty(outbox, {Channel.EMAIL: mail})
    with outbox.db.engine.connect() as connection:
        entry = connection.execute(select(AuditEntry.__table__).order_by(AuditEntry.seq.desc()).limit(1)).one()
    assert (entry.verb, entry.entity, entry.action) == ("notifications.mark_sent", "outbound_message", "E")
    assert entry.patient_id == outbox.desk.place.smith.hex
    assert entry.detail == '{"note":"email visit_booked sent"}'


def test_the_worker_runs_until_it_is_stopped(outbox: Outbox, mail: SmtpSender, postbox: Postbox) -> None:
    outbox.desk.book(at(10, day=7))
    outbox.later(GRACE)
    stop, sent = threading.Event(), threading.Event()
    outbox.db.listeners.append(lambda told: sent.set() if told.verb == "notifications.mark_sent" else None)
    worker = threading.Thread(target=run_worker, args=(outbox.db, {Channel.EMAIL: mail}, stop))
    worker.start()
    assert sent.wait(20)
    stop.set()
    worker.join(20)
    assert not worker.is_alive()
    assert len(postbox.taken) == 1


def test_a_channel_without_a_sender_waits_for_one(outbox: Outbox) -> None:
    outbox.desk.book(at(10, day=7))
    outbox.later(GRACE)
    assert send_next(outbox.db, {})
    assert [m.error for m in outbox.found("due")] == ["no_sender"]


def test_claims_are_of_different_messages(outbox: Outbox) -> None:
    outbox.desk.book(at(10, day=7))
    outbox.desk.book(at(12, day=7))
    outbox.later(GRACE)
    with outbox.db.engine.begin() as connection:
        assert connection.execute(update(OutboundMessage).values(version=OutboundMessage.version)).rowcount == 6
    first, second, third = outbox.claim(1), outbox.claim(1), outbox.claim(1)
    assert third == []
    assert first[0].id != second[0].id
