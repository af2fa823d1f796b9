"""The tables of the live events and of the cache say something of everything that there is, and of nothing else."""

from __future__ import annotations

import re

from fastapi import FastAPI

from clinicdesk.core.changes import LoggedChange
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor
from clinicdesk.features.tables import metadata
from clinicdesk.server.audience import AUDIENCES, shown_to
from clinicdesk.server.cached import KEPT
from clinicdesk.server.identity import API

TOLD_TO_NOBODY = {
    "database_epoch",
    "enrolment_code",
    "held_content",
    "op_ledger",
    "spent_challenge",
    "sync_horizon",
    "sync_stream",
    "audit_entry",
    "audit_head",
    "audit_prune",
    "cache_pause",
    "change_log",
    "history_entry",
    "imported_record",
    "job_run",
    "kept_answer",
    "mailed_link",
    "medicine_reminder_told",
    "patient_search",
    "patient_spelling",
    "quiet_hours",
    "record_counter",
    "recovery_code",
    "second_factor",
    "sign_in_failure",
}
"""A new table goes here, or into the audiences: who is told of its changes is a decision."""


def test_it_is_decided_of_every_table_who_is_told_of_its_changes() -> None:
    assert sorted(metadata.tables.keys() - AUDIENCES.keys() - TOLD_TO_NOBODY) == []
    assert sorted(AUDIENCES.keys() - metadata.tables.keys()) == []


def test_what_is_kept_is_read_at_an_address_that_there_is_and_made_of_tables_that_there_are(server: FastAPI) -> None:
    reads = {re.sub(r"{\w+}", "{id}", path) for path, methods in server.openapi()["paths"].items() if "get" in methods}
    for kind in KEPT:
        assert API + kind.name in reads
        assert set(kind.tables) <= metadata.tables.keys()


def test_who_may_chat_no_longer_is_told_nothing_of_conversations() -> None:
    somebody, conversation = new_id(), new_id()
    said = LoggedChange("chat_message", "C", new_id(), new_id(), None, conversation)
    told = {role for role in Role if shown_to(Actor(somebody, role), said, {conversation: {somebody}})}
    assert told == {Role.ADMINISTRATOR, Role.DOCTOR, Role.NURSE, Role.RECEPTIONIST, Role.OPERATOR}
