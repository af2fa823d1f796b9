"""Runs the server: one process, or several workers, until it is told to end; then it finishes what it has begun."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from clinicdesk.server import logs
from clinicdesk.server.app import create_app
from clinicdesk.server.figures import SHARED
from clinicdesk.server.serving import open_serving
from clinicdesk.server.settings import PREFIX, with_data_dir

log = logging.getLogger(__name__)

_MOST_FRAME_BYTES = 4 * 1024
_PING_SECONDS = 20


class _Processes(Multiprocess):
    """The processes of a server. Told to end, nobody listens any more while they finish what they have begun."""

    def terminate_all(self) -> None:
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


def run(host: str, port: int, data_dir: Path | None) -> None:
    """Serve until SIGTERM or SIGINT. Raises SettingsWrong, and whatever hinders the clinic's data from being opened."""
    here = f"http://127.0.0.1:{port}"
    os.environ.setdefault(f"{PREFIX}PUBLIC_URL", here)  # of a trial: mailed links lead to this server
    settings = with_data_dir(data_dir)
    logs.start(settings)
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn takes it while it serves, and raises it again at the end
    if not settings.works:
        log.info("this server does no jobs and sends nothing that waits: clinicdesk worker does")
    serving = open_serving(settings)  # what hinders it is told here, once, and not by each worker
    how: dict[str, Any] = {
        "host": host, "port": port, "proxy_headers": True, "forwarded_allow_ips": settings.trusted_proxies,
        "server_header": False, "access_log": False, "log_config": None,
        "timeout_graceful_shutdown": settings.shutdown_seconds, "timeout_keep_alive": 75,
        "ws_max_size": _MOST_FRAME_BYTES, "ws_ping_interval": _PING_SECONDS, "ws_ping_timeout": _PING_SECONDS,
        "ws_per_message_deflate": False,
    }  # fmt: skip
    if settings.workers == 1:
        uvicorn.Server(uvicorn.Config(create_app(serving), **how)).run()
        return
    serving.close_database()
    config = uvicorn.Config("clinicdesk.server.app:from_environment", factory=True, workers=settings.workers, **how)
    with TemporaryDirectory(prefix="clinicdesk-figures-") as shared:
        os.environ[SHARED] = shared  # before the processes are started, which count in it
        _Processes(config, sockets=[config.bind_socket()]).run()
