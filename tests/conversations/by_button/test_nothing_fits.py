"""Where no rule fits: one clarifying answer, then a person, and never the same again and again."""

from __future__ import annotations

import itertools

from clinic.bubbles import Choice, Choices
from clinic.outbox import plan
from tests.conversations.chat import Patient, Reply

# what a button of an older version meant
NO_RULE = "/wish_of_long_ago"
_numbers = itertools.count(1)


def taps(patient: Patient, payload: str) -> Reply:
    """The patient taps a button that means this; the clinic offered it some time ago."""
    title = f"Button {next(_numbers)}"
    with patient.clinic.database.transaction() as session:
        bubble = Choices(text="?", choices=[Choice(title=title, payload=payload)])
        plan(session, patient.id_in(session), bubble, f"offer:{title}:{patient.phone}")
    patient.fresh()
    return patient.taps(title)


def test_it_is_clarified_once_and_then_a_person_has_it(riya: Patient) -> None:
    answer = taps(riya, NO_RULE)
    assert len(answer) == 1 and answer.text.count("did not understand") == 1
    assert "Talk to a person" in answer.titles and riya.handoff is None
    answer = taps(riya, NO_RULE)
    assert len(answer) == 1 and "passed it to our team" in answer
    assert riya.handoff is not None and riya.handoff.reason == "unsure"


def test_an_answer_between_gives_another_chance(riya: Patient) -> None:
    taps(riya, NO_RULE)
    assert "did not understand" not in taps(riya, "/menu")
    assert "did not understand" in taps(riya, NO_RULE)
    assert riya.handoff is None


def test_the_menu_after_it_still_works(riya: Patient) -> None:
    taps(riya, NO_RULE)
    assert "What is the visit about?" in riya.taps("Book a visit")


def test_it_says_nothing_after_an_action_that_has_spoken(riya: Patient) -> None:
    """A turn in which something was said ends there, whatever rule is missing."""
    assert "What is the visit about?" in taps(riya, "/book")
    assert "did not understand" not in taps(riya, "/stop_flow")
    assert riya.handoff is None
