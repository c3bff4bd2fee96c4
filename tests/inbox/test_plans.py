"""A physiotherapist writes a course plan and the patient gets it; the front desk does neither."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic.database import Database, now
from clinic.models import AuditEntry, Course, Message
from clinic.setup import write_profile
from clinic.texts import Texts
from inbox.app import create_app
from inbox.limits import limiter
from tests.house import ROOT
from tests.inbox.conftest import press

Make = Callable[..., int]
GOOD = {
    "patient": "Meena Joshi",
    "sessions": "12",
    "per_week": "3",
    "expect": "The first week is about moving without hurry.",
    "why_finish": "Strength comes in the last weeks.",
    "price_rupees": "6,000",
    "pricing": "package",
}


@pytest.fixture
def app(db: Database, demo_profile: Any) -> Iterator[Flask]:
    """The inbox of the demo clinic, with the assistant's own texts."""
    write_profile(db, demo_profile)
    application = create_app(db, Texts.load(ROOT / "domain"))
    limiter.reset()
    yield application
    limiter.reset()


def plan_for(contact_id: int, demo_profile: Any, **changed: str) -> dict[str, str]:
    clinician = next(c.code for c in demo_profile.clinicians if "session" in c.services)
    last_day = (now() + timedelta(days=90)).date().isoformat()
    return {**GOOD, "clinician": clinician, "expires_on": last_day, **changed}


def test_a_plan_is_written_noted_and_sent(
    asha: FlaskClient, db: Database, patient: Make, demo_profile: Any
) -> None:
    contact = patient()
    page = f"/conversations/{contact}/plans"
    answer = press(asha, page, page, send="yes", **plan_for(contact, demo_profile))
    assert answer.status_code == 302
    html = asha.get(page).text
    assert "12 sessions" in html and "moving without hurry" in html
    assert "Given to the patient" in html
    with db.reading() as session:
        course = session.execute(select(Course)).scalar_one()
        assert (course.sessions, course.price_paise, course.authored_by) == (12, 600_000, "Asha")
        sent = session.execute(select(Message).where(Message.direction == "out")).scalar_one()
        assert "moving without hurry" in sent.text
        acts = set(session.execute(select(AuditEntry.what)).scalars())
    assert {"plan_written", "plan_sent", "viewed_clinical"} <= acts


def test_a_plan_can_wait_and_is_sent_once(
    asha: FlaskClient, db: Database, patient: Make, demo_profile: Any
) -> None:
    contact = patient()
    page = f"/conversations/{contact}/plans"
    press(asha, page, page, **plan_for(contact, demo_profile))
    with db.reading() as session:
        number = session.execute(select(Course.id)).scalar_one()
        assert session.execute(select(Message).where(Message.direction == "out")).all() == []
    for _press in range(2):
        assert press(asha, page, f"{page}/{number}/send").status_code == 302
    with db.reading() as session:
        sent = session.execute(select(Message).where(Message.direction == "out")).all()
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"sessions": "many"}, "a number"),
        ({"sessions": ""}, "how many sessions"),
        ({"sessions": "0"}, "1 to 60"),
        ({"price_rupees": "cheap"}, "rupees"),
        ({"expires_on": "soon"}, "date"),
        ({"patient": " "}, "name"),
        ({"clinician": "nobody"}, "no clinician"),
        ({"expect": "x" * 400}, "350"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    asha: FlaskClient,
    db: Database,
    patient: Make,
    demo_profile: Any,
    changed: dict[str, str],
    says: str,
) -> None:
    contact = patient()
    page = f"/conversations/{contact}/plans"
    answer = press(asha, page, page, **plan_for(contact, demo_profile, **changed))
    assert answer.status_code == 422
    assert says in answer.text and GOOD["why_finish"] in answer.text
    with db.reading() as session:
        assert session.execute(select(Course)).all() == []


def test_the_front_desk_neither_sees_nor_writes_plans(
    front: FlaskClient, patient: Make, demo_profile: Any
) -> None:
    contact = patient()
    page = f"/conversations/{contact}/plans"
    assert front.get(page).status_code == 403
    fields = plan_for(contact, demo_profile)
    assert press(front, "/account", page, **fields).status_code == 403


def test_somebody_elses_course_is_not_sent(
    asha: FlaskClient, db: Database, patient: Make, demo_profile: Any
) -> None:
    contact, other = patient(), patient()
    page = f"/conversations/{contact}/plans"
    press(asha, page, page, **plan_for(contact, demo_profile))
    press(asha, "/account", f"/conversations/{other}/plans/1/send")
    with db.reading() as session:
        assert session.execute(select(Message).where(Message.direction == "out")).all() == []
