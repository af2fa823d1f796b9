"""The base of every table: names for constraints, and column types that refuse what cannot be right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, DateTime, Dialect, MetaData, Uuid
from sqlalchemy.dialects.postgresql import INTERVAL
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from clinicdesk.core.clock import from_micros, to_micros
from clinicdesk.core.ids import new_id

_MICROSECOND, _HOUR, _DAY = timedelta(microseconds=1), timedelta(hours=1), timedelta(days=1)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant: microseconds since 1970 on SQLite (exact, small, quick to compare), timestamptz elsewhere."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        micros = to_micros(value)  # refuses a naive value on every dialect
        return micros if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return from_micros(value) if dialect.name == "sqlite" else value.astimezone(UTC)


class Duration(TypeDecorator[timedelta]):
    """A stretch of time: microseconds on SQLite, an interval elsewhere, which is summed and compared several times as quickly
    there as a number that is made of it."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else INTERVAL())

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> Any:
        return value // _MICROSECOND if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> timedelta | None:
        return timedelta(microseconds=value) if value is not None and dialect.name == "sqlite" else value


def between(start: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[timedelta]:
    """SQL for the time from one instant to another."""
    return end.op("-", return_type=Duration())(start)


class WholeDays(FunctionElement[int]):
    """SQL for how many days of 24 hours there are whole from one instant to a later one."""

    type = BigInteger()
    inherit_cache = True


class HoursPast(FunctionElement[int]):
    """SQL for how many hours there are whole behind those days, 0 to 23."""

    type = BigInteger()
    inherit_cache = True


def _elapsed(of: FunctionElement[int], compiler: SQLCompiler, how: dict[str, Any]) -> str:
    start, end = (compiler.process(instant, **how) for instant in of.clauses)
    return f"({end} - {start})"


@compiles(WholeDays, "sqlite")
def _days_on_sqlite(of: WholeDays, compiler: SQLCompiler, **how: Any) -> str:
    return f"({_elapsed(of, compiler, how)} / {_DAY // _MICROSECOND})"


@compiles(HoursPast, "sqlite")
def _hours_on_sqlite(of: HoursPast, compiler: SQLCompiler, **how: Any) -> str:
    return f"({_elapsed(of, compiler, how)} % {_DAY // _MICROSECOND} / {_HOUR // _MICROSECOND})"


# What is between two instants PostgreSQL gives in days and what remains of one; a part of it is a number that is exact.


@compiles(WholeDays, "postgresql")
def _days_on_postgresql(of: WholeDays, compiler: SQLCompiler, **how: Any) -> str:
    return f"CAST(date_part('day', {_elapsed(of, compiler, how)}) AS integer)"


@compiles(HoursPast, "postgresql")
def _hours_on_postgresql(of: HoursPast, compiler: SQLCompiler, **how: Any) -> str:
    return f"CAST(date_part('hour', {_elapsed(of, compiler, how)}) AS integer)"


class NotSought(FunctionElement[Any]):
    """SQL for a column by which SQLite is not to look for rows, where another finds fewer; PostgreSQL knows that itself."""

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(NotSought, "sqlite")
def _not_sought_on_sqlite(of: NotSought, compiler: SQLCompiler, **how: Any) -> str:
    return f"+{compiler.process(of.clauses, **how)}"


@compiles(NotSought, "postgresql")
def _not_sought_on_postgresql(of: NotSought, compiler: SQLCompiler, **how: Any) -> str:
    return compiler.process(of.clauses, **how)


class Base(DeclarativeBase):
    """All tables of a clinic's database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), UUID: Uuid()}  # noqa: RUF012  (SQLAlchemy reads it as a class attribute)


class Identified:
    """A row with an id of its own, made where the row is made, and a version that rises with each change."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    version: Mapped[int] = mapped_column(default=1)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
        """A row is written only where it still has the version that was read; `Change.updated` raises it."""
        return {"version_id_col": cls.version, "version_id_generator": False}
