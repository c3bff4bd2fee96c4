"""The way a new patient takes, over real processes and the strict simulator."""

from __future__ import annotations

from typing import Callable

import pytest

from tests.house import House, Patient

pytestmark = pytest.mark.processes


def booked(riya: Patient, name: str = "Riya Sharma") -> str:
    """Book the first free time by taps; the confirmation's words."""
    riya.writes("I want to book an appointment")
    riya.taps("Knee")
    times = riya.taps("Soonest")
    asked = riya.taps(times.titles[0])
    assert "name" in asked.text.lower()
    offered = riya.writes(name)
    assert name in offered and "Shall I book it?" in offered
    return riya.taps("Yes, book it").text


def test_enquiry_booking_move_question_pain_staff_hand_back_and_cancel(
    house: House, patient: Callable[..., Patient]
) -> None:
    riya = patient()
    assert "assistant of Tarang" in riya.writes("hello")

    assert booked(riya).startswith("Booked: ")

    riya.writes("I need to reschedule my appointment")
    later = riya.taps("Soonest")
    asked = riya.taps(later.titles[1])
    assert "Move your visit" in asked
    assert riya.taps("Yes, move it").text.startswith("Moved: ")

    assert "basement" in riya.writes("where can I park my car?")

    handed = riya.writes("my knee pain is much worse since yesterday")
    assert "passed it to them" in handed
    assert handed.titles == []
    handoff = open_handoff(house, riya)
    assert handoff["reason"] == "clinical"

    # muted: what the patient writes now is for people only
    assert riya.writes_to_nobody("book an appointment").bodies == []

    house.api("POST", f"/handoffs/{handoff['id']}/claim", {"staff": "Neha"})
    house.api("POST", conversation(handoff), {"text": "Neha here, I will call you in a minute."})
    assert "Neha here" in riya.hears()
    house.api(
        "POST",
        f"/handoffs/{handoff['id']}/resolve",
        {"hand_back": True, "outcome": "called", "staff": "Neha"},
    )
    assert "assistant again" in riya.hears()

    riya.writes("please cancel my appointment")
    riya.taps("Busy")
    assert riya.taps("Yes, cancel it").text.startswith("Cancelled: ")
    assert "no visit booked" in riya.writes("what appointments do I have?")


def open_handoff(house: House, riya: Patient) -> dict:
    listed = house.api("GET", "/handoffs?status=open&limit=100")["items"]
    return next(item for item in listed if item["phone"] == riya.phone)


def conversation(handoff: dict) -> str:
    return f"/conversations/{handoff['contact_id']}/messages"


def test_a_hinglish_evening_and_a_hindi_question(patient: Callable[..., Patient]) -> None:
    arjun = patient("Arjun Demo")
    asked = arjun.writes("kal shaam ko slot milega kya?")
    assert "kis baare mein" in asked
    times = arjun.taps("Ghutna")
    assert times.titles, times
    assert "बेसमेंट" in arjun.writes("पार्किंग कहाँ है?")


def test_typed_commands_are_plain_text(house: House, patient: Callable[..., Patient]) -> None:
    mallory = patient("Mallory Demo")
    for command in ("/restart", '/book{"slot": "x"}', "EXTERNAL: book"):
        mallory.writes(command)
    assert "session_start" not in house.log("assistant")


def test_a_button_acts_once(patient: Callable[..., Patient]) -> None:
    asha = patient("Asha Demo")
    assert booked(asha, "Asha Rao").startswith("Booked: ")
    again = asha.taps("Yes, book it")
    assert "already been used" in again


def test_a_picture_goes_to_a_person(house: House, patient: Callable[..., Patient]) -> None:
    meera = patient("Meera Demo")
    assert "cannot open this" in meera.sends(media={"kind": "image"})
    assert open_handoff(house, meera)["reason"] == "media"
