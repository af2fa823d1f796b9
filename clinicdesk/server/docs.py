"""The page at /docs: every endpoint in words, made here from the OpenAPI document. It runs no script and loads nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

router = APIRouter()

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1d21; }
h2 { margin-top: 2.5rem; text-transform: capitalize; } summary { cursor: pointer; padding: .3rem 0; }
code, pre { font: 13px/1.45 ui-monospace, monospace; } pre { background: #f4f5f7; padding: .7rem; overflow: auto; }
b { display: inline-block; width: 4.5rem; } table { border-collapse: collapse; } td { padding: .15rem .8rem .15rem 0; }
td { vertical-align: top; } nav a { margin-right: .8rem; } details { border-top: 1px solid #e3e5e8; }
@media (prefers-color-scheme: dark) { body { background: #16181b; color: #e6e8ea; } pre { background: #22252a; }
details { border-color: #2c3036; } a { color: #8ab4f8; } }
"""
POLICY = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
)
"""What a browser may do with the page: show it in its own style."""


@router.get("/docs", include_in_schema=False)
def docs(request: Request) -> HTMLResponse:
    """The page, which is made once: strangers may ask for it as often as they like."""
    state = request.app.state
    if not hasattr(state, "docs_page"):
        state.docs_page = "".join(_page(request.app.openapi()))
    return HTMLResponse(state.docs_page)


def _page(document: dict[str, Any]) -> Iterator[str]:
    info = document["info"]
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(info['title'])}</title>"
    yield f"<style>{_STYLE}</style><h1>{escape(info['title'])} {escape(info['version'])}</h1>"
    yield f"<p>{escape(info.get('description', ''))} For programs: <a href=/openapi.json>openapi.json</a>.</p>"
    groups: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            groups.setdefault((one.get("tags") or ["other"])[0], []).append((method.upper(), path, one))
    yield "<nav>" + "".join(f"<a href='#{escape(tag)}'>{escape(tag)}</a>" for tag in groups) + "</nav>"
    for tag, endpoints in groups.items():
        yield f"<h2 id='{escape(tag)}'>{escape(tag)}</h2>"
        for method, path, one in endpoints:
            yield from _endpoint(method, path, one)
    schemas = document.get("components", {}).get("schemas", {})
    yield "<h2 id=schemas>Schemas</h2>"
    for name, schema in sorted(schemas.items()):
        yield f"<details id='schema-{escape(name)}'><summary><code>{escape(name)}</code></summary>{_json(schema)}</details>"


def _endpoint(method: str, path: str, one: dict[str, Any]) -> Iterator[str]:
    yield f"<details id='{escape(one.get('operationId', ''))}'><summary><b>{method}</b><code>{escape(path)}</code> "
    yield f"{escape(one.get('summary', ''))}</summary>"
    yield from (f"<p>{_words(part)}</p>" for part in one.get("description", "").split("\n\n"))
    if one.get("parameters"):
        yield "<table>"
        for parameter in one["parameters"]:
            needed = "required" if parameter.get("required") else ""
            yield f"<tr><td><code>{escape(parameter['name'])}</code><td>{escape(parameter['in'])} {needed}"
            yield f"<td>{_words(parameter.get('description', ''))}"
        yield "</table>"
    for media, body in (one.get("requestBody") or {}).get("content", {}).items():
        yield f"<p>Body, <code>{escape(media)}</code>{_reference(body.get('schema', {}))}</p>"
        for name, example in body.get("examples", {}).items():
            yield f"<p>{escape(str(example.get('summary', name)))}</p>{_json(example.get('value'))}"
    yield "<table>"
    for status, answer in one.get("responses", {}).items():
        content: dict[str, Any] = next(iter(answer.get("content", {}).values()), {})
        yield f"<tr><td><code>{escape(str(status))}</code><td>{escape(answer.get('description', ''))}"
        yield f"{_reference(content.get('schema', {}))}"
    yield "</table></details>"


def _reference(schema: dict[str, Any]) -> str:
    name = str(schema.get("$ref") or (schema.get("items") or {}).get("$ref", "")).rpartition("/")[2]
    return f", <a href='#schema-{escape(name)}'>{escape(name)}</a>" if name else ""


def _words(text: str) -> str:
    """Words with the names in them, which stand between backticks."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
