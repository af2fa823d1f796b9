"""The memory of imports: which record of which source became which row, so that a second import changes nothing."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.model import Base


class ImportedRecord(Base):
    """One record taken in: its kind and id at the source, the row it became, and a digest of what it said."""

    __tablename__ = "imported_record"
    __table_args__ = (Index("ix_imported_record_entity_id", "entity", "entity_id"),)

    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    """A FHIR resource type, or csv:patient."""
    source_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    entity: Mapped[str] = mapped_column(String(40))
    entity_id: Mapped[UUID]
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
