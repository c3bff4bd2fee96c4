"""Webhooks that come twice, backwards, late, forged, and a thousand updates at once."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List

import pytest

from tests.house import House, Patient, eventually
from tests.processes.asking import ask_all, differing, waiting

pytestmark = pytest.mark.processes

NewPatient = Callable[..., Patient]


def test_a_message_that_comes_four_times_is_answered_once(
    house: House, patient: NewPatient
) -> None:
    riya = patient()
    assert "basement" in riya.sends(text="where can I park my car?", duplicate=3)
    time.sleep(1.5)
    assert len(riya.texts()) == 1
    stored = "SELECT count(*) FROM messages WHERE direction = 'in' AND contact_id = :id"
    assert house.rows(stored, id=riya.contact_id)[0][0] == 1


def test_a_replay_after_the_answer_is_not_answered(house: House, patient: NewPatient) -> None:
    riya = patient()
    order = {"from": riya.phone, "text": "where can I park my car?", "wamid": "wamid.REPLAYED"}
    house.control("inbound", **order)
    assert "basement" in riya.hears()
    house.control("inbound", **order)
    assert not riya.hears(within=2).bodies


def test_messages_that_come_backwards_are_each_answered_once(
    house: House, patient: NewPatient, answers: List[str]
) -> None:
    riya = patient()
    moment = time.time()
    house.control(
        "inbound",
        **{"from": riya.phone, "text": "what are your timings?", "timestamp": moment - 10},
    )
    house.control(
        "inbound",
        **{"from": riya.phone, "text": "where can I park my car?", "timestamp": moment - 20},
    )
    assert eventually(lambda: len(riya.texts()) >= 2)
    time.sleep(1)
    assert sorted(riya.texts()) == sorted(answers[:2])


def test_a_thousand_updates_in_one_post(
    house: House, patient: NewPatient, answers: List[str]
) -> None:
    people = [patient() for _ in range(5)]
    messages: List[Dict[str, Any]] = [
        {"from": person.phone, "name": person.name, "text": question}
        for question in ("where can I park my car?", "what are your timings?")
        for person in people
    ]
    # 490 reactions, which nobody answers, of 70 people, and the statuses of unknown messages
    messages += [
        {
            "from": f"+91900030{number % 70:04d}",
            "reaction": {"message_id": f"wamid.{number}", "emoji": "👍"},
        }
        for number in range(490)
    ]
    statuses = [
        {
            "id": f"wamid.NOBODY{number}",
            "status": "delivered",
            "timestamp": "1780000000",
            "recipient_id": "919000300000",
        }
        for number in range(500)
    ]
    house.control("batch", messages=messages, statuses=statuses, layout="messages")
    posts: List[Dict[str, Any]] = []

    def answered() -> List[Dict[str, Any]]:
        last = house.simulated("state")["last_webhooks"]
        posts[:] = [post for post in last if post["updates"] >= 500]
        return posts

    # at once: the simulator shows its last few webhooks only, and statuses follow
    eventually(answered)
    eventually(lambda: sum(len(person.sent()) for person in people) >= 10)
    assert [post["status"] for post in posts] == [200], posts
    assert posts[0]["seconds"] < 5, posts
    assert list(differing(people, answers[:2])) == []
    count = "SELECT count(*) FROM messages WHERE kind = 'reaction' AND direction = 'in'"
    assert house.rows(count)[0][0] >= 490
    assert eventually(
        lambda: not house.rows("SELECT 1 FROM messages WHERE state = 'received' LIMIT 1")
    )


@pytest.mark.parametrize("signature", ["bad", "missing", "sha256=", "sha1=00"])
def test_a_webhook_that_is_not_genuine_is_refused_and_forgotten(
    house: House, patient: NewPatient, signature: str
) -> None:
    phone = patient().phone[1:]
    message = {
        "from": phone,
        "id": f"wamid.FORGED{signature}",
        "timestamp": "1780000000",
        "type": "sticker",
        "sticker": {"id": "1", "mime_type": "image/webp", "sha256": "x"},
    }
    value = {
        "messaging_product": "whatsapp",
        "contacts": [{"wa_id": phone, "profile": {"name": "Mallory Demo"}}],
        "messages": [message],
    }
    body = {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
    }
    assert house.control("webhook", body=body, signature=signature)["status"] == 401
    assert house.contact_id(f"+{phone}") == 0
    assert house.control("webhook", body=body)["status"] == 200
    assert house.contact_id(f"+{phone}") > 0, "the same webhook, genuine, is stored"


def test_a_worker_or_a_webhook_never_waits_for_a_conversation(
    house: House, patient: NewPatient
) -> None:
    """While the action server stands still, others are stored, answered and sent."""
    slow, quick = patient(), patient()
    house.freeze("actions")
    try:
        slow.says("I want to book an appointment")
        assert eventually(lambda: waiting(house, [slow]))
        assert "basement" in quick.writes("where can I park my car?")
        assert slow.texts() == []
    finally:
        house.thaw("actions")
    assert slow.hears().titles


def test_many_conversations_beside_each_other(
    house: House, patient: NewPatient, answers: List[str]
) -> None:
    people = [patient() for _ in range(20)]
    ask_all(house, people)
    wanted = len(people) * len(answers)
    eventually(lambda: sum(len(person.sent()) for person in people) >= wanted, within=120)
    time.sleep(0.5)
    assert list(differing(people, answers)) == []
