"""The action server: Rasa's SDK with health pages, on loopback (it has no authentication)."""

from __future__ import annotations

import asyncio
from typing import Any

from rasa_sdk.endpoint import create_app
from sanic import Sanic
from sanic.response import HTTPResponse, json
from sqlalchemy import text

from actions.talk import texts
from clinic.database import database
from clinic.logs import configure_logs, logger
from clinic.settings import settings

log = logger("actions")


def add_health(app: Sanic) -> None:
    """`/health/live`, and `/health/ready` once the database answers."""

    @app.get("/health/live")
    async def live(_request: Any) -> HTTPResponse:
        return json({"status": "live"})

    @app.get("/health/ready")
    async def ready(_request: Any) -> HTTPResponse:
        try:
            await asyncio.to_thread(_read_profile)
        except Exception:
            log.exception("not ready")
            return json({"status": "database"}, status=503)
        return json({"status": "ready"})


def _read_profile() -> None:
    with database().reading() as session:
        session.execute(text("SELECT 1 FROM profile"))


def main() -> None:
    """Serve until told to stop."""
    configured = settings()
    app = create_app("actions", cors_origins=[])
    add_health(app)
    configure_logs(configured.log_level)
    # the first patient after a start would wait half a second for them
    texts()
    log.info("starting", port=configured.actions_port)
    app.run(
        host="127.0.0.1",
        port=configured.actions_port,
        workers=1,
        access_log=False,
        debug=False,
    )


if __name__ == "__main__":
    main()
