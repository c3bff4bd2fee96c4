"""What is none of ours: one clarifying answer, then a person."""

from __future__ import annotations

import pytest

from tests.conversations.chat import Patient


def test_off_topic_is_clarified_once_and_then_a_person_has_it(riya: Patient) -> None:
    answer = riya.writes("tell me a joke")
    assert "did not understand" in answer and "Talk to a person" in answer.titles
    assert riya.handoff is None
    assert "passed it to our team" in riya.writes("sing me a song")
    assert riya.handoff is not None and riya.handoff.reason == "unsure"


def test_a_sensible_message_between_gives_another_chance(riya: Patient) -> None:
    riya.writes("tell me a joke")
    assert "basement" in riya.writes("is there parking?")
    assert "did not understand" in riya.writes("tell me a joke")


def test_in_a_form_the_question_is_asked_again_and_then_a_person_has_it(riya: Patient) -> None:
    riya.is_booking("day")
    answer = riya.writes("tell me a joke")
    assert answer.text == "Sorry, I did not understand that.\n\nWhich day suits you?"
    riya.writes("sing me a song")
    assert riya.handoff is not None and riya.memory.get("form") is None


def test_signs_alone_are_clarified(riya: Patient) -> None:
    assert "did not understand" in riya.writes("???")
    assert riya.handoff is None


@pytest.mark.parametrize("text", ["👍", "🙏🙏"])
def test_emoji_are_never_silence(riya: Patient, text: str) -> None:
    assert riya.writes(text).text or riya.handoff is not None


def test_a_script_that_nobody_here_reads_goes_to_a_person(riya: Patient) -> None:
    riya.writes("எனக்கு ஒரு சந்திப்பு வேண்டும்")
    assert riya.handoff is not None


def test_what_cannot_be_read_goes_to_a_person(riya: Patient) -> None:
    assert "cannot open this" in riya.sends("media", media={"kind": "image"})
    assert riya.handoff is not None and riya.handoff.reason == "media"


def test_a_sticker_is_not_answered(riya: Patient) -> None:
    assert len(riya.sends("sticker")) == 0
    assert riya.handoff is None
