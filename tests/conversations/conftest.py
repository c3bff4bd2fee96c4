"""The clinic of clinic.yml with its trained model, loaded once; every test has a fresh database.

It is Monday 7 December 2026, nine in the morning in Pune: the clinic is open, Friday 25 is a
public holiday.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any, Dict, Iterator, Sequence, Tuple

import numpy as np
import pytest
import structlog
import time_machine
from rasa.core.agent import Agent
from sqlalchemy import event

from actions import talk
from assistant.action_endpoint import trust_checked_results
from assistant.agent import hasten
from assistant.training import model_path
from clinic.crypto import new_key, new_secret
from clinic.database import Database, database
from clinic.profile import Profile
from clinic.settings import settings
from clinic.setup import write_profile
from clinic.texts import Texts
from safety.embedding import SentenceEmbedder
from tests.conversations.chat import Patient
from tests.conversations.engine import PUNE, Clinic, InProcessActions

MONDAY_MORNING = datetime(2026, 12, 7, 9, 0, tzinfo=PUNE)


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The loop on which all turns run, as in the server."""
    running = asyncio.new_event_loop()
    yield running
    running.close()


@pytest.fixture(scope="session")
def actions() -> InProcessActions:
    return InProcessActions()


@pytest.fixture(scope="module", autouse=True)
def quiet_rasa() -> Iterator[None]:
    """Rasa writes every state of every rule at debug level, which takes longer than the turn."""
    rasa = logging.getLogger("rasa")
    before = rasa.level, structlog.get_config()
    rasa.setLevel(logging.ERROR)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    rasa.setLevel(before[0])
    structlog.configure(**before[1])


@pytest.fixture(scope="session")
def agent(actions: InProcessActions) -> Agent:
    """The trained model of the present files (`make test` trains it first).

    SANDHI_TEST_MODEL names another, to try tests while the files are being edited.
    """
    model = Path(os.environ.get("SANDHI_TEST_MODEL") or model_path())
    assert model.exists(), "no model of the present files: run `make train`"
    # as the server does; the check of every result would take most of the time
    trust_checked_results()
    loaded = Agent.load(model, action_endpoint=actions)
    hasten(loaded)
    return loaded


@pytest.fixture(scope="session")
def domain_words() -> Texts:
    """The domain's responses, read once."""
    return Texts.load(talk.DOMAIN)


@pytest.fixture(scope="session", autouse=True)
def known_vectors() -> Iterator[None]:
    """Most chats begin with the same words: the vector of a text is computed once."""
    known: Dict[Tuple[Any, ...], np.ndarray] = {}
    embed = SentenceEmbedder.embed

    def remembered(
        self: SentenceEmbedder, texts: Sequence[str], *limits: Any, **named: Any
    ) -> np.ndarray:
        key = (*texts, *limits, *named.items())
        if key not in known:
            known[key] = embed(self, texts, *limits, **named)
        return known[key].copy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SentenceEmbedder, "embed", remembered)
        yield


@pytest.fixture(scope="session")
def clinic_keys() -> Iterator[None]:
    """One set of keys for all databases of this folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SANDHI_ENCRYPTION_KEYS", new_key())
        patch.setenv("SANDHI_SECRET_KEY", new_secret())
        settings.cache_clear()
        yield
    settings.cache_clear()


@pytest.fixture(scope="session")
def clinic_template(
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_template: Path,
    clinic_keys: None,
    demo_profile: Profile,
) -> Path:
    """A database that knows the clinic and nobody else, to copy."""
    file = tmp_path_factory.mktemp("clinic") / "clinic.db"
    shutil.copy(sqlite_template, file)
    prepared = Database(f"sqlite:///{file}")
    write_profile(prepared, demo_profile)
    with prepared.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    prepared.dispose()
    return file


@pytest.fixture
def clinic(
    tmp_path: Path,
    clinic_template: Path,
    agent: Agent,
    actions: InProcessActions,
    domain_words: Texts,
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Clinic]:
    """The clinic on a Monday morning, with an empty book."""
    file = tmp_path / "clinic.db"
    shutil.copy(clinic_template, file)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{file}")
    settings.cache_clear()
    database.cache_clear()
    opened = database()
    # nobody pulls the plug here
    event.listen(opened.engine, "connect", _without_waiting_for_the_disk)
    with time_machine.travel(MONDAY_MORNING, tick=True) as clock:
        yield Clinic(opened, agent, actions, domain_words, loop, clock)
    opened.dispose()
    database.cache_clear()
    settings.cache_clear()


def _without_waiting_for_the_disk(connection: object, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")  # type: ignore[attr-defined]


@pytest.fixture
def riya(clinic: Clinic) -> Patient:
    """A patient who has never written here."""
    return clinic.patient("Riya Demo")
