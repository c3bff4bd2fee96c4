"""Moving, cancelling and looking up visits; saying that one comes, or comes late."""

from __future__ import annotations

from datetime import timedelta

from clinic.attendance import is_running_late
from clinic.models import Appointment
from tests.conversations.chat import Patient
from tests.conversations.engine import Clinic


def test_moving_by_taps(riya: Patient) -> None:
    before = riya.has_booked()
    riya.writes("my visits")
    riya.taps("Move it")
    riya.taps("Wed 9 Dec")
    assert "Move your visit to Wed 9 Dec, 9:00 am" in riya.taps("9:00 am")
    assert "Moved: your visit is now Wed 9 Dec, 9:00 am" in riya.taps("Yes, move it")
    (after,) = riya.visits
    assert after.appointment_id == before.appointment_id and after.version > before.version


def test_moving_in_words(riya: Patient) -> None:
    riya.has_booked()
    times = riya.writes("kal ki appointment ki jagah parso kar do")
    assert "Budh 9 Dec ko" in times
    assert "par kar doon" in riya.writes("11 baje")
    assert "Badal gaya" in riya.writes("haan")
    assert riya.visits[0].starts_at.hour == 5  # 11 in the morning in Pune, in UTC 5:30


def test_moving_one_of_several(riya: Patient) -> None:
    first, second = riya.has_booked(), riya.has_booked("Aarav Sharma", "Tue 8 Dec")
    which = riya.writes("I need to reschedule")
    assert "Which visit" in which and len(which.titles) == 2
    riya.taps(which.titles[1])
    riya.taps("Wed 9 Dec")
    riya.taps("9:00 am")
    riya.taps("Yes, move it")
    moved = {visit.appointment_id: visit.starts_at for visit in riya.visits}
    assert moved[first.appointment_id] == first.starts_at
    assert moved[second.appointment_id] != second.starts_at


def test_cancelling_with_a_reason(riya: Patient) -> None:
    riya.has_booked()
    riya.writes("please cancel my appointment")
    asked = riya.taps("Travelling")
    assert "Cancel your visit on Mon 7 Dec" in asked
    assert "Cancelled: Mon 7 Dec" in riya.taps("Yes, cancel it")
    assert riya.visits == []
    gone = riya.appointments[-1]
    assert (gone.status, gone.cancelled_by, gone.cancel_reason) == (
        "cancelled",
        "patient",
        "travel",
    )


def test_cancelling_in_words(riya: Patient) -> None:
    riya.has_booked()
    assert "kaaran" in riya.writes("appointment cancel karna hai")
    assert "cancel kar doon?" in riya.writes("nahi")
    assert "Cancel ho gayi" in riya.writes("haan cancel kar do")
    assert riya.appointments[-1].cancel_reason == "none"


def test_a_cancellation_taken_back(riya: Patient) -> None:
    riya.has_booked()
    riya.writes("cancel my appointment")
    riya.taps("Busy")
    assert "your visit stays: Mon 7 Dec" in riya.taps("No, keep it")
    assert len(riya.visits) == 1


def test_moving_instead_of_cancelling(riya: Patient) -> None:
    riya.has_booked()
    riya.writes("cancel my appointment")
    riya.taps("Busy")
    assert "Which day" in riya.taps("Move instead")
    riya.taps("Wed 9 Dec")
    riya.taps("9:00 am")
    assert "Moved" in riya.taps("Yes, move it")


def test_no_visit_to_show_move_or_cancel(riya: Patient) -> None:
    for words in ("what appointments do I have?", "reschedule my visit", "cancel my appointment"):
        answer = riya.writes(words)
        assert "no visit booked" in answer and "Book a visit" in answer.titles, words
        assert riya.memory["form"] is None


def test_one_visit_comes_with_what_can_be_done(riya: Patient) -> None:
    riya.has_booked()
    shown = riya.writes("meri appointment kab hai?")
    assert "Aapki visit: Som 7 Dec" in shown
    assert shown.titles == ["Samay badlein", "Cancel karein", "Main aaunga/aaungi"]


def test_several_visits_are_a_list(riya: Patient) -> None:
    riya.has_booked()
    riya.has_booked("Aarav Sharma", "Tue 8 Dec")
    shown = riya.writes("my appointments")
    assert len(shown.titles) == 2
    assert "Move it" in riya.taps(shown.titles[0]).titles


def test_i_will_come(clinic: Clinic, riya: Patient) -> None:
    riya.has_booked()
    assert "noted: Mon 7 Dec" in riya.writes("yes I am coming for my appointment")
    assert riya.visits[0].status == "confirmed"


def test_i_will_come_by_a_button_in_the_midst_of_moving_another(riya: Patient) -> None:
    riya.has_booked()
    shown = riya.writes("my visits")
    riya.taps("Move it", on=shown)
    answer = riya.taps("I will come", on=shown)
    assert "noted: Mon 7 Dec" in answer and "Which day suits you?" in answer
    assert riya.visits[0].status == "confirmed"


def test_late_for_todays_visit_even_when_it_has_begun(clinic: Clinic, riya: Patient) -> None:
    visit = riya.has_booked()
    clinic.moves_to(visit.starts_at + timedelta(minutes=5))
    assert "front desk sees it" in riya.writes("sorry I am running late")
    with clinic.database.reading() as session:
        assert is_running_late(session.get(Appointment, visit.appointment_id))


def test_late_on_a_day_without_a_visit(clinic: Clinic, riya: Patient) -> None:
    riya.has_booked(day="Wed 9 Dec")
    answer = riya.writes("running late")
    assert "no visit with us today" in answer and "Wed 9 Dec" in answer
    assert riya.appointments[-1].note is None
