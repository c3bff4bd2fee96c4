"""Visits as staff change them: from the day's calendar, from a conversation, and its card."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Callable, Iterator

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic.database import Database
from clinic.models import Appointment, Clinician, Contact, Leave, Message
from clinic.texts import Texts
from tests.inbox.at_the_desk import MONDAY, ROOT, ZONE, at, open_clinic, slot, visit
from tests.inbox.conftest import press, sign_in

Make = Callable[..., int]
PHONE = "+919000000801"


@pytest.fixture
def texts() -> Texts:
    """The fixed texts of the real domain."""
    return Texts.load(ROOT / "domain")


@pytest.fixture
def desk(app: Flask, db: Database) -> Iterator[FlaskClient]:
    """Asha, on a Monday at nine, in an open clinic."""
    open_clinic(db)
    with time_machine.travel(at(9)):
        client = app.test_client()
        sign_in(client)
        yield client


def rows(db: Database) -> list[Any]:
    with db.reading() as session:
        return list(session.execute(select(Appointment).order_by(Appointment.id)).scalars())


def told(db: Database) -> list[str]:
    """What was said to patients; reminders are planned too, but have no words yet."""
    with db.reading() as session:
        found = session.execute(
            select(Message.text).where(Message.direction == "out", Message.text.is_not(None))
        )
        return [str(text) for (text,) in found]


def test_the_day_shows_who_comes_what_is_free_and_who_is_away(
    desk: FlaskClient, db: Database, patient: Make
) -> None:
    made = visit(db, patient(), at(10), "Ravi Invented")
    with db.transaction() as session:
        arjun = session.execute(select(Clinician).where(Clinician.code == "arjun")).scalar_one()
        session.add(Leave(clinician_id=arjun.id, starts_at=at(10), ends_at=at(13)))
    html = desk.get("/day").text
    assert f'id="visit-{made}"' in html and "Ravi Invented" in html and "On leave" in html
    cell = re.search(rf'<td rowspan="(\d+)" class="visit booked">\s*<a href="/visits/{made}"', html)
    assert cell and cell[1] == "3", "forty minutes are three quarters of an hour"
    free = re.findall(r"/day/book\?clinician=(\w+)&amp;at=([^\"]+)", html)
    assert ("neha", "2026-11-23T04:00:00%2B00:00") in free, "half past nine"
    assert not any(code == "arjun" and "T05" in when for code, when in free)
    assert not any("T03:00" in when for _code, when in free), "half past eight is over"


def test_a_closed_day_and_a_day_nobody_works(desk: FlaskClient) -> None:
    assert "The clinic is closed on this day" in desk.get("/day?date=2026-12-31").text
    assert "Nobody works on this day" in desk.get("/day?date=2026-11-29").text
    assert "Today" in desk.get("/day?date=nonsense").text


def test_booking_a_free_slot_of_the_day(desk: FlaskClient, db: Database) -> None:
    fields = {"clinician": "neha", "at": at(10).isoformat(), "service": "session", "key": "k1"}
    page = "/day/book?clinician=neha&at=2026-11-23T04:30:00%2B00:00"
    assert "10:00 am" in desk.get(page).text
    nameless = press(desk, page, "/day/book", phone="90000 00801", **fields)
    assert nameless.status_code == 422 and "90000 00801" in nameless.text
    wrong = press(desk, page, "/day/book", phone="12", name="Ravi", **fields)
    assert wrong.status_code == 422
    done = press(desk, page, "/day/book", phone="90000 00801", name="Ravi", tell="1", **fields)
    assert (done.status_code, done.location) == (302, "/day?date=2026-11-23")
    again = press(desk, page, "/day/book", phone="90000 00801", name="Ravi", **fields)
    assert again.status_code == 302, "pressing twice books once"
    (row,) = rows(db)
    assert (row.status, row.starts_at) == ("booked", at(10))
    with db.reading() as session:
        assert session.get(Contact, row.contact_id).phone == PHONE
    assert told(db) == [], "a new number has no open window"
    fields["key"] = "k2"
    taken = press(desk, page, "/day/book", phone="90000 00802", name="Meena", **fields)
    assert taken.status_code == 409 and "just taken this time" in taken.text


def test_booking_from_a_conversation_tells_the_patient(
    desk: FlaskClient, db: Database, patient: Make
) -> None:
    contact_id = patient(ago=timedelta(minutes=5))
    page = f"/conversations/{contact_id}/book"
    html = desk.get(page).text
    # an hour ahead at least, as patients book too
    key = slot(at(10, 30)).key
    assert key in html and "Ravi Invented" in html
    done = press(desk, page, page, slot=key, name="Ravi Invented", key="k", tell="1")
    assert done.status_code == 302
    (text,) = told(db)
    assert "Mon 23 Nov, 10:30 am" in text and "Neha Kulkarni" in text
    card = desk.get(f"/conversations/{contact_id}").text
    assert "Mon 23 Nov, 10:30 am" in card
    assert press(desk, page, page, name="Ravi", key="k3").status_code == 422


def test_moving_and_cancelling_with_the_page_of_before_is_refused(
    desk: FlaskClient, db: Database, patient: Make
) -> None:
    contact_id = patient(ago=timedelta(minutes=5))
    made = visit(db, contact_id, at(10))
    page = f"/visits/{made}"
    moved = press(desk, page, f"{page}/move", slot=slot(at(11)).key, version=1, key="m", tell="1")
    assert moved.status_code == 302
    stale = press(desk, page, f"{page}/cancel", reason="asked", version=1, key="c")
    assert stale.status_code == 409 and "moved meanwhile" in stale.text
    why = press(desk, page, f"{page}/cancel", version=2, key="c")
    assert why.status_code == 422
    press(desk, page, f"{page}/cancel", reason="asked", version=2, key="c", tell="1")
    (row,) = rows(db)
    assert (row.status, row.cancel_reason, row.starts_at) == ("cancelled", "asked", at(11))
    assert len(told(db)) == 2 and "cancelled" in told(db)[1]


def test_saying_what_became_of_a_visit(desk: FlaskClient, db: Database, patient: Make) -> None:
    contact_id = patient()
    made = visit(db, contact_id, at(10))
    page = f"/visits/{made}"
    assert desk.get("/visits/99").status_code == 404
    early = press(desk, page, f"{page}/mark", status="no_show")
    assert early.status_code == 409 and "once the visit has begun" in early.text
    assert "Arrived" in desk.get(page).text and "Completed" not in desk.get(page).text
    back = press(desk, page, f"{page}/mark", status="arrived", contact=contact_id)
    assert back.location == f"/conversations/{contact_id}"
    with time_machine.travel(at(10, 45)):
        press(desk, page, f"{page}/mark", status="completed")
        assert rows(db)[0].status == "completed"
        assert press(desk, page, f"{page}/mark", status="booked").status_code == 422
        press(desk, page, f"{page}/mark", status="no_show")
    assert rows(db)[0].status == "no_show", "a slip is put right"


def test_search_finds_by_number_name_words_and_visit(
    desk: FlaskClient, db: Database, patient: Make
) -> None:
    contact_id = patient("Where can I park my scooter?", "Meena Invented")
    made = visit(db, contact_id, at(10), "Baby Invented")
    patient("nothing of it", "Somebody Else")
    with db.reading() as session:
        phone = session.get(Appointment, made).contact.phone
    for asked in ("meena", "SCOOTER", phone, phone[3:], phone[-5:], "baby inv", f"#{made}"):
        html = press(desk, "/search", "/search", q=asked).text
        assert f'href="/conversations/{contact_id}' in html, asked
        assert "Somebody Else" not in html, asked
    assert "Nothing was found" in press(desk, "/search", "/search", q="zebra").text
    assert "two letters" in press(desk, "/search", "/search", q="z").text
    assert "<script" not in press(desk, "/search", "/search", q="<b>x").text.split("</head>")[1]


def test_the_week_of_times_begins_today_and_goes_on(desk: FlaskClient, patient: Make) -> None:
    page = f"/conversations/{patient()}/book"
    assert "Earlier" not in desk.get(page).text
    later = desk.get(f"{page}?service=session&from={MONDAY + timedelta(days=7)}").text
    assert "Earlier" in later and "Mon 30 Nov" in later
    assert str(ZONE) == "Asia/Kolkata"
