"""While a person has the conversation: the inbox sees everything, the bot says nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clinic.database import now
from clinic.handoffs import claim_handoff, open_handoff, resolve_handoff
from clinic.models import Contact

RED_FLAG = {"red_flag": "chest_pain", "clinical": True, "score": 0.9}


def hand_over(line, contact, reason="request"):
    with line.db.transaction() as session:
        return int(open_handoff(session, contact, reason).id)


@pytest.fixture
def muted(any_line):
    """A contact whose conversation a person has."""
    contact = any_line.arrives("Hello", "sticker")
    hand_over(any_line, contact)
    return contact


class TestMuted:
    @pytest.mark.parametrize(
        "kind", ["text", "tap", "media", "location", "sticker", "edit", "welcome", "unsupported"]
    )
    async def test_is_laid_before_staff_only(self, any_line, muted, kind):
        any_line.arrives("anybody there?", kind)
        assert set(await any_line.works_off(muted)) == {"staff"}
        assert any_line.said(muted) == []
        assert any_line.rasa.heard == []
        assert any_line.messages(muted, "in")[-1].detail == "human"
        # staff read it, not the bot
        assert any_line.ticked == []

    async def test_stays_so_when_somebody_claimed_it(self, any_line, muted):
        with any_line.db.transaction() as session:
            claim_handoff(session, any_line.handoff(muted).id, "priya")
        any_line.arrives("Hello?")
        await any_line.works_off(muted)
        assert (any_line.said(muted), any_line.rasa.heard) == ([], [])

    async def test_ends_when_staff_hand_back(self, any_line, muted):
        handoff = any_line.handoff(muted)
        await any_line.works_off(muted)
        with any_line.db.transaction() as session:
            resolve_handoff(session, handoff.id, "priya", "answered", hand_back=True)
        any_line.arrives("Hello again")
        assert await any_line.works_off(muted) == ["answered"]
        assert any_line.said(muted) == ["You said: Hello again"]

    async def test_a_tap_is_not_used_up(self, line):
        line.rasa.answer = lambda message: {
            "text": "Which?",
            "buttons": [{"title": "Tuesday", "payload": '/inform{"day": "2026-11-24"}'}],
        }
        contact = line.arrives("Hello")
        await line.works_off(contact)
        token = line.buttons(contact)["Tuesday"]
        handoff = hand_over(line, contact)
        line.taps(token, "Tuesday")
        assert await line.works_off(contact) == ["staff"]
        with line.db.transaction() as session:
            resolve_handoff(session, handoff, "priya", "answered", hand_back=True)
        line.taps(token, "Tuesday")
        await line.works_off(contact)
        assert line.rasa.heard[-1].parse_data["intent"]["name"] == "inform"

    async def test_revocations_count_all_the_same(self, line):
        contact = line.arrives("my secret")
        hand_over(line, contact)
        line.arrives(None, "revoke", content={"target": line.messages(contact, "in")[0].wamid})
        assert await line.works_off(contact) == ["staff", "staff"]
        assert line.messages(contact, "in")[0].text is None


class TestRedFlag:
    async def test_raises_the_priority_and_says_the_emergency_text(self, any_line, muted):
        any_line.rasa.gate = lambda text: RED_FLAG
        any_line.arrives("chest pain")
        await any_line.works_off(muted)
        handoff = any_line.handoff(muted)
        assert (handoff.priority, handoff.reason) == ("urgent", "red_flag")
        assert handoff.red_flag == "chest_pain"
        assert any_line.said(muted) == [any_line.text("utter_emergency")]
        assert any_line.messages(muted, "in")[-1].content["marks"] == RED_FLAG

    async def test_is_answered_at_most_once_an_hour(self, any_line, muted):
        any_line.rasa.gate = lambda text: RED_FLAG
        for _ in range(4):
            any_line.arrives("chest pain")
        await any_line.works_off(muted)
        assert len(any_line.said(muted)) == 1
        with any_line.db.transaction() as session:
            contact = session.get(Contact, muted)
            contact.emergency_text_at = now() - timedelta(minutes=61)
        any_line.arrives("chest pain")
        await any_line.works_off(muted)
        assert len(any_line.said(muted)) == 2

    async def test_of_self_harm_has_its_own_words(self, line):
        contact = line.arrives("x", "sticker")
        hand_over(line, contact)
        line.rasa.gate = lambda text: {"red_flag": "self_harm"}
        line.arrives("mujhe jeena nahi hai")
        await line.works_off(contact)
        assert line.said(contact) == [line.text("utter_emergency_self_harm", "hinglish")]

    async def test_priority_never_falls(self, any_line, muted):
        any_line.rasa.gate = lambda text: RED_FLAG if "chest" in text else {}
        any_line.arrives("chest pain")
        any_line.arrives("thanks")
        await any_line.works_off(muted)
        assert any_line.handoff(muted).priority == "urgent"

    @pytest.mark.parametrize("failing", ["raises", "hangs"])
    async def test_a_gate_that_fails_leaves_the_message_to_staff(self, line, monkeypatch, failing):
        import asyncio

        monkeypatch.setattr("channels.whatsapp.conversation.LONGEST_READING_SECONDS", 0.05)

        async def parse(_message):
            if failing == "raises":
                raise RuntimeError("no model")
            await asyncio.sleep(60)

        line.conversation._parse = parse
        contact = line.arrives("x", "sticker")
        hand_over(line, contact)
        line.arrives("anybody?")
        assert await line.works_off(contact) == ["staff", "staff"]
        assert line.states(contact) == ["handled", "handled"]


async def test_a_handoff_opened_while_rasa_thinks_silences_the_answer(any_line):
    contact = any_line.arrives("Hello")

    async def staff_take_over(_message):
        hand_over(any_line, contact)

    any_line.rasa.before = staff_take_over
    await any_line.works_off(contact)
    assert any_line.said(contact) == []
    assert any_line.states(contact) == ["handled"]
