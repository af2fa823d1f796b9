"""A worker process ends with the process that started it, also where that one was killed and could tell nobody."""

from __future__ import annotations

import os
import signal
import threading
import time

_LOOK_SECONDS = 1.0


def end_with_parent() -> None:
    """End this process, gracefully, as soon as another than now is its parent; returns at once.

    A worker without a supervisor would go on listening, so that no new server could take its place.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="supervised", daemon=True).start()
