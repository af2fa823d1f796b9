"""Reports bugs to Sentry where an operator asks for it: where in the code, of which kind, and nothing that anybody typed.

Reports are made anew from the few fields that are named here; whatever else the library may gather is left behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clinicdesk import __version__
from clinicdesk.core import crash
from clinicdesk.core.logs import CONTEXT
from clinicdesk.server.settings import Settings

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

_KEPT = ("event_id", "timestamp", "platform", "level", "release", "environment")
_OF_FRAME = ("filename", "function", "module", "lineno", "in_app")
_FLUSH_SECONDS = 5.0


def start(settings: Settings) -> None:
    """Report from now on, if a DSN is set."""
    if settings.sentry_dsn is None:
        return
    import sentry_sdk  # most servers report nothing

    sentry_sdk.init(
        dsn=settings.sentry_dsn.get_secret_value(), release=f"clinicdesk@{__version__}",
        environment=settings.sentry_environment, default_integrations=False, auto_enabling_integrations=False,
        include_local_variables=False, include_source_context=False,
        max_request_body_size="never", max_breadcrumbs=0, traces_sample_rate=None, auto_session_tracking=False,
        send_client_reports=False, server_name="", before_send=scrubbed,
    )  # fmt: skip
    crash.reporters.append(_report)


def stop() -> None:
    """Send what is on its way, and report no more."""
    if _report in crash.reporters:
        import sentry_sdk

        crash.reporters.remove(_report)
        sentry_sdk.flush(_FLUSH_SECONDS)
        sentry_sdk.get_client().close()


def _report(error: BaseException, reference: str) -> None:
    import sentry_sdk

    with sentry_sdk.new_scope() as scope:
        scope.set_tag("reference", reference)
        scope.set_tag("request_id", str(CONTEXT.get().get("request_id", "")))
        scope.capture_exception(error)


def scrubbed(event: Event, _hint: Hint) -> Event | None:
    """The report with nothing but kinds of errors and lines of code; None for what is no error."""
    exceptions = (event.get("exception") or {}).get("values")
    if not exceptions:
        return None
    tags: Any = event.get("tags") or {}
    clean: dict[str, Any] = {name: event[name] for name in _KEPT if name in event}  # type: ignore[literal-required]
    clean["tags"] = {name: tags[name] for name in ("reference", "request_id") if name in tags}
    clean["exception"] = {
        "values": [
            {
                "type": one.get("type"),
                "module": one.get("module"),
                "stacktrace": {
                    "frames": [
                        {name: frame[name] for name in _OF_FRAME if name in frame}
                        for frame in (one.get("stacktrace") or {}).get("frames", [])
                    ]
                },
            }
            for one in exceptions
        ]
    }
    return clean  # type: ignore[return-value]
