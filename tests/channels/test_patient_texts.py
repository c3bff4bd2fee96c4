"""The channel's own fixed texts: every one can be said, in three languages, open and closed."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine

from channels.texts import PatientTexts
from clinic.bubbles import Choices, Text
from clinic.facts import Facts
from clinic.setup import write_profile
from clinic.texts import PLACEHOLDER
from safety.language import LANGUAGES
from tests.at_the_clinic import domain_texts

PUNE = ZoneInfo("Asia/Kolkata")
OPEN = datetime(2026, 11, 23, 11, 0, tzinfo=PUNE)
CLOSED = datetime(2026, 11, 22, 23, 0, tzinfo=PUNE)

# what channels/whatsapp/conversation.py says without Rasa
SPOKEN = ("utter_handoff_media", "utter_handoff_failure", "utter_button_used")


@pytest.fixture
def texts(sqlite_db, demo_profile):
    write_profile(sqlite_db, demo_profile)
    return PatientTexts(domain_texts(), Facts(sqlite_db))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("at", [OPEN, CLOSED], ids=["open", "closed"])
def test_every_text_of_the_channel_can_be_said(texts, language, at):
    with time_machine.travel(at, tick=False):
        bubbles = [texts.bubble(name, language) for name in SPOKEN]
        bubbles += [texts.emergency(flag, language) for flag in ("chest_pain", "self_harm")]
    for bubble in bubbles:
        assert bubble.text and not PLACEHOLDER.search(bubble.text), bubble.text


def test_the_three_languages_differ(texts):
    with time_machine.travel(OPEN, tick=False):
        assert len({texts.say("utter_handoff_failure", each) for each in LANGUAGES}) == 3


def test_closed_hours_say_when_somebody_reads(texts):
    with time_machine.travel(CLOSED, tick=False):
        said = texts.say("utter_handoff_media", "en")
        reads_at = texts._facts.of("en")["reads_at"]
    assert reads_at in said
    with time_machine.travel(OPEN, tick=False):
        opened = PatientTexts(domain_texts(), Facts(texts._facts.database))
        assert reads_at not in opened.say("utter_handoff_media", "en")


def test_buttons_come_along_with_their_payloads(texts):
    with time_machine.travel(OPEN, tick=False):
        bubble = texts.bubble("utter_button_used", "hi")
    assert isinstance(bubble, Choices)
    assert [choice.payload for choice in bubble.choices] == [
        "/book",
        "/my_appointments",
        "/human_request",
    ]


def test_a_text_without_buttons_is_a_text(texts):
    with time_machine.travel(OPEN, tick=False):
        assert isinstance(texts.bubble("utter_handoff_failure", "en"), Text)


def test_self_harm_has_its_own_emergency(texts):
    with time_machine.travel(OPEN, tick=False):
        helpline, ambulance = (texts.emergency(f, "en").text for f in ("self_harm", "stroke"))
    assert helpline != ambulance


def test_a_text_nobody_wrote_is_named(texts):
    with pytest.raises(KeyError, match="utter_nonsense"):
        texts.say("utter_nonsense", "en")
