"""Commands about the clinic's data: its trail, its copies, its keys, and whether all is well with it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinicdesk.cli.commands import (
    COULD_NOT,
    DONE,
    Options,
    Outcome,
    argument,
    command,
    first_line,
    from_server,
    on_server,
    open_for,
)
from clinicdesk.core.errors import Unavailable
from clinicdesk.core.sentences import SENTENCES, english

if TYPE_CHECKING:
    from clinicdesk.core.check import Finding
    from clinicdesk.core.trail import Kept
    from clinicdesk.features.documents.copies import Taken
    from clinicdesk.opening import Restored

log = logging.getLogger(__name__)


@command("audit verify", "walk the whole audit trail, and the history that it vouches for, and say what is wrong")
def audit_verify(options: Options) -> Outcome:
    from clinicdesk.features.audit.service import verify_chain
    from clinicdesk.opening import operator

    with open_for(options) as clinic:
        known = clinic.checkpoints.known()
        found = verify_chain(clinic.database, operator("command line"), known.roots, _show_verified())
    last = found.last_good_at.isoformat() if found.last_good_at else None
    facts: dict[str, Any] = {
        "entries": found.entries, "checkpoints": len(known.roots), "damaged_checkpoints": len(known.damaged),
        "history": None if found.history is None else _history_facts(found.history),
    }  # fmt: skip
    if found.problem == "history" and found.history is not None:
        words = _history_words(found.history)
        log.error("the history is not what the audit trail vouches for, from entry %s on", found.first_bad)
        broken = {
            "code": "history_differs", "message": words, "first_bad": found.first_bad, "problem": found.problem,
            "since": facts["history"]["first_bad_at"],
        }  # fmt: skip
        return Outcome({"ok": False, **broken, **facts}, words, COULD_NOT)
    if found.problem:
        log.error("the audit trail is broken at entry %s: %s", found.first_bad, found.problem)
        words = TRAIL_PROBLEMS[found.problem].format(entry=found.first_bad)
        words += f" It is sound until {last}." if last else " Nothing of it is sound."
        broken = {
            "code": "audit_trail_broken",
            "message": words,
            "first_bad": found.first_bad,
            "problem": found.problem,
        }
        return Outcome({"ok": False, **broken, "since": last, **facts}, words, COULD_NOT)
    words = f"The audit trail is whole: {found.entries} entries" + (f", the last at {last}." if last else ".")
    if known.damaged:
        words += f" {len(known.damaged)} lines of its checkpoints cannot be read."
    if found.history is not None:
        words += f" So is the history: {found.history.rows} rows."
        if found.history.unbound:
            words += f" {found.history.unbound} of them are not bound: they are from before the trail vouched for them."
    return Outcome({"ok": True, **facts, "last": last}, words)


def _history_facts(kept: Kept) -> dict[str, Any]:
    at = kept.first_bad_at
    return {
        "rows": kept.rows, "not_bound": kept.unbound, "edited": kept.edited, "deleted": kept.deleted,
        "inserted": kept.inserted, "reordered": kept.reordered, "settled": kept.settled,
        "first_bad_at": at.isoformat() if at else None,
    }  # fmt: skip


def _history_words(kept: Kept) -> str:
    if not kept.settled:
        return (
            f"The audit trail is whole, but the history of what was let go of it, up to entry {kept.first_bad}, is not as it "
            "was then."
        )
    counts = {
        "edited": kept.edited, "deleted": kept.deleted, "inserted": kept.inserted, "put in another place": kept.reordered
    }  # fmt: skip
    done = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    words = f"The audit trail is whole, but the history is not what it vouches for. Rows: {done}."
    made = f", made at {kept.first_bad_at.isoformat()}" if kept.first_bad_at else ""
    return f"{words} The first of them belongs to entry {kept.first_bad}{made}; all before it is sound."


def _show_verified() -> Callable[[int, int], None] | None:
    """Tells whoever sits at a terminal how far a verification is."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        end = "\r\x1b[K" if done >= total else ""
        print(f"\r\x1b[Kchecking, {done} of {total} {end}", end="", file=sys.stderr, flush=True)

    return show


TRAIL_PROBLEMS = {
    "edited": "Entry {entry} of the audit trail was changed, moved or put in between.",
    "missing": "Entries of the audit trail were taken out before entry {entry}.",
    "added": "Entry {entry} of the audit trail was added behind its sealed end.",
    "cut": "The audit trail was cut off: entry {entry} and what followed is missing.",
    "head": "The seal of the audit trail is not ours, at entry {entry}.",
    "mark": "What says how much of the audit trail was pruned is not ours: it names entry {entry}.",
    "pruned": "Entry {entry} of the audit trail stands before where it begins.",
    "checkpoint": "The audit trail was written anew: at entry {entry} it differs from what was noted of it.",
}


@command(
    "backup",
    "copy the clinic's data, encrypted, while everyone works on",
    argument(
        "file", nargs="?", type=Path, metavar="FILE", help="where to (a dated file of the data folder; 30 are kept)"
    ),
)
def backup(options: Options) -> Outcome:
    from clinicdesk.opening import operator

    with open_for(options) as clinic:
        copy = clinic.back_up(operator("command line"), options.file)
    facts = {"ok": True, "file": str(copy.file), "entries": copy.entries, "documents": asdict(copy.documents)}
    words = f"Backed up to {copy.file}. {_documents_kept(copy.documents)}"
    return _told_of_lost(copy.documents, facts, words)


@command(
    "restore",
    "put a backup in the place of the clinic's data; what was there is set aside",
    argument("file", type=Path, metavar="FILE"),
    argument(
        "--set-aside",
        action="store_true",
        help="on PostgreSQL: keep what is in the database under another schema, where it is not empty",
    ),
    argument(
        "--recovery-key-stdin",
        action="store_true",
        help="read the recovery key from standard input: for a backup of another machine",
    ),
)
def restore(options: Options) -> Outcome:
    from clinicdesk.opening import operator, restore_clinic

    if on_server():
        put_back = from_server("clinic", "restore_server_clinic")
        done: Restored = put_back(options.data_dir, options.file, operator("command line"), set_aside=options.set_aside)
    else:
        recovery_key = first_line() if options.recovery_key_stdin else None
        done = restore_clinic(options.data_dir, options.file, operator("command line"), recovery_key=recovery_key)
    aside = str(done.aside) if done.aside else done.schema
    words = f"Restored {options.file}." + (f" What was there is in {aside}." if aside else "")
    facts = {"ok": True, "entries": done.entries, "set_aside": aside, "documents": asdict(done.documents)}
    return _told_of_lost(done.documents, facts, f"{words} {_documents_restored(done.documents)}")


def _documents_kept(taken: Taken) -> str:
    if taken.place == "folder":
        return f"Documents are beside it: {taken.contents}, {taken.added} of them new."
    return (
        f"Documents lie in the object store, which keeps versions of its own and is not copied: {taken.contents}, and it was "
        "looked whether they are there."
    )


def _documents_restored(taken: Taken) -> str:
    words = f"Documents: {taken.contents}, each read through; {taken.added} were put back."
    return words + (
        f" {taken.held} that the restored data does not know of are kept in set-aside." if taken.held else ""
    )


def _told_of_lost(taken: Taken, facts: dict[str, Any], words: str) -> Outcome:
    """What was done, and that not all documents are there, which is no reason not to do it."""
    if not taken.lost:
        return Outcome(facts, words)
    told = f"{words} {english(Unavailable('documents_lost', count=taken.lost))}"
    return Outcome({**facts, "ok": False, "code": "documents_lost", "message": told}, told, COULD_NOT)


@command("recovery-key", "show the key of the clinic's data, to keep on paper: backups need it on another machine")
def recovery_key(options: Options) -> Outcome:
    from clinicdesk.opening import operator

    with open_for(options) as clinic:
        key = clinic.recovery_key(operator("command line"))
    return Outcome({"ok": True, "recovery_key": key}, key)


@command(
    "passphrase set",
    "put the key of the clinic's data under a passphrase, which each start asks for from then on",
    argument(
        "--passphrase-stdin", action="store_true", required=True, help="read the new passphrase from standard input"
    ),
)
def passphrase_set(options: Options) -> Outcome:
    from clinicdesk.opening import operator

    passphrase = first_line()
    with open_for(options) as clinic:
        clinic.set_passphrase(operator("command line"), passphrase)
    words = "The next start asks for this passphrase. If it is lost, only the recovery key opens the data."
    return Outcome({"ok": True}, words)


@command("check", "look over configuration, key, database, migrations, audit trail and room on the disk")
def check(options: Options) -> Outcome:
    from clinicdesk.opening import check_clinic, operator

    if on_server():
        look = from_server("checking", "check_server_clinic")
        findings: list[Finding] = look(options.data_dir, operator("command line"))
    else:
        findings = check_clinic(options.data_dir, operator("command line"))
    facts: dict[str, Any] = {"ok": True}
    lines = []
    for found in findings:
        facts[found.subject] = {"ok": found.problem is None, **found.facts}
        lines.append(f"{found.subject}: " + ", ".join(f"{name} {value}" for name, value in found.facts.items()))
        lines += [f"  {SENTENCES[code]}" for code in found.warnings]
        if found.problem:
            lines.append(f"  {english(found.problem)}")
            facts |= {"ok": False, "code": found.problem.reason, "message": english(found.problem)}
    facts["warnings"] = [code for found in findings for code in found.warnings]
    return Outcome(facts, "\n".join(lines), DONE if facts["ok"] else COULD_NOT)
