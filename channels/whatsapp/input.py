"""The webhook: verified by its signature, stored, answered, and only then worked on."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
from typing import Any, Awaitable, Callable, Dict, List, Optional, Text

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from sanic import Blueprint, Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, raw, text

from channels.whatsapp.framing import SoundlyFramed
from channels.whatsapp.output import WhatsAppOutput
from channels.whatsapp.parse import parse_webhook
from channels.whatsapp.receiver import Receiver
from channels.whatsapp.signature import is_genuine
from channels.whatsapp.thinking import Thinker, Thinking
from clinic.database import Database, database
from clinic.logs import logger
from clinic.settings import Settings, settings

log = logger("channel.webhook")

LARGEST_BODY = 3 * 1024 * 1024
REFUSED = Counter("sandhi_webhook_refused_total", "Webhooks refused, by why", ["why"])


class WhatsAppInput(InputChannel):
    """The WhatsApp Cloud API as a Rasa channel, named `whatsapp` in credentials.yml.

    Everything it needs comes from the environment (`clinic.settings`).
    """

    def __init__(
        self,
        configured: Optional[Settings] = None,
        clinic_database: Optional[Database] = None,
    ) -> None:
        self._settings = configured or settings()
        self._database = clinic_database or database()
        self.receiver: Optional[Receiver] = None
        self.thinker: Optional[Thinker] = None

    @classmethod
    def name(cls) -> Text:
        return "whatsapp"

    @classmethod
    def from_credentials(cls, credentials: Optional[Dict[Text, Any]]) -> InputChannel:
        return cls()

    def get_output_channel(self) -> OutputChannel:
        return WhatsAppOutput()

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The routes under `/webhooks/whatsapp/`."""
        webhook = Blueprint("whatsapp_webhook", "whatsapp")

        @webhook.listener("before_server_start")
        async def stand_firm(app: Sanic, _loop: Any) -> None:
            # for every route of the server: each of them could be made to stop it
            app.request_class = SoundlyFramed

        @webhook.listener("after_server_start")
        async def begin(app: Sanic, _loop: Any) -> None:
            self._begin(app, on_new_message)

        @webhook.listener("before_server_stop")
        async def end(_app: Sanic, _loop: Any) -> None:
            # beside the loop, which has to answer the webhooks that are being stored
            await asyncio.to_thread(self._end)

        @webhook.get("/")
        async def health(_request: Request) -> HTTPResponse:
            return text("ok")

        @webhook.get("/webhook")
        async def verify(request: Request) -> HTTPResponse:
            return self._verify(request)

        @webhook.post("/webhook", stream=True)
        async def receive(request: Request) -> HTTPResponse:
            return await self._receive(request)

        @webhook.get("/metrics")
        async def metrics(_request: Request) -> HTTPResponse:
            return raw(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)

        return webhook

    def _begin(self, app: Sanic, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> None:
        if self.thinker is None:
            self.thinker = self._thinking_here(app, on_new_message)
        self.receiver = Receiver(self._database, self.thinker.wake)
        self.thinker.start()
        self.receiver.start()

    def _thinking_here(
        self, app: Sanic, on_new_message: Callable[[UserMessage], Awaitable[Any]]
    ) -> Thinker:
        """Turns in Rasa's own server (`rasa run`), where nobody has set another thinker."""

        async def parse(message: UserMessage) -> Dict[str, Any]:
            return dict(await app.ctx.agent.processor.parse_message(message))

        return Thinking(self._settings, self._database, on_new_message, parse)

    def _end(self) -> None:
        for part in (self.receiver, self.thinker):
            if part is not None:
                part.stop()

    def _verify(self, request: Request) -> HTTPResponse:
        given = request.args.get("hub.verify_token") or ""
        wanted = self._settings.whatsapp_verify_token
        genuine = bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())
        if request.args.get("hub.mode") == "subscribe" and genuine:
            return text(request.args.get("hub.challenge") or "")
        REFUSED.labels("verify").inc()
        return text("forbidden", status=403)

    async def _receive(self, request: Request) -> HTTPResponse:
        body = await _body(request)
        if body is None:
            REFUSED.labels("size").inc()
            return text("too large", status=413)
        header = request.headers.get("X-Hub-Signature-256")
        if not is_genuine(body, header, self._settings.whatsapp_app_secret):
            REFUSED.labels("signature").inc()
            return text("wrong signature", status=401)
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            REFUSED.labels("json").inc()
            return text("not JSON", status=400)
        if self.receiver is None:
            return text("starting", status=503)
        try:
            await self.receiver.store(parse_webhook(content))
        except Exception:
            log.exception("webhook not stored, WhatsApp will send it again")
            return text("not stored", status=503)
        return text("ok")


def _registry() -> CollectorRegistry:
    """The counters of this process, and of those that count beside it."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry


async def _body(request: Request) -> Optional[bytes]:
    """The raw body, or None when it is larger than WhatsApp's ever are."""
    if int(request.headers.get("Content-Length", "0")) > LARGEST_BODY:
        return None
    parts: List[bytes] = []
    size = 0
    while True:
        part = await request.stream.read()  # type: ignore[union-attr]
        if part is None:
            return b"".join(parts)
        size += len(part)
        if size > LARGEST_BODY:
            return None
        parts.append(part)
