"""A graph that is run in an order worked out once gives what Rasa's own runner gives."""

from __future__ import annotations

from typing import Any

import pytest
from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.engine.constants import PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER
from rasa.engine.exceptions import GraphRunError
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.graph_in_order import InOrder


@pytest.fixture(scope="module")
def rasas(small_model: str) -> Agent:
    """The small assistant with the runner that Rasa gives it."""
    agent = Agent.load(small_model)
    assert isinstance(agent.processor.graph_runner, DaskGraphRunner)
    return agent


@pytest.fixture(scope="module")
def in_order(rasas: Agent) -> InOrder:
    return InOrder(rasas.processor.graph_runner)


@pytest.mark.parametrize("text", ["hello", "I want to book", "xyzzy", ""])
def test_a_message_is_read_the_same(rasas: Agent, in_order: InOrder, text: str) -> None:
    target = rasas.processor.model_metadata.nlu_target

    def read(runner: Any) -> Any:
        message = UserMessage(text, sender_id="1", message_id="m1")
        given = {PLACEHOLDER_MESSAGE: [message], PLACEHOLDER_TRACKER: None}
        [parsed] = runner.run(inputs=given, targets=[target])[target]
        return parsed.as_dict(only_output_properties=True)

    assert read(in_order) == read(rasas.processor.graph_runner)


@pytest.mark.parametrize("intent", ["greet", "book", None])
def test_the_same_action_is_chosen(rasas: Agent, in_order: InOrder, intent: Any) -> None:
    target = rasas.processor.model_metadata.core_target
    said = UserUttered("words", {"name": intent, "confidence": 1.0})

    def chosen(runner: Any) -> Any:
        events = [ActionExecuted("action_listen"), said]
        tracker = DialogueStateTracker.from_events("1", events, rasas.domain.slots)
        return runner.run(inputs={PLACEHOLDER_TRACKER: tracker}, targets=[target])[target]

    ours, rasas_own = chosen(in_order), chosen(rasas.processor.graph_runner)
    assert ours.probabilities == rasas_own.probabilities
    assert ours.policy_name == rasas_own.policy_name


def test_an_input_may_not_take_the_place_of_a_node(in_order: InOrder) -> None:
    node = next(iter(in_order._nodes))
    with pytest.raises(GraphRunError, match="name of a node"):
        in_order.run(inputs={node: None})


def test_a_node_without_its_input_fails_as_in_rasa(rasas: Agent, in_order: InOrder) -> None:
    target = rasas.processor.model_metadata.core_target
    for runner in (in_order, rasas.processor.graph_runner):
        with pytest.raises(GraphRunError, match="Missing input"):
            runner.run(inputs={}, targets=[target])
