"""The rights at the desk's own pages: notes, search, files, plans, ready answers, the queue."""

from __future__ import annotations

import re
from typing import Any, Callable, Iterator

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic.canned import save_canned
from clinic.consent import record as decide
from clinic.course_plans import Plan, author, deliver
from clinic.database import Database, now
from clinic.guardians import record_guardian
from clinic.models import AttendanceMark, AuditEntry, Course, Guardian, Message, WaitingPatient
from clinic.texts import Texts
from inbox.access.words import MASKED, MASKED_NOTE
from tests.inbox.at_the_desk import ROOT, at, open_clinic, visit
from tests.inbox.conftest import FilesOfTests, press, sign_in

Make = Callable[..., int]
WORDS = "my knee hurts at night"
ADVICE = "Expect some stiffness in the first week."


@pytest.fixture
def texts() -> Texts:
    """The fixed texts of the real domain."""
    return Texts.load(ROOT / "domain")


@pytest.fixture
def monday(db: Database) -> Iterator[None]:
    """A Monday at nine, in an open clinic."""
    open_clinic(db)
    with time_machine.travel(at(9)):
        yield


def someone(app: Flask, role: str) -> FlaskClient:
    client = app.test_client()
    sign_in(client, {"front_desk": "Farah", "physiotherapist": "Asha"}[role], role)
    return client


def noted(db: Database, what: str = "viewed_clinical") -> list[Any]:
    with db.reading() as session:
        rows = session.execute(select(AuditEntry).where(AuditEntry.what == what))
        return list(rows.scalars())


def test_a_note_on_a_clinical_conversation_is_for_clinicians(
    asha: FlaskClient, front: FlaskClient, db: Database, patient: Make, handoff: Make
) -> None:
    contact = patient(WORDS)
    page = f"/conversations/{contact}"
    press(front, page, f"{page}/notes", note="She likes to be called")
    handoff("clinical", contact_id=contact)
    assert "Only physiotherapists and managers will read this." in asha.get(page).text
    press(asha, page, f"{page}/notes", note="Likely the meniscus")
    for path in (page, f"/live{page}"):
        seen = front.get(path)
        html = seen.json["transcript"] if seen.is_json else seen.text
        assert "Likely the meniscus" not in html and MASKED_NOTE in html, path
    assert "Likely the meniscus" in asha.get(page).text
    # what one wrote oneself stays readable
    press(front, page, f"{page}/notes", note="I told her to wait")
    assert "I told her to wait" in front.get(page).text


def test_a_logistics_note_is_for_every_colleague_and_says_so(
    asha: FlaskClient, front: FlaskClient, patient: Make
) -> None:
    page = f"/conversations/{patient('Where can I park?')}"
    assert "Every colleague can read this" in asha.get(page).text
    press(asha, page, f"{page}/notes", note="Book her for Tuesday")
    assert "Book her for Tuesday" in front.get(page).text


def test_search_says_nothing_of_what_may_not_be_read(
    asha: FlaskClient, front: FlaskClient, db: Database, patient: Make, handoff: Make
) -> None:
    contact = patient(WORDS, "Meena")
    handoff("clinical", contact_id=contact)
    patient("my knee brace is ready?", "Sunil")
    html = press(front, "/search", "/search", q="knee").text
    assert "Sunil" in html and "Meena" not in html and WORDS not in html
    before = len(noted(db))
    assert "Meena" in press(asha, "/search", "/search", q="knee").text
    assert len(noted(db)) == before + 1, "reading an excerpt is reading"
    assert "Meena" in press(front, "/search", "/search", q="meena").text, "by name, as before"


def test_a_patients_file_is_fetched_for_clinicians_only(
    asha: FlaskClient, front: FlaskClient, db: Database, patient: Make, files: FilesOfTests
) -> None:
    files.there["m1"] = b"\xff\xd8\xff an invented picture"
    content = {"media": {"kind": "image", "id": "m1", "filename": "knee.jpg"}}
    contact = patient(None, kind="media", content=content)
    address = f"/conversations/{contact}/messages/1/file"
    refused = front.get(address)
    assert refused.status_code == 403 and b"invented picture" not in refused.data
    assert address not in front.get(f"/conversations/{contact}").text
    assert noted(db, "refused") and not noted(db)
    assert asha.get(address).status_code == 200
    assert [entry.contact_id for entry in noted(db)] == [contact]


def test_the_queue_and_its_live_part_hide_the_last_words(
    asha: FlaskClient, front: FlaskClient, patient: Make, handoff: Make
) -> None:
    handoff("clinical", contact_id=patient(WORDS))
    for view in ("unclaimed", "all", "unread"):
        assert WORDS not in front.get(f"/?view={view}").text
        assert WORDS not in front.get(f"/live/queue?view={view}").json["html"]
        assert WORDS in asha.get(f"/live/queue?view={view}").json["html"]
    assert MASKED in front.get("/?view=all").text


def test_ready_answers_with_advice_are_for_clinicians(
    asha: FlaskClient, front: FlaskClient, db: Database, patient: Make
) -> None:
    with db.transaction() as session:
        row = save_canned(session, None, "Ice it", {"en": ADVICE}, True, "Asha")
        number = int(row.id)
    contact = patient()
    page = f"/conversations/{contact}"
    for path in ("/answers", page):
        assert "Ice it" in asha.get(path).text and "Ice it" not in front.get(path).text, path
    for path in (f"/answers/{number}", f"/live{page}/canned/{number}"):
        assert asha.get(path).status_code == 200
        assert front.get(path).status_code == 404
    assert press(front, "/answers", f"/answers/{number}/remove").status_code == 404
    sent = press(front, page, f"{page}/reply", text="x", key="k", canned_file=number)
    assert sent.status_code == 404


# --- plans


def write(client: FlaskClient, contact: int, **fields: str) -> Any:
    page = f"/conversations/{contact}/plans"
    plan = {"patient": "Ravi Invented", "clinician": "neha", "sessions": "6", **fields}
    return press(client, page, page, **plan)


def test_a_physiotherapist_writes_a_plan_and_the_front_desk_sees_only_its_figures(
    app: Flask, monday: None, db: Database, patient: Make
) -> None:
    contact = patient()
    asha, front = someone(app, "physiotherapist"), someone(app, "front_desk")
    fields = {"per_week": "2", "expect": ADVICE, "rupees": "3,600", "pricing": "package"}
    assert write(asha, contact, **fields, send="1").status_code == 302
    with db.reading() as session:
        course = session.execute(select(Course)).scalar_one()
        assert (course.sessions, course.price_paise, course.pricing) == (6, 360_000, "package")
        assert course.authored_by == "staff:1" and course.delivered_at is not None
    html = asha.get(f"/conversations/{contact}/plans").text
    assert ADVICE in html and "₹3,600 for the whole course" in html
    assert ADVICE in asha.get(f"/conversations/{contact}").text, "as the patient was told it"
    card = front.get(f"/conversations/{contact}").text
    assert "0 of 6 sessions done" in card and ADVICE not in card
    assert front.get(f"/conversations/{contact}/plans").status_code == 403
    assert [entry.who for entry in noted(db, "plan_written")] == ["staff:1"]
    assert len(noted(db, "plan_delivered")) == 1
    assert any("course" in str(entry.detail) for entry in noted(db))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"sessions": "many"}, "whole number"),
        ({"sessions": "99"}, "1 to 60 sessions"),
        ({"rupees": "six"}, "600.50"),
        ({"expect": "This will cure you"}, "no text may promise"),
        ({"expires_on": "2020-01-01"}, "not in the future"),
    ],
)
def test_a_plan_that_cannot_be_is_given_back_with_the_reason(
    app: Flask, monday: None, db: Database, patient: Make, fields: dict[str, str], why: str
) -> None:
    asha = someone(app, "physiotherapist")
    answer = write(asha, patient(), why_finish="It needs all of them", **fields)
    assert answer.status_code == 422 and why in answer.text
    assert "It needs all of them" in answer.text
    with db.reading() as session:
        assert session.execute(select(Course)).all() == []


def test_a_plan_in_the_chat_is_masked_for_the_front_desk(
    app: Flask, monday: None, db: Database, patient: Make, texts: Texts
) -> None:
    contact = patient()
    with db.transaction() as session:
        plan = Plan(contact, "Ravi Invented", "neha", 6, "staff:1", expect=ADVICE)
        deliver(session, author(session, plan, now()), texts, now())
    page = f"/conversations/{contact}"
    assert ADVICE not in someone(app, "front_desk").get(page).text
    assert ADVICE in someone(app, "physiotherapist").get(page).text


def test_a_plan_of_somebody_else_is_not_sent_from_here(
    app: Flask, monday: None, db: Database, patient: Make
) -> None:
    asha, contact, other = someone(app, "physiotherapist"), patient(), patient()
    write(asha, contact)
    page = f"/conversations/{other}/plans"
    assert press(asha, page, f"{page}/1/send").status_code == 404
    with db.reading() as session:
        assert session.execute(select(Course.delivered_at)).scalar_one() is None


# --- the card


def test_the_card_shows_what_the_services_say(
    app: Flask, monday: None, db: Database, patient: Make
) -> None:
    contact = patient()
    with db.transaction() as session:
        author(session, Plan(contact, "Ravi Invented", "neha", 6, "staff:1"), now())
        decide(session, contact, "care", True, how="button")
    visit(db, contact, at(11))
    html = someone(app, "front_desk").get(f"/conversations/{contact}").text
    assert "Session 1 of 6" in html and "1 booked, 5 to book" in html
    assert re.search(r"✓</span> Care messages: yes", html)
    assert re.search(r"✕</span> News and offers: no", html)
    assert "Last reminders" in html and "Waiting to be sent" in html


def test_marking_from_the_card_keeps_who_said_it_by_number(
    app: Flask, monday: None, db: Database, patient: Make
) -> None:
    contact = patient()
    made = visit(db, contact, at(11))
    front = someone(app, "front_desk")
    press(front, "/", f"/visits/{made}/mark", status="arrived", contact=contact)
    with db.reading() as session:
        mark = session.execute(select(AttendanceMark)).scalar_one()
        assert (mark.became, mark.marked_by) == ("arrived", "staff:1")
    assert [entry.subject for entry in noted(db, "mark_arrived")] == [f"appointment:{made}"]


def test_a_guardian_who_agreed_is_confirmed_once_seen(
    app: Flask, monday: None, db: Database, patient: Make
) -> None:
    contact = patient()
    front, page = someone(app, "front_desk"), f"/conversations/{contact}"
    press(front, page, f"{page}/guardian")
    assert "No guardian has agreed yet" in front.get(page).text
    with db.transaction() as session:
        record_guardian(session, contact, "Meena Invented", "mother", agreed=True)
    assert "Meena Invented" in front.get(page).text
    press(front, page, f"{page}/guardian")
    with db.reading() as session:
        row = session.execute(select(Guardian)).scalar_one()
        assert row.confirmed_by == "staff:1" and row.confirmed_at is not None
    assert len(noted(db, "guardian_confirmed")) == 1


def test_the_waitlist_is_joined_and_left_from_the_desk(
    app: Flask, monday: None, db: Database, patient: Make
) -> None:
    contact = patient()
    front, page = someone(app, "front_desk"), f"/conversations/{contact}"
    press(front, page, f"{page}/waitlist", service="session", clinician="neha")
    assert "On the waitlist" in front.get(page).text
    press(front, page, f"{page}/waitlist", service="nonsense")
    press(front, page, f"{page}/waitlist/leave")
    with db.reading() as session:
        (row,) = session.execute(select(WaitingPatient)).scalars()
        assert (row.service, row.clinician, row.status) == ("session", "neha", "left")
    acts = [len(noted(db, act)) for act in ("waitlist_joined", "waitlist_left")]
    assert acts == [1, 1]


# --- the audit log


def test_a_reply_that_is_sent_twice_is_noted_once(
    asha: FlaskClient, db: Database, patient: Make
) -> None:
    page = f"/conversations/{patient()}"
    for _time in range(2):
        press(asha, page, f"{page}/reply", text="Yes", key="same")
    assert len(noted(db, "reply")) == 1
    with db.reading() as session:
        sent = session.execute(select(Message).where(Message.direction == "out")).all()
    assert len(sent) == 1


def test_passing_on_and_taking_over_are_noted_in_codes(
    app: Flask, asha: FlaskClient, front: FlaskClient, db: Database, handoff: Make, contact_of: Make
) -> None:
    made = handoff()
    page = f"/conversations/{contact_of(made)}"
    press(asha, page, f"{page}/claim", handoff=made)
    press(front, page, f"{page}/claim", handoff=made, owner="Asha")
    press(front, page, f"{page}/assign", handoff=made, to="Asha", owner="Frontdesk Farah")
    assert [entry.what for entry in noted(db, "take_over")] == ["take_over"]
    (passed,) = noted(db, "assign")
    assert passed.detail == '{"to":"staff:1"}'
