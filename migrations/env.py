"""Runs the one migration chain on the connection that `clinicdesk.core.migrate` hands over."""

from __future__ import annotations

from alembic import context

from clinicdesk.features.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
