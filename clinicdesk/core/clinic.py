"""The clinic itself: the one row with its name, its time zone and the figures that it has set."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, Connection, Integer, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from clinicdesk.core.errors import NotFound
from clinicdesk.core.model import Base


class Clinic(Base):
    """The clinic's own row; there is one, and none before the first start is over."""

    __tablename__ = "clinic"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(120))
    zone: Mapped[str] = mapped_column(String(64))
    country: Mapped[str] = mapped_column(String(2), default="")
    record_prefix: Mapped[str] = mapped_column(String(8), default="HS")
    auto_lock_minutes: Mapped[int] = mapped_column(default=5)
    lockout_failures: Mapped[int] = mapped_column(default=5)
    lockout_minutes: Mapped[int] = mapped_column(default=15)
    wait_target_minutes: Mapped[int] = mapped_column(default=15)
    version: Mapped[int] = mapped_column(default=1)


@dataclass(frozen=True, slots=True)
class ClinicRow:
    """The clinic's settings. `zone` is an IANA name, `country` an ISO 3166 code for public holidays (or empty)."""

    name: str
    zone: str
    country: str
    record_prefix: str
    auto_lock_minutes: int
    lockout_failures: int
    lockout_minutes: int
    wait_target_minutes: int
    version: int

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


_THE_ROW = select(*(Clinic.__table__.c[name] for name in ClinicRow.__slots__)).where(Clinic.__table__.c.id == 1)


def find_clinic(session: Session | Connection) -> ClinicRow | None:
    """The clinic's settings, or None before the first start is over."""
    row = session.execute(_THE_ROW).one_or_none()
    return None if row is None else ClinicRow(*row)


def load_clinic(session: Session | Connection) -> ClinicRow:
    """The clinic's settings. Raises NotFound before the first start is over."""
    clinic = find_clinic(session)
    if clinic is None:
        raise NotFound("clinic_not_set_up")
    return clinic
