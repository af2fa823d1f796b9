"""An object store that the test run starts by itself, on the loopback; it speaks S3, and each test makes a bucket of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """The address of the object store of this test run."""
    from moto.server import ThreadedMotoServer  # takes its time, and few tests ask for it

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
