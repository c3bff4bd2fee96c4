"""The fixed texts of the domain, read without Rasa."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.texts import Texts

DOMAIN = """
version: "3.1"
responses:
  utter_reminder:
  - condition:
    - {type: slot, name: language, value: hi}
    text: "{day} को आपका अपॉइंटमेंट है।"
  - text: "Your appointment is on {day}."
    buttons:
    - {title: "Yes, {day}", payload: '/confirm{"appointment": "{appointment}"}'}
  utter_picture:
  - image: "x.png"
  utter_only_hi:
  - condition:
    - {type: slot, name: language, value: hi}
    text: "नमस्ते"
"""


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    (tmp_path / "care.yml").write_text(DOMAIN, encoding="utf-8")
    (tmp_path / "slots.yml").write_text("slots: {}\n", encoding="utf-8")
    return Texts.load([tmp_path])


def test_the_language_chooses_the_variation(texts: Texts) -> None:
    assert texts.say("utter_reminder", "hi", day="मंगल") == "मंगल को आपका अपॉइंटमेंट है।"
    assert texts.say("utter_reminder", "en", day="Tue") == "Your appointment is on Tue."


def test_a_language_without_a_variation_falls_back_to_english(texts: Texts) -> None:
    assert texts.say("utter_reminder", "hinglish", day="Mangal") == (
        "Your appointment is on Mangal."
    )


def test_buttons_are_filled_and_their_json_is_left_alone(texts: Texts) -> None:
    (button,) = texts.buttons("utter_reminder", "en", day="Tue", appointment=7)
    assert (button.title, button.payload) == ("Yes, Tue", '/confirm{"appointment": "7"}')
    assert texts.buttons("utter_reminder", "hi") == []


@pytest.mark.parametrize(
    ("name", "language", "named"),
    [
        ("utter_reminder", "en", r"utter_reminder: \{day\}"),
        ("utter_unknown", "en", "utter_unknown"),
        ("utter_picture", "en", "utter_picture has no text"),
        ("utter_only_hi", "en", "utter_only_hi has no variation for en"),
    ],
)
def test_what_cannot_be_said_is_named(texts: Texts, name: str, language: str, named: str) -> None:
    with pytest.raises(KeyError, match=named):
        texts.say(name, language)


def test_one_response_in_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("a.yml", "b.yml"):
        (tmp_path / name).write_text("responses: {utter_x: [{text: x}]}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="utter_x is in two domain files"):
        Texts.load(tmp_path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"domain\.yml"):
        Texts.load(tmp_path / "domain.yml")
