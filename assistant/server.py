"""The assistant: Rasa behind the WhatsApp webhook, with health pages.

Started by this module and not by `rasa run`, so that the logs carry ids only, the action
endpoint is pooled, and a database that fails is seen to fail.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any, Dict

from rasa.core.agent import Agent, load_agent
from rasa.core.run import configure_app, create_http_input_channels
from rasa.core.utils import AvailableEndpoints
from sanic import Sanic
from sanic.response import HTTPResponse, json
from sqlalchemy import text

from assistant.action_endpoint import ActionEndpoint, trust_checked_results
from clinic.database import database
from clinic.logs import configure_logs, logger
from clinic.settings import Settings, settings

log = logger("assistant")

ROOT = Path(__file__).resolve().parent.parent

# a thread that waits for the interpreter gets it after half a millisecond, not five: webhooks
# are answered while Rasa thinks
SWITCH_SECONDS = 0.0005


def endpoints_of(configured: Settings) -> AvailableEndpoints:
    """Rasa's endpoints: those of endpoints.yml, and the pooled action endpoint."""
    trust_checked_results()
    endpoints = AvailableEndpoints.read_endpoints(str(ROOT / "endpoints.yml"))
    endpoints.action = ActionEndpoint(
        f"http://127.0.0.1:{configured.actions_port}/webhook", enable_selective_domain=True
    )
    return endpoints


async def load(configured: Settings) -> Agent:
    """The agent with its model, or without one where none can be loaded.

    Without a model every message goes to a person, which is safer than a webhook that is down.
    """
    agent = await load_agent(model_path=configured.model_path, endpoints=endpoints_of(configured))
    # Rasa wraps the store in one that falls back to memory when the database fails, and would
    # answer from an empty memory; ours has to be seen failing
    store = agent.tracker_store
    agent.tracker_store = getattr(store, "_tracker_store", store)
    if agent.processor is None:
        log.error("no model could be loaded: every message goes to a person", hint="make train")
    else:
        agent.processor.tracker_store = agent.tracker_store
    return agent


def create(configured: Settings) -> Sanic:
    """The server, ready to run."""
    channels = create_http_input_channels(None, str(ROOT / "credentials.yml"))
    app = configure_app(channels, enable_api=False, cors=None)
    app.ctx.agent = None
    app.ctx.channels = channels

    @app.listener("before_server_start")
    async def begin(running: Sanic, _loop: Any) -> None:
        running.ctx.agent = await load(configured)
        configure_logs(configured.log_level)

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
    agent = app.ctx.agent
    if agent is None or not agent.is_ready():
        return "no model"
    for channel in app.ctx.channels:
        turns = getattr(channel, "turns", None)
        if turns is not None and not turns.state()["alive"]:
            return "turns"
    try:
        with database().reading() as session:
            profile = session.execute(text("SELECT 1 FROM profile")).first()
    except Exception:
        log.exception("not ready")
        return "database"
    return "" if profile is not None else "no clinic profile"


def main() -> None:
    """Serve until told to stop."""
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    configured = settings()
    configure_logs(configured.log_level)
    sys.setswitchinterval(SWITCH_SECONDS)
    app = create(configured)
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
