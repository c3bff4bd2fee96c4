"""The components as Rasa runs them: one message in, entities added."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from rasa.shared.nlu.training_data.message import Message

from assistant.nlu.details import DetailsExtractor
from assistant.nlu.language import LanguageDetector
from assistant.nlu.when import WhenExtractor
from assistant.nlu.when_value import When

SUNDAY = datetime(2026, 11, 22, 18, 0, tzinfo=ZoneInfo("Asia/Kolkata"))


def made(component, config=None):
    return component.create(
        {**component.get_default_config(), **(config or {})},
        model_storage=None,
        resource=None,
        execution_context=None,
    )


def entities(component, text, **data):
    message = Message({"text": text, **data})
    made(component).process([message])
    return message.get("entities", [])


def language(text, intent="book", metadata=None, found=()):
    data = {"intent": {"name": intent, "confidence": 0.9}, "metadata": metadata}
    [*_, entity] = entities(LanguageDetector, text, entities=list(found), **data)
    assert entity["entity"] == "language"
    assert (entity["start"], entity["end"]) == (0, 0)
    return entity["value"]


@time_machine.travel(SUNDAY, tick=False)
def test_when_becomes_one_entity_with_its_place():
    [entity] = entities(WhenExtractor, "please kal shaam ko 5 ke baad")
    assert entity["entity"] == "when"
    assert entity["extractor"] == "WhenExtractor"
    assert entity["confidence_entity"] == 1.0
    assert (entity["start"], entity["end"]) == (7, 29)
    when = When.from_json(entity["value"])
    assert (when.date_from.isoformat(), when.part) == ("2026-11-23", "evening")


@time_machine.travel(datetime(2026, 11, 22, 20, 0, tzinfo=ZoneInfo("UTC")), tick=False)
@pytest.mark.parametrize(("zone", "day"), [("Asia/Kolkata", "2026-11-23"), ("UTC", "2026-11-22")])
def test_today_is_the_day_in_the_configured_zone(zone, day):
    message = Message({"text": "aaj"})
    made(WhenExtractor, {"time_zone": zone}).process([message])
    assert message.get("entities")[0]["value"]["date_from"] == day


@pytest.mark.parametrize("component", [WhenExtractor, DetailsExtractor])
@pytest.mark.parametrize("text", ["hello ji", "", None])
def test_a_message_that_says_nothing_keeps_its_entities(component, text):
    others = [{"entity": "name", "value": "Sunita"}]
    assert entities(component, text, entities=list(others)) == others


def test_entities_of_others_are_kept():
    others = [{"entity": "name", "value": "Sunita"}]
    found = entities(DetailsExtractor, "lady physio", entities=list(others))
    assert [entity["entity"] for entity in found] == ["name", "gender"]


@pytest.mark.parametrize(
    ("text", "metadata", "value"),
    [
        ("mujhe kal aana hai", None, "hinglish"),
        ("I want to come tomorrow", {"language": "hi", "language_chosen": False}, "en"),
        ("मुझे कल आना है", {"language": "en"}, "hi"),
        ("ok", {"language": "hinglish"}, "hinglish"),
        ("Ravi Kumar", None, "en"),
        ("ok", {"language": "klingon"}, "en"),
    ],
)
def test_the_language_of_the_words_or_else_of_the_conversation(text, metadata, value):
    assert language(text, metadata=metadata) == value


def test_a_language_chosen_once_stays():
    chosen = {"language": "hi", "language_chosen": True}
    assert language("I want to come tomorrow", metadata=chosen) == "hi"


def test_a_switch_of_language_counts_over_the_one_chosen():
    chosen = {"language": "hi", "language_chosen": True}
    found = entities(DetailsExtractor, "English please")
    assert language("English please", "language_switch", chosen, found) == "en"
    assert language("English please", "book", chosen, found) == "hi"


def test_a_switch_that_names_no_language_changes_nothing():
    chosen = {"language": "hi", "language_chosen": True}
    assert language("bhasha badlo", "language_switch", chosen) == "hi"
