"""What arrives is stored once, and is taken up in order."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any, Dict, List, Optional

import pytest
from sqlalchemy import func, select

from clinic.database import Database
from clinic.database import now as this_moment
from clinic.inbound import (
    Arrival,
    Share,
    contacts_waiting,
    count_attempt,
    mark_handled,
    next_received,
    remember_language,
    revoke,
    store_arrival,
    store_dead_letter,
)
from clinic.models import Contact, DeadLetter, Message
from tests.message_log import ASHA, RAVI, arrives, contact, messages, row


def store(db: Database, **parts: Any) -> Optional[int]:
    arrival = Arrival(**{"wamid": "wamid.1", "kind": "text", "phone": ASHA, "text": "hi", **parts})
    with db.transaction() as session:
        return store_arrival(session, arrival)


def test_a_message_is_stored_once(db: Database) -> None:
    assert store(db) is not None
    assert store(db) is None
    assert store(db, phone=RAVI, text="other words, same wamid") is None
    assert [m.text for m in messages(db)] == ["hi"]


def test_twenty_threads_with_the_same_message_store_it_once(db: Database) -> None:
    outcomes: List[Optional[int]] = []
    problems: List[BaseException] = []
    gate = threading.Barrier(20)

    def deliver() -> None:
        try:
            gate.wait(20)
            outcomes.append(store(db))
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=deliver) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert len([outcome for outcome in outcomes if outcome is not None]) == 1
    with db.reading() as session:
        assert session.execute(select(func.count(Message.id))).scalar_one() == 1
        assert session.execute(select(func.count(Contact.id))).scalar_one() == 1


def test_everything_a_message_carries_is_kept(db: Database) -> None:
    sent_at = this_moment() - timedelta(minutes=2)
    content = {"media": {"id": "1", "caption": "मेरा घुटना"}, "referral": {"headline": "Knee?"}}
    store(db, kind="media", text="घुटना 🦵", content=content, reply_to="wamid.0", sent_at=sent_at)
    message = messages(db)[0]
    assert (message.direction, message.state, message.author) == ("in", "received", "patient")
    assert (message.kind, message.text, message.content) == ("media", "घुटना 🦵", content)
    assert (message.wamid, message.reply_to) == ("wamid.1", "wamid.0")
    assert message.occurred_at == sent_at


@pytest.mark.parametrize("off", [timedelta(hours=3), timedelta(days=-31), timedelta(days=-9000)])
def test_an_impossible_date_is_the_date_of_arrival(db: Database, off: timedelta) -> None:
    store(db, sent_at=this_moment() + off)
    message = messages(db)[0]
    assert abs(message.occurred_at - this_moment()) < timedelta(minutes=1)
    assert contact(db, message.contact_id).last_inbound_at == message.occurred_at


def test_a_late_redelivery_does_not_open_the_window_anew(db: Database) -> None:
    asha = arrives(db)
    latest = contact(db, asha).last_inbound_at
    store(db, sent_at=this_moment() - timedelta(days=3))
    assert contact(db, asha).last_inbound_at == latest


@pytest.mark.parametrize("text", ["", "a\x00b", "\ud83d lone", "x" * 70_000, "\u202edrow"])
def test_any_text_can_be_stored(db: Database, text: str) -> None:
    store(db, text=text, content={"again": text})
    stored = messages(db)[0]
    assert stored.text == text.replace("\ud83d", "?")
    assert stored.content == {"again": text.replace("\ud83d", "?")}


def test_messages_are_taken_up_oldest_first_and_contacts_longest_waiting_first(
    db: Database,
) -> None:
    ravi = arrives(db, "x", phone=RAVI)
    asha = arrives(db, "one")
    arrives(db, "two")
    arrives(db, "y", phone=RAVI)
    with db.transaction() as session:
        first = next_received(session, ravi)
        mark_handled(session, first.id)
    with db.transaction() as session:
        assert contacts_waiting(session) == [asha, ravi]
        assert contacts_waiting(session, limit=1) == [asha]
        assert next_received(session, asha).text == "one"
        assert next_received(session, ravi).text == "y"


def test_those_of_another_s_share_do_not_take_the_place_of_one_s_own(db: Database) -> None:
    waiting = [arrives(db, "x", phone=f"+9190005{number:05d}") for number in range(6)]
    for number in (0, 1):
        own = [contact for contact in waiting if contact % 2 == number]
        with db.reading() as session:
            assert contacts_waiting(session, Share(number, of=2)) == own
            # the first who waits is one's own, whoever has waited longer for another
            assert contacts_waiting(session, Share(number, of=2), limit=1) == own[:1]


def test_nobody_waits_when_everything_is_handled(db: Database) -> None:
    asha = arrives(db)
    with db.transaction() as session:
        message = next_received(session, asha)
        mark_handled(session, message.id, "silent", "greet", {"red_flag": "stroke"})
    with db.transaction() as session:
        assert contacts_waiting(session) == []
        assert next_received(session, asha) is None
    handled = row(db, message.id)
    assert (handled.state, handled.detail, handled.intent) == ("handled", "silent", "greet")
    assert handled.content == {"marks": {"red_flag": "stroke"}}
    assert handled.handled_at is not None


def test_attempts_are_counted_over_restarts(db: Database) -> None:
    arrives(db)
    message_id = messages(db)[0].id
    counts = []
    for _ in range(3):
        with db.transaction() as session:
            counts.append(count_attempt(session, message_id))
    assert counts == [1, 2, 3]


def test_what_a_patient_deleted_is_gone_and_staff_see_that(db: Database) -> None:
    asha = arrives(db, "my secret", wamid="wamid.secret", content={"media": {"id": "1"}})
    with db.transaction() as session:
        revoke(session, asha, "wamid.secret")
        revoke(session, asha, "wamid.never.seen")
    message = messages(db, asha)[0]
    assert (message.text, message.content) == (None, {"revoked": True})


def test_a_patient_cannot_delete_what_we_sent(db: Database) -> None:
    from clinic.delivery import record_sent
    from tests.message_log import begun, claimed, planned

    asha = arrives(db)
    message_id = planned(db, asha, "our words")
    begun(db, claimed(db))
    with db.transaction() as session:
        record_sent(session, message_id, "wamid.ours")
    with db.transaction() as session:
        revoke(session, asha, "wamid.ours")
    assert row(db, message_id).text == "our words"


def test_the_language_is_remembered(db: Database) -> None:
    asha = arrives(db)
    with db.transaction() as session:
        remember_language(session, asha, "hinglish", chosen=True)
    assert (contact(db, asha).language, contact(db, asha).language_chosen) == ("hinglish", True)


def test_a_dead_letter_is_kept_once_and_counted(db: Database) -> None:
    raw: Dict[str, Any] = {"b": 1, "a": "घुटना \ud83d"}
    with db.transaction() as session:
        first = store_dead_letter(session, "no sender" * 40, raw)
    with db.transaction() as session:
        assert store_dead_letter(session, "no sender", {"a": raw["a"], "b": 1}) == first
        assert store_dead_letter(session, "no sender", {"a": "other"}) != first
    with db.reading() as session:
        letter = session.get(DeadLetter, first)
        assert (letter.seen, letter.raw) == (2, {"b": 1, "a": "घुटना ?"})
