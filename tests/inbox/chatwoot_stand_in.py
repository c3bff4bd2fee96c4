"""A stand-in for Chatwoot, built from its published API and webhook descriptions.

It keeps contacts, conversations and messages in memory, answers over HTTP on the loopback as the
application API does, and queues the webhooks it would send, signed as Chatwoot signs them. It can
lose an answer after it has done what was asked, as a network does.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ACCOUNT, INBOX, TOKEN, SECRET = 3, 7, "an-agents-access-token", "a-webhook-secret"
INCOMING, OUTGOING = 0, 1
NEWEST = 20


class Chatwoot:
    """One account with one inbox of the channel "API"."""

    def __init__(self) -> None:
        self.contacts: dict[int, dict[str, Any]] = {}
        self.conversations: dict[int, dict[str, Any]] = {}
        self.messages: dict[int, list[dict[str, Any]]] = {}
        self.webhooks: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.lose_answers_to: str = ""
        self.down = False
        self.one_conversation_each = False
        self._next = 100
        self._lock = threading.Lock()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_args: Any) -> None:
                """Quiet."""

            def do_GET(self) -> None:
                self._answer("GET")

            def do_POST(self) -> None:
                self._answer("POST")

            def _answer(self, method: str) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"{}")
                token = self.headers.get("api_access_token")
                status, answer = stand_in.handle(method, self.path, body, token)
                if status == 0:
                    self.close_connection = True
                    return
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # --- the application API

    def handle(self, method: str, path: str, body: Any, token: Any) -> tuple[int, Any]:
        with self._lock:
            parts = urlsplit(path)
            prefix = f"/api/v1/accounts/{ACCOUNT}"
            if self.down:
                return 503, {}
            if token != TOKEN:
                return 401, {"errors": ["You need to sign in or sign up before continuing."]}
            if not parts.path.startswith(prefix):
                return 404, {"error": "Resource could not be found"}
            asked = f"{method} {re.sub('[0-9]+', 'N', parts.path[len(prefix) :])}"
            self.asked.append(asked)
            answer = self._route(method, parts.path[len(prefix) :], body, parse_qs(parts.query))
            if asked == self.lose_answers_to:
                self.lose_answers_to = ""
                return 0, None
            return answer

    def _route(self, method: str, path: str, body: Any, query: Any) -> tuple[int, Any]:
        steps = [int(step) if step.isdigit() else step for step in path.strip("/").split("/")]
        if steps == ["contacts", "search"]:
            wanted = query["q"][0]
            found = [c for c in self.contacts.values() if wanted in (c["identifier"] or "")]
            return 200, {"meta": {"count": len(found), "current_page": 1}, "payload": found}
        if steps == ["contacts"] and method == "POST":
            return self._add_contact(body)
        if len(steps) == 3 and steps[0] == "contacts" and steps[2] == "conversations":
            found = [
                c for c in self.conversations.values() if c["meta"]["sender"]["id"] == steps[1]
            ]
            return 200, {"payload": found}
        if steps == ["conversations"] and method == "POST":
            return self._add_conversation(body)
        if steps[0] == "conversations" and steps[1] in self.conversations:
            return self._of_conversation(method, int(steps[1]), steps[2:], body)
        return 404, {"error": "Resource could not be found"}

    def _add_contact(self, body: Any) -> tuple[int, Any]:
        if any(c["identifier"] == body["identifier"] for c in self.contacts.values()):
            return 422, {"message": "Identifier has already been taken"}
        number = self._number()
        inbox = {"source_id": f"source-{number}", "inbox": {"id": body["inbox_id"]}}
        contact = {
            "id": number,
            "name": body["name"],
            "identifier": body["identifier"],
            "phone_number": body.get("phone_number"),
            "contact_inboxes": [inbox],
        }
        self.contacts[number] = contact
        return 200, {"payload": {"contact": contact, "contact_inbox": inbox}}

    def _add_conversation(self, body: Any) -> tuple[int, Any]:
        contact = self.contacts[body["contact_id"]]
        assert body["source_id"] == contact["contact_inboxes"][0]["source_id"]
        if self.one_conversation_each:
            for known in self.conversations.values():
                if known["meta"]["sender"]["id"] == contact["id"]:
                    return 200, known
        number = self._number()
        self.conversations[number] = {
            "id": number,
            "account_id": ACCOUNT,
            "inbox_id": body["inbox_id"],
            "status": body["status"],
            "custom_attributes": body.get("custom_attributes") or {},
            "meta": {"sender": {"id": contact["id"], "type": "contact"}},
        }
        self.messages[number] = []
        return 200, self.conversations[number]

    def _of_conversation(
        self, method: str, number: int, rest: list[Any], body: Any
    ) -> tuple[int, Any]:
        conversation = self.conversations[number]
        if rest == []:
            return 200, conversation
        if rest == ["toggle_status"]:
            self._set_status(number, body["status"])
            payload = {"success": True, "current_status": body["status"], "conversation_id": number}
            return 200, {"meta": {}, "payload": payload}
        if rest == ["messages"] and method == "GET":
            return 200, {"meta": {}, "payload": self.messages[number][-NEWEST:]}
        if rest == ["messages"]:
            kind = {"incoming": INCOMING, "outgoing": OUTGOING}[body["message_type"]]
            message = self._add_message(
                number, body["content"], kind, body["private"], body.get("source_id")
            )
            return 200, message
        return 404, {}

    # --- what agents do

    def agent_writes(self, conversation: int, text: str, private: bool = False) -> int:
        """An agent answers; the message's id. The webhook waits in `webhooks`."""
        with self._lock:
            return int(self._add_message(conversation, text, OUTGOING, private, None)["id"])

    def agent_sets(self, conversation: int, status: str) -> None:
        with self._lock:
            self._set_status(conversation, status)

    def texts(self, conversation: int, private: bool = False, kind: int = INCOMING) -> list[str]:
        return [
            m["content"]
            for m in self.messages[conversation]
            if m["private"] is private and m["message_type"] == kind
        ]

    def _add_message(
        self, number: int, text: str, kind: int, private: bool, source_id: Any
    ) -> dict[str, Any]:
        message = {
            "id": self._number(),
            "content": text,
            "message_type": kind,
            "private": private,
            "source_id": source_id,
            "conversation_id": number,
        }
        self.messages[number].append(message)
        named = {INCOMING: "incoming", OUTGOING: "outgoing"}[kind]
        self.webhooks.append(
            {
                "event": "message_created",
                **message,
                "message_type": named,
                "content_type": "text",
                "sender": {"id": 1, "name": "An Agent", "type": "user"},
                "conversation": self.conversations[number],
                "account": {"id": ACCOUNT, "name": "A clinic"},
                "inbox": {"id": INBOX, "name": "WhatsApp"},
            }
        )
        return message

    def _set_status(self, number: int, status: str) -> None:
        self.conversations[number]["status"] = status
        self.webhooks.append(
            {
                "event": "conversation_status_changed",
                **self.conversations[number],
                "account": {"id": ACCOUNT, "name": "A clinic"},
            }
        )

    def _number(self) -> int:
        self._next += 1
        return self._next


def signed(event: Any, secret: str = SECRET, age: int = 0) -> dict[str, Any]:
    """Body and headers of a webhook, as Chatwoot sends it."""
    body = json.dumps(event).encode()
    timestamp = str(int(time.time()) - age)
    mac = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    headers = {
        "Content-Type": "application/json",
        "X-Chatwoot-Timestamp": timestamp,
        "X-Chatwoot-Signature": f"sha256={mac.hexdigest()}",
        "X-Chatwoot-Delivery": "a-delivery",
    }
    return {"data": body, "headers": headers}
