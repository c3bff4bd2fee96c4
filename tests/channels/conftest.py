"""A clinic's line: its database, a conversation over a stand-in for Rasa, and eyes on both."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from sqlalchemy import select

from assistant.tracker_store import ClinicTrackerStore
from channels.locks import ConversationLocks
from channels.texts import PatientTexts
from channels.whatsapp.conversation import Conversation
from channels.whatsapp.turns import Turns
from clinic.database import Database
from clinic.handoffs import unresolved_handoff
from clinic.inbound import Arrival, store_arrival
from clinic.models import Handoff, Message
from clinic.profile import Profile
from clinic.setup import write_profile
from tests.at_the_clinic import OpenFacts, domain_texts
from tests.channels.webhook_server import Server

DOMAIN = """
intents: [greet, book, inform]
entities: [language]
slots:
  language:
    type: text
    influence_conversation: false
    mappings: [{type: from_entity, entity: language}]
responses:
  utter_said: [{text: said}]
  utter_more_row: [{text: More}]
"""
ASHA = "+919000000101"
_wamids = itertools.count(1)


class StandIn:
    """Stands in for Rasa: repeats what it was given, and commits as Rasa's tracker store does.

    `before` is awaited with every message, before the answer; `answer` makes the response;
    `gate` reads a text as the clinical gate does, and names it `intent`.
    """

    def __init__(self, db: Database) -> None:
        self.heard: list[UserMessage] = []
        self.read: list[str] = []
        self.before: Callable[[UserMessage], Any] | None = None
        self.answer: Callable[[UserMessage], dict[str, Any]] = _echo
        self.gate: Callable[[str], dict[str, Any]] = lambda text: {}
        self.intent: str | None = None
        self.store = ClinicTrackerStore(Domain.from_yaml(DOMAIN), clinic_database=db)

    @property
    def texts(self) -> list[str]:
        return [str(message.text) for message in self.heard]

    async def handle(self, message: UserMessage) -> None:
        self.heard.append(message)
        if self.before is not None:
            await self.before(message)
        tracker = await self.store.get_or_create_tracker(message.sender_id)
        parse = message.parse_data or {"intent": {"name": None}, "entities": []}
        tracker.update(UserUttered(message.text, parse["intent"], parse["entities"], parse))
        await message.output_channel.send_response(message.sender_id, self.answer(message))
        tracker.update(ActionExecuted("utter_said"))
        tracker.update(ActionExecuted("action_listen"))
        await self.store.save(tracker)

    async def parse(self, message: UserMessage) -> dict[str, Any]:
        self.read.append(str(message.text))
        gate = self.gate(str(message.text))
        return {"text": message.text, "gate": gate, "intent": {"name": self.intent}}


def _echo(message: UserMessage) -> dict[str, Any]:
    return {"text": f"You said: {message.text}"}


class Line:
    """What a test does with a clinic's line, and sees of it."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.rasa = StandIn(db)
        self.ticked: list[str] = []
        self.texts = PatientTexts(domain_texts(), OpenFacts(db))
        self.conversation = Conversation(
            db, self.rasa.handle, self.rasa.parse, self.texts, self.ticked.append
        )

    def arrives(
        self, text: str | None = "Hello", kind: str = "text", phone: str = ASHA, **more: Any
    ) -> int:
        """Store a message, as the receiver does; the contact's id."""
        arrival = Arrival(f"wamid.{next(_wamids)}", kind, phone=phone, text=text)
        with self.db.transaction() as session:
            contact = store_arrival(session, replace(arrival, **more))
        assert contact is not None
        return contact

    def taps(self, token: str, title: str, phone: str = ASHA) -> int:
        """Store a tap on a button of that id."""
        tap = {"id": token, "title": title, "source": "button_reply"}
        return self.arrives(title, "tap", phone, content={"type": "interactive", "tap": tap})

    async def works_off(self, contact: int, most: int = 50) -> list[str]:
        """Take turns until nothing waits; how each ended."""
        outcomes: list[str] = []
        while len(outcomes) < most:
            outcome = await self.conversation.next_turn(contact)
            if outcome is None:
                return outcomes
            outcomes.append(outcome)
        raise AssertionError(f"no end of turns: {outcomes[-3:]}")

    def messages(self, contact: int, direction: str) -> list[Message]:
        query = select(Message).where(Message.contact_id == contact, Message.direction == direction)
        with self.db.reading() as session:
            return list(session.execute(query.order_by(Message.id)).scalars())

    def sent(self, contact: int) -> list[Message]:
        """What was planned for a contact, in order, less the notice (`test_channel_notice`)."""
        return [m for m in self.messages(contact, "out") if m.purpose != "notice"]

    def notices(self, contact: int) -> list[Message]:
        """What was put before a contact after an answer: the notice, or who decides."""
        return [m for m in self.messages(contact, "out") if m.purpose == "notice"]

    def said(self, contact: int) -> list[str]:
        """The words of what was planned for a contact, in order."""
        return [str(message.text) for message in self.sent(contact)]

    def states(self, contact: int) -> list[str]:
        """The state of each message of the contact, in order."""
        return [str(message.state) for message in self.messages(contact, "in")]

    def buttons(self, contact: int, which: int = -1) -> dict[str, str]:
        """Title and id of the buttons of one bubble (the newest)."""
        return {
            str(choice["title"]): str(choice["id"])
            for choice in self.sent(contact)[which].content["choices"]
        }

    def handoff(self, contact: int) -> Handoff | None:
        with self.db.reading() as session:
            return unresolved_handoff(session, contact)

    def turns(self, locks: ConversationLocks | None = None, **more: Any) -> Turns:
        """The thread that works conversations off; the test starts and stops it."""
        return Turns(self.db, self.conversation, locks or ConversationLocks(), **more)

    def text(self, name: str, language: str = "en") -> str:
        return self.texts.say(name, language)


@pytest.fixture
def line(sqlite_db: Database, demo_profile: Profile) -> Line:
    """A line on SQLite."""
    write_profile(sqlite_db, demo_profile)
    return Line(sqlite_db)


@pytest.fixture
def new_line() -> Callable[[Database], Line]:
    """`new_line(db)`: another process's line on the same database."""
    return Line


@pytest.fixture
def postgres_line(postgres_db: Database, demo_profile: Profile) -> Line:
    """A line on PostgreSQL."""
    write_profile(postgres_db, demo_profile)
    return Line(postgres_db)


@pytest.fixture(params=["line", "postgres_line"])
def any_line(request: pytest.FixtureRequest) -> Any:
    """A line, once on each engine."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def until() -> Callable[..., None]:
    """`until(condition)`: wait for something another thread does."""

    def wait(condition: Callable[[], Any], seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not come about in time"
            time.sleep(0.02)

    return wait


@pytest.fixture
def started() -> Iterator[Callable[[Turns], Turns]]:
    """`started(turns)`: turns that run until the end of the test."""
    running: list[Turns] = []

    def start(turns: Turns) -> Turns:
        running.append(turns)
        turns.start()
        return turns

    yield start
    for turns in running:
        turns.stop()


@pytest.fixture
def serve() -> Iterator[Callable[[Any], Server]]:
    """`serve(line)`: a running server over a line."""
    running: list[Server] = []

    def start(line: Any) -> Server:
        running.append(Server(line).start())
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def server(line: Line, serve: Callable[[Any], Server]) -> Server:
    """A running server over a line on SQLite."""
    return serve(line)
