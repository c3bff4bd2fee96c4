"""The agent is made of our parts, and one without a model says so."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from rasa.core.tracker_store import FailSafeTrackerStore

from assistant.action_endpoint import ActionEndpoint
from assistant.agent import load
from assistant.graph_in_order import InOrder
from assistant.tracker_store import ClinicTrackerStore
from assistant.words import ClinicWords
from clinic.settings import Settings


@pytest.fixture(autouse=True)
def house(clinic_db, monkeypatch):
    """The clinic's database as every module finds it."""
    for module in ("assistant.words", "assistant.tracker_store"):
        monkeypatch.setattr(f"{module}.database", lambda: clinic_db)


def configured(model: str) -> Settings:
    return Settings(_env_file=None, model_path=model, actions_port=5099)


async def test_the_agent_is_made_of_our_parts(small_model):
    agent = await load(configured(small_model))
    assert agent.is_ready()
    processor = agent.processor
    # no fallback to memory: a database that fails has to be seen failing
    assert isinstance(processor.tracker_store, ClinicTrackerStore)
    assert processor.tracker_store is agent.tracker_store
    assert processor.tracker_store.domain is agent.domain
    assert not isinstance(agent.tracker_store, FailSafeTrackerStore)
    assert isinstance(processor.nlg, ClinicWords)
    assert isinstance(processor.action_endpoint, ActionEndpoint)
    assert processor.action_endpoint.url == "http://127.0.0.1:5099/webhook"
    assert isinstance(processor.graph_runner, InOrder)


async def test_without_a_model_there_is_an_agent_that_is_not_ready(tmp_path):
    agent = await load(configured(str(tmp_path)))
    assert not agent.is_ready()
    assert await agent.handle_message(SimpleNamespace(sender_id="7")) is None
