"""The policy that nothing outranks: it acts on the gate's mark, in every state of every
conversation.

Loop predictions of forms are "no user" predictions and beat any policy's priority; so this policy
answers with the same kind,
leaves the form, and forgets what the form has collected (slots are filled before policies run). It
utters a fixed response
by name and needs no custom action: it works with the action server dead. The handoff row is written
by the channel, by
`safety.routes`. A message without a mark, unless it is a tap on a button we offered, goes to a
person.
"""

from __future__ import annotations

import logging
from typing import Any, Dict, List, Mapping, Optional, Text

import regex
from rasa.core.policies.policy import (
    InvalidPolicyConfig,
    Policy,
    PolicyPrediction,
    SupportedData,
    confidence_scores_for,
)
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.constants import ACTION_LISTEN_NAME, REQUESTED_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActiveLoop, Event, SlotSet
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker

from safety.component import GATE
from safety.decision import UNSURE
from safety.routes import CLARIFY, ROUTES, response_for
from safety.routes import UNSURE as UNSURE_RESPONSE

logger = logging.getLogger(__name__)

CLARIFIED = "clarified"
TAP = "tap"
_NAME = regex.compile(r"[\p{L}\p{M}]+(?:['.\- ]+[\p{L}\p{M}]+){0,3}\.?")


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True
)
class HardRoutePolicy(Policy):
    """Sends red flags, clinical, requested and unsure messages to a person; abstains otherwise."""

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """`free_text_slots`: slots whose question is answered in the patient's own words."""
        return {
            "priority": 1000,
            "free_text_slots": ["patient_name", "cancel_reason", "guardian_name"],
        }

    @staticmethod
    def supported_data() -> SupportedData:
        """It learns nothing from stories or rules."""
        return SupportedData.ML_AND_RULE_DATA

    def __init__(
        self,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        featurizer: Optional[Any] = None,
    ) -> None:
        """Made by `create` or `load`."""
        config = {**self.get_default_config(), **config}
        super().__init__(config, model_storage, resource, execution_context, featurizer)

    def train(
        self,
        training_trackers: List[TrackerWithCachedStates],
        domain: Domain,
        **kwargs: Any,
    ) -> Resource:
        """Nothing to train; refuse a domain that lacks what the policy says.

        Raises:
            InvalidPolicyConfig: a response or the slot `clarified` is missing.
        """
        missing = sorted(name for name in ROUTES if name not in domain.action_names_or_texts)
        if missing:
            raise InvalidPolicyConfig(f"the domain lacks responses of the hard route: {missing}")
        if CLARIFIED not in {slot.name for slot in domain.slots}:
            raise InvalidPolicyConfig(f"the domain lacks the slot '{CLARIFIED}'")
        return self._resource

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: Optional[Dict[Text, Any]] = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """The fixed response for a message that must not be answered by the bot, else an
        abstention.
        """
        message = tracker.latest_message
        if message is None or (message.text is None and not message.intent):
            return self._abstain(domain)
        parsed: Mapping[Text, Any] = message.parse_data or {}
        if parsed.get(TAP):
            return self._abstain(domain, self._sure(tracker))
        gate = parsed.get(GATE) or {"route": UNSURE, "may_clarify": False}
        if not gate.get("route") and not gate.get("clinical"):
            return self._abstain(domain, self._sure(tracker))
        if tracker.latest_action_name != ACTION_LISTEN_NAME:
            said = tracker.latest_action_name in ROUTES
            return self._say(ACTION_LISTEN_NAME, domain) if said else self._abstain(domain)
        return self._route(gate, tracker, domain)

    def _route(
        self, gate: Mapping[Text, Any], tracker: DialogueStateTracker, domain: Domain
    ) -> PolicyPrediction:
        route = gate.get("route") or "clinical"
        if route != UNSURE:
            return self._hand_off(response_for(route, gate.get("red_flag")), domain)
        in_form = tracker.active_loop_name is not None
        may_clarify = bool(gate.get("may_clarify"))
        if in_form and self._is_free_text(gate, tracker):
            return self._abstain(domain, self._sure(tracker))
        if not may_clarify or tracker.get_slot(CLARIFIED):
            return self._hand_off(UNSURE_RESPONSE, domain)
        if in_form:
            return self._abstain(domain, [SlotSet(CLARIFIED, True)])
        return self._say(CLARIFY, domain, [SlotSet(CLARIFIED, True)])

    def _is_free_text(self, gate: Mapping[Text, Any], tracker: DialogueStateTracker) -> bool:
        """A question for a name or a reason, and words that look like a name and carry no clinical
        trace.
        """
        if tracker.get_slot(REQUESTED_SLOT) not in self.config["free_text_slots"]:
            return False
        text = ((tracker.latest_message and tracker.latest_message.text) or "").strip()
        return not gate.get("trace", True) and bool(_NAME.fullmatch(text))

    def _hand_off(self, response: Text, domain: Domain) -> PolicyPrediction:
        return self._say(response, domain, [*forget_forms(domain), SlotSet(CLARIFIED, False)])

    def _say(
        self, action: Text, domain: Domain, events: Optional[List[Event]] = None
    ) -> PolicyPrediction:
        scores = confidence_scores_for(action, 1.0, domain)
        return self._prediction(scores, optional_events=events, is_no_user_prediction=True)

    def _abstain(self, domain: Domain, events: Optional[List[Event]] = None) -> PolicyPrediction:
        return self._prediction(self._default_predictions(domain), events=events)

    @staticmethod
    def _sure(tracker: DialogueStateTracker) -> List[Event]:
        return [SlotSet(CLARIFIED, False)] if tracker.get_slot(CLARIFIED) else []


def forget_forms(domain: Domain) -> List[Event]:
    """Leave the active form and empty every slot that any form asks for."""
    slots = sorted({slot for form in domain.forms for slot in domain.required_slots_for_form(form)})
    return [
        ActiveLoop(None),
        SlotSet(REQUESTED_SLOT, None),
        *(SlotSet(slot, None) for slot in slots),
    ]
