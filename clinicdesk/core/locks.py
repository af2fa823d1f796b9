"""Locks between processes, on a file; the operating system lets go of them when a process ends, however it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
    import time

    _HOLDERS = 64  # Windows has no simple shared lock: each holder takes one byte, and who wants all takes every byte

    def _take_bytes(handle: int, first: int, count: int) -> bool:
        os.lseek(handle, first, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, count)
        except OSError:
            return False
        return True

    def _take(handle: int, shared: bool, wait: bool) -> bool:
        while True:
            if shared and any(_take_bytes(handle, byte, 1) for byte in range(_HOLDERS)):
                return True
            if not shared and _take_bytes(handle, 0, _HOLDERS):
                return True
            if not wait:
                return False
            time.sleep(0.05)

else:
    import fcntl

    def _take(handle: int, shared: bool, wait: bool) -> bool:
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True


IN_USE_NAME = "in-use.lock"
"""The lock of a data folder that everyone shares who has its database open."""


class FileLock:
    """A lock on a file of no content: one process has it alone, or several share it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._handle: int | None = None

    def take(self, *, shared: bool = False, wait: bool = True) -> bool:
        """Take the lock, in place of what this object holds already. False where `wait` is False and others have it."""
        self.release()
        handle = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            taken = _take(handle, shared, wait)
        except BaseException:
            os.close(handle)
            raise
        if taken:
            self._handle = handle
        else:
            os.close(handle)
        return taken

    def release(self) -> None:
        """Let go of the lock, if it is held."""
        if self._handle is not None:
            handle, self._handle = self._handle, None
            os.close(handle)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait for the lock and hold it for the length of a block."""
        self.take()
        try:
            yield
        finally:
            self.release()
