"""A physiotherapist's leave in the chat, and the link for the patient's own calendar."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from clinic.absence import add_leave, announce_leave
from clinic.bubbles import Link
from clinic.database import now
from clinic.settings import settings
from clinic.texts import domain_texts
from tests.conversations.chat import Patient
from tests.conversations.engine import PUNE, Clinic


def goes_on_leave(clinic: Clinic, clinician: str, day: datetime) -> None:
    with clinic.database.transaction() as session:
        number, affected = add_leave(session, clinician, day, day + timedelta(days=1), now())
        assert affected
        announce_leave(session, number, "staff:meera", domain_texts(), now())


def test_the_patient_takes_another_time_by_one_tap(clinic: Clinic, riya: Patient) -> None:
    riya.writes("hello")
    visit = riya.has_visit()
    midnight = visit.starts_at.astimezone(PUNE).replace(hour=0, minute=0)
    goes_on_leave(clinic, visit.clinician, midnight)
    told = riya.fresh()
    assert "is not there on Tue 8 Dec" in told
    assert told.titles[-2:] == ["Another time", "Cancel the visit"]
    assert "Move your visit to" in riya.taps(told.titles[0])
    assert "Moved: your visit is now" in riya.taps("Yes, move it")
    (moved,) = riya.visits
    # the same hour with somebody else
    assert moved.appointment_id == visit.appointment_id and moved.clinician != visit.clinician
    # the message speaks of a visit that has moved since
    assert "has been changed since" in riya.taps("Another time", on=told)


def test_the_patient_cancels_instead(clinic: Clinic, riya: Patient) -> None:
    riya.writes("hello")
    visit = riya.has_visit()
    midnight = visit.starts_at.astimezone(PUNE).replace(hour=0, minute=0)
    goes_on_leave(clinic, visit.clinician, midnight)
    told = riya.fresh()
    assert "May I note why?" in riya.taps("Cancel the visit", on=told)
    riya.taps("Travelling")
    assert "Cancelled: Tue 8 Dec" in riya.taps("Yes, cancel it")
    assert riya.visits == []


def test_a_booking_comes_with_a_calendar_link_where_there_is_an_address(
    riya: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INBOX_PUBLIC_URL", "https://desk.example")
    settings.cache_clear()
    riya.has_booked()
    (link,) = [bubble for bubble in riya.hears().bubbles if isinstance(bubble, Link)]
    assert link.label == "Add to calendar" and "Booked: " in link.text
    assert link.url.startswith("https://desk.example/calendar/visit/")
    assert link.url.endswith(".ics")


def test_no_link_without_an_address(riya: Patient) -> None:
    riya.has_booked()
    assert not [bubble for bubble in riya.hears().bubbles if isinstance(bubble, Link)]
