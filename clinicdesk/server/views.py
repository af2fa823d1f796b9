"""Which lists that name patients each session has looked at lately: the first look is audited, one that repeats it is not."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from datetime import datetime, timedelta
from uuid import UUID

from clinicdesk.core.clock import Clock

LATELY = timedelta(minutes=15)
"""A screen that shows a day asks for it again whenever something changes: one entry in the trail for this long."""
_MOST = 50_000


class Views:
    """One worker's; another worker notes the same look for itself, so there may be an entry more, and never one less."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._noted: OrderedDict[bytes, datetime] = OrderedDict()

    def lately(self, session_id: UUID, path: str, query: bytes) -> bool:
        """Whether it stands in the audit trail that this session has looked at this list."""
        noted = self._noted.get(_look(session_id, path, query))
        return noted is not None and self._clock() < noted + LATELY

    def note(self, session_id: UUID, path: str, query: bytes) -> None:
        """Say that it stands there now."""
        look = _look(session_id, path, query)
        self._noted[look] = self._clock()
        self._noted.move_to_end(look)
        if len(self._noted) > _MOST:
            self._noted.popitem(last=False)


def _look(session_id: UUID, path: str, query: bytes) -> bytes:
    """A look as it is remembered: as short as any other, however long what somebody has asked for."""
    return hashlib.sha256(b"%b %b?%b" % (session_id.bytes, path.encode(), query)).digest()
