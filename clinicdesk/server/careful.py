"""What every answer carries, and what tells whether a request came sealed."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
"""An id that somebody in front of the server may give a request."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SEALED = ("https", "wss")
HSTS = "max-age=31536000; includeSubDomains"


@lru_cache(4_096)
def is_loopback(host: str) -> bool:
    """Whether a request comes from this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
