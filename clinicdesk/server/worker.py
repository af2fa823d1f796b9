"""Runs the job worker by itself: `clinicdesk worker`, as many as one likes, until each is told to end."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from clinicdesk.server import sentry
from clinicdesk.server.jobs import Work
from clinicdesk.server.serving import open_serving
from clinicdesk.server.settings import with_data_dir

_LONG = 3600.0


def run(data_dir: Path | None) -> None:
    """Work until SIGTERM or SIGINT, then finish what is under way.

    Raises SettingsWrong, and whatever hinders the clinic's data from being opened.
    """
    settings = with_data_dir(data_dir)
    serving = open_serving(settings)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends the sleep below, as SIGINT does
    work = Work(serving)
    try:
        work.start()
        while True:
            time.sleep(_LONG)
    except KeyboardInterrupt:
        pass
    finally:
        work.stop()
        serving.close_database()
        sentry.stop()
