"""What cannot be had gets a clear answer, in the patient's language and at every step."""

from __future__ import annotations

from datetime import timedelta
from typing import Dict

import pytest

from clinic.bubbles import Choice, Choices
from clinic.courses import expire_courses
from clinic.database import now
from clinic.outbox import plan
from tests.conversations.chat import Patient, Reply
from tests.conversations.engine import Clinic

BEGINS = {
    "en": ("I want to book an appointment", "Knee"),
    "hinglish": ("mujhe appointment book karna hai", "Ghutna"),
    "hi": ("मुझे अपॉइंटमेंट बुक करना है", "घुटना"),
}


WAIT = {
    "en": "Tell me if one frees",
    "hinglish": "Khaali ho to batayein",
    "hi": "खाली हो तो बताएँ",
}


def books(riya: Patient, language: str) -> Reply:
    """A booking in that language, up to the question for a day."""
    asked, about = BEGINS[language]
    riya.writes(asked)
    return riya.taps(about)


def forged(clinic: Clinic, riya: Patient, payload: str) -> Reply:
    """A button that means what it should not mean for this patient, tapped."""
    with clinic.database.transaction() as session:
        bubble = Choices(text="?", choices=[Choice(title="Forged", payload=payload)])
        plan(session, riya.id_in(session), bubble, f"forged:{payload}"[:290])
    return riya.taps("Forged")


OVER = {
    "en": "That day or time is over.",
    "hinglish": "Woh din ya samay nikal chuka hai.",
    "hi": "वह दिन या समय निकल चुका है।",
}
CLOSED = {
    "en": "The clinic is closed on Fri 25 Dec.",
    "hinglish": "Shukra 25 Dec ko clinic band hai.",
    "hi": "शुक्र 25 दिस॰ को क्लिनिक बंद है।",
}
TOO_FAR = {
    "en": "I can book up to Mon 28 Dec.",
    "hinglish": "Som 28 Dec tak booking khuli hai.",
    "hi": "सोम 28 दिस॰ तक बुकिंग खुली है।",
}
NOBODY = {
    "en": "Nobody of that name works here.",
    "hinglish": "Yahan is naam se koi nahi hain.",
    "hi": "यहाँ इस नाम का कोई नहीं है।",
}


@pytest.mark.parametrize(
    ("language", "words", "said"),
    [
        ("en", "2 december", OVER),
        ("en", "yesterday evening", OVER),
        ("en", "last monday", OVER),
        ("hinglish", "2 december ko", OVER),
        ("hinglish", "pichle somvar", OVER),
        ("hi", "2 दिसंबर", OVER),
        ("hi", "पिछले सोमवार", OVER),
        ("en", "25 december", CLOSED),
        ("hinglish", "25 december ko", CLOSED),
        ("hi", "25 दिसंबर", CLOSED),
        ("en", "5 january", TOO_FAR),
        ("hinglish", "5 january ko", TOO_FAR),
        ("hi", "5 जनवरी", TOO_FAR),
        ("en", "with Dr Mehta", NOBODY),
        ("hinglish", "Dr Mehta ke saath", NOBODY),
        ("hi", "डॉ मेहता के साथ", NOBODY),
    ],
)
def test_a_wish_that_cannot_be_met_says_why_and_what_can(
    riya: Patient, language: str, words: str, said: Dict[str, str]
) -> None:
    books(riya, language)
    answer = riya.writes(words)
    assert said[language] in answer and len(answer) == 1
    assert len(answer.titles) >= 9, "days or times to tap"
    assert riya.memory["form"] == "booking_form"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("yesterday", OVER["en"]),
        ("25 december", CLOSED["en"]),
        ("sunday", "The clinic is closed on Sun 13 Dec."),
        ("5 january", TOO_FAR["en"]),
        ("with Dr Mehta", NOBODY["en"]),
    ],
)
def test_a_visit_is_not_moved_to_where_none_can_be(riya: Patient, words: str, said: str) -> None:
    riya.is_asked("moving day")
    (before,) = riya.visits
    answer = riya.writes(words)
    assert said in answer and len(answer.titles) >= 9
    assert riya.visits == [before]


def test_a_past_day_in_the_first_message(riya: Patient) -> None:
    assert OVER["en"] in riya.writes("book for yesterday")


def test_a_closed_day_in_the_first_message(riya: Patient) -> None:
    riya.writes("book an appointment on 25 december")
    assert CLOSED["en"] in riya.taps("Knee")


@pytest.mark.parametrize(
    ("language", "words", "said"),
    [
        ("en", "this week", "Nothing is free any more, Mon 7 Dec to Sun 13 Dec."),
        ("hinglish", "is hafte", "Som 7 Dec se Ravi 13 Dec tak kuch bhi khaali nahi hai."),
        ("hi", "इस हफ़्ते", "सोम 7 दिस॰ से रवि 13 दिस॰ तक कुछ भी खाली नहीं है।"),
    ],
)
def test_a_fully_booked_week_says_so_and_offers_the_next(
    clinic: Clinic, riya: Patient, language: str, words: str, said: str
) -> None:
    for days in range(7):
        clinic.fills(clinic.today + timedelta(days=days))
    books(riya, language)
    answer = riya.writes(words)
    assert said in answer and "14" in answer
    assert WAIT[language] in answer.titles


def test_a_fully_booked_week_when_moving(clinic: Clinic, riya: Patient) -> None:
    riya.has_visit()
    for days in range(7):
        clinic.fills(clinic.today + timedelta(days=days))
    riya.writes("I need to reschedule my appointment")
    answer = riya.writes("this week")
    assert "Nothing is free any more, Mon 7 Dec to Sun 13 Dec." in answer
    assert "These times are free on Mon 14 Dec." in answer


def test_a_time_taken_in_the_midst_of_a_move_leaves_the_visit_where_it_is(
    clinic: Clinic, riya: Patient
) -> None:
    riya.is_asked("moving confirm")
    (before,) = riya.visits
    for ahead in range(3):
        clinic.fills(clinic.today + timedelta(days=ahead))
    answer = riya.taps("Yes, move it")
    assert "that time has just been taken" in answer and "are free on Thu 10 Dec" in answer
    assert riya.visits == [before]


def test_a_plan_that_is_over_cannot_be_booked_by_its_old_button(
    clinic: Clinic, riya: Patient
) -> None:
    course = riya.has_plan(sessions=3, expires_on=clinic.today + timedelta(days=5))
    shown = riya.writes("how many sessions are left?")
    clinic.passes(days=6)
    # before the nightly sweep has marked the course, and after it
    assert "ended on Sat 12 Dec" in riya.taps("Book my sessions", on=shown)
    assert "ended on Sat 12 Dec" in riya.writes("book all my sessions mon wed 10 am")
    with clinic.database.transaction() as session:
        assert len(expire_courses(session, now())) == 1
    answer = forged(clinic, riya, f'/book_series{{"course": "{course}"}}')
    assert "ended on Sat 12 Dec" in answer and "Talk to a person" in answer.titles
    assert riya.visits == [] and riya.memory["form"] is None


NO_VISIT = "You have no visit booked with us at the moment."


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ('/confirm_attendance{"appointment": "KEY"}', NO_VISIT),
        ('/running_late{"appointment": "KEY"}', NO_VISIT),
        ('/cancel{"appointment": "KEY"}', NO_VISIT),
        ('/reschedule{"appointment": "KEY"}', NO_VISIT),
        ('/reschedule{"appointment": "KEY", "slot": "SLOT"}', NO_VISIT),
        ('/cancel{"appointment": "nonsense"}', NO_VISIT),
        ('/reschedule{"appointment": "99999:1"}', NO_VISIT),
        ('/book_series{"course": "COURSE"}', "There is no plan of sessions for you here"),
        ('/book_series{"course": "x"}', "There is no plan of sessions for you here"),
        ('/inform{"slot": "nonsense"}', "That time can no longer be booked."),
        ('/accept_offer{"offer": "1:7"}', "You are not waiting for a time"),
        ('/accept_offer{"offer": "x"}', "You are not waiting for a time"),
        ('/decline_offer{"offer": "1"}', "You are not waiting for a time"),
    ],
)
def test_what_belongs_to_somebody_else_or_to_nobody_is_refused_plainly(
    clinic: Clinic, riya: Patient, payload: str, said: str
) -> None:
    asha = clinic.patient("Asha Demo")
    theirs, course = asha.has_visit(), asha.has_plan()
    slot = clinic.free(clinic.today + timedelta(days=2))[0]
    real = {
        "KEY": f"{theirs.appointment_id}:{theirs.version}",
        "SLOT": slot.key,
        "COURSE": str(course),
    }
    for placeholder, value in real.items():
        payload = payload.replace(placeholder, value)
    answer = forged(clinic, riya, payload)
    assert said in answer and "Asha" not in answer and "Tue" not in answer
    assert riya.visits == [] and riya.handoff is None
    assert asha.visits == [theirs], "nothing of theirs has changed"
