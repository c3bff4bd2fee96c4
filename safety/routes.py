"""The one table of what the hard route says and what follows from it; the channel writes the
handoff row by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, FrozenSet, Optional, Text

EMERGENCY = "utter_emergency"
EMERGENCY_SELF_HARM = "utter_emergency_self_harm"
CLINICAL = "utter_handoff_clinical"
REQUEST = "utter_handoff_request"
UNSURE = "utter_handoff_unsure"
MEDIA = "utter_handoff_media"
FAILURE = "utter_handoff_failure"
CLARIFY = "utter_clarify"


@dataclass(frozen=True)
class Route:
    """What a response stands for: the reason of the handoff, or None where nobody is called."""

    reason: Optional[Text]

    @property
    def needs_handoff(self) -> bool:
        """Whether a person must take the conversation."""
        return self.reason is not None


ROUTES: Dict[Text, Route] = {
    EMERGENCY: Route("red_flag"),
    EMERGENCY_SELF_HARM: Route("red_flag"),
    CLINICAL: Route("clinical"),
    REQUEST: Route("request"),
    UNSURE: Route("unsure"),
    MEDIA: Route("media"),
    FAILURE: Route("failure"),
    CLARIFY: Route(None),
}

HANDOFF_RESPONSES: FrozenSet[Text] = frozenset(n for n, r in ROUTES.items() if r.needs_handoff)

CLINICAL_CONVERSATION_MAY_SEND: FrozenSet[Text] = HANDOFF_RESPONSES
"""Every response the bot itself may send to a conversation that became clinical, until staff hand
it back.
"""


def response_for(route: Text, red_flag: Optional[Text]) -> Text:
    """The response of a gate's route (`red_flag`, `clinical`, `request` or `unsure`).

    Raises:
        KeyError: there is no such route.
    """
    if route == "red_flag":
        return EMERGENCY_SELF_HARM if red_flag == "self_harm" else EMERGENCY
    return {"clinical": CLINICAL, "request": REQUEST, "unsure": UNSURE}[route]
