"""The tracker store: a turn commits once and whole, and nothing of it can be read in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig
from sqlalchemy import select

from assistant.tracker_store import ClinicTrackerStore
from channels.turn import Turn, current_turn
from clinic.bubbles import Choice, Choices, Text
from clinic.handoffs import unresolved_handoff
from clinic.inbound import Arrival, store_arrival
from clinic.models import Contact, Message, Tracker
from clinic.turns import AlreadyHandled, TurnResult, commit_turn
from safety.routes import ROUTES

DOMAIN = Domain.from_yaml(
    """
intents: [greet, language_switch]
entities: [language]
slots:
  language: {type: text, mappings: [{type: from_entity, entity: language}]}
  name: {type: text, mappings: [{type: custom}]}
responses:
  utter_more_row: [{text: More}]
"""
)
SECRET = "Ramanujan has a goldfish"


@pytest.fixture
def store(db) -> ClinicTrackerStore:
    return ClinicTrackerStore(DOMAIN, clinic_database=db)


@pytest.fixture
def begin(db):
    """`begin("Hello")`: the turn of a message that just came, made current."""

    def start(text: str = "Hello") -> Turn:
        with db.transaction() as session:
            number = len(session.query(Message.id).all())
            contact = store_arrival(
                session, Arrival(f"wamid.{number}", "text", phone="+919000000601", text=text)
            )
        with db.reading() as session:
            message = session.execute(select(Message.id).order_by(Message.id.desc())).scalars()
            turn = Turn(int(message.first()), int(contact), "en")
        current_turn.set(turn)  # of the task that the test runs in
        return turn

    return start


def say(tracker: DialogueStateTracker, *actions: str, intent: str = "greet", **gate: Any) -> None:
    parse = {"intent": {"name": intent}, "entities": [], "gate": gate}
    tracker.update(UserUttered(SECRET, parse["intent"], [], parse))
    for action in actions or ("utter_greet",):
        tracker.update(ActionExecuted(action))
    tracker.update(ActionExecuted("action_listen"))


async def tracker_of(store: ClinicTrackerStore, turn: Turn) -> DialogueStateTracker:
    return await store.get_or_create_tracker(str(turn.contact_id))


class TestRasasWay:
    async def test_a_tracker_comes_back_as_it_was_saved(self, store):
        tracker = await store.create_tracker("7")
        say(tracker)
        tracker.update(SlotSet("name", "Ravi"))
        tracker.update(BotUttered("Hello"))
        await store.save(tracker)
        again = await store.retrieve("7")
        assert again == tracker
        assert again.current_slot_values() == tracker.current_slot_values()

    async def test_an_unknown_one_is_nobody(self, store):
        assert await store.retrieve("7") is None
        assert list(await store.keys()) == []

    async def test_keys_are_the_conversations(self, store):
        for sender in ("7", "8"):
            await store.save(await store.create_tracker(sender))
        assert sorted(await store.keys()) == ["7", "8"]

    async def test_rasa_makes_it_from_endpoints_yml(self, db, monkeypatch):
        monkeypatch.setattr("assistant.tracker_store.database", lambda: db)
        config = EndpointConfig(type="assistant.tracker_store.ClinicTrackerStore")
        assert isinstance(TrackerStore.create(config, DOMAIN), ClinicTrackerStore)

    async def test_creating_writes_nothing(self, store):
        await store.get_or_create_tracker("7")
        assert await store.retrieve("7") is None


class TestCommit:
    async def test_everything_of_a_turn_at_once(self, store, begin, db):
        turn = begin()
        turn.bubbles += [Text(text="Hello"), Text(text="there")]
        tracker = await tracker_of(store, turn)
        say(tracker, why=["greeting"])
        await store.save(tracker)
        assert turn.committed
        with db.reading() as session:
            inbound, out = session.query(Message).order_by(Message.id)
            assert (inbound.state, inbound.intent) == ("handled", "greet")
            assert inbound.content["marks"] == {"why": ["greeting"]}
            assert (out.text, out.cause) == ("Hello\n\nthere", f"turn:{turn.message_id}:0")
            assert session.get(Tracker, str(turn.contact_id)).events
            assert unresolved_handoff(session, turn.contact_id) is None

    @pytest.mark.parametrize("response", [n for n, r in ROUTES.items() if r.needs_handoff])
    async def test_a_handoffs_text_opens_it(self, store, begin, db, response):
        turn = begin()
        turn.bubbles.append(Text(text="A person will answer"))
        tracker = await tracker_of(store, turn)
        say(tracker, response, red_flag="chest_pain")
        await store.save(tracker)
        with db.reading() as session:
            handoff = unresolved_handoff(session, turn.contact_id)
            assert handoff.reason == ROUTES[response].reason
            expected = "chest_pain" if handoff.reason == "red_flag" else None
            assert handoff.red_flag == expected
            assert handoff.opened_by == f"message:{turn.message_id}"

    async def test_a_handoff_of_an_earlier_turn_opens_nothing(self, store, begin, db):
        turn = begin()
        turn.bubbles.append(Text(text="Hello"))
        tracker = await tracker_of(store, turn)
        say(tracker, "utter_handoff_request")
        say(tracker, "utter_greet")
        await store.save(tracker)
        with db.reading() as session:
            assert unresolved_handoff(session, turn.contact_id) is None

    async def test_the_language_is_remembered(self, store, begin, db):
        turn = begin()
        turn.bubbles.append(Text(text="नमस्ते"))
        tracker = await tracker_of(store, turn)
        tracker.update(SlotSet("language", "hi"))
        say(tracker, intent="language_switch")
        tracker.update(SlotSet("language", "hi"))
        await store.save(tracker)
        with db.reading() as session:
            contact = session.get(Contact, turn.contact_id)
            assert (contact.language, contact.language_chosen) == ("hi", True)

    async def test_a_long_list_gets_its_more_row(self, store, begin, db):
        turn = begin()
        rows = [Choice(title=f"Row {n}", payload=f"/r{n}") for n in range(14)]
        turn.bubbles.append(Choices(text="Which?", choices=rows, opener="Choose"))
        tracker = await tracker_of(store, turn)
        say(tracker)
        await store.save(tracker)
        with db.reading() as session:
            out = session.query(Message).filter_by(direction="out").one()
            assert [c["title"] for c in out.content["choices"]][-1] == "More"
            assert len(out.content["choices"]) == 10

    @pytest.mark.parametrize("why", ["failed", "silent", "endless"])
    async def test_a_turn_that_failed_is_not_committed(self, store, begin, db, why):
        turn = begin()
        if why != "silent":
            turn.bubbles.append(Text(text="Half an answer"))
        if why == "failed":
            turn.fail("action")
        tracker = await tracker_of(store, turn)
        say(tracker)
        if why == "endless":
            tracker.update(ActionExecuted("utter_greet"))
        await store.save(tracker)
        assert not turn.committed
        assert turn.failure == {"failed": "action", "silent": "silence"}.get(why, "endless")
        with db.reading() as session:
            assert [m.state for m in session.query(Message)] == ["received"]
            assert session.query(Tracker).count() == 0

    async def test_of_two_processes_the_second_is_refused_whole(self, store, begin, db):
        turn = begin()
        with db.transaction() as session:
            commit_turn(
                session,
                TurnResult(turn.message_id, turn.contact_id, bubbles=[Text(text="first")]),
            )
        turn.bubbles += [Text(text="second"), Text(text="and third")]
        tracker = await tracker_of(store, turn)
        say(tracker)
        with pytest.raises(AlreadyHandled):
            await store.save(tracker)
        assert not turn.committed
        with db.reading() as session:
            assert [m.text for m in session.query(Message).filter_by(direction="out")] == ["first"]
            assert session.query(Tracker).count() == 0

    @pytest.mark.parametrize(
        "step", ["_plan_replies", "open_handoff", "_keep_tracker", "remember_language"]
    )
    async def test_a_failure_at_any_step_leaves_nothing(self, store, begin, db, monkeypatch, step):
        turn = begin()
        turn.bubbles.append(Text(text="Hello"))
        tracker = await tracker_of(store, turn)
        say(tracker, "utter_handoff_request")
        tracker.update(SlotSet("language", "hi"))

        def broken(*_args: Any, **_more: Any) -> None:
            raise RuntimeError(step)

        with monkeypatch.context() as patch:
            patch.setattr(f"clinic.turns.{step}", broken)
            with pytest.raises(RuntimeError, match=step):
                await store.save(tracker)
        assert not turn.committed
        with db.reading() as session:
            assert [m.state for m in session.query(Message)] == ["received"]
            assert session.query(Tracker).count() == 0
            assert unresolved_handoff(session, turn.contact_id) is None
        await store.save(tracker)
        assert turn.committed


async def test_nothing_of_it_can_be_read_in_the_file(sqlite_db):
    store = ClinicTrackerStore(DOMAIN, clinic_database=sqlite_db)
    tracker = await store.create_tracker("7")
    say(tracker)
    tracker.update(SlotSet("name", "Ramanujan"))
    await store.save(tracker)
    file = Path(str(sqlite_db.url.database))
    raw = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    assert len(raw) > 1000
    # as it stands in an event; the schema itself says user_preferences
    for words in (b"Ramanujan", b"goldfish", b"utter_greet", b'"user"'):
        assert raw.count(words) == 0, words
    assert (await store.retrieve("7")).get_slot("name") == "Ramanujan"
