"""The server's log: a line of JSON an event on standard error, each with the id of the request that it belongs to."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from clinicdesk.core.logs import JsonLines, start_logging


def start(data_dir: Path | None) -> None:
    """Log to standard error, and beside the data where there is a folder for it."""
    if data_dir is not None and data_dir.is_dir():
        start_logging(data_dir)
    for name in ("clinicdesk", "uvicorn.error"):
        logger = logging.getLogger(name)
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        logger.handlers = [kept for kept in logger.handlers if type(kept) is not logging.StreamHandler]
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
