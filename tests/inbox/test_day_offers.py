"""A free time of the day is offered to somebody who waits, from the slot or from the list."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Any, Callable, Iterator

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic import consent, waitlist
from clinic.database import Database, now
from clinic.handoffs import open_handoff
from clinic.models import Appointment, AuditEntry, Message
from clinic.texts import Texts
from tests.inbox.at_the_desk import MONDAY, ROOT, at, open_clinic, slot, visit
from tests.inbox.conftest import press, sign_in

Make = Callable[..., int]
FOUR = "/day/book?clinician=neha&at=2026-11-23T10:30:00%2B00:00"


@pytest.fixture
def texts() -> Texts:
    """The fixed texts of the real domain."""
    return Texts.load(ROOT / "domain")


@pytest.fixture
def desk(app: Flask, db: Database) -> Iterator[FlaskClient]:
    """Farah of the front desk, on a Monday at eleven."""
    open_clinic(db)
    with time_machine.travel(at(11), tick=False):
        client = app.test_client()
        sign_in(client, "Farah", "front_desk")
        yield client


@pytest.fixture
def waits(db: Database, patient: Make) -> Callable[..., int]:
    """`waits("Early Bird")`: the id of a place in the list, of somebody who has just written."""

    def make(name: str, **wishes: Any) -> int:
        contact = patient(name=name, ago=timedelta(minutes=1))
        with db.transaction() as session:
            consent.record(session, contact, "care", True, how="button")
            wanted = waitlist.Wanted("session", MONDAY, MONDAY, **wishes)
            return waitlist.join(session, contact, wanted, now())

    return make


def asked(db: Database) -> list[str]:
    with db.reading() as session:
        rows = session.execute(select(Message.text).where(Message.cause.like("waitlist:%")))
        return [str(text) for (text,) in rows]


def test_from_the_list_with_the_times_they_wished_for(
    desk: FlaskClient, db: Database, waits: Callable[..., int]
) -> None:
    waiting = waits("Early Bird", clinician="neha")
    html = desk.get("/day").text
    form = html[html.index('class="offering"') :]
    times = re.findall(r'<option value="([^"]+)">([^<]+)', form[: form.index("</form>")])
    assert (slot(at(16)).key, "4:00 pm · Neha Kulkarni") in times
    assert all(key.startswith("neha/") for key, _words in times)
    assert slot(at(11)).key not in dict(times), "an answer could not come before it"
    done = press(desk, "/day", "/day/offer", waiting=waiting, slot=slot(at(16)).key)
    assert (done.status_code, done.location) == (302, "/day?date=2026-11-23#waitlist")
    shown = desk.get(done.location).text
    assert "Offered on WhatsApp. The time is kept until today 11:30 am." in shown
    assert "Asked about Mon 23 Nov, 4:00 pm" in shown and 'class="offering"' not in shown
    assert "Being booked" in shown
    (words,) = asked(db)
    assert "Mon 23 Nov, 4:00 pm" in words and "Neha Kulkarni" in words
    with db.reading() as session:
        entry = session.execute(
            select(AuditEntry).where(AuditEntry.what == "waitlist_offered")
        ).scalar_one()
        assert entry.who.startswith("staff:") and entry.contact_id is not None


def test_from_a_free_slot_to_whom_staff_choose(
    desk: FlaskClient, db: Database, waits: Callable[..., int]
) -> None:
    waits("Early Bird", after=time(17))
    other = waits("Arjuns Patient", clinician="arjun")
    waiting = waits("Late Riser")
    html = desk.get(FOUR).text
    assert "kept for 30 minutes" in html and "Arjuns Patient" not in html
    early = html[html.index("Early Bird") : html.index("Late Riser")]
    assert "Not what they asked for" in early
    assert "Not what they asked for" not in html[html.index("Late Riser") :]
    done = press(desk, FOUR, "/day/offer", waiting=waiting, slot=slot(at(16)).key)
    assert done.status_code == 302 and len(asked(db)) == 1
    # meanwhile it is kept: nobody else is asked about it
    taken = press(desk, FOUR, "/day/offer", waiting=other, slot=slot(at(16)).key)
    assert taken.status_code == 409
    assert "just taken this time. Nobody was asked" in taken.text and len(asked(db)) == 1


def test_what_is_refused_is_said_and_nobody_is_asked(
    desk: FlaskClient, db: Database, patient: Make, waits: Callable[..., int]
) -> None:
    visit(db, patient(), at(16), booked_at=at(9))
    handed, unwilling = waits("Handed Over"), waits("Unwilling")
    with db.transaction() as session:
        rows = session.execute(select(waitlist.WaitingPatient)).scalars()
        contacts = {int(row.id): int(row.contact_id) for row in rows}
        open_handoff(session, contacts[handed], "request")
        consent.record(session, contacts[unwilling], "care", False, how="button")
    three = slot(at(15)).key
    for waiting, key, status, words in (
        (handed, three, 409, "A person has this conversation"),
        (unwilling, three, 409, "not agreed to care messages"),
        (9_999, three, 409, "not on the waitlist any more"),
        (handed, "nonsense", 422, "Choose a time first"),
    ):
        answer = press(desk, "/day", "/day/offer", waiting=waiting, slot=key)
        assert answer.status_code == status and words in answer.text, words
    free = waits("Free To Ask")
    for key, words in (
        (slot(at(16)).key, "just taken this time"),
        (slot(at(10)).key, "This time has passed"),
        (slot(at(11, 20)).key, "begins before an answer may come"),
    ):
        answer = press(desk, "/day", "/day/offer", waiting=free, slot=key)
        assert answer.status_code == 409 and words in answer.text, words
    assert asked(db) == []
    with db.reading() as session:
        assert session.execute(select(Appointment).where(Appointment.status == "held")).all() == []


def test_who_has_an_offer_is_not_asked_about_another(
    desk: FlaskClient, db: Database, waits: Callable[..., int]
) -> None:
    waiting = waits("Early Bird")
    for _press in range(2):
        done = press(desk, "/day", "/day/offer", waiting=waiting, slot=slot(at(16)).key)
        assert done.status_code == 302, "pressing twice asks once"
    other = press(desk, "/day", "/day/offer", waiting=waiting, slot=slot(at(18)).key)
    assert other.status_code == 409 and "has not answered it yet" in other.text
    assert len(asked(db)) == 1
