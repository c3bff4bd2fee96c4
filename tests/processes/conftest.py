"""One house for all tests of this folder; each test brings patients of its own."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Callable, Iterator, List

import pytest

from assistant.training import model_path
from tests.house import House, Patient
from tests.processes.asking import QUESTIONS

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def model() -> Path:
    """The trained model of the present files (`make test` trains it first).

    SANDHI_TEST_MODEL names another, to try tests while the files are being edited.
    """
    path = Path(os.environ.get("SANDHI_TEST_MODEL") or model_path())
    assert path.exists(), "no model of the present files: run `make train`"
    return path


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[House]:
    opened = House(tmp_path_factory.mktemp("house"), model)
    try:
        yield opened.open()
    finally:
        opened.close()


@pytest.fixture(autouse=True)
def whole(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that fails half-way leaves no house without an action server to the next."""
    if "house" not in request.fixturenames:
        yield
        return
    house: House = request.getfixturevalue("house")
    # a webhook that was not taken comes again at once, and not after minutes
    house.control("settings", retry_delays=[0.5])
    yield
    house.as_usual()


@pytest.fixture
def patient(house: House) -> Callable[..., Patient]:
    """A patient nobody has heard of: `patient()`."""

    def new(name: str = "Riya Demo") -> Patient:
        return house.patient(f"+9190001{next(_numbers):05d}", name)

    return new


@pytest.fixture(scope="session")
def answers(house: House) -> List[str]:
    """What somebody who asks `QUESTIONS` hears, one after the other, on a quiet day."""
    calm = house.patient("+919000200000", "Calm Demo")
    heard = [calm.writes(question).text for question in QUESTIONS]
    assert len(set(heard)) == len(QUESTIONS), heard
    assert calm.handoff() is None
    return heard
