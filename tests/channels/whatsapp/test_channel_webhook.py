"""The webhook over real sockets: what is refused, what is stored, and what each answer means."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any

import pytest
from sqlalchemy import func, select

from channels.whatsapp.input import LARGEST_BODY
from channels.whatsapp.signature import sign
from clinic.models import Contact, DeadLetter, Message
from tests.channels.webhook_server import PATH, SECRET, VERIFY, text_message


class TestVerification:
    @pytest.mark.parametrize(
        ("query", "status", "body"),
        [
            (f"?hub.mode=subscribe&hub.challenge=123&hub.verify_token={VERIFY}", 200, "123"),
            ("?hub.mode=subscribe&hub.challenge=123&hub.verify_token=wrong", 403, "forbidden"),
            ("?hub.mode=subscribe&hub.challenge=123&hub.verify_token=%E0%A4%A8", 403, "forbidden"),
            ("?hub.mode=subscribe&hub.challenge=123", 403, "forbidden"),
            (f"?hub.mode=unsubscribe&hub.challenge=1&hub.verify_token={VERIFY}", 403, "forbidden"),
            ("", 403, "forbidden"),
        ],
    )
    def test_answers(self, server, query, status, body):
        answer = server.request("GET", PATH + query)
        assert (answer.status, answer.text) == (status, body)

    def test_with_no_token_configured_nobody_gets_in(self, server):
        server.channel._settings.whatsapp_verify_token = ""
        query = "?hub.mode=subscribe&hub.challenge=123&hub.verify_token="
        assert server.request("GET", PATH + query).status == 403


class TestRefusals:
    BODY = json.dumps({"object": "whatsapp_business_account", "entry": []}).encode()

    @pytest.mark.parametrize(
        "signature",
        ["sha256=" + "0" * 64, "nonsense", "sha1=abc", "sha256=", sign(BODY, "another secret")],
    )
    def test_a_wrong_signature(self, server, signature):
        assert server.signed(self.BODY, signature).status == 401

    def test_no_signature(self, server):
        assert server.request("POST", PATH, self.BODY).status == 401

    def test_a_signature_of_other_bytes(self, server):
        assert server.signed(self.BODY + b" ", sign(self.BODY, SECRET)).status == 401

    def test_nothing_of_an_unsigned_webhook_is_stored(self, server, webhook):
        body = json.dumps(webhook(messages=[text_message(1)])).encode()
        assert server.request("POST", PATH, body).status == 401
        assert server.count(Message) == server.count(DeadLetter) == 0

    def test_more_than_three_megabytes_declared(self, server):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.putrequest("POST", PATH)
        connection.putheader("Content-Length", str(LARGEST_BODY + 1))
        connection.endheaders()
        assert connection.getresponse().status == 413
        connection.close()

    def test_more_than_three_megabytes_in_chunks(self, server):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.putrequest("POST", PATH)
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        chunk = b"x" * 65536
        try:
            for _ in range(LARGEST_BODY // len(chunk) + 2):
                connection.send(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server does not have to read the rest
        assert connection.getresponse().status == 413
        connection.close()

    def test_just_under_three_megabytes_is_read(self, server, webhook):
        content = webhook(messages=[text_message(1, "x" * 1000)])
        body = json.dumps(content).encode()
        body += b" " * (LARGEST_BODY - len(body))
        assert server.post(body) == 200
        assert server.count(Message) == 1

    @pytest.mark.parametrize("body", [b"", b"{", b"not json", b"\xff\xfe", b"[" * 100_000])
    def test_what_is_no_json(self, server, body):
        assert server.post(body) == 400

    def test_no_route_reads_anything_else(self, server):
        assert server.request("PUT", PATH, b"{}").status == 405


class TestStoring:
    @pytest.mark.parametrize("content", [None, 7, [], "x", {}, {"object": "page"}, {"entry": [1]}])
    def test_json_of_any_shape_is_acknowledged(self, server, content):
        assert server.post(content) == 200

    @pytest.mark.parametrize("field", ["account_update", "no_such_field", "security"])
    def test_unknown_fields_are_acknowledged(self, server, envelope, field):
        assert server.post(envelope({"field": field, "value": {"x": 1}})) == 200
        assert server.count(Message) == server.count(DeadLetter) == 0

    def test_every_example_of_meta_is_stored_and_ends_somewhere(
        self, server, webhook_examples, until
    ):
        for name, example in webhook_examples.items():
            assert server.post(example) == 200, name
        stored = server.count(Message)
        assert stored >= 10
        assert server.count(DeadLetter) == 0
        waiting = select(func.count()).where(Message.state == "received")

        def none_waits() -> bool:
            with server.line.db.reading() as session:
                return session.execute(waiting).scalar_one() == 0

        until(none_waits, 60)
        for example in webhook_examples.values():
            assert server.post(example) == 200
        assert server.count(Message) >= stored

    def test_an_answer_means_it_is_stored_and_then_it_is_answered(self, server, webhook, until):
        assert server.post(webhook(messages=[text_message(1, "नमस्ते")])) == 200
        with server.line.db.reading() as session:
            message = session.execute(select(Message)).scalars().first()
        assert (message.text, message.wamid) == ("नमस्ते", "wamid.webhook.1")
        until(lambda: server.line.states(message.contact_id) == ["handled"])
        assert server.line.said(message.contact_id) == ["You said: नमस्ते"]

    def test_duplicates_are_acknowledged_and_stored_once(self, server, webhook, until):
        content = webhook(messages=[text_message(1)])
        assert [server.post(content) for _ in range(5)] == [200] * 5
        again = webhook(messages=[text_message(1), text_message(2), text_message(1)])
        assert server.post(again) == 200
        until(lambda: len(server.line.rasa.heard) == 2)
        time.sleep(0.3)
        assert len(server.line.rasa.heard) == 2

    def test_a_thousand_updates_broken_ones_among_them(self, any_line, serve, envelope):
        server = serve(any_line)
        changes: list[Any] = []
        good = 0
        for n in range(200):
            phone = f"9190000{n:05}"
            messages: list[Any] = [text_message(5 * n + k, phone=phone) for k in range(4)]
            good += 4
            broken = [{}, "x", 7, None, {"id": f"wamid.nobody.{n}", "type": "text"}][n % 5]
            messages.insert(n % 4, broken)
            changes.append({"field": "messages", "value": {"messages": messages}})
        content = envelope()
        content["entry"] = [{"id": str(n), "changes": [change]} for n, change in enumerate(changes)]
        content["entry"].insert(7, "no entry")
        content["entry"].insert(9, {"id": "no changes"})
        assert server.post(content) == 200
        with any_line.db.reading() as session:
            stored = select(func.count()).where(Message.direction == "in")
            assert session.execute(stored).scalar_one() == good
            assert session.execute(select(func.count(Contact.id))).scalar_one() == 200
            # the same broken update again only counts
            seen = session.execute(select(func.sum(DeadLetter.seen))).scalar_one()
        assert seen == 202
