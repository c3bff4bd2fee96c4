"""Storing updates: all of a webhook or nothing, neighbours apart, broken ones kept."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DataError, OperationalError

from channels.whatsapp.receiver import Receiver
from channels.whatsapp.updates import (
    ContactChange,
    DeadLetter,
    DeliveryStatus,
    Ignored,
    InboundMessage,
    MarketingPreference,
    WireError,
)
from clinic.bubbles import Text
from clinic.consent import history, of_contact
from clinic.contacts import find_contact
from clinic.models import Contact, Message
from clinic.models import DeadLetter as DeadLetterRow
from clinic.outbox import plan

RAVI = "+919000000401"
AT = datetime(2026, 11, 20, 10, 0, tzinfo=timezone.utc)


def message(n: int, phone: str | None = RAVI, **more: Any) -> InboundMessage:
    fields = {"bsuid": None, "profile_name": "Ravi Invented", "sent_at": None, "type": "text"}
    fields |= {"phone_number_id": "1", "text": f"number {n}", **more}
    return InboundMessage(wamid=f"wamid.receiver.{n}", phone=phone, **fields)


@pytest.fixture
def woken() -> list[set[int]]:
    return []


@pytest.fixture
def receiver(any_line, woken):
    receiver = Receiver(any_line.db, woken.append)
    receiver.start()
    yield receiver
    receiver.stop()


def rows(line, model):
    with line.db.reading() as session:
        return list(session.execute(select(model).order_by(model.id)).scalars())


async def test_messages_are_stored_and_their_contacts_woken(any_line, receiver, woken):
    await receiver.store([message(1), message(2, "+919000000402"), message(3)])
    stored = rows(any_line, Message)
    assert [m.text for m in stored] == ["number 1", "number 2", "number 3"]
    assert woken == [{stored[0].contact_id, stored[1].contact_id}]


async def test_a_duplicate_wakes_nobody(any_line, receiver, woken):
    await receiver.store([message(1)])
    await receiver.store([message(1)])
    assert (len(rows(any_line, Message)), len(woken)) == (1, 1)


async def test_nothing_to_store_is_fine(receiver):
    await receiver.store([])
    await receiver.store([Ignored("account_update")])


async def test_what_cannot_be_read_is_kept(any_line, receiver):
    letter = DeadLetter("message without id", {"type": "text"})
    await receiver.store([message(1), letter, message(2), letter])
    assert len(rows(any_line, Message)) == 2
    kept = rows(any_line, DeadLetterRow)
    assert [(k.reason, k.raw, k.seen) for k in kept] == [
        ("message without id", {"type": "text"}, 2)
    ]


@pytest.mark.parametrize(
    "broken",
    [
        message(2, None),  # nobody wrote it
        message(2, type="text", text="\udcff"),  # cannot be encoded
        message(2, sent_at=datetime(2026, 11, 20)),  # no zone
        message(2, referral={"x": object()}),  # no JSON
        DeliveryStatus(wamid="wamid.x", status="sent", at="yesterday"),
        message(2, contact_cards=[7]),  # our own reading fails
    ],
)
async def test_one_that_cannot_be_stored_costs_its_neighbours_nothing(any_line, receiver, broken):
    await receiver.store([message(1), broken, message(3)])
    texts = [m.text for m in rows(any_line, Message)]
    assert texts[0] == "number 1" and texts[-1] == "number 3"


async def test_a_bug_of_ours_costs_one_message_not_the_batch(any_line, receiver, monkeypatch):
    real = receiver._store_one

    def buggy(session, update):
        if update.wamid.endswith(".2"):
            return {}["no such key"]
        return real(session, update)

    monkeypatch.setattr(receiver, "_store_one", buggy)
    await receiver.store([message(1), message(2), message(3)])
    assert len(rows(any_line, Message)) == 2
    (letter,) = rows(any_line, DeadLetterRow)
    assert letter.reason == "KeyError"
    assert "number 2" in letter.raw["value"]


async def test_a_value_the_database_refuses_costs_one_message(any_line, receiver, monkeypatch):
    real = receiver._store_one

    def refused(session, update):
        if update.wamid.endswith(".2"):
            raise DataError("INSERT", {}, Exception("too long"))
        return real(session, update)

    monkeypatch.setattr(receiver, "_store_one", refused)
    await receiver.store([message(1), message(2)])
    assert len(rows(any_line, Message)) == len(rows(any_line, DeadLetterRow)) == 1


async def test_with_the_database_away_nothing_of_a_webhook_stays(any_line, receiver, monkeypatch):
    real = receiver._store_one

    def away_at_the_end(session, update):
        if update.wamid.endswith(".3"):
            raise OperationalError("INSERT", {}, Exception("away"))
        return real(session, update)

    monkeypatch.setattr(receiver, "_store_one", away_at_the_end)
    with pytest.raises(OperationalError):
        await receiver.store([message(1), message(2), message(3)])
    assert rows(any_line, Message) == rows(any_line, Contact) == []
    monkeypatch.undo()
    await receiver.store([message(1), message(2), message(3)])
    assert len(rows(any_line, Message)) == 3


async def test_webhooks_that_come_together_are_written_together(any_line, woken, monkeypatch):
    receiver = Receiver(any_line.db, woken.append)
    commits = []
    real = any_line.db.transaction

    def counted(**how):
        commits.append(1)
        return real(**how)

    monkeypatch.setattr(any_line.db, "transaction", counted)
    waiting = [asyncio.ensure_future(receiver.store([message(n)])) for n in range(40)]
    await asyncio.sleep(0)
    # they are all in the queue before the writer begins
    receiver._thread.start()
    await asyncio.gather(*waiting)
    receiver.stop()
    assert len(rows(any_line, Message)) == 40
    assert len(commits) == 1


async def test_a_webhook_that_breaks_a_shared_commit_fails_alone(any_line, woken, monkeypatch):
    receiver = Receiver(any_line.db, woken.append)
    real = receiver._store_updates

    def broken(session, updates, apart):
        if updates[0].wamid.endswith(".7"):
            raise RuntimeError("broken")
        return real(session, updates, apart)

    monkeypatch.setattr(receiver, "_store_updates", broken)
    waiting = [asyncio.ensure_future(receiver.store([message(n)])) for n in range(10)]
    await asyncio.sleep(0)
    receiver._thread.start()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    receiver.stop()
    assert [n for n, answer in enumerate(answers) if answer is not None] == [7]
    assert len(rows(any_line, Message)) == 9


async def test_with_the_database_away_all_who_wait_are_told_at_once(line, woken, monkeypatch):
    receiver = Receiver(line.db, woken.append)
    tries = []

    def away(**_how):
        tries.append(1)
        raise OperationalError("BEGIN", {}, Exception("away"))

    monkeypatch.setattr(line.db, "transaction", away)
    waiting = [asyncio.ensure_future(receiver.store([message(n)])) for n in range(30)]
    await asyncio.sleep(0)
    receiver._thread.start()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    receiver.stop()
    assert all(isinstance(answer, OperationalError) for answer in answers)
    assert len(tries) == 1


async def test_stopping_stores_what_was_taken_in_and_refuses_the_rest(any_line, woken):
    receiver = Receiver(any_line.db, woken.append)
    waiting = [asyncio.ensure_future(receiver.store([message(n)])) for n in range(5)]
    await asyncio.sleep(0)
    receiver._thread.start()
    await asyncio.to_thread(receiver.stop)
    await asyncio.wait_for(asyncio.gather(*waiting), 5)
    with pytest.raises(RuntimeError, match="stopping"):
        await asyncio.wait_for(receiver.store([message(9)]), 5)
    assert len(rows(any_line, Message)) == 5


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"type": "edit", "text": "new words"}, "edit"),
        ({"type": "edit", "text": None}, "unsupported"),
        ({"type": "interactive", "text": None, "flow_response": "{}"}, "form"),
        ({"type": "interactive", "text": None}, "unsupported"),
        ({"type": "hologram", "text": None}, "unsupported"),
    ],
)
async def test_what_a_message_is_to_the_conversation(any_line, receiver, fields, kind):
    await receiver.store([message(1, **fields)])
    assert [row.kind for row in rows(any_line, Message)] == [kind]


async def test_the_longest_id_can_be_kept(any_line, receiver):
    ids = ["wamid." + secrets.token_hex(497), "क" * 333]
    await receiver.store([replace(message(1), wamid=wamid) for wamid in ids])
    assert [row.wamid for row in rows(any_line, Message)] == ids


class TestOtherUpdates:
    async def test_a_status_moves_a_message_forward(self, any_line, receiver):
        await receiver.store([message(1)])
        (inbound,) = rows(any_line, Message)
        with any_line.db.transaction() as session:
            sent = plan(session, inbound.contact_id, Text(text="Hello"), cause="test:1")
            session.get(Message, sent).state = "sending"
        status = DeliveryStatus("wamid.out", "delivered", AT, client_ref=str(sent))
        await receiver.store([status, status])
        out = rows(any_line, Message)[-1]
        assert (out.state, out.wamid, out.delivered_at) == ("delivered", "wamid.out", AT)

    async def test_a_status_of_nothing_known_is_let_go(self, any_line, receiver):
        error = WireError(131026, "undeliverable", None)
        await receiver.store([DeliveryStatus("wamid.x", "failed", AT, errors=[error])])
        assert rows(any_line, DeadLetterRow) == []

    async def test_a_new_number_is_the_same_person(self, any_line, receiver):
        await receiver.store([message(1)])
        change = ContactChange("wamid.c", RAVI, "+919000000499", None, None, AT)
        await receiver.store([change, message(2, "+919000000499")])
        one, two = rows(any_line, Message)
        assert one.contact_id == two.contact_id

    async def test_whatsapps_own_switch_is_for_marketing_alone(self, any_line, receiver):
        def marketing():
            with any_line.db.reading() as session:
                contact = find_contact(session, phone=RAVI)
                assert contact.opted_out_at is None
                return of_contact(session, contact.id)["marketing"]

        await receiver.store([message(1), MarketingPreference(RAVI, None, "resume", AT)])
        assert (marketing().granted, marketing().since) == (True, AT)
        later = AT + timedelta(hours=1)
        stop = MarketingPreference(RAVI, None, "stop", later)
        await receiver.store([stop])
        assert (marketing().granted, marketing().how) == (False, "user_preferences")
        # WhatsApp sends again, and in any order
        await receiver.store([stop, MarketingPreference(RAVI, None, "resume", AT)])
        assert (marketing().granted, marketing().since) == (False, later)
        with any_line.db.reading() as session:
            assert len(history(session, find_contact(session, phone=RAVI).id)) == 2

    async def test_a_preference_of_a_stranger_is_let_go(self, any_line, receiver):
        await receiver.store([MarketingPreference("+919000000498", None, "stop", AT)])
        assert rows(any_line, Contact) == []
