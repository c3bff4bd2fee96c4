"""Other systems are told of handoffs: signed, at least once, without words, never inwards."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Dict, Iterator, List

import pytest
import time_machine
from sqlalchemy import select

from clinic import webhooks
from clinic.contacts import ensure_contact
from clinic.database import Database, now
from clinic.handoffs import open_handoff, resolve_handoff
from clinic.models import WebhookDelivery
from clinic.webhooks import MOST_TRIES, WebhookError, pause_after, sign
from worker import outgoing
from worker.outgoing import Forbidden, addresses, post
from worker.telling import tell_webhooks

NAME, PHONE = "Meena Invented", "+919000000871"


class Receiver:
    """A help desk: keeps what it hears, and answers with the next of `answers`."""

    def __init__(self) -> None:
        self.heard: List[Dict[str, Any]] = []
        self.answers: List[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.heard.append({"body": body, "headers": dict(self.headers)})
                status = receiver.answers.pop(0) if receiver.answers else 200
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                """Quiet."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hear"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def events(self) -> List[str]:
        return [json.loads(one["body"])["id"] for one in self.heard]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def hook(db: Database, url: str) -> str:
    with db.transaction() as session:
        _webhook, secret = webhooks.add(session, url)
    return secret


def hand_over(db: Database, resolve: bool = False) -> int:
    with db.transaction() as session:
        contact = ensure_contact(session, PHONE, None, NAME)
        session.flush()
        made = int(open_handoff(session, int(contact.id), "clinical").id)
        if resolve:
            resolve_handoff(session, made, "Asha", "called", hand_back=True)
    return made


def test_opening_and_resolving_are_told_signed_and_without_words(
    db: Database, receiver: Receiver
) -> None:
    secret = hook(db, receiver.url)
    made = hand_over(db, resolve=True)
    assert tell_webhooks(db) == 2
    assert receiver.events() == [f"handoff.opened:{made}", f"handoff.resolved:{made}"]
    for one in receiver.heard:
        headers, body = one["headers"], one["body"]
        expected = sign(secret, headers["X-Sandhi-Timestamp"], body)
        assert headers["X-Sandhi-Signature"] == expected
        assert NAME.encode() not in body and b"9000000871" not in body
    told = json.loads(receiver.heard[1]["body"])["handoff"]
    assert (told["reason"], told["outcome"], told["status"]) == ("clinical", "called", "resolved")


def test_nothing_is_told_twice_that_was_taken(db: Database, receiver: Receiver) -> None:
    hook(db, receiver.url)
    hand_over(db)
    for _time in range(3):
        tell_webhooks(db)
    assert len(receiver.heard) == 1


def test_what_was_before_the_webhook_is_not_told(db: Database, receiver: Receiver) -> None:
    hand_over(db)
    hook(db, receiver.url)
    assert tell_webhooks(db) == 0


def test_what_is_not_taken_is_tried_again_later_with_the_same_id(
    db: Database, receiver: Receiver
) -> None:
    hook(db, receiver.url)
    hand_over(db)
    receiver.answers = [500, 302]
    tell_webhooks(db)
    assert tell_webhooks(db) == 0, "not at once"
    for hours in (1, 2):
        with time_machine.travel(now() + timedelta(hours=hours)):
            tell_webhooks(db)
    assert len(receiver.heard) == 3 and len(set(receiver.events())) == 1


def test_a_crash_between_sending_and_recording_sends_again(
    db: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook(db, receiver.url)
    hand_over(db)

    def power_cut(*_args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("clinic.webhooks.conclude", power_cut)
        with pytest.raises(KeyboardInterrupt):
            tell_webhooks(db)
    with time_machine.travel(now() + timedelta(minutes=5)):
        tell_webhooks(db)
    assert len(receiver.heard) == 2 and len(set(receiver.events())) == 1


def test_after_a_day_and_a_half_it_is_given_up(db: Database) -> None:
    hook(db, "http://127.0.0.1:9/nobody")
    hand_over(db)
    with db.transaction() as session:
        webhooks.plan_due(session)
        session.execute(select(WebhookDelivery)).scalar_one().attempts = MOST_TRIES - 1
    tell_webhooks(db)
    with db.reading() as session:
        assert session.execute(select(WebhookDelivery.state)).scalar_one() == "given_up"
    total = sum((pause_after(n) for n in range(1, MOST_TRIES)), timedelta())
    assert timedelta(hours=24) < total < timedelta(hours=40)


def test_a_removed_webhook_hears_nothing(db: Database, receiver: Receiver) -> None:
    hook(db, receiver.url)
    hand_over(db)
    with db.transaction() as session:
        webhooks.plan_due(session)
        webhooks.remove(session, webhooks.everything(session)[0].id)
    assert tell_webhooks(db) == 0
    assert receiver.heard == []


# --- never into a private network


@pytest.mark.parametrize(
    "address",
    ["10.0.0.5", "192.168.1.1", "172.16.0.1", "169.254.169.254", "127.0.0.1", "0.0.0.0",
     "100.64.0.1", "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "224.0.0.1", "240.0.0.1"],
)  # fmt: skip
def test_a_public_name_that_leads_inwards_is_refused(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    found = [(2, 1, 6, "", ("93.184.215.14", 443)), (2, 1, 6, "", (address, 443))]
    monkeypatch.setattr(outgoing.socket, "getaddrinfo", lambda *_a, **_k: found)
    with pytest.raises(Forbidden):
        addresses("hooks.example", 443)
    assert post("https://hooks.example/x", b"{}", {}) == (False, "forbidden address")


def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [(2, 1, 6, "", ("93.184.215.14", 443))]
    monkeypatch.setattr(outgoing.socket, "getaddrinfo", lambda *_a, **_k: found)
    pool, host = outgoing._pool(outgoing.urlsplit("https://hooks.example/x"))
    assert (pool.host, host) == ("93.184.215.14", "hooks.example")
    assert pool.assert_hostname == "hooks.example"


@pytest.mark.parametrize(
    "url",
    ["http://example.com/", "http://10.0.0.1/", "gopher://127.0.0.1/", "https://a b/",
     "https://x:y@example.com/", "https:///path", "http://127.0.0.1.example.com/", "", "https://[",
     "https://example.com:99999/"],
)  # fmt: skip
def test_an_address_that_will_not_do_is_refused_when_it_is_given(url: str) -> None:
    with pytest.raises(WebhookError):
        webhooks.check_url(url)
