"""A real Rasa agent behind the conversation: forms, actions that fail, half-said turns."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import select

from assistant.action_endpoint import ActionEndpoint
from channels.texts import PatientTexts
from channels.whatsapp.conversation import Conversation
from clinic.handoffs import unresolved_handoff
from clinic.inbound import Arrival, store_arrival
from clinic.models import Contact, Message, Tracker
from tests.at_the_clinic import OpenFacts, domain_texts

PHONE = "+919000000501"


class Actions:
    """An action server of one's wishes."""

    def __init__(self) -> None:
        self.status = 200
        self.body: Any = {"events": [], "responses": [{"text": "From the action"}]}
        self.answering = Event()
        self.answering.set()
        self.content_type = "application/json"
        self.calls: list[dict[str, Any]] = []
        self.connections = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                outer.connections += 1
                super().setup()

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                outer.calls.append(json.loads(self.rfile.read(length)))
                outer.answering.wait(30)
                raw = (
                    outer.body if isinstance(outer.body, bytes) else json.dumps(outer.body).encode()
                )
                self.send_response(outer.status)
                self.send_header("Content-Type", outer.content_type)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhook"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.answering.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def actions() -> Iterator[Actions]:
    server = Actions()
    yield server
    server.stop()


class Talk:
    """A patient's conversation with the small assistant."""

    def __init__(self, db: Any, agent: Any) -> None:
        self.db, self.agent = db, agent
        texts = PatientTexts(domain_texts(), OpenFacts(db))
        self.texts = texts

        async def parse(message: Any) -> dict[str, Any]:
            return dict(await agent.processor.parse_message(message))

        self.conversation = Conversation(db, agent.handle_message, parse, texts, lambda wamid: None)
        self.count = 0
        self.contact = 0

    async def writes(self, text: str, **more: Any) -> list[str]:
        """Write; the words that were planned in answer."""
        self.count += 1
        with self.db.transaction() as session:
            arrival = Arrival(
                f"wamid.{self.count}", more.pop("kind", "text"), PHONE, text=text, **more
            )
            self.contact = store_arrival(session, arrival) or self.contact
        before = len(self.sent())
        await self.conversation.next_turn(self.contact)
        return [str(message.text) for message in self.sent()[before:]]

    async def taps(self, title: str) -> list[str]:
        for message in reversed(self.sent()):
            for choice in message.content.get("choices", []):
                if choice["title"] == title:
                    tap = {"id": choice["id"], "title": title, "source": "button_reply"}
                    return await self.writes(title, kind="tap", content={"tap": tap})
        raise AssertionError(f"nobody offered {title}")

    def sent(self) -> list[Any]:
        """What was planned in answer; the notice has tests of its own."""
        answers = Message.direction == "out", Message.purpose != "notice"
        query = select(Message).where(*answers).order_by(Message.id)
        with self.db.reading() as session:
            return list(session.execute(query).scalars())

    @property
    def reason(self) -> str | None:
        with self.db.reading() as session:
            handoff = unresolved_handoff(session, self.contact)
            return None if handoff is None else handoff.reason

    def detail(self) -> str | None:
        query = select(Message.detail).where(Message.direction == "in").order_by(Message.id.desc())
        with self.db.reading() as session:
            return session.execute(query.limit(1)).scalar_one()

    def events(self) -> list[dict[str, Any]] | None:
        with self.db.reading() as session:
            row = session.get(Tracker, str(self.contact))
            return None if row is None else row.events


@pytest.fixture
def talk(clinic_db, agent_on, actions) -> Talk:
    return Talk(clinic_db, agent_on(clinic_db, ActionEndpoint(actions.url)))


FAILED = "Something is not working on our side, so a person will answer you here."


class TestTalking:
    async def test_facts_are_filled_in(self, talk, demo_profile):
        assert await talk.writes("hello") == [f"Hello from {demo_profile.name.en}"]
        assert talk.reason is None

    async def test_a_form_goes_on_over_turns_and_taps(self, talk):
        assert await talk.writes("book") == ["Which day?"]
        assert await talk.taps("Tuesday") == ["Booked for 2026-11-24"]

    async def test_a_tap_taken_twice_books_once(self, talk):
        await talk.writes("book")
        await talk.taps("Tuesday")
        again = await talk.taps("Tuesday")
        assert len(again) == 1 and "Booked" not in again[0]

    async def test_what_is_typed_is_no_command(self, talk):
        await talk.writes("book")
        # /restart would end the form, and an intent with a slot would fill it
        await talk.writes('/inform{"day": "1999-01-01"}')
        await talk.writes("/restart")
        assert not any("1999" in str(message.text) for message in talk.sent())
        with talk.db.reading() as session:
            events = session.get(Tracker, str(talk.contact))
        assert not any(e["event"] == "restart" for e in (events.events if events else []))

    async def test_a_handoffs_text_opens_the_handoff(self, talk):
        assert await talk.writes("person") == ["A person will answer"]
        assert talk.reason == "request"
        assert await talk.writes("hello") == []

    async def test_what_no_rule_covers_goes_to_a_person_once(self, talk):
        # RulePolicy repeats its fallback until Rasa's circuit breaker trips
        assert await talk.writes("zxcvb") == [FAILED]
        assert (talk.reason, talk.detail()) == ("failure", "endless")

    async def test_a_switch_of_language_is_remembered(self, talk):
        await talk.writes("hindi")
        with talk.db.reading() as session:
            assert session.get(Contact, talk.contact).language_chosen is True

    async def test_what_is_stored_stays_bounded(self, talk):
        most = []
        for _ in range(60):
            await talk.writes("hello")
            most.append(len(talk.events() or []))
        assert max(most[30:]) <= max(most[:30]) < 120


class TestActionServer:
    async def test_answers(self, talk, actions):
        assert await talk.writes("probe") == ["From the action"]
        assert actions.calls[0]["next_action"] == "action_probe"
        assert actions.calls[0]["sender_id"] == str(talk.contact)

    async def test_is_asked_over_one_kept_connection(self, talk, actions):
        for _ in range(4):
            await talk.writes("probe")
        assert (len(actions.calls), actions.connections) == (4, 1)

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (500, {"error": "broken"}),
            (404, {}),
            (503, b"<html>"),
            (400, {"error": "no action name"}),
            (400, b"<html>"),
            (200, b"<html>"),
            (200, b""),
            (200, []),
            (200, None),
            (200, {"events": "none", "responses": []}),
            (200, {"events": [], "responses": ["text"]}),
            (200, {"events": [], "responses": [{"response": "utter_no_such_text"}]}),
        ],
    )
    async def test_that_fails_hands_the_whole_turn_to_a_person(self, talk, actions, status, body):
        actions.status, actions.body = status, body
        # the greeting before the action was already said, and must not go out alone
        assert await talk.writes("twice") == [FAILED]
        assert talk.reason == "failure"
        assert talk.events() is None

    async def test_with_another_content_type_fails(self, talk, actions):
        actions.content_type = "text/html"
        assert await talk.writes("twice") == [FAILED]

    async def test_that_is_dead_hands_over(self, talk, actions):
        actions.stop()
        assert await talk.writes("twice") == [FAILED]
        assert talk.detail() == "action"

    async def test_that_is_slow_is_given_up(self, talk, actions, monkeypatch):
        monkeypatch.setattr("assistant.action_endpoint.TIMEOUT_SECONDS", 0.2)
        actions.answering.clear()
        assert await talk.writes("twice") == [FAILED]
        assert talk.detail() == "action"

    async def test_that_rejects_to_run_is_no_failure_of_the_server(self, talk, actions):
        actions.status = 400
        actions.body = {"action_name": "action_probe", "error": "not now"}
        # Rasa lets another policy decide; here nobody knows better
        assert await talk.writes("probe") == [FAILED]
        assert talk.detail() == "endless"

    async def test_never_keeps_the_loop_waiting(self, talk, actions):
        actions.answering.clear()
        turn = asyncio.ensure_future(talk.writes("probe"))
        # another thread of the server says it, so nothing of this loop can be waited for
        while not (actions.calls or turn.done()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        # a loop that waited for the answer would come here only after it
        assert not turn.done()
        actions.answering.set()
        assert await turn == ["From the action"]


class TestOneCommit:
    async def test_a_failed_commit_leaves_the_tracker_as_it_was(self, talk, monkeypatch):
        await talk.writes("book")
        before = talk.events()

        def broken(*_args: Any, **_more: Any) -> None:
            raise RuntimeError("at the very end")

        with monkeypatch.context() as patch:
            patch.setattr("clinic.turns.mark_handled", broken)
            with pytest.raises(RuntimeError):
                await talk.taps("Tuesday")
        assert talk.events() == before
        assert len(talk.sent()) == 1
        assert talk.reason is None
        # and the same message is answered by the next try
        await talk.conversation.next_turn(talk.contact)
        assert talk.sent()[-1].text == "Booked for 2026-11-24"

    async def test_an_endless_turn_goes_to_a_person(self, talk, monkeypatch):
        monkeypatch.setattr(talk.agent.processor, "max_number_of_predictions", 1)
        assert await talk.writes("twice") == [FAILED]
        assert talk.detail() == "endless"
