"""Committing a turn: everything or nothing, once."""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, List

import pytest
from sqlalchemy import select

import clinic.turns
from clinic.bubbles import Text
from clinic.contacts import ensure_contact
from clinic.crypto import encrypted_json
from clinic.database import Database
from clinic.handoffs import open_handoff
from clinic.models import Offer, Tracker
from clinic.turns import AlreadyHandled, TurnResult, commit_turn
from tests.message_log import ASHA, arrives, contact, handoffs, menu, messages, row

ID = "IN.13491208655302741918"
EVENTS: List[Dict[str, Any]] = [{"event": "user", "text": "घुटना"}, {"event": "slot", "value": 1}]


@pytest.fixture
def waiting(db: Database) -> Any:
    """A stored message that waits for its turn."""
    return messages(db, arrives(db, "my knee"))[0]


@pytest.fixture
def commit(db: Database, waiting: Any) -> Callable[..., None]:
    """`commit(handoff="media")`: a turn for the waiting message with these parts."""

    def run(**parts: Any) -> None:
        whole = {"message_id": waiting.id, "contact_id": waiting.contact_id, **parts}
        with db.transaction() as session:
            commit_turn(session, TurnResult(**whole))

    return run


def outgoing(db: Database) -> List[Any]:
    return [message for message in messages(db) if message.direction == "out"]


def tracker(db: Database, contact_id: int) -> Any:
    with db.reading() as session:
        found = session.get(Tracker, str(contact_id))
        return found.events if found else None


def test_a_turn_leaves_replies_tracker_language_and_a_handled_message(
    db: Database, waiting: Any, commit: Callable[..., None]
) -> None:
    commit(
        bubbles=[Text(text="one"), menu("Yes", "No")],
        tracker_events=EVENTS,
        intent="book",
        marks={"gate": "logistics"},
        language="hi",
        language_chosen=True,
    )
    assert [(m.text, m.cause) for m in outgoing(db)] == [
        ("one", f"turn:{waiting.id}:0"),
        ("Pick one", f"turn:{waiting.id}:1"),
    ]
    assert tracker(db, waiting.contact_id) == EVENTS
    handled = row(db, waiting.id)
    assert (handled.state, handled.intent) == ("handled", "book")
    assert handled.content["marks"] == {"gate": "logistics"}
    assert contact(db, waiting.contact_id).language == "hi"
    assert handoffs(db, waiting.contact_id) == []


def test_a_conversation_that_was_encrypted_beforehand_is_kept_as_one_that_was_not(
    db: Database, waiting: Any, commit: Callable[..., None]
) -> None:
    commit(tracker_events=encrypted_json(EVENTS))
    assert tracker(db, waiting.contact_id) == EVENTS


def test_a_turn_is_committed_once(db: Database, waiting: Any, commit: Callable[..., None]) -> None:
    commit(bubbles=[Text(text="one")], tracker_events=EVENTS)
    with pytest.raises(AlreadyHandled):
        commit(bubbles=[Text(text="two")], tracker_events=[], handoff="media")
    assert [m.text for m in outgoing(db)] == ["one"]
    assert tracker(db, waiting.contact_id) == EVENTS
    assert handoffs(db, waiting.contact_id) == []


def test_a_message_that_is_not_there_has_no_turn(commit: Callable[..., None]) -> None:
    with pytest.raises(AlreadyHandled):
        commit(message_id=987654, bubbles=[Text(text="one")])


@pytest.mark.parametrize(
    "step",
    [
        "is_muted",
        "plan",
        "open_handoff",
        "_keep_tracker",
        "remember_language",
        "mark_handled",
    ],
)
@pytest.mark.parametrize("after", [False, True])
def test_a_failure_at_any_step_leaves_nothing_and_the_repetition_everything(
    db: Database,
    waiting: Any,
    commit: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    after: bool,
) -> None:
    parts = {
        "bubbles": [menu("Yes"), Text(text="two")],
        "tracker_events": EVENTS,
        "handoff": "clinical",
        "language": "hi",
    }
    real = getattr(clinic.turns, step)

    def fails(session: Any, *values: Any, **named: Any) -> None:
        if after:
            real(session, *values, **named)
            session.flush()
        raise RuntimeError("the power went")

    with monkeypatch.context() as broken:
        broken.setattr(clinic.turns, step, fails)
        with pytest.raises(RuntimeError, match="power"):
            commit(**parts)
    assert outgoing(db) == []
    assert handoffs(db, waiting.contact_id) == []
    assert tracker(db, waiting.contact_id) is None
    assert row(db, waiting.id).state == "received"
    assert contact(db, waiting.contact_id).language == "en"
    with db.reading() as session:
        assert session.execute(select(Offer)).all() == []

    commit(**parts)
    assert [m.text for m in outgoing(db)] == ["Pick one", "two"]
    assert [h.reason for h in handoffs(db, waiting.contact_id)] == ["clinical"]
    assert tracker(db, waiting.contact_id) == EVENTS
    assert row(db, waiting.id).state == "handled"


@pytest.mark.parametrize("handoff", [None, "media", "unsure"])
def test_the_bot_is_silent_when_a_person_took_over_meanwhile(
    db: Database, waiting: Any, commit: Callable[..., None], handoff: Any
) -> None:
    with db.transaction() as session:
        open_handoff(session, waiting.contact_id, "request")
    commit(bubbles=[Text(text="the bot's answer")], tracker_events=EVENTS, handoff=handoff)
    assert outgoing(db) == []
    assert row(db, waiting.id).state == "handled"
    assert len(handoffs(db, waiting.contact_id)) == 1


def test_a_red_flag_is_answered_even_then_and_raises_the_priority(
    db: Database, waiting: Any, commit: Callable[..., None]
) -> None:
    with db.transaction() as session:
        open_handoff(session, waiting.contact_id, "request")
    commit(bubbles=[Text(text="Call 112")], handoff="red_flag", red_flag="stroke")
    assert [m.text for m in outgoing(db)] == ["Call 112"]
    only = handoffs(db, waiting.contact_id)[0]
    assert (only.priority, only.reason, only.red_flag) == ("urgent", "red_flag", "stroke")
    assert contact(db, waiting.contact_id).emergency_text_at is not None


def test_a_red_flag_without_its_text_does_not_count_as_said(
    db: Database, waiting: Any, commit: Callable[..., None]
) -> None:
    commit(bubbles=[], handoff="red_flag", red_flag="stroke")
    assert contact(db, waiting.contact_id).emergency_text_at is None
    assert handoffs(db, waiting.contact_id)[0].opened_by == f"message:{waiting.id}"


def test_a_conversation_can_be_forgotten(
    db: Database, waiting: Any, commit: Callable[..., None]
) -> None:
    with db.transaction() as session:
        session.add(Tracker(sender_id=str(waiting.contact_id), events=EVENTS))
    commit(handoff="media", forget=True, tracker_events=EVENTS)
    assert tracker(db, waiting.contact_id) is None


def test_without_events_rasa_remembers_what_it_did(
    db: Database, waiting: Any, commit: Callable[..., None]
) -> None:
    with db.transaction() as session:
        session.add(Tracker(sender_id=str(waiting.contact_id), events=EVENTS))
    commit(detail="silent")
    assert tracker(db, waiting.contact_id) == EVENTS


def test_the_answer_follows_a_contact_that_was_merged_meanwhile(db: Database) -> None:
    by_phone = arrives(db, "from my number")
    by_id = arrives(db, "from my user name", phone=None, bsuid=ID)
    with db.transaction() as session:
        session.add(Tracker(sender_id=str(by_phone), events=EVENTS))
    waiting = messages(db, by_id)[0]
    with db.transaction() as session:
        ensure_contact(session, ASHA, ID)
    result = TurnResult(waiting.id, by_id, [Text(text="answer")], tracker_events=[{"event": "x"}])
    with db.transaction() as session:
        commit_turn(session, result)
    assert [m.contact_id for m in outgoing(db)] == [by_phone], "the answer has no recipient"
    assert tracker(db, by_id) is None
    assert tracker(db, by_phone) == EVENTS


def test_of_processes_that_took_the_same_turn_one_commits(db: Database, waiting: Any) -> None:
    outcomes: List[str] = []
    gate = threading.Barrier(6)

    def take(number: int) -> None:
        result = TurnResult(
            waiting.id,
            waiting.contact_id,
            [Text(text=f"answer {number}")],
            tracker_events=[{"event": f"{number}"}],
        )
        gate.wait(10)
        try:
            with db.transaction() as session:
                commit_turn(session, result)
            outcomes.append(str(number))
        except AlreadyHandled:
            outcomes.append("elsewhere")

    threads = [threading.Thread(target=take, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [outcome for outcome in outcomes if outcome != "elsewhere"]
    assert len(outcomes) == 6
    assert len(winners) == 1
    assert [m.text for m in outgoing(db)] == [f"answer {winners[0]}"]
    assert tracker(db, waiting.contact_id) == [{"event": winners[0]}], "two turns were mixed"
