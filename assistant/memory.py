"""What of a conversation is kept between turns: the last turns whole, of the older the outcome.

A tracker with its whole history makes every turn dearer than the one before. What is older than
the last turns lives on as its result: the slots it set and the form it left open.
"""

from __future__ import annotations

import functools
from typing import Any, Dict, List, Type

from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActiveLoop,
    ConversationPaused,
    Event,
    LoopInterrupted,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.utils.common import all_subclasses

# an action looks back at the answer before the latest message; every turn more makes each message
# dearer (`make bench`)
KEPT_TURNS = 2
CUT_AT_TURNS = 4

# of Rasa's reading of a message: what policies and actions use
KEPT_PARSE = ("intent", "entities", "text", "message_id", "metadata", "gate", "tap")


def remembered(tracker: DialogueStateTracker, domain: Domain) -> List[Dict[str, Any]]:
    """The events to store for a tracker, oldest first, as plain dictionaries."""
    return [_slim(event.as_dict()) for event in _recent(tracker, domain)]


def recalled(stored: List[Dict[str, Any]]) -> List[Event]:
    """The events that `remembered` gave.

    Rasa's own way goes through all kinds of events for each event, a fifth of a turn's time.

    Raises:
        ValueError: an event is of a kind that Rasa does not have.
    """
    kinds = _kinds()
    events = []
    for facts in stored:
        kind = kinds.get(facts["event"])
        if kind is None:
            raise ValueError(f"there is no event {facts['event']}")
        event = kind._from_parameters(facts)
        if event is not None:
            events.append(event)
    return events


@functools.lru_cache(maxsize=1)
def _kinds() -> Dict[str, Type[Event]]:
    # of two that bear one name Rasa takes the first
    return {kind.type_name: kind for kind in reversed(all_subclasses(Event))}


def _recent(tracker: DialogueStateTracker, domain: Domain) -> List[Event]:
    events = _of_this_session(list(tracker.events))
    turns = [index for index, event in enumerate(events) if isinstance(event, UserUttered)]
    if len(turns) <= CUT_AT_TURNS:
        return events
    cut = turns[-KEPT_TURNS]
    if cut and _is_listen(events[cut - 1]):
        cut -= 1
    past = DialogueStateTracker.from_events(tracker.sender_id, events[:cut], slots=domain.slots)
    return _outcome_of(past, domain) + events[cut:]


def _of_this_session(events: List[Event]) -> List[Event]:
    for index in range(len(events) - 1, 0, -1):
        if isinstance(events[index], SessionStarted):
            return events[index - 1 :]
    return events


def _is_listen(event: Event) -> bool:
    return isinstance(event, ActionExecuted) and event.action_name == ACTION_LISTEN_NAME


def _outcome_of(past: DialogueStateTracker, domain: Domain) -> List[Event]:
    """Events that bring a fresh tracker to where `past` stands."""
    initial = {slot.name: slot.initial_value for slot in domain.slots}
    outcome: List[Event] = [SessionStarted()]
    for name, value in past.current_slot_values().items():
        if value != initial.get(name):
            outcome.append(SlotSet(name, value))
    if past.active_loop is not None and past.active_loop_name is not None:
        outcome.append(ActiveLoop(past.active_loop_name))
        if past.active_loop.is_interrupted:
            outcome.append(LoopInterrupted(True))
    if past.is_paused():
        outcome.append(ConversationPaused())
    return outcome


def _slim(event: Dict[str, Any]) -> Dict[str, Any]:
    if event.get("event") == "user" and event.get("parse_data"):
        parse = event["parse_data"]
        event["parse_data"] = {name: parse[name] for name in KEPT_PARSE if name in parse}
    return event
