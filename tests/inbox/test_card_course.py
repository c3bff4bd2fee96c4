"""The patient card says how a course stands: who came, what was missed, what the plan costs."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Callable, Iterator, List

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from clinic.attendance import mark
from clinic.course_plans import Plan, author
from clinic.database import Database
from clinic.scheduling.booking import cancel
from tests.inbox.at_the_desk import MONDAY, at, open_clinic, visit
from tests.inbox.conftest import sign_in

Make = Callable[..., int]
BEFORE = at(9, day=MONDAY - timedelta(days=4))


@pytest.fixture
def desk(app: Flask, db: Database) -> Iterator[FlaskClient]:
    """Farah of the front desk, on a Monday at six in the evening."""
    open_clinic(db)
    with time_machine.travel(at(18)):
        client = app.test_client()
        sign_in(client, "Farah", "front_desk")
        yield client


def writes(db: Database, contact: int, **more: Any) -> None:
    with db.transaction() as session:
        author(session, Plan(contact, "Meena", "neha", 12, "staff:1", **more), BEFORE)


def card_of(client: FlaskClient, contact: int) -> str:
    html = client.get(f"/conversations/{contact}").text
    return html[html.index('id="patient-card"') : html.index("</details>", html.index("patient-c"))]


def so_far(card: str) -> List[str]:
    found = re.search(r'<p class="line came">(.*?)</p>', card, re.S)
    return re.findall(r'class="tag[^"]*">([^<]+)', found[1]) if found else []


def test_who_came_what_was_missed_and_what_was_cancelled_late(
    desk: FlaskClient, db: Database, patient: Make
) -> None:
    contact = patient()
    writes(db, contact, price_paise=720000, pricing="package")
    ids = [visit(db, contact, at(hour), "Meena", booked_at=BEFORE) for hour in (9, 10, 11, 12, 16)]
    visit(db, contact, at(18, day=MONDAY + timedelta(days=1)), "Meena", booked_at=BEFORE)
    with db.transaction() as session:
        for number, status in zip(ids, ("completed", "completed", "no_show"), strict=False):
            mark(session, number, status, "staff:1", now=at(13))
        # one in good time, which says nothing of anybody; one an hour before it
        cancel(session, ids[3], contact, "patient", "asked", "early", now=BEFORE)
        cancel(session, ids[4], contact, "patient", "asked", "late", now=at(15))
    card = card_of(desk, contact)
    assert so_far(card) == ["2 attended", "1 missed", "1 cancelled late"]
    assert "2 of 12 sessions done" in card or "3 of 12 sessions done" in card
    assert "₹7,200" in card and "for the whole course" in card


def test_what_the_clinic_called_off_is_nobodys_fault(
    desk: FlaskClient, db: Database, patient: Make
) -> None:
    contact = patient()
    writes(db, contact)
    made = visit(db, contact, at(16), "Meena", booked_at=BEFORE)
    with db.transaction() as session:
        cancel(session, made, None, "staff:1", "clinic", "late", now=at(15))
    assert so_far(card_of(desk, contact)) == []


def test_nothing_is_said_where_there_is_nothing_to_say(
    desk: FlaskClient, db: Database, patient: Make
) -> None:
    contact = patient()
    writes(db, contact)
    card = card_of(desk, contact)
    assert so_far(card) == [] and "So far" not in card and "₹" not in card
    assert "0 of 12 sessions done" in card
