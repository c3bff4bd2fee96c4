"""A simulator with quick statuses, and a clinic's webhook that writes down what reaches it."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from channels.simulator import SimulatorConfig, create_app
from channels.simulator.simulator import Simulator

ASHA = "+919000000101"


class Clinic:
    """A webhook receiver. `answers` are HTTP statuses to give first; after them it gives 200."""

    def __init__(self) -> None:
        self.received: List[Tuple[bytes, Dict[str, str]]] = []
        self.answers: List[int] = []
        clinic = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                clinic.received.append((raw, dict(self.headers)))
                self._answer(clinic.answers.pop(0) if clinic.answers else 200, b"")

            def do_GET(self) -> None:
                right = "hub.verify_token=simulator-verify-token" in self.path
                challenge = self.path.split("hub.challenge=")[1].split("&")[0].encode()
                self._answer(200 if right else 403, challenge if right else b"")

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing to the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhook"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def bodies(self) -> List[Dict[str, Any]]:
        return [json.loads(raw) for raw, _ in list(self.received)]

    def values(self) -> List[Dict[str, Any]]:
        return [
            change["value"]
            for body in self.bodies()
            for entry in body["entry"]
            for change in entry["changes"]
        ]

    def all(self, kind: str) -> List[Dict[str, Any]]:
        """Every update of a kind (`messages`, `statuses`) in the order it arrived."""
        return [update for value in self.values() for update in value.get(kind, [])]

    def wait(self, kind: str, count: int, seconds: float = 5.0) -> List[Dict[str, Any]]:
        """The updates of a kind once there are `count` of them."""
        until = time.monotonic() + seconds
        while len(self.all(kind)) < count and time.monotonic() < until:
            time.sleep(0.01)
        found = self.all(kind)
        assert len(found) >= count, f"{len(found)} of {count} {kind} arrived in {seconds} s"
        return found


class Bench:
    """The simulator with shorthand for both of its sides."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.app = create_app(config)
        self.simulator: Simulator = self.app.extensions["simulator"]
        self.client: FlaskClient = self.app.test_client()
        self.auth = {"Authorization": f"Bearer {config.access_token}"}
        self.path = f"/v23.0/{config.phone_number_id}"

    def control(self, verb: str, **order: Any) -> Dict[str, Any]:
        answer = self.client.post(f"/control/{verb}", json=order)
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    def look(self, query: str) -> Dict[str, Any]:
        return dict(self.client.get(f"/control/{query}").get_json())

    def writes(self, text: str = "hello", phone: str = ASHA, **more: Any) -> str:
        """The patient writes, which opens the 24-hour window."""
        return str(self.control("inbound", **{"from": phone, "text": text, **more})["wamid"])

    def post(self, body: Any, headers: Optional[Dict[str, str]] = None) -> TestResponse:
        return self.client.post(f"{self.path}/messages", json=body, headers=headers or self.auth)

    def send(self, kind: str, content: Any, to: str = ASHA, **more: Any) -> TestResponse:
        return self.post(
            {
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "to": to,
                "type": kind,
                kind: content,
                **more,
            }
        )

    def sent_ok(self, text: str = "hi", to: str = ASHA, **more: Any) -> str:
        """Send a text that is accepted; its wamid."""
        answer = self.send("text", {"body": text}, to, **more)
        assert answer.status_code == 200, answer.text
        return str(answer.get_json()["messages"][0]["id"])

    def idle(self, seconds: float = 5.0) -> None:
        """Wait until no webhook is due any more."""
        until = time.monotonic() + seconds
        while self.simulator.dispatcher.pending() and time.monotonic() < until:
            time.sleep(0.01)
        assert not self.simulator.dispatcher.pending(), "webhooks are still pending"


@pytest.fixture
def clinic() -> Iterator[Clinic]:
    receiver = Clinic()
    yield receiver
    receiver.close()


@pytest.fixture
def make_bench() -> Iterator[Callable[..., Bench]]:
    """Builds simulators with settings of the test's own and closes them."""
    benches: List[Bench] = []

    def make(**settings: Any) -> Bench:
        quick: Dict[str, Any] = {
            "webhook_url": "http://127.0.0.1:1/nobody",
            "sent_after": 0.0,
            "delivered_after": 0.01,
            "read_after": 0.02,
            "retry_delays": (0.02, 0.04, 0.08),
        }
        bench = Bench(SimulatorConfig(**{**quick, **settings}))
        benches.append(bench)
        return bench

    yield make
    for bench in benches:
        bench.simulator.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench], clinic: Clinic) -> Bench:
    return make_bench(webhook_url=clinic.url)
