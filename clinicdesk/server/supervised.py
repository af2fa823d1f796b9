"""A worker process ends with the process that started it, also where that one was killed and could tell nobody."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import parent_process


def end_with_parent() -> None:
    """End this process, gracefully, as soon as the one that started it is gone; returns at once.

    A worker without a supervisor would go on listening, so that no new server could take its place.
    """
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="supervised", daemon=True).start()
