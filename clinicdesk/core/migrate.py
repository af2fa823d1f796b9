"""Brings a database to the present schema, all of it or nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, text

from clinicdesk.core.paths import migrations_dir
from clinicdesk.core.postgres import lock_schema
from clinicdesk.core.turns import Turns

if TYPE_CHECKING:
    from alembic.config import Config

_REVISION = re.compile(r"^(\d{4})_\w+\.py$")


def revisions() -> frozenset[str]:
    """The revisions of the chain, by the numbers of its files, so that start-up need not load Alembic."""
    files = (migrations_dir() / "versions").iterdir()
    return frozenset(match[1] for file in files if (match := _REVISION.match(file.name)))


def head_revision() -> str:
    """The newest revision of the chain."""
    return max(revisions())


def current_revision(connection: Connection) -> str | None:
    """The revision that the database stands at; None for an empty database."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def upgrade(engine: Engine) -> None:
    """Run what is missing of the chain in one transaction; a failure leaves the database as it was.

    Where several start at once, one upgrades and the others wait.
    """
    if engine.dialect.name == "sqlite":
        _upgrade_file(engine)
    else:
        with engine.begin() as connection:
            lock_schema(connection)
            _run(connection)


def _run(connection: Connection) -> None:
    from alembic import command  # loading Alembic costs a tenth of a second that most starts need not spend

    command.upgrade(alembic_config(connection), "head")


def _upgrade_file(engine: Engine) -> None:
    with engine.execution_options(**Turns.writing).connect() as connection:
        # A table that is rebuilt is dropped on the way, and with foreign keys on, its rows would take others with them.
        # The switch has no effect inside a transaction, so it stands outside; the check stands in for it.
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys = OFF")
        try:
            with connection.begin():
                _run(connection)
                if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                    raise RuntimeError("the upgrade left a row that points nowhere")
        finally:
            driver.execute("PRAGMA foreign_keys = ON")


def alembic_config(connection: Connection) -> Config:
    """Alembic's settings for the chain, on this connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
