"""The server's log: a line of JSON an event on standard error, each with the id of the request that it belongs to."""

from __future__ import annotations

import logging
import sys

from clinicdesk.core.logs import JsonLines, start_logging
from clinicdesk.server.settings import Settings


def start(settings: Settings) -> None:
    """Log to standard error, and beside the data where there is a folder for it, whichever process of the server this is."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    if settings.data_dir is not None and settings.data_dir.is_dir():
        start_logging(settings.data_dir, level, most_bytes=settings.log_bytes, kept=settings.log_files)
    for name in ("clinicdesk", "uvicorn.error"):
        logger = logging.getLogger(name)
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        logger.handlers = [kept for kept in logger.handlers if type(kept) is not logging.StreamHandler]
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False
