"""Responses with the clinic's facts, by language and opening hours; never half filled."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from rasa.core.nlg.generator import NaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SlotSet
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from assistant.words import ClinicWords
from channels.turn import Turn, current_turn
from clinic.facts import Facts
from clinic.models import Profile as ProfileRow
from clinic.setup import NoProfile
from clinic.texts import PLACEHOLDER
from safety.language import LANGUAGES
from tests.house import ROOT

PUNE = ZoneInfo("Asia/Kolkata")
OPEN = datetime(2026, 11, 23, 11, 0, tzinfo=PUNE)
CLOSED = datetime(2026, 11, 22, 23, 0, tzinfo=PUNE)


@pytest.fixture(scope="module")
def domain() -> Domain:
    return Domain.load(ROOT / "domain")


@pytest.fixture
def words(clinic_db, domain) -> ClinicWords:
    return ClinicWords(domain=domain, facts=Facts(clinic_db))


@pytest.fixture
def turn():
    turn = Turn(1, 2, "en")
    token = current_turn.set(turn)
    yield turn
    current_turn.reset(token)


def tracker(domain: Domain, **slots) -> DialogueStateTracker:
    made = DialogueStateTracker("7", domain.slots)
    for name, value in slots.items():
        made.update(SlotSet(name, value))
    return made


@pytest.mark.parametrize("at", [OPEN, CLOSED], ids=["open", "closed"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_text_that_needs_only_facts_is_filled(words, domain, turn, language, at):
    conversation = tracker(domain, language=language)
    said = 0
    with time_machine.travel(at, tick=False):
        facts = set(words._facts.of(language))
        for name, variations in domain.responses.items():
            needed = set(PLACEHOLDER.findall(" ".join(v.get("text", "") for v in variations)))
            if needed <= facts:
                response = await words.generate(name, conversation, "whatsapp")
                assert response["text"] and "{" not in response["text"], name
                said += 1
    assert said > 30
    assert turn.failure is None


async def test_closed_hours_have_words_of_their_own(words, domain):
    texts = []
    for at in (OPEN, CLOSED):
        fresh = ClinicWords(domain=domain, facts=Facts(words._facts.database))
        with time_machine.travel(at, tick=False):
            response = await fresh.generate("utter_handoff_clinical", tracker(domain), "whatsapp")
        texts.append(response["text"])
    assert texts[0] != texts[1]
    assert "closed" in texts[1] and "closed" not in texts[0]


async def test_languages_differ_and_english_is_the_rest(words, domain):
    with time_machine.travel(OPEN, tick=False):
        said = {
            language: (
                await words.generate("utter_greet", tracker(domain, language=language), "whatsapp")
            )["text"]
            for language in (*LANGUAGES, None)
        }
    assert len(set(said.values())) == 3
    assert said[None] == said["en"]


async def test_slots_and_what_an_action_gives_are_filled_in(words, turn):
    words.responses = {"utter_x": [{"text": "{name} at {clinic_name} on {day}"}]}
    conversation = DialogueStateTracker("7", None)
    conversation.update(SlotSet("name", "Ravi"))
    response = await words.generate("utter_x", conversation, "whatsapp", day="Tuesday")
    assert response["text"].startswith("Ravi at ") and response["text"].endswith("on Tuesday")
    assert turn.failure is None


@pytest.mark.parametrize("text", ["Booked for {patient_name}", "Booked for {no_such_placeholder}"])
async def test_a_gap_is_never_said(words, domain, turn, text):
    words.responses = {"utter_x": [{"text": text}]}
    response = await words.generate("utter_x", tracker(domain, patient_name=None), "whatsapp")
    assert "None" not in response["text"]
    assert turn.failure == "words"


async def test_a_gap_in_a_button_is_never_said(words, domain, turn):
    buttons = [{"title": "{nobody}", "payload": "/affirm"}]
    words.responses = {"utter_x": [{"text": "Sure?", "buttons": buttons}]}
    await words.generate("utter_x", tracker(domain), "whatsapp")
    assert turn.failure == "words"


async def test_braces_of_a_payload_are_no_gap(words, domain, turn):
    buttons = [{"title": "Yes", "payload": '/inform{{"day": "x"}}'}]
    words.responses = {"utter_x": [{"text": "Sure?", "buttons": buttons}]}
    response = await words.generate("utter_x", tracker(domain), "whatsapp")
    assert response["buttons"][0]["payload"] == '/inform{"day": "x"}'
    assert turn.failure is None


async def test_a_text_nobody_wrote_fails_the_turn(words, domain, turn):
    assert await words.generate("utter_no_such_text", tracker(domain), "whatsapp") is None
    assert turn.failure == "words"


async def test_facts_that_cannot_be_read_fail_the_turn(words, domain, turn, clinic_db):
    with clinic_db.transaction() as session:
        session.query(ProfileRow).delete()
    with pytest.raises(NoProfile):
        await words.generate("utter_greet", tracker(domain), "whatsapp")
    assert turn.failure == "words"


def test_no_slot_has_the_name_of_a_fact(words, domain):
    assert {slot.name for slot in domain.slots} & set(words._facts.of("en")) == set()


def test_rasa_makes_them_from_endpoints_yml(clinic_db, domain, monkeypatch):
    monkeypatch.setattr("assistant.words.database", lambda: clinic_db)
    config = EndpointConfig(type="assistant.words.ClinicWords")
    assert isinstance(NaturalLanguageGenerator.create(config, domain), ClinicWords)
