"""Visits as calendar files: what a patient and a clinician read, and that nobody else does."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, Callable, List

import pytest
from icalendar import Calendar

from clinic.database import Database
from clinic.icalendars import (
    feed_calendar,
    has_feed,
    initials,
    new_feed,
    visit_by_link_key,
    visit_calendar,
    visit_link_key,
)
from clinic.models import Appointment, CalendarFeed, Contact
from clinic.scheduling.booking import book, cancel, reschedule
from clinic.scheduling.errors import UnknownClinician
from clinic.scheduling.grid import Slot
from clinic.scheduling.visit import Visit
from clinic.texts import domain_texts
from tests.clinic.courses import a_course

SlotAt = Callable[..., Slot]
Ids = Callable[[int], int]


@pytest.fixture
def visit(clinic: Database, slot_at: SlotAt, patient: Ids, now: datetime) -> Visit:
    """Patient 1 has the first of three sessions with asha on Wednesday at nine."""
    a_course(clinic, patient(1), now)
    with clinic.transaction() as session:
        return book(session, slot_at(25, time(9)), patient(1), "Meena Joshi", "v", now=now)


def events(content: Any) -> List[Any]:
    return Calendar.from_ical(content).walk("VEVENT")


def event_of(db: Database, visit: Visit) -> Any:
    with db.reading() as session:
        row = session.get(Appointment, visit.appointment_id)
        (event,) = events(visit_calendar(session, row, domain_texts()))
    return event


def test_a_patients_visit(clinic: Database, visit: Visit, patient: Ids, now: datetime) -> None:
    event = event_of(clinic, visit)
    assert str(event["summary"]) == "Session (session 1 of 3)"
    assert event["dtstart"].dt == visit.starts_at and event["dtend"].dt == visit.ends_at
    assert (str(event["location"]), str(event["status"])) == ("1 Test Lane", "CONFIRMED")
    assert "Meena" not in str(event)
    with clinic.transaction() as session:
        session.get(Contact, patient(1)).language = "hi"
    assert str(event_of(clinic, visit)["summary"]).startswith("सेशन (3 में से सेशन 1")


def test_a_change_is_the_same_event_with_a_higher_sequence(
    clinic: Database, visit: Visit, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    before = event_of(clinic, visit)
    ident, contact = visit.appointment_id, patient(1)
    with clinic.transaction() as session:
        moved = reschedule(session, ident, contact, slot_at(27, time(10)), "m", now=now)
    after = event_of(clinic, visit)
    assert after["uid"] == before["uid"] and after["sequence"] > before["sequence"]
    assert after["dtstart"].dt == moved.starts_at
    with clinic.transaction() as session:
        cancel(session, ident, contact, "patient", None, "c", now=now)
    gone = event_of(clinic, visit)
    assert str(gone["status"]) == "CANCELLED" and gone["sequence"] > after["sequence"]


def test_the_address_of_a_visit_cannot_be_made_up(clinic: Database, visit: Visit) -> None:
    key = visit_link_key(visit.appointment_id)
    with clinic.reading() as session:
        found = visit_by_link_key(session, key)
        assert found is not None and found.id == visit.appointment_id
        tampered = f"{visit.appointment_id + 1}-{key.split('-')[1]}"
        for wrong in (
            tampered,
            key[:-1],
            key + "0",
            str(visit.appointment_id),
            "",
            "-",
            "x-y",
            "٣-a",
        ):
            assert visit_by_link_key(session, wrong) is None


def test_a_clinicians_feed(
    clinic: Database, visit: Visit, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    with clinic.transaction() as session:
        book(session, slot_at(25, time(9), "ravi"), patient(2), "Anu Rao", "r", now=now)
        gone = book(session, slot_at(25, time(11)), patient(3), "Y Z", "y", now=now)
        cancel(session, gone.appointment_id, patient(3), "patient", None, "c", now=now)
        token = new_feed(session, "asha", now)
    with clinic.reading() as session:
        content = feed_calendar(session, token, now)
        assert content is not None
        (event,) = events(content)
        assert str(event["summary"]) == "M.J., Session"
        for words in (b"Meena", b"Joshi", b"Anu", b"9190000"):
            assert words not in content
        far = feed_calendar(session, token, now + timedelta(days=60))
        assert events(far) == []


def test_a_new_address_ends_the_old(clinic: Database, visit: Visit, now: datetime) -> None:
    with clinic.transaction() as session:
        assert has_feed(session, "asha") is False
        old = new_feed(session, "asha", now)
        assert has_feed(session, "asha") is True
        new = new_feed(session, "asha", now)
        assert feed_calendar(session, old, now) is None
        assert feed_calendar(session, new, now) is not None
        assert feed_calendar(session, "guess", now) is None
        stored = session.query(CalendarFeed).one().token_hash
        assert new not in stored and len(stored) == 64
        with pytest.raises(UnknownClinician):
            new_feed(session, "nobody", now)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Asha Verma", "A.V."),
        ("Meena", "M."),
        ("A B C D", "A.B.C."),
        ("", "?"),
        ("आशा वर्मा", "आ.व."),
    ],
)
def test_initials(name: str, said: str) -> None:
    assert initials(name) == said
