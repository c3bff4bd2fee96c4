"""A database that is locked or full for some seconds: messages wait, nothing is lost."""

from __future__ import annotations

import resource
import sqlite3
import time
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List

import pytest

from tests.house import House, Patient, eventually
from tests.processes.asking import ask_all, differing
from tests.processes.meddling import writers_wait

pytestmark = pytest.mark.processes

NewPatient = Callable[..., Patient]
Hindrance = Callable[[House], Any]

DATABASE_USERS = ("assistant", "actions", "worker", "inbox")


@contextmanager
def locked_by_a_stranger(house: House) -> Iterator[None]:
    """Somebody who knows nothing of our queue writes for long (a backup, a shell)."""
    connection = sqlite3.connect(house.folder / "house.db", timeout=30, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.rollback()
        connection.close()


@contextmanager
def no_room(house: House) -> Iterator[None]:
    """No process of the house can write one byte to a file, as on a full disk."""
    pids = [house.running[name].pid for name in DATABASE_USERS]
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        for pid in pids:
            forever = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, forever)


@pytest.mark.parametrize("hindrance", [writers_wait, locked_by_a_stranger, no_room])
def test_messages_wait_for_the_database_and_none_is_lost(
    house: House, patient: NewPatient, answers: List[str], hindrance: Hindrance
) -> None:
    people = [patient() for _ in range(3)]
    ask_all(house, people)
    assert eventually(lambda: sum(len(person.sent()) for person in people) >= 1)
    with hindrance(house):
        late = patient()
        ask_all(house, [late])
        time.sleep(5)
        assert late.texts() == []
    people.append(late)
    wanted = len(people) * len(answers)
    eventually(lambda: sum(len(person.sent()) for person in people) >= wanted, within=120)
    time.sleep(1)
    assert list(differing(people, answers)) == []
    assert [person.handoff() for person in people] == [None] * 4


def test_a_webhook_that_cannot_be_stored_is_not_acknowledged(
    house: House, patient: NewPatient
) -> None:
    riya = patient()
    with no_room(house):
        # from now on: ticks of earlier answers may have come in until a moment ago
        before = webhooks(house)
        riya.says("where can I park my car?")
        assert eventually(lambda: webhooks(house)["refused"] > before["refused"])
        assert webhooks(house)["taken"] == before["taken"]
    assert "basement" in riya.hears()
    assert len(riya.texts()) == 1


def webhooks(house: House) -> Dict[str, int]:
    return dict(house.simulated("state")["webhooks"])
