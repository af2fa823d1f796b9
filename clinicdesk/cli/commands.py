"""How a command is declared, and what commands share: the clinic that they are about, and secrets from standard input."""

from __future__ import annotations

import argparse
import getpass
import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clinicdesk.core.errors import ClinicError, InvalidInput, Unavailable

if TYPE_CHECKING:
    from clinicdesk.opening import OpenClinic
    from clinicdesk.server.clinic import ServerClinic

DONE, COULD_NOT, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


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


def on_server() -> bool:
    """Whether the settings name a database on PostgreSQL, which then is the one that commands are about."""
    return any(os.environ.get(f"CLINICDESK_DATABASE_URL{ending}") for ending in ("", "_FILE"))


def from_server(module: str, name: str) -> Any:
    """A function of the server's side of the command line. Raises Unavailable("server_not_installed")."""
    try:
        return getattr(importlib.import_module(f"clinicdesk.server.{module}"), name)
    except ModuleNotFoundError as error:
        raise Unavailable("server_not_installed") from error


def open_for(options: Options, *, create: bool = False) -> OpenClinic | ServerClinic:
    """Open the clinic that the settings or the options name, asking for its passphrase where there is somebody to ask."""
    from clinicdesk.opening import open_clinic

    if on_server():
        opened: ServerClinic = from_server("clinic", "open_server_clinic")(options.data_dir)
        return opened
    passphrase = None
    while True:
        try:
            return open_clinic(options.data_dir, passphrase=passphrase, create=create)
        except ClinicError as error:
            if error.reason != "passphrase_needed" or options.json or not sys.stdin.isatty():
                raise
            passphrase = getpass.getpass("Passphrase: ")


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
