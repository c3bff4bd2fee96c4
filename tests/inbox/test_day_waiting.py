"""The day's page says who waits for a time on it, what they were asked, and what time it is."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any, Callable, Iterator

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from clinic import consent, waitlist
from clinic.database import Database, now
from clinic.models import SlotOffer
from clinic.texts import Texts
from clinic.waitlist_offers import offer_freed_slots
from tests.inbox.at_the_desk import MONDAY, ROOT, at, open_clinic
from tests.inbox.conftest import sign_in

Make = Callable[..., int]


@pytest.fixture
def morning(db: Database) -> Iterator[Any]:
    """Monday at eleven, in a clinic with a profile."""
    with time_machine.travel(at(11), tick=False) as clock:
        open_clinic(db)
        yield clock


@pytest.fixture
def client(app: Flask, morning: Any) -> FlaskClient:
    made = app.test_client()
    sign_in(made, "Farah", "front_desk")
    return made


def waits(db: Database, contact_id: int, first: date, last: date, **wishes: Any) -> None:
    with db.transaction() as session:
        waitlist.join(session, contact_id, waitlist.Wanted("session", first, last, **wishes), now())


def test_who_waits_for_which_day_and_whom(
    client: FlaskClient, db: Database, patient: Make, morning: Any
) -> None:
    waits(db, patient(name="Early Bird"), MONDAY, MONDAY + timedelta(days=1), clinician="neha")
    morning.shift(60)
    evening = {"after": time(17), "gender": "female"}
    waits(db, patient(name="Evening Star"), MONDAY, MONDAY, **evening)
    html = client.get("/day").text
    assert html.index("Early Bird") < html.index("Evening Star"), "longest first"
    for words in (
        "Nothing was offered yet",
        "from 5:00 pm on",
        "a woman",
        "waits since today 11:00",
    ):
        assert words in html
    assert "service=session&amp;clinician=neha" in html
    arjuns = client.get("/day?clinician=arjun").text
    assert "Early Bird" not in arjuns and "Evening Star" in arjuns
    tuesday = client.get("/day?date=2026-11-24").text
    assert "Early Bird" in tuesday and "Evening Star" not in tuesday
    assert "waitlist" not in client.get("/day?date=2026-11-26").text.split("<main")[1]


def test_what_they_were_asked(
    client: FlaskClient, db: Database, patient: Make, morning: Any
) -> None:
    contact = patient(name="Early Bird")
    waits(db, contact, MONDAY, MONDAY, clinician="neha")
    with db.transaction() as session:
        consent.record(session, contact, "care", True, how="staff")
        (offer,) = offer_freed_slots(session, now(), Texts.load(ROOT / "domain"))
    asked = client.get("/day").text
    assert "Asked about Mon 23 Nov" in asked and "it is kept until today" in asked
    morning.shift(40 * 60)
    assert "Did not answer about Mon 23 Nov" in client.get("/day").text
    with db.transaction() as session:
        session.get(SlotOffer, offer).status = "declined"
    assert "Said no to Mon 23 Nov" in client.get("/day").text


def test_who_waits_no_longer_is_not_there(client: FlaskClient, db: Database, patient: Make) -> None:
    contact = patient(name="Early Bird")
    waits(db, contact, MONDAY, MONDAY)
    with db.transaction() as session:
        waitlist.leave(session, contact, now())
    assert "Early Bird" not in client.get("/day").text


def test_the_present_quarter_is_marked_and_only_today(client: FlaskClient, morning: Any) -> None:
    morning.shift(7 * 60)
    mark = '<tr class="hour now">'
    today = client.get("/day").text
    assert today.count(mark) == 1
    row = today[today.index(mark) :]
    assert 'href="#now"' in today and 'id="now"' in row[: row.index("</th>")]
    assert "11:00 am" in row[: row.index("</th>")]
    assert ' now">' not in sheet_of(client, "/day?date=2026-11-24")
    assert 'href="#now"' not in client.get("/day?date=2026-11-24").text
    morning.move_to(at(23, 30))
    sign_in(client, "Farah", "front_desk")
    assert ' now">' not in sheet_of(client, "/day")


def sheet_of(client: FlaskClient, address: str) -> str:
    """The day's table."""
    html = client.get(address).text
    return html[html.index('<table class="sheet">') : html.index("</table>")]
