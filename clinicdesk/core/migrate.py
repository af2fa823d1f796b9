"""Brings a database to the present schema, all of it or nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, text

from clinicdesk.core.paths import migrations_dir

if TYPE_CHECKING:
    from alembic.config import Config

_REVISION = re.compile(r"^(\d{4})_\w+\.py$")


def head_revision() -> str:
    """The newest revision of the chain: the highest number among the files, so that start-up need not load Alembic."""
    return max(match[1] for file in (migrations_dir() / "versions").iterdir() if (match := _REVISION.match(file.name)))


def current_revision(connection: Connection) -> str | None:
    """The revision that the database stands at; None for an empty database."""
    if not connection.scalar(text("SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'")):
        return None
    return connection.scalar(text("SELECT version_num FROM alembic_version"))


def upgrade(engine: Engine) -> None:
    """Run what is missing of the chain in one transaction; a failure leaves the database as it was."""
    from alembic import command  # loading Alembic costs a tenth of a second that most starts need not spend

    with engine.execution_options(clinicdesk_begin="BEGIN IMMEDIATE").begin() as connection:
        command.upgrade(alembic_config(connection), "head")


def alembic_config(connection: Connection) -> Config:
    """Alembic's settings for the chain, on this connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
