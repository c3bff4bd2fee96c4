"""Telling English, Hindi and Hinglish apart by their common words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from safety.language import LANGUAGES, WORDS_FILE, detect

DATA = Path(__file__).resolve().parents[2] / "data" / "nlu"

MESSAGES = [
    ("I want to book an appointment", "en"),
    ("can you move it to Friday please", "en"),
    ("what are your timings", "en"),
    ("slot for my mummy on Monday", "en"),
    ("don’t call me", "en"),
    ("book appointment tomorrow", "en"),
    ("mujhe appointment chahiye", "hinglish"),
    ("slot book kardo", "hinglish"),
    ("next week bhi same time book kar lo", "hinglish"),
    ("home visit milega?", "hinglish"),
    ("kal nahi aa paunga", "hinglish"),
    ("out of station hu, cancel krdo", "hinglish"),
    ("मुझे कल आना है", "hi"),
    ("कल 5 pm", "hi"),
    ("Dr Kulkarni के साथ बात करनी है मुझे", "hi"),
    ("appointment cancel करना है", "hi"),
    ("physiotherapy appointment booking चाहिए", "hi"),
    ("I want to book for my mother सीमा on Monday please", "en"),
    ("ok", None),
    ("6 pm", None),
    ("monday", None),
    ("lady doctor", None),
    ("Ravi Kumar", None),
    ("👍", None),
    ("", None),
    ("24/11", None),
]


@pytest.mark.parametrize(("text", "language"), MESSAGES)
def test_the_language_of_a_message(text, language):
    assert detect(text) == language


def examples(language):
    for path in sorted((DATA / language).glob("*.yml")):
        for block in YAML(typ="safe").load(path.read_text(encoding="utf-8"))["nlu"]:
            if "intent" in block:
                yield from (line[2:] for line in block["examples"].splitlines())


@pytest.mark.parametrize("language", LANGUAGES)
def test_training_messages_are_told_by_their_folder(language):
    """97 of 100 right where it decides; of three words or more at most a quarter undecided."""
    heard = [(text, detect(text)) for text in examples(language)]
    decided = [found for _, found in heard if found]
    assert decided.count(language) / len(decided) >= 0.97
    longer = [found for text, found in heard if len(text.split()) >= 3]
    assert longer.count(None) / len(longer) <= 0.25


def test_no_word_is_in_two_lists():
    listed = YAML(typ="safe").load(WORDS_FILE.read_text(encoding="utf-8"))
    words = [word for words in listed.values() for word in words]
    assert len(words) == len(set(words))


@given(st.text())
def test_any_text_has_one_of_three_languages_or_none(text):
    assert detect(text) in (*LANGUAGES, None)
