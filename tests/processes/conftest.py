"""One house for all tests of this folder; each test brings patients of its own."""

from __future__ import annotations

import itertools
from typing import Callable, Iterator

import pytest

from assistant.training import model_path
from tests.house import House, Patient

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def model():
    """The trained model of the present files (`make test` trains it first)."""
    path = model_path()
    assert path.exists(), "no model of the present files: run `make train`"
    return path


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, model) -> Iterator[House]:
    opened = House(tmp_path_factory.mktemp("house"), model)
    try:
        yield opened.open()
    finally:
        opened.close()


@pytest.fixture
def patient(house: House) -> Callable[..., Patient]:
    """A patient nobody has heard of: `patient()`."""

    def new(name: str = "Riya Demo") -> Patient:
        return house.patient(f"+9190001{next(_numbers):05d}", name)

    return new
