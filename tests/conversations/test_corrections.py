"""Changing one's mind: another day, another time, back, another name, no."""

from __future__ import annotations

import pytest

from tests.conversations.chat import Patient


def held(riya: Patient) -> list[str]:
    """When the slots begin that are held for a patient, in UTC."""
    return [f"{row.starts_at:%a %H:%M}" for row in riya.appointments if row.status == "held"]


def test_another_day_by_its_row(riya: Patient) -> None:
    riya.is_booking("time")
    assert "Which day suits you?" in riya.taps("Another day")
    assert "free on Wed 9 Dec" in riya.taps("Wed 9 Dec")


def test_another_day_in_words(riya: Patient) -> None:
    riya.is_booking("time")
    assert "free on Thu 10 Dec" in riya.writes("thursday please")
    assert "free on Fri 11 Dec" in riya.writes("or friday")


def test_no_to_all_the_times_asks_for_another_day(riya: Patient) -> None:
    riya.is_booking("time")
    assert "Which day suits you?" in riya.writes("no")


def test_a_wish_for_a_woman_outlives_another_day(riya: Patient) -> None:
    riya.writes("next available with a lady physio")
    riya.taps("Knee")
    riya.taps("Another day")
    times = riya.taps("Mon 14 Dec")
    said = {choice.description for choice in times.bubbles[-1].choices if choice.description}
    assert said == {"Neha Kulkarni"}


def test_back_step_by_step(riya: Patient) -> None:
    riya.is_booking("name")
    assert "free" in riya.writes("go back")
    assert "Which day suits you?" in riya.writes("go back")
    assert "What is the visit about?" in riya.writes("go back")
    assert riya.memory.get("held") is None and held(riya) == []


def test_back_from_the_last_question_gives_the_time_back(riya: Patient) -> None:
    riya.is_booking("confirm")
    assert len(held(riya)) == 1
    assert "free" in riya.taps("Change time")
    assert held(riya) == []


def test_another_time_at_the_last_question(riya: Patient) -> None:
    riya.is_booking("confirm")
    assert "Mon 7 Dec, 5:00 pm" in riya.writes("5 pm instead please")
    assert held(riya) == ["Mon 11:30"]
    assert "Booked: Mon 7 Dec, 5:00 pm" in riya.taps("Yes, book it")


def test_another_day_at_the_last_question(riya: Patient) -> None:
    riya.is_booking("confirm")
    assert "free on Wed 9 Dec" in riya.writes("yes but wednesday")
    assert held(riya) == []
    assert "For: Riya Sharma" in riya.taps("10:00 am")


def test_no_at_the_last_question(riya: Patient) -> None:
    riya.is_booking("confirm")
    asked = riya.writes("no")
    assert asked.text == "What would you like to change?"
    assert asked.titles == ["The time", "The day", "The name"]
    assert "Which day suits you?" in riya.taps("The day")


def test_a_wrong_name(riya: Patient) -> None:
    riya.is_booking("confirm")
    assert "For: Asha Rao" in riya.writes("the name is Asha Rao")
    riya.writes("no")
    riya.taps("The name")
    assert "For: Meera Joshi" in riya.writes("Meera Joshi")
    riya.taps("Yes, book it")
    assert len(riya.visits) == 1


@pytest.mark.parametrize("step", ["category", "day", "time"])
def test_a_name_before_it_is_asked_for(riya: Patient, step: str) -> None:
    asked = riya.is_booking(step)
    answer = riya.writes("my name is Asha Rao")
    assert answer.text == f"Noted, for Asha Rao.\n\n{asked.text}"
    assert riya.memory["patient_name"] == "Asha Rao"


def test_a_day_before_it_is_asked_for(riya: Patient) -> None:
    riya.is_booking("category")
    assert riya.writes("wednesday").text.startswith("Noted.\n\nWhat is the visit about?")
    assert "free on Wed 9 Dec" in riya.taps("Knee")


def test_a_past_day_before_it_is_asked_for_is_not_noted(riya: Patient) -> None:
    riya.is_booking("category")
    assert "Noted" not in riya.writes("yesterday")


def test_another_category_by_the_old_list(riya: Patient) -> None:
    riya.is_booking("category")
    first = riya.hears()
    riya.taps("Knee")
    riya.taps("Neuro", on=first)
    assert riya.memory["category"] == "neuro"


def test_change_the_time_while_booking_without_any_visit(riya: Patient) -> None:
    riya.is_booking("confirm")
    assert "free" in riya.writes("I want to change the time")
    assert held(riya) == []


def test_stopping(riya: Patient) -> None:
    riya.is_booking("confirm")
    stopped = riya.taps("Stop booking")
    assert "Nothing was changed" in stopped and "Book a visit" in stopped.titles
    assert held(riya) == [] and riya.memory == {"language": "en", "form": None}


def test_moving_has_its_own_no(riya: Patient) -> None:
    riya.is_asked("moving confirm")
    asked = riya.writes("no")
    assert asked.titles == ["The time", "The day", "Keep as it is"]
    assert "Nothing was changed" in riya.taps("Keep as it is")


def test_back_in_a_cancellation(riya: Patient) -> None:
    riya.is_asked("cancelling confirm")
    assert "May I note why?" in riya.writes("go back")
