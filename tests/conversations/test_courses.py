"""A plan of sessions in the chat: what is left of it, and booking it in a row."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from clinic.attendance import mark
from clinic.course_plans import deliver
from clinic.courses import expire_courses
from clinic.database import now
from clinic.scheduling.booking import book
from clinic.texts import domain_texts
from tests.conversations.chat import Patient
from tests.conversations.engine import Clinic

CHRISTMAS_WEEKS = date(2026, 12, 21)


def delivered(clinic: Clinic, patient: Patient, course: int) -> None:
    with clinic.database.transaction() as session:
        assert deliver(session, course, domain_texts(), now()) is not None


def test_from_the_plan_to_booked_sessions_by_taps(clinic: Clinic, riya: Patient) -> None:
    riya.writes("hello")
    delivered(clinic, riya, riya.has_plan())
    assert "Riya Sharma, your plan from Neha Kulkarni: 6 sessions" in riya.fresh()
    asked = riya.taps("Book my sessions")
    assert "On which days of the week? 6 sessions" in asked
    # three a week is what the plan says; Neha works no Sunday
    assert asked.titles[:2] == ["Mon, Wed, Fri", "Tue, Thu, Sat"]
    assert "At what time?" in riya.taps("Mon, Wed, Fri")
    weeks = riya.taps("11:00 am")
    assert weeks.titles == ["All 6 sessions", "Weeks: 1"]
    shown = riya.taps("All 6")
    assert "With Neha Kulkarni:\n• Mon 7 Dec, 11:00 am\n• Wed 9 Dec, 11:00 am\n" in shown
    assert "Shall I book these 6 sessions?" in shown and riya.visits == []
    done = riya.taps("Yes, book them")
    assert "Booked, 6 sessions:\n• Mon 7 Dec, 11:00 am" in done
    assert "Of 6 sessions, 0 are still to book." in done
    assert len(riya.visits) == 6 and riya.memory["form"] is None
    listed = riya.writes("my appointments")
    assert "session 2 of 6, Neha Kulkarni" in [
        choice.description for bubble in listed.bubbles for choice in bubble.choices
    ]


@pytest.mark.parametrize(
    ("words", "shown", "yes", "booked"),
    [
        (
            "book my sessions mon wed fri 11 am for 1 week",
            "Shall I book these 3 sessions?",
            "yes",
            "Booked, 3 sessions:",
        ),
        (
            "mere session book kar do, som budh shukra subah 11 baje 1 hafte",
            "Yeh 3 session book kar doon?",
            "haan",
            "3 session book ho gaye:",
        ),
        (
            "मेरे सेशन बुक कर दो, सोम बुध शुक्र सुबह 11 बजे, 1 हफ्ते",
            "ये 3 सेशन बुक कर दूँ?",
            "हाँ",
            "3 सेशन बुक हो गए:",
        ),
    ],
)
def test_a_row_in_one_message(riya: Patient, words: str, shown: str, yes: str, booked: str) -> None:
    riya.has_plan()
    assert shown in riya.writes(words)
    assert booked in riya.writes(yes)
    assert len(riya.visits) == 3
    assert all(visit.course_id is not None for visit in riya.visits)


def test_a_row_step_by_step_in_words(riya: Patient) -> None:
    riya.has_plan()
    riya.writes("book the sessions of my plan")
    assert "At what time?" in riya.writes("tuesday and thursday")
    assert "For how many weeks?" in riya.writes("10 am")
    shown = riya.writes("2 weeks")
    assert "Shall I book these 4 sessions?" in shown and "Thu 17 Dec, 10:00 am" in shown


def test_what_is_taken_or_closed_is_shown_with_an_alternative(
    clinic: Clinic, riya: Patient
) -> None:
    riya.has_plan()
    nine = [slot for slot in clinic.free(date(2026, 12, 9), "session")
            if slot.clinician == "neha" and slot.starts_at.hour == 5]  # fmt: skip
    clinic.takes(nine[0])
    shown = riya.writes("book my sessions wed and fri 10:30 am for 3 weeks")
    assert "(Wed 9 Dec, 10:30 am is taken)" in shown
    # Friday the 25th is a public holiday: the day after is offered
    assert "Sat 26 Dec, 10:30 am (closed on Fri 25 Dec, 10:30 am)" in shown


def test_changing_one_thing_before_yes(riya: Patient) -> None:
    riya.is_asked("series confirm")
    assert "What would you like to change?" in riya.taps("Change")
    assert "At what time?" in riya.taps("The time")
    assert "• Mon 7 Dec, 12:00 pm" in riya.taps("12:00 pm")
    assert "Booked, 6 sessions:" in riya.taps("Yes, book them")


def test_a_no_and_another_time_in_words(riya: Patient) -> None:
    riya.is_asked("series confirm")
    assert "• Wed 9 Dec, 10:00 am" in riya.writes("no, 10 am please")


def test_what_was_taken_while_they_thought_is_said(clinic: Clinic, riya: Patient) -> None:
    riya.is_asked("series confirm")
    gone = [slot for slot in clinic.free(date(2026, 12, 9), "session")
            if slot.clinician == "neha" and slot.starts_at.hour == 3 and slot.starts_at.minute]  # fmt: skip
    clinic.takes(gone[0])
    done = riya.taps("Yes, book them")
    assert "Booked, 5 sessions:" in done
    assert "Taken meanwhile, not booked:\n• Wed 9 Dec, 9:00 am" in done
    assert "Book the rest" in done.titles
    # one is left, and the days that have a session are passed over
    assert "1 sessions are still to book" in riya.taps("Book the rest")


def test_a_yes_repeated_after_a_crash_books_once(clinic: Clinic, riya: Patient) -> None:
    riya.is_asked("series confirm")
    riya.has_tapped("Yes, book them")
    with clinic.crash_before_commit():
        clinic.answer(riya.id)
    clinic.answer(riya.id)
    assert "Booked, 6 sessions:" in riya.fresh() and len(riya.visits) == 6


def test_yesterdays_rows_still_count(clinic: Clinic, riya: Patient) -> None:
    hours = riya.is_asked("series time")
    clinic.passes(days=1)
    assert "For how many weeks?" in riya.taps("9:00 am", on=hours)
    assert "• Wed 9 Dec, 9:00 am" in riya.taps("All 6")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("how many sessions are left?", "1 of 6 sessions done, 1 booked, 4 still to book."),
        ("mere kitne session bache hain", "6 mein se 1 session ho gaye, 1 book hain, 4 book"),
        ("मेरे कितने सेशन बाकी हैं?", "6 में से 1 सेशन हो गए, 1 बुक हैं, 4 बुक करने बाकी हैं।"),
    ],
)
def test_what_is_left(clinic: Clinic, riya: Patient, words: str, said: str) -> None:
    riya.has_plan()
    with clinic.database.transaction() as session:
        visits = [
            book(session, slot, riya.id_in(session), "Riya Sharma", f"x:{n}", now=now())
            for n, slot in enumerate(clinic.free(clinic.today, "session")[:5:4])
        ]
        # after its beginning
        ends = visits[0].ends_at
        mark(session, visits[0].appointment_id, "completed", "staff:x", now=ends)
    answer = riya.writes(words)
    assert said in answer, answer
    assert "Riya Sharma:" in answer


def test_no_plan(riya: Patient) -> None:
    assert "no plan of sessions" in riya.writes("how many sessions do I have left")
    assert "no plan of sessions" in riya.writes("book all my remaining sessions")
    assert riya.memory["form"] is None


def test_a_plan_that_is_over_or_all_booked_says_so(clinic: Clinic, riya: Patient) -> None:
    riya.has_plan(sessions=1, expires_on=clinic.today + timedelta(days=20))
    riya.writes("book my sessions wed 10 am for 1 week")
    assert "Booked, 1 sessions:" in riya.taps("Yes, book them")
    assert "all 1 sessions of the plan are used or booked" in riya.writes("book all my sessions")
    clinic.passes(days=21)
    assert "ended on Sun 27 Dec" in riya.writes("how many sessions are left?")
    with clinic.database.transaction() as session:
        assert len(expire_courses(session, now())) == 1
    assert "ended on Sun 27 Dec" in riya.writes("how many sessions are left?")


def test_which_of_two_plans(riya: Patient) -> None:
    which = riya.is_asked("series which")
    assert which.titles == ["Riya Sharma (6 left)", "Aarav Sharma (6 left)"]
    assert "On which days of the week?" in riya.taps("Aarav")
    riya.taps("Mon, Wed")
    riya.taps("9:00 am")
    riya.taps("All 6")
    riya.taps("Yes, book them")
    names = {row.patient_id for row in riya.appointments}
    assert len(names) == 1 and len(riya.visits) == 6


def test_a_session_cannot_be_moved_behind_the_end_of_the_plan(
    clinic: Clinic, riya: Patient
) -> None:
    riya.has_plan(sessions=3, expires_on=clinic.today + timedelta(days=5))
    riya.writes("book my sessions wed 10 am for 1 week")
    riya.taps("Yes, book them")
    riya.writes("reschedule my appointment")
    riya.taps("Mon 14 Dec")
    riya.taps("9:00 am")
    answer = riya.taps("Yes, move it")
    assert "Your plan of sessions ends on Sat 12 Dec" in answer
    assert [f"{visit.starts_at:%d}" for visit in riya.visits] == ["09"]


def test_leaving_and_switching(riya: Patient) -> None:
    riya.is_asked("series time")
    assert riya.writes("stop") and riya.memory["form"] is None
    riya.writes("book the sessions of my plan")
    assert "What is the visit about?" in riya.writes("I want to book an appointment")
    assert riya.memory["form"] == "booking_form"


def test_a_visit_booked_alone_counts_for_the_plan(riya: Patient) -> None:
    riya.has_plan()
    riya.writes("I want to book an appointment")
    riya.taps("Knee")
    riya.taps("Soonest")
    asked = riya.taps(riya.hears().titles[0])
    assert "Physiotherapy session" in asked
    assert "(session 1 of 6)" in riya.taps("Yes, book it")
