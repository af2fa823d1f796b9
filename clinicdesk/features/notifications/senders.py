"""Hands messages to the world: e-mail by SMTP, SMS by a provider's HTTP interface. Each says honestly what became of it."""

from __future__ import annotations

import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlsplit

from clinicdesk.core.clock import utc_now
from clinicdesk.features.notifications.schemas import Letter

TIMEOUT_SECONDS = 30.0


class NotSent(Exception):
    """The message has certainly not gone out. `code` says why; `again`: another try may do better."""

    def __init__(self, code: str, *, again: bool) -> None:
        self.code = code
        self.again = again
        super().__init__(code)


class MaybeSent(Exception):
    """The message was handed over, and no answer came: it may have gone out."""

    code = "no_answer"


class Sender(Protocol):
    """One way out. Returns where the message was taken; raises NotSent or MaybeSent."""

    def send(self, letter: Letter) -> None: ...


class Tls(StrEnum):
    """How a connection to the mail server is protected: from the first byte, from STARTTLS on, or not (loopback alone)."""

    IMPLICIT = "implicit"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """The mail server that takes the clinic's e-mail, and who it comes from. `user` empty: no sign-in."""

    host: str
    sender: str
    port: int = 587
    tls: Tls = Tls.STARTTLS
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = TIMEOUT_SECONDS


class SmtpSender:
    """Sends e-mail through one mail server, a connection for each message."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    def send(self, letter: Letter) -> None:
        try:
            content = self._content(letter)
        except (ValueError, MessageError) as error:
            raise NotSent("address_refused", again=False) from error
        with self._connected() as server:
            with _nothing_sent():
                _expect(server.mail(self._settings.sender), "sender_refused")
                _expect(server.rcpt(letter.address), "address_refused")
            try:
                code, _ = server.data(content)
            except smtplib.SMTPDataError as refusal:  # before the text was handed over
                raise _refusal(refusal.smtp_code, "message_refused") from refusal
            except (OSError, smtplib.SMTPException) as broken:
                raise MaybeSent from broken
            if code // 100 != 2:
                raise _refusal(code, "message_refused")

    def _content(self, letter: Letter) -> bytes:
        message = EmailMessage(policy=SMTP)
        message["From"] = self._settings.sender
        message["To"] = letter.address
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(utc_now())
        message["Message-ID"] = f"<{letter.reference.hex}@{self._settings.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # nobody's absence answers it
        message.set_content(letter.body)
        return message.as_bytes()

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        settings = self._settings
        context = ssl.create_default_context()
        with _nothing_sent():
            if settings.tls is Tls.IMPLICIT:
                server: smtplib.SMTP = smtplib.SMTP_SSL(
                    settings.host, settings.port, timeout=settings.timeout, context=context
                )
            else:
                server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout)
        try:
            with _nothing_sent():
                if settings.tls is Tls.STARTTLS:
                    server.starttls(context=context)
                server.ehlo_or_helo_if_needed()
                if settings.user:
                    server.login(settings.user, settings.password)
            yield server
        finally:
            server.close()  # no QUIT: what was acknowledged is taken, and a failure to part would say nothing about it


@contextmanager
def _nothing_sent() -> Iterator[None]:
    """Whatever fails in here fails before the message is handed over."""
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        raise NotSent("sign_in_refused", again=True) from error
    except smtplib.SMTPResponseException as error:
        raise _refusal(error.smtp_code, "server_refused") from error
    except ssl.SSLCertVerificationError as error:
        raise NotSent("certificate_not_right", again=True) from error
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent("server_unreachable", again=True) from error


def _expect(answer: tuple[int, bytes], code: str) -> None:
    if answer[0] // 100 != 2:
        raise _refusal(answer[0], code)


def _refusal(status: int, code: str) -> NotSent:
    return NotSent(code, again=status // 100 != 5)


@dataclass(frozen=True, slots=True)
class SmsSettings:
    """A provider that takes `{"to", "from", "text", "reference"}` as JSON by POST, with a bearer token."""

    url: str
    sender: str
    token: str = field(default="", repr=False)
    timeout: float = TIMEOUT_SECONDS


class HttpSmsSender:
    """Sends SMS through one provider. The message's id goes along as Idempotency-Key, for a provider that knows it."""

    def __init__(self, settings: SmsSettings) -> None:
        parts = urlsplit(settings.url)
        if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("an SMS provider is spoken to by https")
        self._settings = settings
        self._opener = urllib.request.build_opener(_NoRedirects)

    def send(self, letter: Letter) -> None:
        text = {
            "to": letter.address,
            "from": self._settings.sender,
            "text": letter.body,
            "reference": letter.reference.hex,
        }
        headers = {"Content-Type": "application/json", "Idempotency-Key": letter.reference.hex}
        if self._settings.token:
            headers["Authorization"] = f"Bearer {self._settings.token}"
        request = urllib.request.Request(  # noqa: S310  (the scheme was checked)
            self._settings.url, json.dumps(text).encode(), headers, method="POST"
        )
        try:
            with self._opener.open(request, timeout=self._settings.timeout):
                return
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise _of_status(refusal.code) from refusal
        except urllib.error.URLError as error:  # raised by urllib while it connects and writes the request
            if isinstance(error.reason, ConnectionRefusedError | ssl.SSLCertVerificationError):
                raise NotSent("server_unreachable", again=True) from error
            raise MaybeSent from error
        except OSError as error:  # while it reads the answer
            raise MaybeSent from error


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """The token goes to the provider and nowhere else."""


def _of_status(status: int) -> NotSent | MaybeSent:
    """What an answer means: only where the provider says so has the message not been taken."""
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return NotSent("provider_busy", again=True)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return NotSent("sign_in_refused", again=True)
    if status // 100 == 5:
        return MaybeSent()
    return NotSent("message_refused", again=False)
