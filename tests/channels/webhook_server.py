"""The assistant's webhook over real sockets, with a stand-in for its agent."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import socket
import threading
import time
from types import SimpleNamespace
from typing import Any

from rasa.core.channels import channel as rasa_channel
from sanic import Sanic
from sqlalchemy import func, select

from channels.whatsapp.input import WhatsAppInput
from channels.whatsapp.signature import sign
from clinic.settings import Settings

SECRET = "an-app-secret-of-these-tests"
VERIFY = "a-verify-token-of-these-tests"
PATH = "/webhooks/whatsapp/webhook"
_names = itertools.count(1)


class Server:
    """The assistant's web server in a thread, with the stand-in as its agent."""

    def __init__(self, line: Any) -> None:
        self.line = line
        configured = Settings(
            _env_file=None,
            whatsapp_app_secret=SECRET,
            whatsapp_verify_token=VERIFY,
            whatsapp_phone_number_id="1000001",
            whatsapp_access_token="a-token-of-these-tests",
            # nobody listens there: ticks fail, and must not matter
            whatsapp_graph_url="http://127.0.0.1:9",
        )
        self.channel = WhatsAppInput(configured, line.db)
        Sanic.test_mode = True
        self.app = Sanic(f"webhook_test_{next(_names)}", configure_logging=False)
        rasa_channel.register([self.channel], self.app, route="/webhooks/")
        self.app.ctx.agent = SimpleNamespace(
            handle_message=line.rasa.handle,
            processor=SimpleNamespace(parse_message=line.rasa.parse),
        )
        self.loop = asyncio.new_event_loop()
        self.port = 0
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve())
        self.loop.run_forever()
        self.loop.run_until_complete(self._close())

    async def _serve(self) -> None:
        # a port of our own: Sanic takes 0 for "none given", and then 8000
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        self._server = await self.app.create_server(
            sock=listening, return_asyncio_server=True, access_log=False
        )
        await self._server.startup()
        await self._server.before_start()
        await self._server.start_serving()
        await self._server.after_start()
        self._up.set()

    async def _close(self) -> None:
        await self._server.before_stop()
        await self._server.close()

    def start(self) -> Server:
        self._thread.start()
        assert self._up.wait(30)
        return self

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(30)
        assert not self._thread.is_alive()

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return SimpleNamespace(status=answer.status, text=answer.read().decode())
        finally:
            connection.close()

    def post(self, content: Any) -> int:
        """POST as Meta does, signed; the status."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return int(self.signed(body).status)

    def signed(self, body: bytes, signature: str | None = None) -> Any:
        header = {"X-Hub-Signature-256": signature or sign(body, SECRET)}
        return self.request("POST", PATH, body, **header)

    def count(self, model: Any) -> int:
        with self.line.db.reading() as session:
            return int(session.execute(select(func.count()).select_from(model)).scalar_one())


def text_message(n: int, body: str = "Hello", phone: str = "919000000301") -> dict[str, Any]:
    return {
        "from": phone,
        "id": f"wamid.webhook.{n}",
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": body},
    }
