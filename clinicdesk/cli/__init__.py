"""The command line: one small function a command, each of which opens the clinic, calls a verb and says what came of it."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

from clinicdesk import __version__
from clinicdesk.cli import data, exchange, serving  # noqa: F401  (each declares its commands)
from clinicdesk.cli.commands import COMMANDS, COULD_NOT, DONE, INTERRUPTED, WRONG_USE, Options, Outcome
from clinicdesk.core.errors import ClinicError
from clinicdesk.core.sentences import SENTENCES, english


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
