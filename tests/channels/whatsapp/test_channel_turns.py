"""Working off: per contact strictly in order, contacts beside each other, replicas apart."""

from __future__ import annotations

import asyncio
import time

import pytest
from sqlalchemy import func, select

from channels.locks import PostgresLocks, RedisLocks
from channels.whatsapp import turns as turns_module
from channels.whatsapp.opening import open_turn
from clinic.inbound import Share, contacts_waiting
from clinic.models import Message

PHONES = [f"+9190000002{n:02}" for n in range(20)]


async def test_contacts_waiting_are_found_longest_waiting_first(any_line):
    later = any_line.arrives("x", phone=PHONES[0])
    await any_line.works_off(later)
    first = any_line.arrives("1", phone=PHONES[1])
    any_line.arrives("2", phone=PHONES[0])
    any_line.arrives("3", phone=PHONES[1])
    with any_line.db.reading() as session:
        assert contacts_waiting(session) == [first, later]


class TestOneProcess:
    def test_takes_up_what_an_earlier_process_left(self, any_line, started, until):
        contact = any_line.arrives("before")
        any_line.arrives("the restart")
        started(any_line.turns())
        until(lambda: any_line.states(contact) == ["handled", "handled"])
        assert any_line.said(contact) == ["You said: before", "You said: the restart"]

    def test_is_woken_by_new_messages(self, line, started, until, monkeypatch):
        monkeypatch.setattr(turns_module, "LOOK_EVERY_SECONDS", 600.0)
        turns = started(line.turns())
        until(lambda: turns._places is not None)
        for n in range(5):
            turns.wake({line.arrives(f"number {n}")})
        contact = line.arrives("last")
        turns.wake({contact})
        until(lambda: line.states(contact) == ["handled"] * 6)
        assert line.rasa.texts == [*(f"number {n}" for n in range(5)), "last"]

    def test_finds_what_nobody_woke_it_for(self, line, started, until, monkeypatch):
        monkeypatch.setattr(turns_module, "LOOK_EVERY_SECONDS", 0.2)
        turns = started(line.turns())
        until(lambda: turns._places is not None)
        contact = line.arrives("stored by a replica that died")
        until(lambda: line.states(contact) == ["handled"])

    def test_leaves_alone_who_is_another_process_s(self, line, started, until):
        theirs = line.arrives("for another")
        ours = line.arrives("for this one", phone=PHONES[1])
        started(line.turns(share=Share(ours % 2, of=2)))
        until(lambda: line.states(ours) == ["handled"])
        assert line.states(theirs) == ["received"]
        started(line.turns(share=Share(theirs % 2, of=2)))
        until(lambda: line.states(theirs) == ["handled"])

    def test_never_thinks_twice_at_once_about_a_contact(self, line, started, until):
        thinking: dict[str, int] = {}
        most = [0]

        async def think(message):
            thinking[message.sender_id] = thinking.get(message.sender_id, 0) + 1
            most[0] = max(most[0], thinking[message.sender_id])
            await asyncio.sleep(0.01)
            thinking[message.sender_id] -= 1

        line.rasa.before = think
        turns = started(line.turns())
        contacts = set()
        for n in range(8):
            for phone in PHONES[:4]:
                contacts.add(line.arrives(f"number {n}", phone=phone))
                turns.wake(set(contacts))
        until(lambda: all(line.states(c) == ["handled"] * 8 for c in contacts))
        assert most[0] == 1
        for contact in contacts:
            assert line.said(contact) == [f"You said: number {n}" for n in range(8)]

    def test_a_slow_contact_keeps_no_other_waiting(self, line, started, until):
        async def think(message):
            if message.text == "slow":
                await asyncio.sleep(3)

        line.rasa.before = think
        slow = line.arrives("slow", phone=PHONES[0])
        quick = [line.arrives("quick", phone=phone) for phone in PHONES[1:5]]
        began = time.monotonic()
        started(line.turns())
        until(lambda: all(line.states(contact) == ["handled"] for contact in quick))
        assert line.states(slow) == ["received"], f"{time.monotonic() - began:.1f} s"
        until(lambda: line.states(slow) == ["handled"])

    def test_works_on_so_many_contacts_at_once_and_no_more(self, line, started, until):
        now, most = [0], [0]

        async def think(_message):
            now[0] += 1
            most[0] = max(most[0], now[0])
            await asyncio.sleep(0.1)
            now[0] -= 1

        line.rasa.before = think
        contacts = [line.arrives("Hello", phone=phone) for phone in PHONES]
        started(line.turns())
        until(lambda: all(line.states(contact) == ["handled"] for contact in contacts))
        assert 1 < most[0] <= turns_module.CONTACTS_AT_ONCE

    def test_lives_through_anything_that_looking_raises(self, line, started, until, monkeypatch):
        monkeypatch.setattr(turns_module, "LOOK_EVERY_SECONDS", 0.1)
        real = turns_module.contacts_waiting
        calls = []

        def broken_twice(session, share):
            calls.append(1)
            if len(calls) <= 2:
                raise RuntimeError("no thread can be started")
            return real(session, share)

        monkeypatch.setattr(turns_module, "contacts_waiting", broken_twice)
        contact = line.arrives("Hello")
        turns = started(line.turns())
        until(lambda: line.states(contact) == ["handled"])
        assert turns.state()["alive"]

    def test_one_contact_that_breaks_leaves_the_others(self, line, started, until, monkeypatch):
        broken = line.arrives("Hello", phone=PHONES[0])
        fine = line.arrives("Hello", phone=PHONES[1])

        def open_(database, contact, begun):
            if contact == broken:
                raise RuntimeError("cannot be decrypted")
            return open_turn(database, contact, begun)

        monkeypatch.setattr("channels.whatsapp.conversation.open_turn", open_)
        started(line.turns())
        until(lambda: line.states(fine) == ["handled"])
        assert line.states(broken) == ["received"]

    def test_a_running_turn_ends_before_the_stop(self, line, until):
        async def think(_message):
            await asyncio.sleep(0.5)

        line.rasa.before = think
        contact = line.arrives("Hello")
        line.arrives("left for the next process")
        turns = line.turns()
        turns.start()
        until(lambda: line.rasa.heard)
        turns.stop()
        assert not turns.state()["alive"]
        assert line.states(contact) == ["handled", "received"]
        turns.wake({contact})  # too late, and harmless


class TestReplicas:
    @pytest.fixture(params=["postgresql", "redis"])
    def locks(self, request, postgres_line):
        """`locks()`: the locks of one more replica on the same database."""
        if request.param == "postgresql":
            return lambda: PostgresLocks(postgres_line.db)
        url = request.getfixturevalue("redis_url")
        return lambda: RedisLocks(url)

    def test_answer_every_message_once_and_in_order(
        self, postgres_line, new_line, locks, started, until, monkeypatch
    ):
        monkeypatch.setattr(turns_module, "LOOK_EVERY_SECONDS", 0.2)
        # each has fewer places than there are patients, so that both have something to do
        monkeypatch.setattr(turns_module, "CONTACTS_AT_ONCE", 2)
        one, other = postgres_line, new_line(postgres_line.db)

        async def think(_message):
            await asyncio.sleep(0.02)
            until_both_think = time.monotonic() + 10
            while not (one.rasa.heard and other.rasa.heard):
                assert time.monotonic() < until_both_think
                await asyncio.sleep(0.02)

        one.rasa.before = other.rasa.before = think
        replicas = [started(one.turns(locks())), started(other.turns(locks()))]
        contacts = set()
        for n in range(6):
            for phone in PHONES[:5]:
                contacts.add(one.arrives(f"number {n}", phone=phone))
            for replica in replicas:
                replica.wake(set(contacts))
        until(lambda: all(one.states(c) == ["handled"] * 6 for c in contacts), 60)
        for contact in contacts:
            assert one.said(contact) == [f"You said: number {n}" for n in range(6)]
        # and nobody thought about a message that another had
        heard = [m.message_id for m in one.rasa.heard + other.rasa.heard]
        assert len(heard) == len(set(heard)) == 30

    def test_without_any_lock_still_answer_once(
        self, postgres_line, new_line, started, until, monkeypatch
    ):
        """What a lock that ran out comes to: the database refuses the second commit."""
        monkeypatch.setattr(turns_module, "LOOK_EVERY_SECONDS", 0.2)
        one, other = postgres_line, new_line(postgres_line.db)
        barrier_size = 0.05

        async def think(_message):
            await asyncio.sleep(barrier_size)

        one.rasa.before = other.rasa.before = think
        # of two answers of different length none may be a mixture
        two = "x" * 4000
        other.rasa.answer = lambda message: {"text": f"{two}\n\n{two} {message.text}"}
        replicas = [started(one.turns()), started(other.turns())]
        contacts = {one.arrives("Hello", phone=phone) for phone in PHONES[:8]}
        for replica in replicas:
            replica.wake(set(contacts))
        until(lambda: all(one.states(c) == ["handled"] for c in contacts))
        time.sleep(0.5)
        for contact in contacts:
            assert len(one.said(contact)) in (1, 2)
            starts = {said[0] for said in one.said(contact)}
            assert len(starts) == 1, "two answers are mixed"
        with one.db.reading() as session:
            handled = session.execute(
                select(func.count()).where(Message.state == "handled")
            ).scalar_one()
        assert handled == 8
