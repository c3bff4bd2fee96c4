"""The policy that nothing outranks, on hand-made trackers in every state of a dialogue."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, Optional, Tuple

import pytest
from rasa.core.policies.ensemble import DefaultPolicyPredictionEnsemble
from rasa.core.policies.policy import InvalidPolicyConfig, PolicyPrediction, confidence_scores_for
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from safety.policy import HardRoutePolicy
from safety.routes import CLINICAL_CONVERSATION_MAY_SEND, HANDOFF_RESPONSES, ROUTES
from safety.states import dialogue_states

DOMAIN = Domain.from_yaml(
    """
version: "3.1"
intents: [book, pain_report]
slots:
  clarified: {type: bool, influence_conversation: false, mappings: [{type: custom}]}
  patient_name: {type: text, influence_conversation: false, mappings: [{type: from_text}]}
  cancel_reason: {type: text, influence_conversation: false, mappings: [{type: from_text}]}
  day: {type: text, influence_conversation: false, mappings: [{type: from_text}]}
forms:
  booking_form: {required_slots: [day, patient_name]}
  cancel_form: {required_slots: [cancel_reason]}
responses:
  utter_menu: [{text: menu}]
"""
    + "".join(f"  {name}: [{{text: x}}]\n" for name in ROUTES)
)
STATES = dialogue_states(DOMAIN)


@pytest.fixture
def policy(tmp_path: Path) -> HardRoutePolicy:
    context = SimpleNamespace(is_finetuning=False, node_name="hard")
    return HardRoutePolicy({}, LocalModelStorage(tmp_path), Resource("hard"), context)  # type: ignore[arg-type]


def mark(route: Optional[str], **more: Any) -> Dict[str, Any]:
    return {
        "clinical": route in ("clinical", "red_flag"),
        "route": route,
        "red_flag": None,
        "may_clarify": False,
        "trace": True,
        **more,
    }


def after(
    state: List[Event], text: str, gate: Optional[Dict[str, Any]], **parse: Any
) -> DialogueStateTracker:
    parsed = {**({"gate": gate} if gate else {}), **parse}
    said = UserUttered(text, {"name": "book", "confidence": 0.9}, parse_data=parsed)
    return DialogueStateTracker.from_events("x", [*state, said], slots=copy.deepcopy(DOMAIN.slots))


def chosen(prediction: PolicyPrediction) -> Optional[str]:
    if prediction.max_confidence == 0:
        return None
    return str(DOMAIN.action_names_or_texts[prediction.max_confidence_index])


def predict(
    policy: HardRoutePolicy, tracker: DialogueStateTracker
) -> Tuple[Optional[str], PolicyPrediction]:
    prediction = policy.predict_action_probabilities(tracker, DOMAIN)
    return chosen(prediction), prediction


ROUTED = [
    (mark("clinical"), "utter_handoff_clinical"),
    (mark("red_flag", red_flag="chest_pain"), "utter_emergency"),
    (mark("red_flag", red_flag="self_harm"), "utter_emergency_self_harm"),
    (mark("request"), "utter_handoff_request"),
    (mark("unsure"), "utter_handoff_unsure"),
]


@pytest.mark.parametrize("state", STATES, ids=str)
@pytest.mark.parametrize(("gate", "response"), ROUTED)
def test_every_state_hands_off(
    policy: HardRoutePolicy, state: str, gate: Dict[str, Any], response: str
) -> None:
    tracker = after(STATES[state], "x 1", gate)
    action, prediction = predict(policy, tracker)
    assert action == response
    # the form's own prediction is of the "no user" kind and would win against any priority
    # otherwise
    form = PolicyPrediction(
        confidence_scores_for("booking_form", 1.0, DOMAIN),
        "RulePolicy",
        1,
        is_no_user_prediction=True,
    )
    won = DefaultPolicyPredictionEnsemble().combine_predictions([form, prediction], tracker, DOMAIN)
    assert chosen(won) == response


@pytest.mark.parametrize("state", [s for s in STATES if "form" in s], ids=str)
def test_the_form_is_left_and_forgets(policy: HardRoutePolicy, state: str) -> None:
    filled = [*STATES[state][:-1], SlotSet("patient_name", "my knee hurts"), STATES[state][-1]]
    tracker = after(filled, "my knee hurts", mark("clinical"))
    _, prediction = predict(policy, tracker)
    for event in prediction.optional_events:
        tracker.update(event)
    assert tracker.active_loop_name is None
    assert all(
        tracker.get_slot(s) is None
        for s in ("requested_slot", "patient_name", "day", "cancel_reason")
    )
    tracker.update(ActionExecuted("utter_handoff_clinical"))
    action, second = predict(policy, tracker)
    assert action == "action_listen"
    assert second.is_no_user_prediction


@pytest.mark.parametrize("state", STATES, ids=str)
def test_sure_logistics_is_left_to_the_rules(policy: HardRoutePolicy, state: str) -> None:
    assert predict(policy, after(STATES[state], "kal", mark(None)))[0] is None


def test_a_short_unsure_message_gets_the_menu_once(policy: HardRoutePolicy) -> None:
    gate = mark("unsure", may_clarify=True, trace=False)
    action, prediction = predict(policy, after(STATES["fresh contact"], "hmm", gate))
    assert action == "utter_clarify"
    assert SlotSet("clarified", True) in prediction.optional_events
    action, _ = predict(policy, after(STATES["after the clarifying menu"], "hmm", gate))
    assert action == "utter_handoff_unsure"


def test_after_the_menu_the_bot_listens(policy: HardRoutePolicy) -> None:
    tracker = after(STATES["fresh contact"], "hmm", mark("unsure", may_clarify=True))
    tracker.update(ActionExecuted("utter_clarify"))
    assert predict(policy, tracker)[0] == "action_listen"


def test_a_sure_message_forgets_the_menu(policy: HardRoutePolicy) -> None:
    _, prediction = predict(policy, after(STATES["after the clarifying menu"], "kal", mark(None)))
    assert prediction.events == [SlotSet("clarified", False)]


def test_in_a_form_unsure_is_asked_again_then_handed_off(policy: HardRoutePolicy) -> None:
    gate = mark("unsure", may_clarify=True, trace=False)
    action, prediction = predict(policy, after(STATES["booking_form: day"], "hmm", gate))
    assert (action, prediction.events) == (None, [SlotSet("clarified", True)])
    again = [
        *STATES["booking_form: day"][:-1],
        SlotSet("clarified", True),
        ActionExecuted("action_listen"),
    ]
    assert predict(policy, after(again, "hmm", gate))[0] == "utter_handoff_unsure"


@pytest.mark.parametrize("name", ["Ravi Kumar", "सुनीता शर्मा", "Md. Farhan", "O'Neil"])
def test_an_unsure_name_passes_where_a_name_is_asked(policy: HardRoutePolicy, name: str) -> None:
    gate = mark("unsure", trace=False)
    assert predict(policy, after(STATES["booking_form: patient_name"], name, gate))[0] is None
    assert (
        predict(policy, after(STATES["booking_form: day"], name, gate))[0] == "utter_handoff_unsure"
    )


@pytest.mark.parametrize(
    ("text", "trace"),
    [("Ravi Kumar", True), ("call 98 12", False), ("one two three four five", False)],
)
def test_what_is_no_plain_name_does_not_pass(
    policy: HardRoutePolicy, text: str, trace: bool
) -> None:
    tracker = after(STATES["booking_form: patient_name"], text, mark("unsure", trace=trace))
    assert predict(policy, tracker)[0] == "utter_handoff_unsure"


def test_a_tap_is_left_alone(policy: HardRoutePolicy) -> None:
    assert predict(policy, after(STATES["fresh contact"], "/book", None, tap=True))[0] is None


def test_without_a_mark_a_person_gets_it(policy: HardRoutePolicy) -> None:
    assert (
        predict(policy, after(STATES["fresh contact"], "book", None))[0] == "utter_handoff_unsure"
    )


def test_a_clinical_mark_without_route_is_still_clinical(policy: HardRoutePolicy) -> None:
    gate = {"clinical": True, "route": None}
    assert predict(policy, after(STATES["fresh contact"], "x", gate))[0] == "utter_handoff_clinical"


def test_a_domain_without_the_texts_is_refused(policy: HardRoutePolicy) -> None:
    policy.train([], DOMAIN)
    with pytest.raises(InvalidPolicyConfig, match="utter_emergency"):
        policy.train([], Domain.empty())


def test_the_allow_list_holds_only_fixed_handoff_texts() -> None:
    assert CLINICAL_CONVERSATION_MAY_SEND == HANDOFF_RESPONSES
    assert "utter_clarify" not in CLINICAL_CONVERSATION_MAY_SEND


def test_active_loops_are_known(policy: HardRoutePolicy) -> None:
    names = {e.name for events in STATES.values() for e in events if isinstance(e, ActiveLoop)}
    assert names == {"booking_form", "cancel_form"}
