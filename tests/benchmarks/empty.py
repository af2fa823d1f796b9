"""The least that an endpoint can be: what the framework and the server around it cost before anything is done."""

from __future__ import annotations

from fastapi import FastAPI

app = FastAPI()


@app.get("/healthz")
def empty() -> dict[str, str]:
    return {"status": "ok"}
