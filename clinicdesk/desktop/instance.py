"""One desk for each data folder: a second start raises the first window instead of opening another."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from clinicdesk.core.locks import FileLock

log = logging.getLogger(__name__)

_PATIENCE_MS = 3_000


class Instance(QObject):
    """Whoever holds the folder's lock listens; whoever does not calls the one who does."""

    called = Signal()
    """The program was started again."""

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = f"clinicdesk-{hashlib.sha256(str(folder).encode()).hexdigest()[:20]}"
        self._lock = FileLock(folder / "desk.lock")
        self._server: QLocalServer | None = None

    def claim(self) -> bool:
        """Become the folder's one desk; False where there is one already."""
        if not self._lock.take(wait=False):
            return False
        QLocalServer.removeServer(self._name)  # what a crash has left behind
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._answer)
        if not self._server.listen(self._name):
            log.warning("a second start cannot call this window: %s", self._server.errorString())
        return True

    def call(self) -> bool:
        """Ask the folder's one desk to come forward; False where it does not answer."""
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        reached = socket.waitForConnected(_PATIENCE_MS)
        socket.disconnectFromServer()
        return reached

    def release(self) -> None:
        """Let another start be the first."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._lock.release()

    def _answer(self) -> None:
        if self._server is None:
            return
        while (caller := self._server.nextPendingConnection()) is not None:
            caller.deleteLater()
            self.called.emit()
