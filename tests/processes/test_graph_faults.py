"""What the Graph API may do to a message, over the real worker."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict

import pytest

from tests.house import House, Patient, eventually
from tests.processes.meddling import time_passes

pytestmark = pytest.mark.processes

NewPatient = Callable[..., Patient]
QUESTION = "where can I park my car?"


@pytest.mark.parametrize(
    "failure",
    [
        {"kind": "http_500", "times": 2},
        {"kind": "http_429"},
        {"kind": "error_code", "code": 130429},
        {"kind": "error_code", "code": 131056},
    ],
    ids=lambda failure: str(failure.get("code", failure["kind"])),
)
def test_what_graph_refused_for_now_is_sent_again_and_once(
    house: House, patient: NewPatient, failure: Dict[str, Any]
) -> None:
    riya = patient()
    fail(house, riya, **failure)
    assert "basement" in riya.writes(QUESTION)
    assert eventually(lambda: riya.outgoing() == [("read", None)])
    assert attempts(house, riya) == 1 + failure.get("times", 1)
    time.sleep(0.5)
    assert len(riya.texts()) == 1
    assert riya.handoff() is None


@pytest.mark.parametrize("code", [131047, 131026, 100])
def test_what_graph_will_never_take_is_laid_before_a_person(
    house: House, patient: NewPatient, code: int
) -> None:
    riya = patient()
    fail(house, riya, kind="error_code", code=code)
    riya.says(QUESTION)
    assert eventually(lambda: riya.handoff() == "failure")
    assert riya.outgoing() == [("failed", f"graph {code}")]
    assert riya.texts() == []


@pytest.mark.parametrize(
    "failure",
    [
        {"kind": "timeout_after_accept", "seconds": 30},
        {"kind": "drop_connection", "accepted": True},
    ],
    ids=["time-out", "broken connection"],
)
def test_what_may_have_been_sent_is_never_sent_again_and_settled_by_its_status(
    house: House, patient: NewPatient, failure: Dict[str, Any]
) -> None:
    riya = patient()
    house.control("statuses", action="hold", match={"to": riya.phone})
    fail(house, riya, **failure)
    riya.says(QUESTION)
    assert eventually(lambda: [state for state, _ in riya.outgoing()] == ["unknown"])
    house.control("statuses", action="release")
    assert eventually(lambda: riya.outgoing() == [("read", None)])
    assert riya.handoff() is None
    assert attempts(house, riya) == 1
    assert len(riya.texts()) == 1


def test_what_may_have_been_sent_and_never_shows_is_laid_before_a_person(
    house: House, patient: NewPatient
) -> None:
    riya = patient()
    fail(house, riya, kind="drop_connection")
    riya.says(QUESTION)
    assert eventually(lambda: [state for state, _ in riya.outgoing()] == ["unknown"])
    assert riya.handoff() is None
    time_passes(house, riya)
    assert eventually(lambda: riya.handoff() == "failure")
    assert riya.texts() == []
    assert attempts(house, riya) == 1


def test_replies_stay_in_order_behind_one_that_is_refused(
    house: House, patient: NewPatient
) -> None:
    riya = patient()
    fail(house, riya, kind="http_429", times=2)
    riya.says(QUESTION)
    riya.says("what are your timings?")
    assert eventually(lambda: len(riya.texts()) == 2)
    assert "basement" in riya.texts()[0]
    assert "basement" not in riya.texts()[1]


def test_a_wrong_token_calls_the_operator_and_the_message_waits(
    house: House, patient: NewPatient
) -> None:
    riya = patient()
    house.stop("worker")
    house.start("worker", WHATSAPP_ACCESS_TOKEN="expired-token-of-yesterday")
    riya.says(QUESTION)
    assert eventually(lambda: riya.outgoing() == [("planned", "graph 190")])
    calls = [line for line in house.log("worker").splitlines() if "operator has to act" in line]
    assert any("code=190" in line for line in calls)
    assert "expired-token" not in house.log("worker")

    house.stop("worker")
    house.start("worker")
    house.change(
        "UPDATE messages SET due_at = '2020-01-01 00:00:00.000000', "
        "lease_until = '2020-01-01 00:00:00.000000' "
        "WHERE state = 'planned' AND contact_id = :id",
        id=riya.contact_id,
    )
    assert "basement" in riya.hears()
    assert riya.handoff() is None


def test_statuses_that_come_twice_and_backwards_change_nothing(
    house: House, patient: NewPatient
) -> None:
    riya = patient()
    house.control("statuses", action="reorder", match={"to": riya.phone})
    house.control("statuses", action="duplicate", copies=3, match={"to": riya.phone})
    riya.writes(QUESTION)
    assert eventually(lambda: riya.outgoing() == [("read", None)])
    eventually(lambda: riya.outgoing() != [("read", None)], within=3)
    assert riya.outgoing() == [("read", None)]


def fail(house: House, person: Patient, **failure: Any) -> None:
    """What becomes of the next message to this person."""
    house.control("failures", **failure, match={"to": person.phone})


def attempts(house: House, person: Patient) -> int:
    query = "SELECT max(attempts) FROM messages WHERE direction = 'out' AND contact_id = :id"
    return int(house.rows(query, id=person.contact_id)[0][0])
