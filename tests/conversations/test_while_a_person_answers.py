"""A person has the conversation: the bot is silent, and the gate still reads every message."""

from __future__ import annotations

import pytest

from tests.conversations.chat import Patient


@pytest.fixture
def with_the_front_desk(riya: Patient) -> Patient:
    """A patient who asked for a person, and waits for the front desk."""
    riya.writes("can I talk to someone at the clinic?")
    assert riya.handoff is not None and riya.handoff.reason == "request"
    return riya


@pytest.mark.parametrize(
    "text",
    [
        "also my knee hurts on the stairs again",
        "कल से घुटने में बहुत दर्द है",
        "exercise karne se dard badh gaya hai",
    ],
)
def test_clinical_words_make_it_the_physiotherapists(
    with_the_front_desk: Patient, text: str
) -> None:
    assert len(with_the_front_desk.writes(text)) == 0
    handoff = with_the_front_desk.handoff
    assert handoff is not None
    assert (handoff.reason, handoff.team) == ("clinical", "physiotherapists")
    assert with_the_front_desk.intents[-1] in {"pain_report", "exercise_question", "other_medical"}


def test_logistics_stay_with_the_front_desk(with_the_front_desk: Patient) -> None:
    assert len(with_the_front_desk.writes("is there parking?")) == 0
    handoff = with_the_front_desk.handoff
    assert handoff is not None and (handoff.reason, handoff.team) == ("request", None)
