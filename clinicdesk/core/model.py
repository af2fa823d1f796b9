"""The base of every table: names for constraints, and column types that refuse what cannot be right."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Dialect, MetaData, Uuid
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from clinicdesk.core.clock import from_micros, to_micros
from clinicdesk.core.ids import new_id


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


class MicrosBetween(FunctionElement[int]):
    """SQL for the microseconds from one column of instants to another."""

    type = BigInteger()
    inherit_cache = True


@compiles(MicrosBetween, "sqlite")
def _micros_on_sqlite(between: MicrosBetween, compiler: SQLCompiler, **how: Any) -> str:
    start, end = (compiler.process(instant, **how) for instant in between.clauses)
    return f"({end} - {start})"


@compiles(MicrosBetween, "postgresql")
def _micros_on_postgresql(between: MicrosBetween, compiler: SQLCompiler, **how: Any) -> str:
    start, end = (compiler.process(instant, **how) for instant in between.clauses)
    return f"CAST(extract(epoch FROM {end} - {start}) * 1000000 AS bigint)"


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
