"""kill -9 and TERM, of every process, in the middle of its work."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Callable, List

import psutil
import pytest

from tests.house import SERVERS, House, Patient, eventually
from tests.processes.asking import ask_all, differing, waiting
from tests.processes.meddling import hand_back, time_passes, writers_wait

pytestmark = pytest.mark.processes

NewPatient = Callable[..., Patient]


@pytest.mark.parametrize("ending", ["kill -9", "TERM"])
def test_every_message_is_answered_once_and_in_order_after_the_assistant_ends(
    house: House, patient: NewPatient, answers: List[str], ending: str
) -> None:
    people = [patient() for _ in range(12)]
    before = handled(house)
    ask_all(house, people)
    assert eventually(lambda: handled(house) >= before + 3, every=0.002)
    if ending == "TERM":
        assert house.stop("assistant") == 0
    else:
        house.kill("assistant")
    left = waiting(house, people)
    assert 0 < left < len(people) * len(answers), "the assistant was not in the middle of its work"

    # WhatsApp goes on sending webhooks to where nobody is
    late = patient()
    ask_all(house, [late])
    house.start_ready("assistant")
    people.append(late)
    wanted = len(people) * len(answers)
    eventually(lambda: sum(len(person.sent()) for person in people) >= wanted, within=120)
    time.sleep(1)  # for what nobody should send
    assert list(differing(people, answers)) == []
    assert waiting(house, people) == 0
    assert [person.handoff() for person in people] == [None] * len(people)


def test_a_thinking_process_that_dies_costs_nobody_a_message(
    house: House, patient: NewPatient, answers: List[str]
) -> None:
    """Another is forked at once, the assistant stays ready, and nothing is answered twice."""
    people = [patient() for _ in range(12)]
    before = handled(house)
    ask_all(house, people)
    assert eventually(lambda: handled(house) >= before + 3, every=0.002)
    victim = thinking(house)[0]
    victim.kill()
    assert waiting(house, people) > 0, "the process was not in the middle of its work"
    wanted = len(people) * len(answers)
    assert eventually(lambda: sum(len(person.sent()) for person in people) >= wanted, within=120)
    time.sleep(1)  # for what nobody should send
    assert list(differing(people, answers)) == []
    assert [person.handoff() for person in people] == [None] * len(people)
    assert victim not in thinking(house)
    assert "has a successor" in house.log("assistant")


def thinking(house: House) -> List[psutil.Process]:
    """The processes in which Rasa thinks: forked from the one that the web process started."""
    web = psutil.Process(house.running["assistant"].pid)
    return [process for keeper in web.children() for process in keeper.children()]


def handled(house: House) -> int:
    return int(house.rows("SELECT count(*) FROM messages WHERE state = 'handled'")[0][0])


def about_to_book(person: Patient) -> None:
    """As far as the button that books."""
    person.writes("I want to book an appointment")
    person.taps("Knee")
    person.taps(person.taps("Soonest").titles[0])
    assert "Yes, book it" in person.writes(person.name).titles


def test_a_booking_whose_answer_was_lost_with_the_assistant_is_made_and_told_once(
    house: House, patient: NewPatient
) -> None:
    for _ in range(6):
        riya = patient("Riya Sharma")
        about_to_book(riya)
        riya.taps("Yes, book it", wait=False)
        assert eventually(lambda person=riya: "booked" in person.visits(), every=0.001)
        with writers_wait(house):
            unanswered = waiting(house, [riya])
            house.kill("assistant")
        house.start_ready("assistant")
        if unanswered:
            break
    else:
        raise AssertionError("the assistant was never caught between booking and answering")
    assert riya.hears().text.startswith("Booked: ")
    assert riya.visits() == ["booked"]
    assert riya.handoff() is None
    time.sleep(1)
    assert sum(words.startswith("Booked: ") for words in riya.texts()) == 1


def test_an_action_server_that_dies_in_mid_booking_leaves_no_silent_patient(
    house: House, patient: NewPatient
) -> None:
    riya = patient("Riya Sharma")
    about_to_book(riya)
    house.freeze("actions")
    riya.taps("Yes, book it", wait=False)
    assert eventually(lambda: waiting(house, [riya]))
    time.sleep(1.5)  # for the call of the action
    house.kill("actions")

    assert "a person will answer you" in riya.hears()
    assert riya.handoff() == "failure"
    assert "booked" not in riya.visits()
    assert riya.writes_to_nobody("hello?").bodies == []

    house.start_ready("actions")
    hand_back(house, riya)
    assert "again" in riya.hears()
    about_to_book_again(riya)
    assert riya.taps("Yes, book it").text.startswith("Booked: ")
    assert riya.visits().count("booked") == 1


def about_to_book_again(person: Patient) -> None:
    person.writes("I want to book an appointment")
    person.taps("Knee")
    asked = person.taps(person.taps("Soonest").titles[1])
    if "Yes, book it" not in asked.titles:
        person.writes(person.name)


def test_without_an_action_server_a_person_answers(house: House, patient: NewPatient) -> None:
    house.kill("actions")
    try:
        riya = patient()
        assert "a person will answer you" in riya.writes("I want to book an appointment")
        assert riya.handoff() == "failure"
    finally:
        house.start_ready("actions")


def test_a_worker_that_dies_while_sending_sends_nothing_twice(
    house: House, patient: NewPatient
) -> None:
    riya = patient()
    slow = {"kind": "slow", "seconds": 3, "match": {"to": riya.phone}}
    house.control("failures", **slow)
    riya.says("where can I park my car?")
    # `sending` is written before the request leaves: wait until it is at WhatsApp
    assert eventually(lambda: riya.phone not in str(house.simulated("state")["mischief"]))
    assert [state for state, _ in riya.outgoing()] == ["sending"]
    house.kill("worker")
    house.start("worker")
    # WhatsApp took it after all, and its statuses say so
    assert eventually(lambda: riya.outgoing() == [("read", None)])
    assert len(riya.texts()) == 1
    assert riya.handoff() is None


def test_what_a_dead_worker_may_not_have_sent_is_laid_before_a_person(
    house: House, patient: NewPatient
) -> None:
    riya = patient()
    dropped = {"kind": "slow", "seconds": 600, "match": {"to": riya.phone}}
    house.control("failures", **dropped)
    riya.says("where can I park my car?")
    assert eventually(lambda: [state for state, _ in riya.outgoing()] == ["sending"])
    house.kill("worker")
    time_passes(house, riya)
    house.start("worker")
    assert eventually(lambda: riya.outgoing() == [("unknown", "worker died")])
    time_passes(house, riya)
    assert eventually(lambda: riya.handoff() == "failure")
    assert riya.texts() == []


def test_what_is_planned_while_no_worker_runs_is_sent_by_the_next(
    house: House, patient: NewPatient, answers: List[str]
) -> None:
    assert house.stop("worker") == 0
    riya = patient()
    ask_all(house, [riya])
    assert eventually(lambda: len(riya.outgoing()) == len(answers))
    assert riya.texts() == []
    house.start("worker")
    eventually(lambda: len(riya.texts()) >= len(answers))
    assert riya.texts() == answers


def test_every_process_ends_at_term_within_seconds_and_comes_back(house: House) -> None:
    codes = {}
    seconds = {}
    for name in list(house.running):
        began = time.monotonic()
        codes[name] = house.stop(name)
        seconds[name] = round(time.monotonic() - began, 1)
    started = time.monotonic()
    house.start_ready(*codes)
    print(f"started again in {time.monotonic() - started:.1f} s; ended in {seconds}")
    assert codes == dict.fromkeys(codes, 0)
    assert max(seconds.values()) < 10, seconds
    assert set(SERVERS) < set(codes)


@pytest.mark.parametrize("name", ["inbox", "simulator"])
def test_what_a_server_started_ends_with_it_even_at_kill_9(
    house: House, patient: NewPatient, name: str
) -> None:
    children = children_of(house.running[name].pid)
    assert children, f"{name} starts no process of its own any more: drop this test"
    if name == "simulator":
        # also where one of its threads is in the middle of something long
        riya = patient()
        house.control("failures", kind="slow", seconds=600, match={"to": riya.phone})
        riya.says("where can I park my car?")
        assert eventually(lambda: riya.phone not in str(house.simulated("state")["mischief"]))
    # the one process alone, and not its group as `house.kill` does
    os.kill(house.running[name].pid, signal.SIGKILL)
    house.running.pop(name).wait(timeout=10)
    gone = eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), within=20)
    for pid in children:
        if not gone:
            os.kill(pid, signal.SIGKILL)
    house.start_ready(name)
    assert gone, "and a new one would find its port taken"


def children_of(pid: int) -> List[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in found.split()]
