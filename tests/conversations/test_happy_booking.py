"""Booking a first visit, the short ways."""

from __future__ import annotations

import pytest

from tests.conversations.chat import Patient
from tests.conversations.engine import Clinic


def test_by_taps(riya: Patient) -> None:
    assert "assistant of Tarang" in riya.writes("hello")
    riya.taps("Book a visit")
    riya.taps("Knee or hip")
    riya.taps("Tue 8 Dec")
    asked = riya.taps("8:30 am")
    assert "name" in asked
    offered = riya.writes("Riya Sharma")
    assert "Tue 8 Dec, 8:30 am" in offered and "For: Riya Sharma" in offered
    assert riya.visits == []
    assert "Booked: Tue 8 Dec, 8:30 am" in riya.taps("Yes, book it")
    (visit,) = riya.visits
    assert (visit.service, visit.status) == ("assessment", "booked")


def test_in_english_words_alone(riya: Patient) -> None:
    riya.writes("I want to book an appointment on Tuesday after 5 pm")
    assert riya.writes("knee").titles[0] == "5:00 pm"
    assert "name" in riya.writes("6 pm")
    assert "Tue 8 Dec, 6:00 pm" in riya.writes("Riya Sharma")
    assert "Booked" in riya.writes("yes please")
    assert len(riya.visits) == 1


def test_in_hinglish_words_alone(riya: Patient) -> None:
    assert "kis baare mein" in riya.writes("kal shaam ko slot milega?")
    times = riya.writes("ghutna")
    assert "Mangal 8 Dec ko" in times and times.titles[0] == "shaam 4:00"
    assert "naam likhiye" in riya.writes("5 baje")
    assert "Book kar doon?" in riya.writes("mera naam Riya Sharma hai")
    assert "Book ho gaya: Mangal 8 Dec, shaam 5:00" in riya.writes("haan book kar do")
    assert len(riya.visits) == 1


def test_in_hindi_words_alone(riya: Patient) -> None:
    assert "किस बारे में" in riya.writes("मुझे कल अपॉइंटमेंट चाहिए")
    assert "मंगल 8 दिस॰ को ये समय खाली हैं" in riya.writes("घुटना")
    assert "नाम लिखिए" in riya.taps(riya.hears().titles[0])
    assert "बुक कर दूँ?" in riya.writes("मीरा जोशी")
    assert "बुक हो गया" in riya.writes("हाँ")
    assert len(riya.visits) == 1


def test_the_next_one_with_a_woman(clinic: Clinic, riya: Patient) -> None:
    riya.writes("next available with a lady physio")
    times = riya.taps("Shoulder")
    women = {"Neha Kulkarni", "Farah Qureshi"}
    said = {choice.description for choice in times.bubbles[-1].choices if choice.description}
    assert said and said <= women


def test_who_has_visited_before_books_a_session_and_gives_no_name(riya: Patient) -> None:
    riya.has_been_here("Riya Sharma")
    riya.writes("I want to book an appointment")
    riya.taps("Knee")
    riya.taps("Soonest")
    offered = riya.taps(riya.hears().titles[0])
    assert "For: Riya Sharma" in offered and "Physiotherapy session" in offered
    assert "Booked" in riya.taps("Yes, book it")


def test_a_family_of_two_is_asked_for_whom(riya: Patient) -> None:
    riya.has_booked("Riya Sharma")
    asked = riya.is_booking("name")
    assert "For: Riya Sharma" in asked
    riya.writes("no")
    assert "name" in riya.taps("The name")
    riya.writes("Aarav Sharma")
    riya.taps("Yes, book it")
    assert len(riya.visits) == 2
    riya.writes("book one more appointment")
    riya.taps("Knee")
    riya.taps("Soonest")
    assert "Who is the visit for?" in riya.taps(riya.hears().titles[0])


def test_the_rest_of_a_long_list(riya: Patient) -> None:
    riya.is_booking("day")
    first = riya.taps("Tue 8 Dec").titles
    rest = riya.taps("More").titles
    assert len(first) == 10 and rest and not set(first[:8]) & set(rest)
    assert "name" in riya.taps(rest[0])


@pytest.mark.parametrize(
    "name",
    [
        "Meera Joshi",
        "Asha",
        "Khushi",
        "Neha",
        "Usha",
        "Dr. Anil Mehta",
        "मीरा जोशी",
        "Tanvi K",
        "mera naam Ram hai",
        "for my mother Lata",
    ],
)
def test_names_as_people_write_them(riya: Patient, name: str) -> None:
    riya.is_booking("name")
    offered = riya.writes(name)
    bare = name.replace("mera naam ", "").replace(" hai", "").replace("for my mother ", "")
    assert offered.text.splitlines()[2].endswith(f": {bare}")


def test_a_name_that_is_also_a_greeting_is_asked_for_whole(riya: Patient) -> None:
    riya.is_booking("name")
    assert "for example: Meera Joshi" in riya.writes("Ram")
    assert "For: Ram Rao" in riya.writes("Ram Rao")


def test_a_single_name_that_is_also_a_greeting_counts_when_it_is_said_again(riya: Patient) -> None:
    riya.is_booking("name")
    riya.writes("Ram")
    assert "Ram" in riya.writes("Ram").text.splitlines()[2]
