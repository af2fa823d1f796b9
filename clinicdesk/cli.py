"""The command line: one small function a command, each of which opens the clinic, calls a verb and says what came of it."""

from __future__ import annotations

import argparse
import gc
import getpass
import importlib
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from clinicdesk import __version__
from clinicdesk.core.errors import ClinicError, Conflict, InvalidInput, Unavailable
from clinicdesk.core.permissions import Role
from clinicdesk.core.sentences import SENTENCES, english

if TYPE_CHECKING:
    from clinicdesk.core.check import Finding
    from clinicdesk.features.interop.schemas import ImportReport, Progress, ShowProgress
    from clinicdesk.opening import OpenClinic, Restored
    from clinicdesk.server.clinic import ServerClinic

log = logging.getLogger("clinicdesk.cli")  # also where Python runs this module as its main one

DONE, COULD_NOT, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
STAFF = (Role.ADMINISTRATOR, Role.DOCTOR, Role.NURSE, Role.RECEPTIONIST)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a command: facts for `--json`, the same in words, and the exit code."""

    facts: dict[str, Any]
    words: str
    code: int = DONE


Options = argparse.Namespace


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its name (of one word or two), what it does in a line, and its own options."""

    name: str
    run: Callable[[Options], Outcome]
    about: str
    arguments: list[tuple[tuple[str, ...], dict[str, Any]]] = field(default_factory=list)


COMMANDS: list[Command] = []


def argument(*names: str, **settings: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """An option or argument of a command, in the words of argparse."""
    return names, settings


def command(
    name: str, about: str, *arguments: tuple[tuple[str, ...], dict[str, Any]]
) -> Callable[[Callable[[Options], Outcome]], Callable[[Options], Outcome]]:
    """Declare a function as a command."""

    def declare(run: Callable[[Options], Outcome]) -> Callable[[Options], Outcome]:
        COMMANDS.append(Command(name, run, about, list(arguments)))
        return run

    return declare


# ---- the commands --------------------------------------------------------------------------------------------------


def on_server() -> bool:
    """Whether the settings name a database on PostgreSQL, which then is the one that commands are about."""
    return any(os.environ.get(f"CLINICDESK_DATABASE_URL{ending}") for ending in ("", "_FILE"))


def _from_server(module: str, name: str) -> Any:
    """A function of the server's side of the command line. Raises Unavailable("server_not_installed")."""
    try:
        return getattr(importlib.import_module(f"clinicdesk.server.{module}"), name)
    except ModuleNotFoundError as error:
        raise Unavailable("server_not_installed") from error


def open_for(options: Options, *, create: bool = False) -> OpenClinic | ServerClinic:
    """Open the clinic that the settings or the options name, asking for its passphrase where there is somebody to ask."""
    from clinicdesk.opening import open_clinic

    if on_server():
        opened: ServerClinic = _from_server("clinic", "open_server_clinic")(options.data_dir)
        return opened
    passphrase = None
    while True:
        try:
            return open_clinic(options.data_dir, passphrase=passphrase, create=create)
        except ClinicError as error:
            if error.reason != "passphrase_needed" or options.json or not sys.stdin.isatty():
                raise
            passphrase = getpass.getpass("Passphrase: ")


@command("audit verify", "walk the whole audit trail and say the first thing that is wrong with it")
def audit_verify(options: Options) -> Outcome:
    from clinicdesk.features.audit.service import verify_chain
    from clinicdesk.opening import operator

    with open_for(options) as clinic:
        known = clinic.checkpoints.known()
        found = verify_chain(clinic.database, operator("command line"), known.roots)
    last = found.last_good_at.isoformat() if found.last_good_at else None
    facts = {"entries": found.entries, "checkpoints": len(known.roots), "damaged_checkpoints": len(known.damaged)}
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
    return Outcome({"ok": True, **facts, "last": last}, words)


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
    return Outcome({"ok": True, "file": str(copy.file), "entries": copy.entries}, f"Backed up to {copy.file}.")


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
        put_back = _from_server("clinic", "restore_server_clinic")
        done: Restored = put_back(options.data_dir, options.file, operator("command line"), set_aside=options.set_aside)
    else:
        recovery_key = first_line() if options.recovery_key_stdin else None
        done = restore_clinic(options.data_dir, options.file, operator("command line"), recovery_key=recovery_key)
    aside = str(done.aside) if done.aside else done.schema
    words = f"Restored {options.file}." + (f" What was there is in {aside}." if aside else "")
    return Outcome({"ok": True, "entries": done.entries, "set_aside": aside}, words)


@command("recovery-key", "show the key of the clinic's data, to keep on paper: backups need it on another machine")
def recovery_key(options: Options) -> Outcome:
    from clinicdesk.opening import operator

    with open_for(options) as clinic:
        key = clinic.recovery_key(operator("command line"))
    return Outcome({"ok": True, "recovery_key": key}, key)


@command(
    "serve",
    "serve the clinic's data to other desks and programs, by HTTP",
    argument("--host", default="127.0.0.1", metavar="H", help="the address to listen on (127.0.0.1)"),
    argument("--port", type=int, default=8000, metavar="N", help="the port to listen on (8000)"),
    argument("--demo", action="store_true", default=argparse.SUPPRESS, help="serve the demo clinic, for a trial"),
)
def serve(options: Options) -> Outcome:
    run = _from_server("main", "run")
    run(options.host, options.port, _prepare_demo(options) if options.demo else options.data_dir)
    return Outcome({"ok": True}, "The server has ended.")


def _prepare_demo(options: Options) -> Path:
    """Bring the demo clinic's day to now, say who can sign in, and give its folder."""
    from clinicdesk.core.clock import utc_now
    from clinicdesk.core.errors import InvalidInput
    from clinicdesk.core.keys import KEYRING_SETTING
    from clinicdesk.core.paths import data_dir
    from clinicdesk.features.demo.cast import DEMO_FOLDER
    from clinicdesk.features.demo.service import prepare
    from clinicdesk.opening import open_clinic

    if os.environ.get("CLINICDESK_DATABASE_URL") or os.environ.get("CLINICDESK_DATABASE_URL_FILE"):
        raise InvalidInput("demo_is_embedded")
    os.environ[KEYRING_SETTING] = "off"  # invented people need no keyring
    folder = data_dir(options.data_dir) / DEMO_FOLDER
    with open_clinic(folder) as clinic:
        accounts = prepare(clinic.database, utc_now()).accounts
    if not options.json:
        print("\n".join(f"{who.email:<14} {who.passphrase:<28} {who.name}, {who.role}" for who in accounts), flush=True)
    return folder


@command(
    "worker",
    "send what waits in the outbox and do the jobs that come again, for a server of several processes",
)
def worker(options: Options) -> Outcome:
    run = _from_server("worker", "run")
    run(options.data_dir)
    return Outcome({"ok": True}, "The worker has ended.")


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
        look = _from_server("checking", "check_server_clinic")
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


@command(
    "clinic set-up",
    "give a new clinic its name and time zone without a window: on a server, before anything else",
    argument("--name", required=True, metavar="N"),
    argument("--zone", required=True, metavar="Z", help="an IANA time zone such as Europe/Berlin"),
    argument("--country", default="", metavar="C", help="two letters (ISO 3166), for public holidays"),
)
def clinic_set_up(options: Options) -> Outcome:
    from clinicdesk.features.practitioners import service
    from clinicdesk.features.practitioners.schemas import SetUpClinic
    from clinicdesk.opening import operator

    request = SetUpClinic(options.name, options.zone, options.country)
    with open_for(options, create=True) as clinic, clinic.database.write(operator("command line")) as tx:
        made = service.set_up_clinic(tx, request)
    return Outcome({"ok": True, "name": made.name, "zone": made.zone}, f"{made.name} is set up.")


@command(
    "users add",
    "add an account; the first one makes a clinic's administrator without a window",
    argument("--role", required=True, choices=[role.value for role in STAFF]),
    argument("--email", required=True, metavar="E"),
    argument("--name", default="", metavar="N"),
    argument("--password-stdin", action="store_true", required=True, help="read the password from standard input"),
)
def users_add(options: Options) -> Outcome:
    from clinicdesk.features.users import service
    from clinicdesk.features.users.schemas import AddUser
    from clinicdesk.opening import operator

    request = AddUser(options.email, options.name or options.email, Role(options.role), first_line())
    with open_for(options, create=True) as clinic, clinic.database.write(operator("command line")) as tx:
        user = service.add_user(tx, request)
    facts = {"ok": True, "id": str(user.id), "email": user.email, "role": user.role.value}
    return Outcome(facts, f"{user.email} can sign in as {user.role.value}.")


@command(
    "import fhir",
    "take in patients, practitioners, sites, allergies and visits from FHIR R4",
    argument("paths", nargs="+", type=Path, metavar="PATH", help="resources, bundles, folders, .tar.xz"),
)
def import_fhir(options: Options) -> Outcome:
    from clinicdesk.features.interop.imports import import_files
    from clinicdesk.opening import operator

    with open_for(options, create=True) as clinic:
        report = import_files(clinic.database, operator("command line"), options.paths, progress=_show_progress())
    return Outcome(dict(report.as_json()), _import_words(report), DONE if report.ok else COULD_NOT)


def _column_and_field(text: str) -> tuple[str, str]:
    column, equals, field_name = text.rpartition("=")
    if not equals:
        raise argparse.ArgumentTypeError("it takes COLUMN=FIELD")
    return column, field_name


@command(
    "import patients",
    "take in people from a CSV file",
    argument("file", type=Path, metavar="FILE.csv"),
    argument(
        "--map",
        action="append",
        default=[],
        type=_column_and_field,
        metavar="COLUMN=FIELD",
        help="what a column is (or: ignore)",
    ),
    argument("--encoding", default="", help="of the file, where the guess is wrong"),
    argument("--dates", choices=["dmy", "mdy"], help="how dates such as 3/4/1980 are to be read"),
    argument("--source", default="", metavar="NAME", help="where the ids come from (the file's name)"),
    argument("--dry-run", action="store_true", help="say what would be done, and store nothing"),
)
def import_patients_csv(options: Options) -> Outcome:
    from clinicdesk.features.interop.csv_patients import import_patients
    from clinicdesk.features.interop.tables import DateOrder
    from clinicdesk.opening import operator

    with open_for(options, create=True) as clinic:
        done = import_patients(
            clinic.database,
            operator("command line"),
            options.file,
            source=options.source,
            encoding=options.encoding,
            mapping=dict(options.map),
            date_order=DateOrder(options.dates) if options.dates else None,
            dry_run=options.dry_run,
            progress=_show_progress(),
        )
    words = _import_words(done.report)
    if done.mapping:
        columns = ", ".join(f"{column} = {field}" for column, field in done.mapping.items())
        words = f"Read as {done.encoding}. Columns: {columns}.\n{words}"
    if done.dry_run:
        words += "\nThis was a trial: nothing was stored."
    return Outcome(dict(done.as_json()), words, DONE if done.report.ok else COULD_NOT)


@command(
    "export patients",
    "write everybody in the clinic's care to a CSV file",
    argument("file", nargs="?", type=Path, metavar="FILE.csv", help="where to (patients-DATE.csv in this folder)"),
)
def export_patients_csv(options: Options) -> Outcome:
    from clinicdesk.core.files import write_private
    from clinicdesk.features.interop.csv_patients import export_patients
    from clinicdesk.opening import operator

    with open_for(options) as clinic:
        file: Path = options.file or Path(f"patients-{clinic.database.clock():%Y-%m-%d}.csv")
        if file.exists():
            raise Conflict("file_exists", file=str(file))
        with clinic.database.write(operator("command line")) as tx:
            table = export_patients(tx)
        write_private(file, table.content)
    facts = {"ok": True, "file": str(file.absolute()), "patients": table.patients}
    return Outcome(facts, f"Wrote {table.patients} patients to {file}, for your eyes alone.")


def _show_progress() -> ShowProgress | None:
    """Tells whoever sits at a terminal how far an import is."""
    if not sys.stderr.isatty():
        return None

    def show(at: Progress) -> None:
        files = f"{at.done} of {at.files} files, {at.records} records" if at.files else f"reading, {at.done} files"
        print(f"\r\x1b[K{files} ", end="", file=sys.stderr, flush=True)

    return show


def _import_words(report: ImportReport) -> str:
    """What an import did, a line each, and every record that it could not take."""
    lines = [
        f"{report.files} files." if report.finished else f"Stopped after {report.files} files; the last was taken back."
    ]
    told = {
        "New": report.created, "Changed": report.updated, "Unchanged": report.unchanged, "Left out": report.left_out
    }  # fmt: skip
    lines += [
        f"{what}: " + ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())) + "."
        for what, counts in told.items()
        if counts
    ]
    if report.problems:
        lines.append(f"Not taken: {len(report.problems)}.")
    lines += [
        f"  {' '.join(filter(None, (problem.file, problem.position)))}: {english(problem.error)}"
        for problem in report.problems
    ]
    return "\n".join(lines)


def first_line() -> str:
    """A secret from standard input, without the end of its line.

    Raises InvalidInput: nothing_on_stdin, or stdin_not_utf8 for what is no text.
    """
    try:
        line = sys.stdin.readline().rstrip("\r\n")
        line.encode()  # where Python lets bytes that are no text through, this does not
    except UnicodeError:
        raise InvalidInput("stdin_not_utf8", field="stdin") from None
    if not line:
        raise InvalidInput("nothing_on_stdin", field="stdin")
    return line


# ---- reading the command line --------------------------------------------------------------------------------------


class WrongUse(Exception):
    """The command line cannot be understood."""


class _Parser(argparse.ArgumentParser):
    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        raise WrongUse(f"{message}. See: {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="clinicdesk", description="Without a command, opens the desk.")
    _add_common(parser)
    parser.add_argument("--version", action="version", version=f"ClinicDesk {__version__}")
    parser.add_argument("--demo", action="store_true", help="open the desk with a demo clinic")
    parser.add_argument(
        "--tour", type=Path, metavar="DIR", help="do the main job by itself and leave a picture of each step in DIR"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    groups: dict[str, Any] = {}
    for entry in COMMANDS:
        first, _, second = entry.name.partition(" ")
        place, name = commands, first
        if second:
            if first not in groups:
                about = " · ".join(c.name for c in COMMANDS if c.name.startswith(f"{first} "))
                group = commands.add_parser(first, help=about)
                _add_common(group)
                groups[first] = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
            place, name = groups[first], second
        own = place.add_parser(name, help=entry.about, description=entry.about)
        _add_common(own)
        own.set_defaults(run=entry.run)
        for names, settings in entry.arguments:
            own.add_argument(*names, **settings)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    """The options that stand before a command as well as after it, so none of them may set a default over the other."""
    unset = argparse.SUPPRESS
    parser.add_argument("--json", action="store_true", default=unset, help="print one JSON object and nothing else")
    parser.add_argument("--data-dir", type=Path, metavar="D", default=unset, help="the folder of the clinic's data")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says, print what came of it, and return the exit code: 0 done, 1 could not, 2 wrong use."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in words
    try:
        options = _parser().parse_args(words, Options(json=False, data_dir=None, run=None))
        if options.run is None:
            if as_json:
                raise WrongUse("--json goes with a command. See: clinicdesk --help")
            return load_desk()(options.data_dir, options.demo, options.tour)
        outcome = _attempt(options)
    except WrongUse as error:
        outcome = _failure("wrong_use", str(error), WRONG_USE)
    return _print(outcome, as_json=as_json)


def load_desk() -> Callable[[Path | None, bool, Path | None], int]:
    """The desk's own `main`, loaded as fast as can be.

    What knows no Qt is loaded first: once PySide6 is there, it reads the source of every module that is imported. Nothing
    of what is loaded becomes garbage, so none is looked for, now or later.
    """
    gc.disable()
    try:
        import clinicdesk.opening  # noqa: F401
        from clinicdesk.desktop.app import main
    finally:
        gc.freeze()
        gc.enable()
    return main


def _attempt(options: Options) -> Outcome:
    from clinicdesk.core.files import disk_errors

    try:
        with disk_errors():
            run: Callable[[Options], Outcome] = options.run
            return run(options)
    except ClinicError as error:
        return _failure(error.reason, english(error))
    except KeyboardInterrupt:
        return _failure("interrupted", SENTENCES["interrupted"], INTERRUPTED)
    except Exception as error:
        from clinicdesk.core.crash import log_crash

        reference = log_crash(error)
        return _failure("crashed", SENTENCES["crashed"].replace("{reference}", reference))


def _failure(code: str, message: str, exit_code: int = COULD_NOT) -> Outcome:
    return Outcome({"ok": False, "code": code, "message": message}, message, exit_code)


def _print(outcome: Outcome, *, as_json: bool) -> int:
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error has it: a file's name may be no text
    try:
        if as_json:
            print(json.dumps(outcome.facts))
        else:
            print(outcome.words, file=sys.stdout if outcome.code == DONE else sys.stderr)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read along has stopped; the interpreter must not try again as it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return outcome.code or COULD_NOT
    return outcome.code


if __name__ == "__main__":
    sys.exit(main())
