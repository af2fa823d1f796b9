"""Sends mail by a mail server, sealed by TLS unless that is turned off."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage

from clinicdesk.core.errors import Unavailable

_SECONDS = 20
_SMTPS_PORT = 465


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of plain text to one person."""

    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server and how to send by it."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = True

    def send(self, mail: Mail) -> None:
        """Send it. Raises Unavailable("mail_not_sent"), without the server's words, which name people."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, mail.to, mail.subject
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        try:
            with self._connect() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(message)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise Unavailable("mail_not_sent") from error

    def _connect(self) -> smtplib.SMTP:
        if not self.tls:
            return smtplib.SMTP(self.host, self.port, timeout=_SECONDS)
        context = ssl.create_default_context()
        if self.port == _SMTPS_PORT:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_SECONDS, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=_SECONDS)
        server.starttls(context=context)
        return server
