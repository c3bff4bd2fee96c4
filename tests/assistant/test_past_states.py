"""States that are kept are the states that Rasa works out anew, whatever happens in between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActionReverted,
    ActiveLoop,
    BotUttered,
    ConversationPaused,
    DefinePrevUserUtteredFeaturization,
    Event,
    FollowupAction,
    LoopInterrupted,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from rasa.shared.core.slots import Slot
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.past_states import _every_state, work_states_out_once

DOMAIN = Domain.from_yaml(
    """
    version: "3.1"
    intents: [greet, book]
    entities: [day]
    slots:
      language: {type: categorical, values: [en, hi], mappings: [{type: custom}]}
      day: {type: text, mappings: [{type: from_entity, entity: day}]}
      seen: {type: any, mappings: [{type: custom}]}
    actions: [utter_hours]
    forms: {booking_form: {required_slots: [day]}}
    """
)

_copy_of_rasa = DialogueStateTracker.copy


@pytest.fixture(autouse=True)
def worked_out_once() -> Iterator[None]:
    given_back = Domain.states_for_tracker_history, DialogueStateTracker.copy
    slot_copy = Slot.__dict__.get("__copy__")
    work_states_out_once()
    yield
    Domain.states_for_tracker_history, DialogueStateTracker.copy = given_back
    if slot_copy is None:
        del Slot.__copy__
    else:
        Slot.__copy__ = slot_copy


ACTIONS = st.sampled_from(["action_listen", "utter_hours", "booking_form"])
SAID = st.builds(
    lambda intent, day: UserUttered(
        "kal 5 baje", {"name": intent}, [{"entity": "day", "value": day}] if day else []
    ),
    st.sampled_from(["greet", "book", None]),
    st.sampled_from(["kal", None]),
)
EVENTS = st.one_of(
    SAID,
    ACTIONS.map(ActionExecuted),
    ACTIONS.map(ActionExecutionRejected),
    st.builds(SlotSet, st.just("language"), st.sampled_from(["en", "hi", None])),
    st.builds(SlotSet, st.sampled_from(["day", "seen"]), st.sampled_from(["kal", None])),
    st.sampled_from(["booking_form", None]).map(ActiveLoop),
    st.booleans().map(LoopInterrupted),
    st.booleans().map(DefinePrevUserUtteredFeaturization),
    st.sampled_from(["utter_hours", None]).map(FollowupAction),
    st.just("9 to 7").map(BotUttered),
    *(
        st.builds(kind)
        for kind in (
            ActionReverted,
            UserUtteranceReverted,
            Restarted,
            SessionStarted,
            ConversationPaused,
        )
    ),
)
STEPS = st.lists(st.lists(EVENTS, max_size=5), max_size=6)


def tracker_of(*events: Event) -> DialogueStateTracker:
    return DialogueStateTracker.from_events("1", list(events), DOMAIN.slots)


def spoil(states: list[Any]) -> None:
    # as Rasa's featurizer does with the latest, and more
    for state in states:
        for part in ("user", "slots"):
            state.get(part, {}).clear()


@given(STEPS)
def test_after_every_step_the_same_states(steps: list[list[Event]]) -> None:
    tracker = tracker_of()
    for events in steps:
        for event in events:
            tracker.update(event)
        expected = _every_state(DOMAIN, tracker)
        assert tracker.past_states(DOMAIN) == expected
        again = tracker.past_states(DOMAIN)
        assert again == expected
        spoil(again)


@given(st.lists(EVENTS, max_size=12))
def test_a_copy_is_what_rasa_copies(events: list[Event]) -> None:
    tracker = tracker_of(*events)
    tracker.past_states(DOMAIN)
    ours, rasas = tracker.copy(), _copy_of_rasa(tracker)
    # the slots are objects that are equal only to themselves
    facts = [
        {n: v for n, v in vars(c).items() if n not in ("slots", "_states_so_far")}
        for c in (ours, rasas)
    ]
    assert facts[0] == facts[1]
    assert {n: vars(s) for n, s in ours.slots.items()} == {
        n: vars(s) for n, s in rasas.slots.items()
    }
    assert ours.past_states(DOMAIN) == _every_state(DOMAIN, rasas)


def test_what_happens_to_a_copy_stays_there() -> None:
    tracker = tracker_of(UserUttered("hi", {"name": "greet"}), ActiveLoop("booking_form"))
    copy = tracker.copy()
    copy.update(SlotSet("day", "kal"))
    copy.update(LoopInterrupted(True))
    assert tracker.get_slot("day") is None
    assert tracker.active_loop and not tracker.active_loop.is_interrupted
    assert len(tracker.events) == 2


@pytest.mark.parametrize("by_words", [True, False])
def test_how_a_message_counts_is_decided_after_it_was_said(by_words: bool) -> None:
    tracker = tracker_of(UserUttered("kal", {"name": "book"}), ActionExecuted("action_listen"))
    first = tracker.past_states(DOMAIN)[0]
    assert first["user"] == {"text": "kal", "intent": "book"}
    tracker.update(DefinePrevUserUtteredFeaturization(by_words))
    first = tracker.past_states(DOMAIN)[0]
    assert first["user"] == ({"text": "kal"} if by_words else {"intent": "book"})


def test_a_prediction_goes_on_where_the_one_before_came_to(monkeypatch: Any) -> None:
    tracker = tracker_of(*([ActionExecuted("utter_hours")] * 5))
    tracker.past_states(DOMAIN)
    worked_out = []
    whole = Domain.get_active_state
    monkeypatch.setattr(
        Domain, "get_active_state", lambda *a, **k: worked_out.append(1) or whole(*a, **k)
    )
    tracker.update(ActionExecuted("action_listen"))
    assert len(tracker.past_states(DOMAIN)) == 7
    # the one before the new action, and the latest
    assert len(worked_out) == 2
