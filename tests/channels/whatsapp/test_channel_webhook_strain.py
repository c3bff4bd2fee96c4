"""The webhook when the database is away or slow, when many write at once, and at the end."""

from __future__ import annotations

import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from clinic.models import Contact, Message
from tests.channels.webhook_server import Server, text_message


class TestDatabaseAway:
    def test_nothing_is_acknowledged(self, server, webhook, monkeypatch):
        real = server.line.db.transaction

        def away(**_how: Any) -> Any:
            raise OperationalError("BEGIN", {}, Exception("away"))

        monkeypatch.setattr(server.line.db, "transaction", away)
        content = webhook(messages=[text_message(1)])
        assert server.post(content) == 503
        monkeypatch.setattr(server.line.db, "transaction", real)
        assert server.count(Message) == 0
        assert server.post(content) == 200
        assert server.count(Message) >= 1

    def test_failing_at_commit_stores_nothing_of_the_webhook(self, server, webhook, monkeypatch):
        def fail(*_args: Any) -> None:
            raise OperationalError("INSERT", {}, Exception("disk full"))

        # the last of three cannot be stored: the two before it must not stay
        real = server.channel.receiver._store_one
        calls = []

        def third_fails(session: Any, update: Any) -> Any:
            calls.append(1)
            return fail() if len(calls) == 3 else real(session, update)

        monkeypatch.setattr(server.channel.receiver, "_store_one", third_fails)
        content = webhook(messages=[text_message(n) for n in range(3)])
        assert server.post(content) == 503
        assert server.count(Message) == server.count(Contact) == 0

    def test_a_webhook_before_the_start_is_sent_again_later(self, server, webhook, monkeypatch):
        monkeypatch.setattr(server.channel, "receiver", None)
        assert server.post(webhook(messages=[text_message(1)])) == 503


class TestUnderLoad:
    def test_webhooks_at_once_are_all_stored(self, any_line, serve, webhook):
        server = serve(any_line)
        contents = [
            webhook(messages=[text_message(n, phone=f"91900000{n % 17:04}")]) for n in range(120)
        ]
        with ThreadPoolExecutor(16) as pool:
            assert set(pool.map(server.post, contents)) == {200}
        with any_line.db.reading() as session:
            stored = session.execute(
                select(func.count()).where(Message.direction == "in")
            ).scalar_one()
        assert stored == 120

    def test_a_slow_database_does_not_hold_the_loop(self, server, webhook, monkeypatch):
        """While a webhook waits for a slow commit, others (and health pages) are answered."""
        real = server.channel.receiver._store_one
        stuck, answered_meanwhile = Event(), Event()

        def slow(session: Any, update: Any) -> Any:
            stuck.set()
            assert answered_meanwhile.wait(30), "nobody was answered while the database was slow"
            return real(session, update)

        monkeypatch.setattr(server.channel.receiver, "_store_one", slow)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(server.post, webhook(messages=[text_message(1)]))
            assert stuck.wait(30)
            assert server.signed(b"{}", "sha256=" + "0" * 64).status == 401
            assert not waiting.done()
            answered_meanwhile.set()
            assert waiting.result(30) == 200

    def test_rasa_thinking_hard_does_not_hold_the_loop(self, server, webhook, until):
        thinking, answered_meanwhile, outcome = Event(), Event(), []

        async def think(_message: Any) -> None:
            thinking.set()
            # Rasa's own computing blocks just so
            outcome.append(answered_meanwhile.wait(30))

        server.line.rasa.before = think
        assert server.post(webhook(messages=[text_message(1)])) == 200
        assert thinking.wait(30)
        assert server.post(webhook(messages=[text_message(2, phone="919000000302")])) == 200
        answered_meanwhile.set()
        until(lambda: outcome)
        assert outcome[0], "the second webhook was answered only after the thinking"


def test_metrics_and_health_carry_no_words(server, webhook, until):
    secret = "my-secret-words"
    assert server.post(webhook(messages=[text_message(1, secret)])) == 200
    until(lambda: server.line.rasa.heard)
    metrics = server.request("GET", "/webhooks/whatsapp/metrics")
    assert metrics.status == 200
    assert "sandhi_webhook_updates_total" in metrics.text
    assert secret not in metrics.text and "919000000301" not in metrics.text
    assert server.request("GET", "/webhooks/whatsapp/").text == "ok"


def test_stopping_ends_what_is_being_stored(line, webhook):
    server = Server(line).start()
    real = server.channel.receiver._store_one

    def slow(session: Any, update: Any) -> Any:
        time.sleep(0.5)
        return real(session, update)

    server.channel.receiver._store_one = slow
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(server.post, webhook(messages=[text_message(1)]))
        time.sleep(0.2)
        server.stop()
        # answered, or cut off and so sent again: never acknowledged and lost
        try:
            acknowledged = waiting.result(30) == 200
        except (OSError, http.client.HTTPException):
            acknowledged = False
    assert server.count(Message) >= 1 or not acknowledged
    assert not server.channel.receiver._thread.is_alive()
    assert not server.channel.thinker.state()["alive"]
