"""Tables of accounts and of failed sign-ins."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.model import Base, Identified


class User(Identified, Base):
    """An account. `email` is folded to lower case and unique; accounts are turned off, never deleted."""

    __tablename__ = "user"

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


class SignInFailure(Base):
    """Failed sign-ins of one account at one desk, so that strangers elsewhere cannot lock this desk out."""

    __tablename__ = "sign_in_failure"

    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the folded e-mail in hex: also counts accounts that do not exist, and keeps no mistyped secret."""
    desk: Mapped[str] = mapped_column(String(60), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    locks: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
