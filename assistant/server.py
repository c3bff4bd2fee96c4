"""The assistant's web process: the WhatsApp webhook and the health pages.

It stores what comes in and answers; Rasa thinks in a process of its own (`thinking_apart`). Started
by this module and not by `rasa run`, so that a webhook never waits for Rasa, the logs carry ids
only, and a database that fails is seen to fail.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, Dict, List

from rasa.core.channels.channel import InputChannel, register
from rasa.shared.utils.common import class_from_module_path
from rasa.shared.utils.io import read_yaml_file
from sanic import Sanic
from sanic.response import HTTPResponse, json
from sqlalchemy import text

from assistant.thinking_apart import ThinkingApart
from channels.locks import redis_is_down
from clinic.database import database
from clinic.logs import configure_logs, logger
from clinic.settings import Settings, settings

log = logger("assistant")

ROOT = Path(__file__).resolve().parent.parent

# a thread that waits for the interpreter gets it after half a millisecond, not five: webhooks
# are answered while others are stored
SWITCH_SECONDS = 0.0005


def channels_of(credentials: Path) -> List[InputChannel]:
    """The channels that credentials.yml names by their classes, as Rasa reads it."""
    named: Dict[str, Any] = dict(read_yaml_file(credentials))
    return [class_from_module_path(name).from_credentials(given) for name, given in named.items()]


def create() -> Sanic:
    """The server, ready to run; what its channels take in is thought about elsewhere."""
    app = Sanic("sandhi_assistant", configure_logging=False)
    app.ctx.channels = channels_of(ROOT / "credentials.yml")
    for channel in app.ctx.channels:
        channel.thinker = ThinkingApart()
    register(app.ctx.channels, app, route="/webhooks/")

    @app.get("/health/live")
    async def live(_request: Any) -> HTTPResponse:
        return json({"status": "live"})

    @app.get("/health/ready")
    async def ready(_request: Any) -> HTTPResponse:
        problem = await asyncio.to_thread(_problem, app)
        body: Dict[str, Any] = {"status": problem or "ready"}
        return json(body, status=503 if problem else 200)

    return app


def _problem(app: Sanic) -> str:
    """Why this server is not ready; empty when it is."""
    for channel in app.ctx.channels:
        state = channel.thinker.state()
        if not state["alive"]:
            return "not thinking yet"
        if not state["model"]:
            return "no model"
    try:
        with database().reading() as session:
            profile = session.execute(text("SELECT 1 FROM profile")).first()
    except Exception:
        log.exception("not ready")
        return "database"
    if profile is None:
        return "no clinic profile"
    return "redis" if redis_is_down(settings()) else ""


def serve(configured: Settings) -> None:
    """Serve until told to stop."""
    configure_logs(configured.log_level)
    sys.setswitchinterval(SWITCH_SECONDS)
    app = create()
    configure_logs(configured.log_level)
    log.info("starting", port=configured.assistant_port)
    app.run(
        host=configured.host,
        port=configured.assistant_port,
        workers=1,
        access_log=False,
        debug=False,
        backlog=1024,
    )


def main() -> None:
    """Serve as the environment says."""
    serve(settings())
