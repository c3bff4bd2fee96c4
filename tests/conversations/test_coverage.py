"""Nothing in the domain leads nowhere, and nothing in it is left over."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, Iterator, Set

import pytest
from rasa.shared.core.domain import Domain
from ruamel.yaml import YAML

from clinic.bubbles import Choice, Choices
from clinic.outbox import plan
from safety.intents import CLINICAL_INTENTS
from safety.routes import ROUTES
from tests.conversations.chat import Patient
from tests.conversations.engine import Clinic

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("actions", "assistant", "channels", "inbox", "safety", "worker", "clinic")
DOMAIN = Domain.load(ROOT / "domain")
OF_RASA = {"back", "restart", "session_start", "EXTERNAL"}
INTENTS = set(DOMAIN.intents) - OF_RASA - {"out_of_scope"}


def rules() -> Iterator[Dict[str, Any]]:
    yaml = YAML(typ="safe", pure=True)
    for file in sorted((ROOT / "data" / "rules").glob("*.yml")):
        yield from yaml.load(file)["rules"]


def said_in_rules() -> Set[str]:
    return {str(step["action"]) for rule in rules() for step in rule["steps"] if "action" in step}


def said_in_code() -> str:
    files = (file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py")))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@pytest.mark.parametrize("intent", sorted(INTENTS - CLINICAL_INTENTS))
def test_every_intent_is_answered_or_handed_over(
    clinic: Clinic, riya: Patient, intent: str
) -> None:
    with clinic.database.transaction() as session:
        bubble = Choices(text="?", choices=[Choice(title="Tap", payload=f"/{intent}")])
        plan(session, riya.id_in(session), bubble, f"offer:{intent}")
    answer = riya.taps("Tap")
    assert len(answer) >= 1 and riya.outcomes == ["answered"]
    clarifying = "did not understand" in answer
    assert clarifying == (intent in {"off_topic", "nlu_fallback"}), answer


def test_every_clinical_intent_is_the_gates() -> None:
    routed = {str(step.get("intent")) for rule in rules() for step in rule["steps"]}
    assert set(INTENTS) >= CLINICAL_INTENTS
    assert not CLINICAL_INTENTS & routed, "the gate alone answers what is clinical"


def test_every_response_is_said_somewhere() -> None:
    used = said_in_rules() | set(ROUTES)
    code = said_in_code()
    forms = {
        f"utter_ask_{slot}"
        for form in DOMAIN.forms
        for slot in DOMAIN.required_slots_for_form(form)
    }
    unused = []
    for name in DOMAIN.responses:
        base = re.sub(r"_closed$", "", name)
        composed = name.startswith("utter_word_reason_")
        if not (base in used or base in forms or f'"{base}"' in code or composed):
            unused.append(name)
    assert unused == []


def form_slots(form: str) -> Set[str]:
    return set(DOMAIN.required_slots_for_form(form))


def test_every_action_is_declared_and_exists(clinic: Clinic) -> None:
    declared = {name for name in DOMAIN.user_actions if not name.startswith("utter_")}
    written = {
        name
        for name in clinic.actions.executor.actions
        if name.startswith(("action_", "validate_"))
    }
    assert declared - {"action_listen"} == written


def test_every_question_of_a_form_can_be_asked() -> None:
    declared = set(DOMAIN.action_names_or_texts)
    for form in DOMAIN.forms:
        for slot in DOMAIN.required_slots_for_form(form):
            names = {f"action_ask_{form}_{slot}", f"action_ask_{slot}", f"utter_ask_{slot}"}
            assert names & declared, f"{form} cannot ask for {slot}"
