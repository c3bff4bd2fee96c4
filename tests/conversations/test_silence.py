"""Coming back after hours or a day; buttons of yesterday; a hold that ran out."""

from __future__ import annotations

import pytest

from tests.conversations.chat import Patient
from tests.conversations.engine import Clinic


def test_after_three_hours_the_form_goes_on(clinic: Clinic, riya: Patient) -> None:
    riya.is_booking("day")
    clinic.passes(hours=3)
    assert "free on Wed 9 Dec" in riya.writes("wednesday")
    assert riya.memory["category"] == "knee_hip"


def test_after_a_day_everything_starts_afresh(clinic: Clinic, riya: Patient) -> None:
    riya.is_booking("day")
    clinic.passes(days=1)
    assert "assistant of Tarang" in riya.writes("hello")
    assert riya.memory["form"] is None and riya.memory.get("category") is None


def test_yesterdays_list_of_times_still_books(clinic: Clinic, riya: Patient) -> None:
    riya.is_booking("day")
    times = riya.taps("Wed 9 Dec")
    clinic.passes(days=1)
    assert "What is the visit about?" in riya.taps("9:00 am", on=times)
    riya.taps("Knee")
    assert "Wed 9 Dec, 9:00 am" in riya.writes("Riya Sharma")
    assert "Booked: Wed 9 Dec, 9:00 am" in riya.taps("Yes, book it")


def test_a_time_of_yesterdays_list_that_is_over(clinic: Clinic, riya: Patient) -> None:
    times = riya.is_booking("time")
    clinic.passes(days=1)
    answer = riya.taps(times.titles[0], on=times)
    assert "can no longer be booked" in answer and "What is the visit about?" in answer


def test_yesterdays_list_of_a_move_still_moves(clinic: Clinic, riya: Patient) -> None:
    visit = riya.has_visit(day=clinic.today.replace(day=10))
    riya.writes("reschedule my appointment")
    times = riya.taps("Fri 11 Dec")
    clinic.passes(days=1)
    assert "Move your visit to Fri 11 Dec, 9:00 am" in riya.taps("9:00 am", on=times)
    riya.taps("Yes, move it")
    (moved,) = riya.visits
    assert moved.appointment_id == visit.appointment_id and moved.version > visit.version


def test_yesterdays_reason_still_cancels_that_visit(clinic: Clinic, riya: Patient) -> None:
    riya.has_visit(day=clinic.today.replace(day=10))
    reasons = riya.writes("cancel my appointment")
    clinic.passes(days=1)
    assert "Cancel your visit on Thu 10 Dec" in riya.taps("Travelling", on=reasons)


@pytest.mark.parametrize(
    ("question", "button"),
    [
        ("booking confirm", "Yes, book it"),
        ("moving confirm", "Yes, move it"),
        ("cancelling confirm", "Yes, cancel it"),
    ],
)
def test_yesterdays_yes_does_nothing_and_says_so(
    clinic: Clinic, riya: Patient, question: str, button: str
) -> None:
    riya.is_asked(question)
    before = [(visit.starts_at, visit.version) for visit in riya.visits]
    clinic.passes(hours=13)
    answer = riya.taps(button)
    assert "from earlier and no longer open" in answer and "Book a visit" in answer.titles
    assert [(visit.starts_at, visit.version) for visit in riya.visits] == before


def test_a_hold_that_ran_out_is_taken_anew(clinic: Clinic, riya: Patient) -> None:
    riya.is_booking("confirm", day="Wed 9 Dec")
    clinic.passes(minutes=20)
    assert [row.cancel_reason for row in riya.appointments] == ["hold_expired"]
    assert "Booked: Wed 9 Dec, 8:00 am" in riya.taps("Yes, book it")
    assert [row.status for row in riya.appointments] == ["cancelled", "booked"]


def test_a_hold_that_ran_out_and_was_taken_by_another(clinic: Clinic, riya: Patient) -> None:
    riya.is_booking("confirm", day="Mon 14 Dec")
    clinic.passes(minutes=20)
    # at eight on a Monday Neha Kulkarni alone is there
    clinic.takes(clinic.free(clinic.today.replace(day=14))[0])
    answer = riya.taps("Yes, book it")
    assert "has just been taken" in answer and "free on Mon 14 Dec" in answer
    assert "8:00 am" not in answer.titles and riya.visits == []
