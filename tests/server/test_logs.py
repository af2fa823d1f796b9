"""Several workers write one log beside the data, as a single process does."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.server.fleet import StartFleet, await_


def test_every_worker_writes_the_log_in_the_data_folder(fleet: StartFleet, tmp_path: Path) -> None:
    server = fleet(workers=2)
    file = tmp_path / "data" / "logs" / "clinicdesk.log"

    def writers() -> set[int] | None:
        lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []
        found = {line["process"] for line in lines}
        return found if found >= set(server.workers()) else None

    assert await_(writers, "a line of each worker")
    assert os.stat(file).st_mode & 0o077 == 0
