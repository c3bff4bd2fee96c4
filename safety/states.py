"""Every state a dialogue can be in when a message arrives, as tracker events, read from the
domain.
"""

from __future__ import annotations

from typing import Dict, List, Text

from rasa.shared.core.constants import ACTION_LISTEN_NAME, REQUESTED_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered

from safety.policy import CLARIFIED, TAP


def dialogue_states(domain: Domain) -> Dict[Text, List[Event]]:
    """Name → events that end with the bot listening: a fresh contact, an answered one, a clarified
    one, each question of each form.
    """
    before: List[Event] = [
        ActionExecuted(ACTION_LISTEN_NAME),
        # a tap of a button we offered: the one message that needs no mark
        UserUttered("tap", {"name": "book", "confidence": 1.0}, parse_data={TAP: True}),
    ]
    states: Dict[Text, List[Event]] = {
        "fresh contact": [ActionExecuted(ACTION_LISTEN_NAME)],
        "after an answer": [
            *before,
            ActionExecuted("utter_menu"),
            ActionExecuted(ACTION_LISTEN_NAME),
        ],
        "after the clarifying menu": [
            *before,
            ActionExecuted("utter_clarify"),
            SlotSet(CLARIFIED, True),
            ActionExecuted(ACTION_LISTEN_NAME),
        ],
    }
    for form in domain.forms:
        for slot in domain.required_slots_for_form(form):
            states[f"{form}: {slot}"] = [
                *before,
                ActionExecuted(form),
                ActiveLoop(form),
                SlotSet(REQUESTED_SLOT, slot),
                ActionExecuted(ACTION_LISTEN_NAME),
            ]
    return states
