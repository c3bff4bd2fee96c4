"""What is kept of a conversation: bounded, and worth as much as all of it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    AllSlotsReset,
    BotUttered,
    ConversationPaused,
    ConversationResumed,
    Event,
    FollowupAction,
    LoopInterrupted,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
    deserialise_events,
)
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.memory import CUT_AT_TURNS, KEPT_PARSE, recalled, remembered

DOMAIN = Domain.from_yaml(
    """
intents: [greet, book, inform]
entities: [day]
slots:
  day: {type: text, mappings: [{type: custom}]}
  name: {type: text, initial_value: nobody, mappings: [{type: custom}]}
  wish: {type: any, mappings: [{type: custom}]}
  sure: {type: bool, mappings: [{type: custom}]}
  days: {type: list, mappings: [{type: custom}]}
forms:
  booking_form: {required_slots: [day, name]}
  moving_form: {required_slots: [day]}
actions: [action_book]
"""
)


def fresh() -> DialogueStateTracker:
    return DialogueStateTracker("7", DOMAIN.slots)


def told(words: str = "hello") -> UserUttered:
    parse = {"intent": {"name": "greet"}, "entities": [], "text": words}
    return UserUttered(words, parse["intent"], [], parse)


def start() -> list[Event]:
    return [
        ActionExecuted("action_session_start"),
        SessionStarted(),
        ActionExecuted("action_listen"),
    ]


VALUES = {
    "day": st.sampled_from([None, "2026-11-24", "2026-11-25"]),
    "name": st.sampled_from([None, "nobody", "Ravi"]),
    "wish": st.sampled_from([None, {"day": {"from": 1}}, [1, 2]]),
    "sure": st.sampled_from([None, True, False]),
    "days": st.sampled_from([None, [], ["mon"]]),
    "requested_slot": st.sampled_from([None, "day", "name"]),
}
ONE_EVENT = st.one_of(
    *(st.builds(SlotSet, st.just(name), value) for name, value in VALUES.items()),
    st.builds(ActiveLoop, st.sampled_from([None, "booking_form", "moving_form"])),
    st.builds(ActionExecuted, st.sampled_from(["action_book", "booking_form"])),
    st.builds(ActionExecutionRejected, st.just("booking_form")),
    st.builds(LoopInterrupted, st.booleans()),
    st.builds(FollowupAction, st.just("action_book")),
    st.builds(AllSlotsReset),
    st.builds(Restarted),
    st.builds(ConversationPaused),
    st.builds(ConversationResumed),
    st.builds(BotUttered, st.just("Which day?")),
    st.builds(UserUtteranceReverted),
)
# sessions long enough that memory is cut, and now and then a new one
NEW_SESSION = st.sampled_from([False] * 25 + [True])
TURNS = st.lists(
    st.tuples(st.lists(ONE_EVENT, max_size=3), NEW_SESSION),
    min_size=CUT_AT_TURNS + 2,
    max_size=3 * CUT_AT_TURNS,
)


def take_turn(tracker: DialogueStateTracker, events: list[Event], new_session: bool) -> None:
    before: list[Event] = start() if new_session or not tracker.events else []
    reverts = 0
    for event in [*before, told(), *events, ActionExecuted("action_listen")]:
        # a turn takes back its own words at most, as Rasa's fallback does
        if isinstance(event, UserUtteranceReverted):
            reverts += 1
            if reverts > 1:
                continue
        tracker.update(copy.deepcopy(event), DOMAIN)


def standing(tracker: DialogueStateTracker) -> dict[str, Any]:
    return {
        "slots": tracker.current_slot_values(),
        "loop": tracker.active_loop_name,
        "requested": tracker.get_slot("requested_slot"),
        "paused": tracker.is_paused(),
    }


@given(TURNS)
@settings(max_examples=120, deadline=None)
def test_a_bounded_memory_stands_where_the_whole_one_does(turns):
    whole, bounded = fresh(), fresh()
    for events, new_session in turns:
        take_turn(whole, events, new_session)
        take_turn(bounded, events, new_session)
        stored = json.loads(json.dumps(remembered(bounded, DOMAIN)))
        bounded = DialogueStateTracker.from_events("7", recalled(stored), DOMAIN.slots)
        assert standing(bounded) == standing(whole)
        assert sum(event["event"] == "user" for event in stored) <= CUT_AT_TURNS


@given(TURNS)
@settings(max_examples=30, deadline=None)
def test_what_is_recalled_is_what_rasa_would_read(turns):
    tracker = fresh()
    for events, new_session in turns:
        take_turn(tracker, events, new_session)
    stored = json.loads(json.dumps(remembered(tracker, DOMAIN)))
    ours, rasas = recalled(stored), deserialise_events(stored)
    assert [event.as_dict() for event in ours] == [event.as_dict() for event in rasas]


def test_an_event_that_rasa_does_not_have_is_refused():
    with pytest.raises(ValueError, match="no event fortune_told"):
        recalled([{"event": "fortune_told"}])


def test_three_hundred_turns_stay_small():
    tracker = fresh()
    sizes = []
    for n in range(300):
        events = [SlotSet("day", f"2026-11-{n % 28 + 1:02}"), ActionExecuted("action_book")]
        take_turn(tracker, events, n == 0)
        stored = remembered(tracker, DOMAIN)
        sizes.append(len(json.dumps(stored)))
        tracker = DialogueStateTracker.from_dict("7", stored, DOMAIN.slots)
    assert max(sizes[200:]) <= max(sizes[:60])
    assert len(tracker.events) <= 5 * (CUT_AT_TURNS + 2)
    assert tracker.get_slot("day") == "2026-11-20"


def test_an_open_form_survives_the_cut():
    tracker = fresh()
    opening = [ActiveLoop("booking_form"), SlotSet("requested_slot", "day")]
    take_turn(tracker, opening, True)
    for _ in range(30):
        take_turn(tracker, [], False)
    stored = remembered(tracker, DOMAIN)
    assert len(stored) < len(tracker.events)
    again = DialogueStateTracker.from_dict("7", stored, DOMAIN.slots)
    assert (again.active_loop_name, again.get_slot("requested_slot")) == ("booking_form", "day")


def test_only_the_last_session_is_kept():
    tracker = fresh()
    take_turn(tracker, [SlotSet("day", "2026-11-24")], True)
    take_turn(tracker, [], True)
    stored = remembered(tracker, DOMAIN)
    assert [e["event"] for e in stored] == ["action", "session_started", "action", "user", "action"]
    assert stored[0]["name"] == "action_session_start"
    assert DialogueStateTracker.from_dict("7", stored, DOMAIN.slots).get_slot("day") is None


def test_words_older_than_the_last_turns_are_gone():
    tracker = fresh()
    tracker.update(start()[0])
    tracker.update(told("my secret"))
    for _ in range(30):
        take_turn(tracker, [], False)
    assert "my secret" not in json.dumps(remembered(tracker, DOMAIN))


def test_of_the_parse_only_what_is_used_is_kept():
    tracker = fresh()
    parse = {name: {"name": "greet"} if name == "intent" else [] for name in KEPT_PARSE}
    ranking = [{"name": f"intent_{n}", "confidence": 0.01} for n in range(40)]
    tracker.update(
        UserUttered("hi", parse["intent"], [], {**parse, "intent_ranking": ranking, "extra": 1})
    )
    (event,) = remembered(tracker, DOMAIN)
    assert set(event["parse_data"]) == set(KEPT_PARSE)
    # the tracker itself is left as it was
    assert "intent_ranking" in tracker.latest_message.parse_data


@pytest.mark.parametrize("events", [[], [ActionExecuted("action_listen")]])
def test_a_conversation_that_never_began_is_remembered_as_such(events):
    tracker = fresh()
    for event in events:
        tracker.update(event)
    assert len(remembered(tracker, DOMAIN)) == len(events)
