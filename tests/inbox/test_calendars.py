"""Calendar files over HTTP: read by whoever has the address, and by nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Callable

import pytest
from flask import Flask
from icalendar import Calendar

from clinic.database import Database, now
from clinic.icalendars import new_feed, visit_link_key
from clinic.profile import Profile
from clinic.scheduling.booking import book, hold
from clinic.scheduling.slots import free_slots
from clinic.setup import write_profile


@pytest.fixture
def visit_id(db: Database, demo_profile: Profile, patient: Callable[..., int]) -> int:
    """Somebody has a visit with Neha in the next days."""
    write_profile(db, demo_profile)
    contact, moment = patient(), now()
    with db.transaction() as session:
        (slot,) = free_slots(
            session,
            service="session",
            clinician="neha",
            start=moment.date(),
            end=moment.date() + timedelta(days=20),
            limit=1,
            now=moment,
        )
        return book(session, slot, contact, "Meena Joshi", "t", now=moment).appointment_id


def events(answer: Any) -> list[Any]:
    assert answer.status_code == 200 and answer.mimetype == "text/calendar"
    return Calendar.from_ical(answer.data).walk("VEVENT")


def test_a_feed_needs_no_sign_in_but_its_secret(app: Flask, db: Database, visit_id: int) -> None:
    with db.transaction() as session:
        token = new_feed(session, "neha", now())
        other = new_feed(session, "arjun", now())
    client = app.test_client()
    answer = client.get(f"/calendar/{token}.ics")
    (event,) = events(answer)
    assert str(event["summary"]) == "M.J., Physiotherapy session"
    assert answer.headers["Cache-Control"] == "no-store"
    assert events(client.get(f"/calendar/{other}.ics")) == []
    for wrong in ("guess", token[:-1], f"{token}x"):
        assert client.get(f"/calendar/{wrong}.ics").status_code == 404


def test_a_visit_by_its_signed_address(app: Flask, db: Database, visit_id: int) -> None:
    client = app.test_client()
    (event,) = events(client.get(f"/calendar/visit/{visit_link_key(visit_id)}.ics"))
    assert str(event["summary"]) == "Physiotherapy session"
    for wrong in (str(visit_id), f"{visit_id}-", f"{visit_id}-{'0' * 32}", "x"):
        assert client.get(f"/calendar/visit/{wrong}.ics").status_code == 404


def test_a_held_slot_is_no_visit(
    app: Flask, db: Database, visit_id: int, patient: Callable[..., int]
) -> None:
    contact, moment = patient(), now()
    with db.transaction() as session:
        (slot,) = free_slots(
            session,
            service="session",
            start=moment.date(),
            end=moment.date() + timedelta(days=20),
            limit=1,
            now=moment,
        )
        held = hold(session, slot, contact, now=moment).appointment_id
    assert app.test_client().get(f"/calendar/visit/{visit_link_key(held)}.ics").status_code == 404
