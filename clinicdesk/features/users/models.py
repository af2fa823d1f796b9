"""Tables of accounts, failed sign-ins, sessions, second factors and links sent by mail."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.model import Base, Identified


class User(Identified, Base):
    """An account. `email` is folded to lower case and unique; accounts are turned off, never deleted."""

    __tablename__ = "user"
    __table_args__ = (
        Index("ix_user_name", text("lower(name)"), "id"),
        Index("ix_user_role", "role", text("lower(name)"), "id"),
        Index("ix_user_created_at", "created_at", "id"),
        Index(
            "ix_user_off",
            text("lower(name)"),
            "id",
            sqlite_where=text("active = 0"),
            postgresql_where=text("NOT active"),
        ),
    )

    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(20))
    password_hash: Mapped[str] = mapped_column(String(80))
    must_change_password: Mapped[bool] = mapped_column(default=False)
    practitioner_id: Mapped[UUID | None]
    """The practitioner who this account is, if any. No foreign key: practitioners is a feature above this one."""
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]
    patient_id: Mapped[UUID | None]
    """The patient who this account is, if any. No foreign key: patients is a feature above this one."""
    email_verified_at: Mapped[datetime | None]


class SignInFailure(Base):
    """Failed sign-ins of one account at one desk, so that strangers elsewhere cannot lock this desk out."""

    __tablename__ = "sign_in_failure"

    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the folded e-mail in hex: also counts accounts that do not exist, and keeps no mistyped secret."""
    desk: Mapped[str] = mapped_column(String(60), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    locks: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]


class UserSession(Base):
    """A sign-in through the server that lasts: one device, one line of refresh tokens, until it ends or expires.

    No token is stored. A refresh token is the session's id and generation under our key, so the table gives nothing away.
    """

    __tablename__ = "user_session"
    __table_args__ = (
        Index(
            "ix_user_session_open", "expires_at", sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), index=True)
    device_id: Mapped[UUID]
    device_name: Mapped[str] = mapped_column(String(60))
    address: Mapped[str] = mapped_column(String(45))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    """The last instant of it, however much it is used."""
    generation: Mapped[int]
    """How often the refresh token was replaced; a token of an earlier generation is used up."""
    refreshed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SecondFactor(Base):
    """A person's authenticator. Its secret follows from `nonce` under our key; `last_step` is that of the last code taken."""

    __tablename__ = "second_factor"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), primary_key=True)
    nonce: Mapped[bytes] = mapped_column(LargeBinary(16))
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)


class RecoveryCode(Base):
    """A code that stands in for the authenticator, once: its SHA-256."""

    __tablename__ = "recovery_code"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)


class MailedLink(Base):
    """A link that was sent by mail and works once: the SHA-256 of its token. It proves that its reader has `email`."""

    __tablename__ = "mailed_link"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(12))
    email: Mapped[str] = mapped_column(String(254))
    expires_at: Mapped[datetime]


class KeptAnswer(Base):
    """What the server answered to a request that came with an idempotency key, so that a repeat gets the same."""

    __tablename__ = "kept_answer"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    status: Mapped[int]
    headers: Mapped[str] = mapped_column(String(1000))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    kept_at: Mapped[datetime] = mapped_column(index=True)
