"""Whatever fails: the message is answered, laid before a person, or still waiting."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DataError, OperationalError

from channels.turn import current_turn
from channels.whatsapp.opening import Begun, open_turn
from clinic.database import now
from clinic.logs import configure_logs
from clinic.models import Message, Tracker
from clinic.models import Profile as ProfileRow
from clinic.turns import commit_turn


def database_error(kind: type[Exception] = OperationalError) -> Exception:
    return kind("SELECT", {}, Exception("away"))  # type: ignore[call-arg]


async def failed(line: Any, text: str = "Hello") -> int:
    """A message whose turn must end in the failure text and a handoff."""
    contact = line.arrives(text)
    assert await line.works_off(contact) == ["failure"]
    assert line.said(contact) == [line.text("utter_handoff_failure")]
    assert (line.handoff(contact).reason, line.handoff(contact).priority) == ("failure", "high")
    assert line.states(contact) == ["handled"]
    return contact


class TestRasaFails:
    async def test_by_raising(self, any_line):
        async def broken(_message):
            raise RuntimeError("broken")

        any_line.rasa.before = broken
        contact = await failed(any_line)
        assert any_line.messages(contact, "in")[0].detail == "assistant"

    async def test_by_hanging(self, any_line, monkeypatch):
        monkeypatch.setattr("channels.whatsapp.conversation.LONGEST_TURN_SECONDS", 0.05)

        async def hang(_message):
            await asyncio.sleep(60)

        any_line.rasa.before = hang
        contact = await failed(any_line)
        assert any_line.messages(contact, "in")[0].detail == "timeout"

    async def test_by_not_being_ready(self, line):
        async def no_agent(_message):
            return None

        line.conversation._handle = no_agent
        contact = await failed(line)
        assert line.messages(contact, "in")[0].detail == "no answer"

    async def test_by_a_response_that_cannot_be_shown(self, line):
        line.rasa.answer = lambda message: {"custom": {"hologram": True}}
        contact = await failed(line)
        assert line.messages(contact, "in")[0].detail == "response"

    async def test_by_saying_nothing(self, line):
        line.rasa.answer = lambda message: {}
        contact = await failed(line)
        assert line.messages(contact, "in")[0].detail == "silence"

    async def test_by_a_failed_part_that_rasa_swallowed(self, line):
        async def action_died(_message):
            current_turn.get().fail("action")

        line.rasa.before = action_died
        contact = await failed(line)
        assert line.messages(contact, "in")[0].detail == "action"

    async def test_and_starts_afresh_when_staff_hand_back(self, line):
        contact = line.arrives("Hello")
        await line.works_off(contact)
        with line.db.reading() as session:
            assert session.get(Tracker, str(contact)) is not None
        line.rasa.answer = lambda message: {}
        line.arrives("again")
        await line.works_off(contact)
        with line.db.reading() as session:
            assert session.get(Tracker, str(contact)) is None

    async def test_while_a_red_flag_is_in_the_words_keeps_it_urgent(self, line):
        async def broken(_message):
            raise RuntimeError("broken")

        line.rasa.before = broken
        line.rasa.gate = lambda text: {"red_flag": "chest_pain"}
        contact = line.arrives("chest pain")
        await line.works_off(contact)
        assert line.said(contact) == [line.text("utter_emergency")]
        assert line.handoff(contact).priority == "urgent"

    async def test_only_for_the_one_it_fails_for(self, line):
        async def broken(message):
            if message.text == "bad":
                raise RuntimeError("broken")

        line.rasa.before = broken
        one = line.arrives("bad", phone="+919000000111")
        other = line.arrives("good", phone="+919000000112")
        assert await line.works_off(one) == ["failure"]
        assert await line.works_off(other) == ["answered"]


class TestDatabaseFails:
    async def test_at_commit_and_the_message_waits(self, any_line, monkeypatch):
        away = [3]

        def commit(session, result):
            if away[0]:
                away[0] -= 1
                raise database_error()
            commit_turn(session, result)

        monkeypatch.setattr("assistant.tracker_store.commit_turn", commit)
        contact = any_line.arrives("Hello")
        for _ in range(3):
            with pytest.raises(OperationalError):
                await any_line.conversation.next_turn(contact)
            assert any_line.states(contact) == ["received"]
            assert any_line.said(contact) == []
        assert await any_line.works_off(contact) == ["answered"]
        assert any_line.said(contact) == ["You said: Hello"]

    async def test_and_is_answered_once_it_is_back(self, any_line, monkeypatch, started, until):
        away = [True]

        def commit(session, result):
            if away[0]:
                raise database_error()
            commit_turn(session, result)

        monkeypatch.setattr("assistant.tracker_store.commit_turn", commit)
        contact = any_line.arrives("Hello")
        any_line.arrives("Still there?")
        started(any_line.turns())
        until(lambda: len(any_line.rasa.heard) >= 2)
        assert any_line.said(contact) == []
        away[0] = False
        until(lambda: any_line.states(contact) == ["handled", "handled"])
        assert any_line.said(contact) == ["You said: Hello", "You said: Still there?"]
        assert any_line.handoff(contact) is None

    async def test_for_one_message_for_good_and_a_person_has_it(self, any_line, monkeypatch):
        def refuse(_session, _result):
            raise database_error(DataError)

        monkeypatch.setattr("assistant.tracker_store.commit_turn", refuse)
        monkeypatch.setattr("channels.whatsapp.opening.TROUBLE", timedelta(0))
        contact = any_line.arrives("Hello")
        for _ in range(4):
            with pytest.raises(DataError):
                await any_line.conversation.next_turn(contact)
        assert await any_line.works_off(contact) == ["failure"]
        assert any_line.handoff(contact).reason == "failure"


def age(line: Any, contact: int, seconds: int = 60) -> None:
    """Let the contact's messages have been stored some time ago."""
    with line.db.transaction() as session:
        session.execute(
            update(Message)
            .where(Message.contact_id == contact)
            .values(created_at=now() - timedelta(seconds=seconds))
        )


def dies_over(line: Any, contact: int) -> Any:
    """A process that takes turns begins with a contact's message and dies; the turn it began."""
    return open_turn(line.db, contact, Begun())


class TestCrashes:
    """A crash leaves the message as it was; only its count of attempts has grown."""

    async def test_three_leave_the_fourth_to_a_person(self, any_line):
        contact = any_line.arrives("poison")
        age(any_line, contact)
        for attempt in (1, 2, 3):
            assert dies_over(any_line, contact).attempts == attempt
        assert await any_line.works_off(contact) == ["failure"]
        assert any_line.said(contact) == [any_line.text("utter_handoff_failure")]
        assert any_line.messages(contact, "in")[0].detail == "attempts"
        assert any_line.rasa.heard == []
        # whose words broke three processes are not read a fourth time
        assert any_line.rasa.read == []

    async def test_do_not_repeat_for_ever_in_a_muted_conversation(self, line):
        contact = line.arrives("poison", "media")
        await line.works_off(contact)
        line.arrives("poison")
        age(line, contact)
        line.rasa.read.clear()
        for _ in range(3):
            dies_over(line, contact)
        assert await line.works_off(contact) == ["staff"]
        assert line.rasa.read == []

    async def test_below_three_are_answered(self, any_line):
        contact = any_line.arrives("Hello")
        age(any_line, contact)
        dies_over(any_line, contact)
        dies_over(any_line, contact)
        assert await any_line.works_off(contact) == ["answered"]

    async def test_of_a_predecessor_count_whatever_came_after_it(self, line, new_line):
        contact = line.arrives("poison")
        assert dies_over(line, contact).attempts == 1
        assert open_turn(line.db, contact, new_line(line.db).conversation._begun).attempts == 2


class TestWaiting:
    """A message that nobody has begun on costs no attempt, and so no writing, however long."""

    async def test_behind_others_counts_nothing(self, line):
        begun = Begun()
        begun._since -= timedelta(hours=1)
        contact = line.arrives("Hello")
        age(line, contact)
        for _ in range(5):
            assert open_turn(line.db, contact, begun).attempts == 0

    async def test_through_a_moment_s_trouble_counts_nothing(self, line):
        begun = Begun()
        contact = line.arrives("Hello")
        begun.add(open_turn(line.db, contact, begun).message_id)
        assert open_turn(line.db, contact, begun).attempts == 0

    async def test_in_vain_for_longer_counts(self, line, monkeypatch):
        begun = Begun()
        contact = line.arrives("Hello")
        message = open_turn(line.db, contact, begun).message_id
        monkeypatch.setattr("channels.whatsapp.opening.TROUBLE", timedelta(0))
        begun.add(message)
        assert open_turn(line.db, contact, begun).attempts == 1
        begun.discard(message)
        assert open_turn(line.db, contact, begun).attempts == 1


class TestEvenTheTextFails:
    async def test_without_a_profile_a_person_has_it_all_the_same(self, line):
        with line.db.transaction() as session:
            session.query(ProfileRow).delete()
        contact = line.arrives(None, "media")
        assert await line.works_off(contact) == ["failure"]
        assert line.said(contact) == []
        assert line.handoff(contact).reason == "failure"
        assert line.states(contact) == ["handled"]

    async def test_with_the_database_away_the_message_waits(self, line, monkeypatch):
        contact = line.arrives(None, "media")

        def away(_name, _language):
            raise database_error()

        monkeypatch.setattr(line.texts, "bubble", away)
        with pytest.raises(OperationalError):
            await line.conversation.next_turn(contact)
        monkeypatch.undo()
        assert await line.works_off(contact) == ["handoff"]


@pytest.fixture
def everything_logged(logs) -> Any:
    """The logs, at their most talkative."""
    configure_logs("DEBUG", logs)
    yield logs
    configure_logs("WARNING", logs)


async def test_the_logs_of_a_failing_turn_carry_ids_and_no_words(line, everything_logged):
    async def broken(message):
        raise RuntimeError(f"cannot understand {message.text}")

    async def unreadable(message):
        raise ValueError(message.text)

    line.rasa.before = broken
    line.conversation._parse = unreadable
    contact = line.arrives("Ramanujan has a secret", phone="+919000000777")
    await line.works_off(contact)
    written = everything_logged.getvalue()
    assert f"contact={contact}" in written and "RuntimeError" in written
    for words in ("Ramanujan", "secret", "9000000777"):
        assert words not in written
