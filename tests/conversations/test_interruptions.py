"""Something else in the middle of a form: it is answered, and the form goes on, in one bubble."""

from __future__ import annotations

import pytest

from tests.conversations.chat import QUESTIONS, Patient


@pytest.mark.parametrize("question", QUESTIONS)
def test_small_talk_and_a_question_at_every_step(riya: Patient, question: str) -> None:
    asked = riya.is_asked(question)
    for words, said in (
        ("is there parking?", "basement"),
        ("hello", "Namaste!" if question != "booking name" else "for example"),
        ("are you open on sunday?", "Sun: closed"),
    ):
        answer = riya.writes(words)
        assert said in answer and QUESTIONS[question] in answer, (words, answer)
        assert answer.titles == asked.titles and len(answer) == 1
        assert "assistant of Tarang" not in answer


def test_thanks_do_not_bring_the_menu(riya: Patient) -> None:
    riya.is_booking("day")
    answer = riya.writes("thank you")
    assert answer.text == "You are welcome.\n\nWhich day suits you?"


def test_the_way_with_its_pin_and_the_question_are_two_bubbles(riya: Patient) -> None:
    riya.is_booking("day")
    answer = riya.writes("where is your clinic?")
    assert answer.kinds == ["location", "choices"]
    assert "Karve Road" in answer and answer.text.endswith("Which day suits you?")


@pytest.mark.parametrize("words", ["yes", "ok", "book", "I want to book an appointment"])
def test_words_that_answer_nothing_let_the_question_stand(riya: Patient, words: str) -> None:
    riya.is_booking("day")
    assert riya.writes(words).text == "Which day suits you?"
    assert riya.handoff is None


def test_another_language_in_mid_form(riya: Patient) -> None:
    riya.is_booking("day")
    answer = riya.writes("speak in hindi please")
    assert "हिंदी में लिखूँगा" in answer and "कौन सा दिन ठीक रहेगा?" in answer
    assert "सबसे जल्दी" in answer.titles


def test_opting_out_in_mid_form(riya: Patient) -> None:
    riya.is_booking("day")
    answer = riya.writes("STOP")
    assert "any more reminders" in answer and "Which day suits you?" in answer


def test_a_look_at_the_visits_in_mid_form(riya: Patient) -> None:
    riya.has_visit()
    riya.is_booking("day")
    answer = riya.writes("my appointments")
    assert "Your visit: Tue 8 Dec" in answer and "Which day suits you?" in answer
    assert len(answer) == 1


def test_cancel_in_mid_booking_stops_the_booking(riya: Patient) -> None:
    riya.has_visit()
    riya.is_booking("confirm")
    assert "Nothing was changed" in riya.writes("cancel")
    assert len(riya.visits) == 1 and riya.memory["form"] is None


def test_cancelling_another_visit_by_its_button_in_mid_booking(riya: Patient) -> None:
    riya.has_visit()
    shown = riya.writes("my appointments")
    riya.is_booking("time")
    assert "May I note why?" in riya.taps("Cancel it", on=shown)
    riya.taps("Travelling")
    assert "Cancelled: Tue 8 Dec" in riya.taps("Yes, cancel it")


def test_moving_in_mid_booking_takes_nothing_of_the_booking_along(riya: Patient) -> None:
    riya.has_visit()
    riya.is_booking("confirm")
    assert "Which day suits you?" in riya.writes("I need to reschedule my appointment")
    assert riya.memory["form"] == "reschedule_form"
    assert [row.status for row in riya.appointments] == ["booked", "cancelled"]
    riya.taps("Wed 9 Dec")
    assert "Move your visit to Wed 9 Dec" in riya.taps("10:00 am")


def test_booking_in_mid_move(riya: Patient) -> None:
    riya.is_asked("moving confirm")
    assert "What is the visit about?" in riya.writes("book a new appointment")
    assert riya.memory.get("appointment") is None and riya.memory.get("slot") is None


def test_cancelling_in_mid_move_means_that_visit(riya: Patient) -> None:
    riya.is_asked("moving day")
    assert "May I note why?" in riya.writes("cancel my appointment")
    assert "Cancel your visit on Tue 8 Dec" in riya.taps("Travelling")


def test_the_menu_and_goodbye_leave_a_form(riya: Patient) -> None:
    for words in ("menu", "bye"):
        riya.is_booking("confirm")
        assert "Nothing was changed" in riya.writes(words)
        assert riya.memory["form"] is None


def test_the_old_menu_button_in_mid_booking_goes_on(riya: Patient) -> None:
    hello = riya.writes("hello")
    riya.is_booking("day")
    assert riya.taps("Book a visit", on=hello).text == "Which day suits you?"
