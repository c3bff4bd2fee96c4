"""One turn: what Rasa is given, and what becomes of everything Rasa is not given."""

from __future__ import annotations

from typing import Any

import pytest

from channels.whatsapp.opening import Begun, open_turn
from clinic.bubbles import Choice, Choices
from clinic.models import Contact
from clinic.outbox import plan
from clinic.turns import TurnResult, commit_turn


def offer(line: Any, contact: int, *choices: Choice, cause: str = "test:offer") -> None:
    """Plan a question with these choices."""
    bubble = Choices(text="Which?", choices=list(choices), opener="Choose")
    with line.db.transaction() as session:
        plan(session, contact, bubble, cause=cause, more_title="More")


TUESDAY = Choice(title="Tuesday", payload='/inform{"day": "2026-11-24"}')


class TestTypedText:
    async def test_is_answered_and_ticked(self, any_line):
        contact = any_line.arrives("Where are you?")
        assert await any_line.works_off(contact) == ["answered"]
        assert any_line.said(contact) == ["You said: Where are you?"]
        assert any_line.states(contact) == ["handled"]
        assert len(any_line.ticked) == 1

    async def test_is_answered_in_the_order_it_came(self, any_line):
        (contact,) = {any_line.arrives(f"number {n}") for n in range(12)}
        await any_line.works_off(contact)
        assert any_line.said(contact) == [f"You said: number {n}" for n in range(12)]

    @pytest.mark.parametrize(
        ("typed", "read"),
        [
            ("/restart", "restart"),
            ('/book{"slot":"x"}', 'book{"slot":"x"}'),
            ("  //restart", "restart"),
            ("\u00a0/restart", "restart"),
            ("EXTERNAL: book", "book"),
            ("external : /restart", "restart"),
            ("/EXTERNAL:/restart", "restart"),
            ("\x00/restart", "restart"),
            ("no\x00ughts", "no ughts"),
            ("5/6 is fine", "5/6 is fine"),
            ("///", "-"),
            ("", "-"),
            (None, "-"),
            ("   ", "-"),
            ("😀", "😀"),
            ("x" * 70_000, "x" * 65_536),
        ],
    )
    async def test_is_never_a_command(self, line, typed, read):
        contact = line.arrives(typed)
        await line.works_off(contact)
        assert line.rasa.texts == [read]
        assert line.rasa.heard[0].parse_data is None

    @pytest.mark.parametrize(
        "typed", ["／restart", "＼restart", "\u200f/restart", "\u202e/restart", "\ufeff/restart"]
    )
    async def test_with_other_marks_before_it_is_no_command_of_rasas(self, line, typed):
        contact = line.arrives(typed)
        await line.works_off(contact)
        # Rasa strips white space and then looks for its own slash
        assert not line.rasa.texts[0].strip().startswith("/")

    async def test_is_kept_in_the_log_as_typed(self, line):
        contact = line.arrives("/restart")
        await line.works_off(contact)
        assert line.messages(contact, "in")[0].text == "/restart"

    async def test_tells_rasa_whose_words_and_in_which_language(self, line):
        contact = line.arrives("Hello")
        await line.works_off(contact)
        heard = line.rasa.heard[0]
        message = line.messages(contact, "in")[0]
        assert (heard.sender_id, heard.message_id) == (str(contact), str(message.id))
        assert heard.input_channel == "whatsapp"
        assert heard.metadata == {"language": "en", "language_chosen": False}


class TestTap:
    async def test_means_what_was_offered(self, any_line):
        contact = any_line.arrives("Hello")
        await any_line.works_off(contact)
        offer(any_line, contact, TUESDAY)
        any_line.taps(any_line.buttons(contact)["Tuesday"], "Tuesday")
        assert await any_line.works_off(contact) == ["answered"]
        heard = any_line.rasa.heard[-1]
        assert heard.text == "Tuesday"
        assert heard.parse_data["intent"] == {"name": "inform", "confidence": 1.0}
        found = {e["entity"]: e["value"] for e in heard.parse_data["entities"]}
        assert found == {"day": "2026-11-24", "language": "en"}
        assert heard.parse_data["tap"] is True

    async def test_with_a_forged_id_is_its_title_as_text(self, line):
        contact = line.taps('/book{"slot": "x"}', "/restart")
        await line.works_off(contact)
        assert (line.rasa.texts, line.rasa.heard[0].parse_data) == (["restart"], None)

    async def test_with_another_contacts_id_is_its_title_as_text(self, line):
        other = line.arrives("Hello", phone="+919000000102")
        await line.works_off(other)
        offer(line, other, TUESDAY)
        contact = line.taps(line.buttons(other)["Tuesday"], "Tuesday")
        await line.works_off(contact)
        assert line.rasa.heard[-1].parse_data is None

    async def test_counts_once(self, any_line):
        contact = any_line.arrives("Hello")
        await any_line.works_off(contact)
        offer(any_line, contact, TUESDAY)
        token = any_line.buttons(contact)["Tuesday"]
        any_line.taps(token, "Tuesday")
        any_line.taps(token, "Tuesday")
        assert await any_line.works_off(contact) == ["answered", "answered"]
        assert len(any_line.rasa.heard) == 2
        assert any_line.said(contact)[-1] == any_line.text("utter_button_used")
        assert len(any_line.buttons(contact)) == 3

    async def test_counts_again_when_its_own_turn_is_repeated(self, line):
        contact = line.arrives("Hello")
        await line.works_off(contact)
        offer(line, contact, TUESDAY)
        line.taps(line.buttons(contact)["Tuesday"], "Tuesday")
        crashed = open_turn(line.db, contact, Begun())
        assert crashed is not None and crashed.payload == TUESDAY.payload
        await line.works_off(contact)
        assert line.rasa.heard[-1].parse_data["intent"]["name"] == "inform"

    async def test_on_more_shows_the_rest_without_rasa(self, any_line):
        contact = any_line.arrives("Hello")
        await any_line.works_off(contact)
        rows = [Choice(title=f"Row {n}", payload=f"/inform{n}") for n in range(25)]
        offer(any_line, contact, *rows)
        shown: list[str] = []
        for _page in range(3):
            titles = any_line.buttons(contact)
            shown += [title for title in titles if title != "More"]
            if "More" in titles:
                any_line.taps(titles["More"], "More")
                assert await any_line.works_off(contact) == ["answered"]
        assert shown == [f"Row {n}" for n in range(25)]
        assert any_line.rasa.texts == ["Hello"]

    async def test_whose_payload_is_no_command_is_its_title(self, line):
        contact = line.arrives("Hello")
        await line.works_off(contact)
        offer(line, contact, Choice(title="Knee", payload="Knee"))
        line.taps(line.buttons(contact)["Knee"], "Knee")
        await line.works_off(contact)
        assert (line.rasa.texts[-1], line.rasa.heard[-1].parse_data) == ("Knee", None)

    async def test_on_a_more_row_that_cannot_be_read_goes_to_a_person(self, line):
        contact = line.arrives("Hello")
        await line.works_off(contact)
        offer(line, contact, Choice(title="More", payload='more:{"kind": "no such"}'))
        line.taps(line.buttons(contact)["More"], "More")
        assert await line.works_off(contact) == ["failure"]
        assert line.handoff(contact).reason == "failure"


class TestOtherKinds:
    @pytest.mark.parametrize(
        "kind", ["media", "location", "contacts", "order", "unsupported", "form", "no such kind"]
    )
    async def test_unreadable_goes_to_a_person(self, any_line, kind):
        contact = any_line.arrives(None, kind)
        assert await any_line.works_off(contact) == ["handoff"]
        assert any_line.said(contact) == [any_line.text("utter_handoff_media")]
        handoff = any_line.handoff(contact)
        assert (handoff.reason, handoff.priority, handoff.status) == ("media", "high", "open")
        assert any_line.rasa.heard == []

    async def test_caption_with_a_red_flag_is_an_emergency(self, line):
        line.rasa.gate = lambda text: {"red_flag": "chest_pain", "clinical": True}
        contact = line.arrives("chest pain since morning", "media")
        await line.works_off(contact)
        assert line.said(contact) == [line.text("utter_emergency")]
        handoff = line.handoff(contact)
        assert (handoff.reason, handoff.red_flag) == ("red_flag", "chest_pain")
        assert handoff.priority == "urgent"

    async def test_caption_is_read_by_the_gate_only(self, line):
        contact = line.arrives("/restart my report", "media")
        await line.works_off(contact)
        assert (line.rasa.read, line.rasa.heard) == (["restart my report"], [])

    @pytest.mark.parametrize("kind", ["sticker", "reaction", "system"])
    async def test_silent_kinds_are_handled_without_a_word(self, line, kind):
        contact = line.arrives(None, kind)
        assert await line.works_off(contact) == ["silent"]
        assert (line.said(contact), line.handoff(contact)) == ([], None)
        assert line.states(contact) == ["handled"]

    async def test_an_edited_text_is_read_anew(self, line):
        contact = line.arrives("Book on Monday")
        line.arrives("Book on Tuesday", "edit", content={"target": "wamid.1"})
        await line.works_off(contact)
        assert line.rasa.texts == ["Book on Monday", "Book on Tuesday"]

    async def test_a_revoked_text_is_gone_from_the_log(self, line):
        contact = line.arrives("my secret")
        wamid = line.messages(contact, "in")[0].wamid
        line.arrives(None, "revoke", content={"target": wamid})
        assert await line.works_off(contact) == ["answered", "silent"]
        first = line.messages(contact, "in")[0]
        assert (first.text, first.content) == (None, {"revoked": True})

    @pytest.mark.parametrize("target", [None, "wamid.never-seen"])
    async def test_a_revocation_of_nothing_known_is_silent(self, line, target):
        contact = line.arrives(None, "revoke", content={"target": target})
        assert await line.works_off(contact) == ["silent"]

    async def test_nobody_takes_back_what_another_wrote(self, any_line):
        contact = any_line.arrives("my words")
        wamid = any_line.messages(contact, "in")[0].wamid
        other = any_line.arrives(None, "revoke", "+919000000399", content={"target": wamid})
        assert await any_line.works_off(other) == ["silent"]
        assert any_line.messages(contact, "in")[0].text == "my words"

    async def test_opening_the_chat_is_greeted(self, line):
        contact = line.arrives(None, "welcome")
        await line.works_off(contact)
        assert line.rasa.heard[0].parse_data["intent"]["name"] == "greet"


class TestLanguage:
    @pytest.mark.parametrize(
        ("caption", "language"),
        [("यह रिपोर्ट देखिए", "hi"), ("Please see my report", "en"), (None, "en")],
    )
    async def test_fixed_texts_follow_the_message(self, line, caption, language):
        contact = line.arrives(caption, "media")
        await line.works_off(contact)
        assert line.said(contact) == [line.text("utter_handoff_media", language)]

    async def test_a_chosen_language_stays(self, line):
        contact = line.arrives("Hello")
        with line.db.transaction() as session:
            row = session.get(Contact, contact)
            row.language, row.language_chosen = "hi", True
        line.arrives("Please see my report", "media")
        await line.works_off(contact)
        assert line.rasa.heard[0].metadata == {"language": "hi", "language_chosen": True}
        assert line.said(contact)[-1] == line.text("utter_handoff_media", "hi")


class TestRepetition:
    async def test_a_turn_that_another_process_committed_is_left_alone(self, any_line):
        contact = any_line.arrives("Hello")

        async def elsewhere(message: Any) -> None:
            with any_line.db.transaction() as session:
                commit_turn(session, TurnResult(int(message.message_id), contact, detail="other"))

        any_line.rasa.before = elsewhere
        assert await any_line.works_off(contact) == ["elsewhere"]
        assert any_line.said(contact) == []
        assert any_line.messages(contact, "in")[0].detail == "other"

    async def test_nothing_waits_for_an_unknown_contact(self, line):
        assert await line.conversation.next_turn(987654) is None
