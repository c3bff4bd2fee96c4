"""A patient says they come late: the front desk sees it wherever it looks at the visit."""

from __future__ import annotations

from datetime import timedelta
from typing import Callable, Iterator, List

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from clinic.attendance import mark, note_running_late
from clinic.database import Database
from clinic.scheduling.booking import reschedule
from tests.inbox.at_the_desk import MONDAY, at, open_clinic, slot, visit
from tests.inbox.conftest import sign_in

LATE = "Running late"
TOMORROW = MONDAY + timedelta(days=1)


@pytest.fixture
def desk(app: Flask, db: Database) -> Iterator[FlaskClient]:
    """Farah of the front desk, on a Monday at a quarter to ten."""
    open_clinic(db)
    with time_machine.travel(at(9, 45)):
        client = app.test_client()
        sign_in(client, "Farah", "front_desk")
        yield client


@pytest.fixture
def late(db: Database, patient: Callable[..., int]) -> List[int]:
    """The contact, and their visit at ten."""
    contact = patient()
    number = visit(db, contact, at(10))
    with db.transaction() as session:
        note_running_late(session, number)
    return [contact, number]


def said_on(desk: FlaskClient, late: List[int], day: str = "") -> List[bool]:
    """Whether the day, the visit's page and the patient's card say so."""
    contact, number = late
    pages = (f"/day{day}", f"/visits/{number}", f"/conversations/{contact}")
    return [LATE in desk.get(page).text for page in pages]


def test_whoever_is_late_is_shown_late(desk: FlaskClient, late: List[int]) -> None:
    assert said_on(desk, late) == [True, True, True]


def test_whoever_is_there_is_late_no_longer(
    desk: FlaskClient, db: Database, late: List[int]
) -> None:
    with db.transaction() as session:
        mark(session, late[1], "arrived", "staff:1", now=at(10, 10))
    assert said_on(desk, late) == [False, False, False]


def test_whoever_moves_the_visit_is_not_late_for_the_new_time(
    desk: FlaskClient, db: Database, late: List[int]
) -> None:
    with db.transaction() as session:
        reschedule(session, late[1], None, slot(at(11, day=TOMORROW)), "test:move", now=at(9, 46))
    assert said_on(desk, late, f"?date={TOMORROW}") == [False, False, False]
