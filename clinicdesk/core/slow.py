"""Logs statements that take long, by their shape: what was asked, and never of whom."""

from __future__ import annotations

import logging
import re
import time
from typing import Any

from sqlalchemy import Engine, event

log = logging.getLogger(__name__)

_BEGAN = "clinicdesk_began"
_LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")
_LIST = re.compile(r"\((?:\s*(?:%\(\w+\)s(?:::[\w ]+)?|\?)\s*,?)+\)")
_MOST = 600


def log_slow_statements(engine: Engine, milliseconds: int) -> None:
    """From now on, log each statement that takes so long or longer; 0 logs none."""
    if milliseconds <= 0:
        return

    @event.listens_for(engine, "before_cursor_execute")
    def begin(connection: Any, *_: Any) -> None:
        connection.info.setdefault(_BEGAN, []).append(time.perf_counter())

    @event.listens_for(engine, "after_cursor_execute")
    def end(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        took = (time.perf_counter() - connection.info[_BEGAN].pop()) * 1000
        if took >= milliseconds:
            log.warning("slow statement", extra={"facts": {"ms": round(took, 1), "statement": shape_of(statement)}})

    @event.listens_for(engine, "handle_error")
    def forget(context: Any) -> None:
        if context.connection is not None and context.connection.info.get(_BEGAN):
            context.connection.info[_BEGAN].pop()


def shape_of(statement: str) -> str:
    """A statement without the values in it, in one line, and not longer than one can read."""
    line = " ".join(_LITERAL.sub("?", statement).split())
    return _LIST.sub("(…)", line)[:_MOST]
