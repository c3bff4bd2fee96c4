"""While a person has the conversation: the inbox sees everything, the bot says nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from channels.turn import current_turn
from clinic.database import now
from clinic.handoffs import claim_handoff, open_handoff, resolve_handoff
from clinic.models import Appointment, Contact
from clinic.scheduling.booking import book, cancel
from clinic.scheduling.slots import free_slots

RED_FLAG = {"red_flag": "chest_pain", "clinical": True, "score": 0.9}


def hand_over(line, contact, reason="request"):
    with line.db.transaction() as session:
        return int(open_handoff(session, contact, reason).id)


def booked(line):
    """A contact who has just written, and their visit in some days."""
    contact = line.arrives("Hello", "sticker")
    with line.db.transaction() as session:
        day = now().date()
        wanted = {"service": "session", "start": day, "end": day + timedelta(days=14)}
        (slot,) = free_slots(session, limit=1, now=now() + timedelta(days=1), **wanted)
        return contact, book(session, slot, contact, "Meena", "b", now=now()).appointment_id


async def reminded(line, contact, key, intent="confirm_attendance"):
    """The token of a button that the reminder of the visit `key` offers."""
    payload = f'/{intent}{{"appointment": "{key}"}}'
    line.rasa.answer = lambda message: {
        "text": "Are you coming?",
        "buttons": [{"title": "I will come", "payload": payload}],
    }
    line.arrives("remind me")
    await line.works_off(contact)
    return line.buttons(contact)["I will come"]


def status_of(line, visit):
    with line.db.reading() as session:
        return session.get(Appointment, visit).status


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

    @pytest.mark.parametrize("claimed", [False, True])
    async def test_that_they_come_is_kept_without_a_word(self, any_line, claimed):
        contact, visit = booked(any_line)
        token = await reminded(any_line, contact, f"{visit}:1")
        hand_over(any_line, contact)
        if claimed:
            with any_line.db.transaction() as session:
                claim_handoff(session, any_line.handoff(contact).id, "priya")
        said = any_line.said(contact)
        any_line.taps(token, "I will come")
        assert await any_line.works_off(contact) == ["staff"]
        assert status_of(any_line, visit) == "confirmed"
        assert any_line.said(contact) == said, "the bot is mute"
        assert any_line.messages(contact, "in")[-1].text == "I will come", "whoever answers sees it"

    @pytest.mark.parametrize("button", ["moved", "cancelled", "theirs", "garbled"])
    async def test_a_button_that_is_not_true_any_more_confirms_nothing(self, any_line, button):
        contact, visit = booked(any_line)
        key = {"moved": f"{visit}:0", "garbled": f"{visit}:1x", "theirs": "999:1"}.get(button)
        token = await reminded(any_line, contact, key or f"{visit}:1")
        hand_over(any_line, contact)
        if button == "cancelled":
            with any_line.db.transaction() as session:
                cancel(session, visit, None, "staff:1", "asked", "c", now=now())
        any_line.taps(token, "I will come")
        assert await any_line.works_off(contact) == ["staff"]
        assert status_of(any_line, visit) == ("cancelled" if button == "cancelled" else "booked")

    async def test_cancelling_and_moving_stay_a_persons_act(self, line):
        contact, visit = booked(line)
        for intent in ("cancel_appointment", "reschedule_appointment"):
            token = await reminded(line, contact, f"{visit}:1", intent)
            handoff = hand_over(line, contact)
            line.taps(token, "I will come")
            assert await line.works_off(contact) == ["staff"]
            assert status_of(line, visit) == "booked"
            with line.db.transaction() as session:
                resolve_handoff(session, handoff, "priya", "answered", hand_back=True)

    @pytest.mark.parametrize("breaks", ["action", "rasa", "attempts"])
    async def test_a_tap_whose_turn_fails_is_not_used_up(self, any_line, breaks, monkeypatch):
        any_line.rasa.answer = lambda message: {
            "text": "Which?",
            "buttons": [{"title": "Tuesday", "payload": '/inform{"day": "2026-11-24"}'}],
        }
        contact = any_line.arrives("Hello")
        await any_line.works_off(contact)
        token = any_line.buttons(contact)["Tuesday"]

        async def fail(_message):
            if breaks == "action":
                current_turn.get().fail("action")
            else:
                raise RuntimeError("broken")

        any_line.rasa.before = fail
        if breaks == "attempts":
            monkeypatch.setattr("channels.whatsapp.conversation.MOST_ATTEMPTS", -1)
        any_line.taps(token, "Tuesday")
        assert await any_line.works_off(contact) == ["failure"]
        monkeypatch.undo()
        any_line.rasa.before = None
        with any_line.db.transaction() as session:
            handoff = any_line.handoff(contact)
            resolve_handoff(session, handoff.id, "priya", "answered", hand_back=True)
        heard = len(any_line.rasa.heard)
        any_line.taps(token, "Tuesday")
        assert await any_line.works_off(contact) == ["answered"]
        assert any_line.rasa.heard[heard:][0].parse_data["intent"]["name"] == "inform"
        # from then on it is used up as ever
        any_line.taps(token, "Tuesday")
        await any_line.works_off(contact)
        assert any_line.said(contact)[-1] == any_line.text("utter_button_used")

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

        monkeypatch.setattr("channels.judging.LONGEST_READING_SECONDS", 0.05)

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


CLINICAL = {"clinical": True, "score": 0.9}


class TestClinical:
    """What turns clinical while the front desk has the conversation is not for the front desk."""

    @pytest.fixture(autouse=True)
    def gate(self, any_line):
        any_line.rasa.gate = lambda text: CLINICAL if "knee" in text else {"score": 0.01}
        any_line.rasa.intent = "pain_report"

    @pytest.mark.parametrize("reason", ["request", "unsure", "failure"])
    async def test_words_make_the_handoff_the_physiotherapists(self, any_line, reason):
        contact = any_line.arrives("x", "sticker")
        hand_over(any_line, contact, reason)
        any_line.arrives("my knee gave way")
        await any_line.works_off(contact)
        handoff = any_line.handoff(contact)
        assert (handoff.reason, handoff.priority) == ("clinical", "high")
        assert (handoff.team, handoff.status) == ("physiotherapists", "open")
        message = any_line.messages(contact, "in")[-1]
        assert (message.intent, message.content["marks"]) == ("pain_report", CLINICAL)
        assert any_line.said(contact) == []

    async def test_words_stay_with_whoever_claimed_the_conversation(self, any_line, muted):
        with any_line.db.transaction() as session:
            claim_handoff(session, any_line.handoff(muted).id, "priya")
        any_line.arrives("my knee gave way")
        await any_line.works_off(muted)
        handoff = any_line.handoff(muted)
        assert (handoff.reason, handoff.claimed_by, handoff.team) == ("clinical", "priya", None)

    async def test_words_never_lessen_a_red_flag(self, any_line):
        contact = any_line.arrives("x", "sticker")
        hand_over(any_line, contact, "red_flag")
        any_line.arrives("my knee gave way")
        await any_line.works_off(contact)
        handoff = any_line.handoff(contact)
        assert (handoff.reason, handoff.priority, handoff.team) == ("red_flag", "urgent", None)

    async def test_an_unknown_intent_is_clinical_all_the_same(self, any_line, muted):
        any_line.rasa.intent = "faq_fees"
        any_line.arrives("my knee gave way")
        await any_line.works_off(muted)
        assert any_line.messages(muted, "in")[-1].intent == "other_medical"

    async def test_logistics_leave_the_handoff_as_it_is(self, any_line, muted):
        any_line.arrives("where do I park?")
        await any_line.works_off(muted)
        handoff = any_line.handoff(muted)
        assert (handoff.reason, handoff.priority, handoff.team) == ("request", "normal", None)
        assert any_line.messages(muted, "in")[-1].intent is None

    async def test_words_of_our_own_buttons_are_not_judged(self, any_line):
        any_line.rasa.answer = lambda message: {
            "text": "Which?",
            "buttons": [{"title": "A knee", "payload": '/inform{"category": "knee_hip"}'}],
        }
        contact = any_line.arrives("Hello")
        await any_line.works_off(contact)
        hand_over(any_line, contact)
        any_line.taps(any_line.buttons(contact)["A knee"], "A knee")
        await any_line.works_off(contact)
        assert any_line.handoff(contact).reason == "request"
        # and the words of a button that was never ours are
        any_line.taps("forged", "my knee")
        await any_line.works_off(contact)
        assert any_line.handoff(contact).reason == "clinical"

    async def test_words_over_which_a_turn_fails_are_judged_too(self, any_line):
        async def fail(_message):
            raise RuntimeError("no action server")

        any_line.rasa.before = fail
        contact = any_line.arrives("my knee gave way")
        await any_line.works_off(contact)
        assert any_line.handoff(contact).reason == "clinical"
        assert any_line.said(contact) == [any_line.text("utter_handoff_failure")]
        assert any_line.messages(contact, "in")[-1].intent == "pain_report"


async def test_a_message_that_staff_hand_back_over_is_answered(any_line, muted):
    """Handed back while the gate reads: without another look it would lie before nobody."""
    handoff = any_line.handoff(muted)
    await any_line.works_off(muted)

    async def parse(_message):
        with any_line.db.transaction() as session:
            if any_line.handoff(muted) is not None:
                resolve_handoff(session, handoff.id, "priya", "answered", hand_back=True)
        return {}

    any_line.conversation._parse = parse
    any_line.arrives("Hello again")
    assert await any_line.works_off(muted) == ["again", "answered"]
    assert any_line.said(muted) == ["You said: Hello again"]


class TestRevoked:
    async def test_by_its_writer_with_what_it_was_edited_to(self, any_line):
        contact = any_line.arrives("my secret")
        wamid = any_line.messages(contact, "in")[0].wamid
        any_line.arrives("my other secret", "edit", content={"target": wamid})
        any_line.arrives("and parking?")
        any_line.arrives(None, "revoke", content={"target": wamid})
        await any_line.works_off(contact)
        words = [message.text for message in any_line.messages(contact, "in")]
        assert words == [None, None, "and parking?", None]

    @pytest.mark.parametrize("mute", [True, False])
    async def test_by_nobody_else(self, any_line, mute):
        contact = any_line.arrives("my words")
        stranger = any_line.arrives("x", "sticker", phone="+919000000199")
        if mute:
            hand_over(any_line, stranger)
        wamid = any_line.messages(contact, "in")[0].wamid
        any_line.arrives(None, "revoke", phone="+919000000199", content={"target": wamid})
        await any_line.works_off(stranger)
        assert any_line.messages(contact, "in")[0].text == "my words"


async def test_a_handoff_opened_while_rasa_thinks_silences_the_answer(any_line):
    contact = any_line.arrives("Hello")

    async def staff_take_over(_message):
        hand_over(any_line, contact)

    any_line.rasa.before = staff_take_over
    await any_line.works_off(contact)
    assert any_line.said(contact) == []
    assert any_line.states(contact) == ["handled"]
