"""A real, small assistant: Rasa's own processor over the clinic's tracker store."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")

from rasa.core.agent import Agent
from rasa.shared.core.domain import Domain

from assistant.tracker_store import ClinicTrackerStore
from assistant.words import ClinicWords
from clinic.database import Database
from clinic.profile import Profile
from clinic.setup import write_profile
from tests.at_the_clinic import OpenFacts

SMALL = Path(__file__).parent / "small"


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of the trained small model."""
    from rasa.model_training import train

    result = train(
        domain=str(SMALL / "domain.yml"),
        config=str(SMALL / "config.yml"),
        training_files=[str(SMALL / "nlu.yml"), str(SMALL / "rules.yml")],
        output=str(tmp_path_factory.mktemp("models")),
    )
    assert result.model is not None
    return result.model


@pytest.fixture(scope="session")
def small_domain() -> Domain:
    return Domain.load(SMALL / "domain.yml")


@pytest.fixture(scope="session")
def loaded_agent(small_model: str) -> Agent:
    return Agent.load(small_model)


@pytest.fixture
def clinic_db(sqlite_db: Database, demo_profile: Profile) -> Database:
    """An SQLite database that knows the demo clinic."""
    write_profile(sqlite_db, demo_profile)
    return sqlite_db


@pytest.fixture
def agent_on(loaded_agent: Agent) -> Callable[..., Agent]:
    """`agent_on(db, action_endpoint)`: the small assistant on a database."""

    def on(db: Database, action_endpoint: Any = None) -> Agent:
        processor = loaded_agent.processor
        assert processor is not None
        store = ClinicTrackerStore(loaded_agent.domain, clinic_database=db)
        loaded_agent.tracker_store = processor.tracker_store = store
        words = ClinicWords(domain=loaded_agent.domain, facts=OpenFacts(db))
        loaded_agent.nlg = processor.nlg = words
        loaded_agent.action_endpoint = processor.action_endpoint = action_endpoint
        return loaded_agent

    return on


@pytest.fixture
def run() -> Callable[[Any], Any]:
    """`run(coroutine)`: its result, on a loop of its own."""
    return asyncio.run
