"""The program's own log: a line of JSON an event, in the data folder, rotated, and without anybody's data.

Any number of processes write it, a whole line at a time: whoever writes has the file alone for so long, and follows where
another process has begun a new one.
"""

from __future__ import annotations

import json
import logging
import os
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from clinicdesk.core.locks import FileLock

FOLDER_NAME = "logs"
_LOCK_NAME: Final = "logging.lock"
_MAX_BYTES: Final = 1_000_000
_KEPT: Final = 5
_OURS: Final = logging.getLogger("clinicdesk")  # others may put anything into their messages

CONTEXT: Final[ContextVar[Mapping[str, object]]] = ContextVar("clinicdesk log context", default={})  # noqa: B039  (read only)
"""What every line carries that is logged here: the request that is served."""


class JsonLines(logging.Formatter):
    """One JSON object a line. Of an exception it keeps types and places; its words may hold what a patient said."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": record.process,
            "logger": record.name,
            "message": record.getMessage(),
            **CONTEXT.get(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _chain(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def _chain(error: BaseException | None) -> list[dict[str, object]]:
    """The error and what it came from, each with its type and the lines of code that it passed."""
    links: list[dict[str, object]] = []
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        links.append({"type": type(error).__qualname__, "at": places})
        error = error.__cause__ or error.__context__
    return links


class _PrivateFile(RotatingFileHandler):
    """A rotating file that its owner alone can read, and that never stops the program when it cannot be written.

    Processes that write it take turns by a lock, which the operating system takes from one that is killed.
    """

    def __init__(self, file: Path, turn: FileLock, most_bytes: int, kept: int) -> None:
        super().__init__(file, maxBytes=most_bytes, backupCount=kept, encoding="utf-8", delay=True)
        self._turn = turn

    def emit(self, record: logging.LogRecord) -> None:
        try:
            with self._turn.alone():
                self._follow()
                super().emit(record)
        except OSError:
            self.handleError(record)

    def _follow(self) -> None:
        """Let go of the file that we have open, where another process has given its name to a new one."""
        if self.stream is None:
            return
        try:
            same = os.path.samestat(os.fstat(self.stream.fileno()), os.stat(self.baseFilename))
        except FileNotFoundError:
            same = False
        if not same:
            self.stream.close()
            self.stream = None  # it is opened again by whoever writes next

    def _open(self):  # type: ignore[no-untyped-def]  # the type that the standard library's stubs give it is private
        stream = super()._open()
        Path(self.baseFilename).chmod(0o600)
        return stream

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk is told to people by what they wanted to save; the log has nobody to tell."""


def start_logging(folder: Path, level: int = logging.INFO, *, most_bytes: int = _MAX_BYTES, kept: int = _KEPT) -> None:
    """Write this process's log to `logs/clinicdesk.log` in the data folder, in place of where it went before.

    At `most_bytes` a new file is begun; so many older ones are `kept`. Other processes may be writing there.
    """
    place = folder / FOLDER_NAME
    place.mkdir(mode=0o700, exist_ok=True)
    handler = _PrivateFile(place / "clinicdesk.log", FileLock(folder / _LOCK_NAME), most_bytes, kept)
    handler.setFormatter(JsonLines())
    stop_logging()
    _OURS.addHandler(handler)
    _OURS.setLevel(level)


def stop_logging() -> None:
    """Close this process's log, if it has one."""
    for handler in [handler for handler in _OURS.handlers if isinstance(handler, _PrivateFile)]:
        _OURS.removeHandler(handler)
        handler.close()
