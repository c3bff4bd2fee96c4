"""Rules that are looked up are the rules that Rasa finds by comparing them all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasa.core.policies.rule_policy import RulePolicy

from assistant.rule_index import _every_key, _possible_keys

NAMES = st.sampled_from(["action_listen", "utter_hours", "booking_form", "should_not_be_set"])
INTENTS = st.sampled_from(["greet", "book", "", None])
SLOTS = st.dictionaries(
    st.sampled_from(["language", "day"]),
    st.sampled_from([[1.0], [0.0, 1.0], "should_not_be_set"]),
    max_size=2,
)


@st.composite
def states(draw: Any) -> dict[str, Any]:
    state: dict[str, Any] = {}
    if draw(st.booleans()):
        key = draw(st.sampled_from(["action_name", "action_text"]))
        state["prev_action"] = {key: draw(NAMES)}
    if draw(st.booleans()):
        state["user"] = {"intent": draw(INTENTS)}
    if draw(st.booleans()):
        state["slots"] = draw(SLOTS)
    return state


RULES = st.lists(st.lists(states(), min_size=1, max_size=3), max_size=12)


def policy() -> RulePolicy:
    return RulePolicy.__new__(RulePolicy)


def lookup_of(rules: list[list[dict[str, Any]]]) -> dict[str, str]:
    return {json.dumps(rule, sort_keys=True): f"action_{n}" for n, rule in enumerate(rules)}


def in_conversation(state: dict[str, Any]) -> dict[str, Any]:
    # JSON has lists where a conversation has tuples
    slots = state.get("slots", {})
    changed = {name: tuple(v) if isinstance(v, list) else v for name, v in slots.items()}
    return {**state, "slots": changed} if slots else state


@given(RULES, st.lists(states(), max_size=4))
def test_no_rule_is_lost_and_none_is_added(
    rules: list[list[dict[str, Any]]], conversation: list[dict[str, Any]]
) -> None:
    lookup = lookup_of(rules)
    happened = [in_conversation(state) for state in conversation]
    asked = policy()
    assert _possible_keys(asked, lookup, happened) == _every_key(asked, lookup, happened)


def test_a_rule_is_found_by_action_and_intent() -> None:
    def rule(intent: str) -> list[dict[str, Any]]:
        return [{"prev_action": {"action_name": "action_listen"}, "user": {"intent": intent}}]

    lookup = lookup_of([rule("greet"), rule("book")])
    [found] = _possible_keys(policy(), lookup, rule("book"))
    assert lookup[found] == "action_1"


@pytest.mark.parametrize("times", [1, 2])
def test_what_is_learned_later_is_found_too(times: int) -> None:
    asked, lookup = policy(), lookup_of([])
    happened = [{"prev_action": {"action_name": "action_listen"}, "user": {"intent": "greet"}}]
    assert _possible_keys(asked, lookup, happened) == set()
    lookup.update(lookup_of([happened]))
    for _ in range(times):
        assert len(_possible_keys(asked, lookup, happened)) == 1
