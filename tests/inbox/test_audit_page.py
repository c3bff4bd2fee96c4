"""The manager's pages: the audit log searched and exported, and the accounts."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any, Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic import staff
from clinic.audit import record
from clinic.database import Database, now
from clinic.models import AuditEntry, Staff
from tests.inbox.conftest import PASSWORD, account, press, sign_in, token_in

Make = Callable[..., int]


def rows(client: FlaskClient, **asked: Any) -> list[str]:
    """The acts that the log's page shows, newest first."""
    html = client.get("/audit", query_string=asked).text
    body = html.split("<tbody>")[1].split("</tbody>")[0] if "<tbody>" in html else ""
    return [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)[2] for row in body.split("<tr>")[1:]]


def test_what_a_person_did_is_found_by_person_act_patient_and_day(
    app: Flask, manager: FlaskClient, db: Database, patient: Make, handoff: Make
) -> None:
    contact = patient()
    made = handoff("clinical", contact_id=contact)
    asha = app.test_client()
    sign_in(asha)
    page = f"/conversations/{contact}"
    press(asha, page, f"{page}/claim", handoff=made)
    press(asha, page, f"{page}/reply", text="Yes")
    press(asha, page, f"{page}/hand-back", handoff=made, outcome="called")
    with db.reading() as session:
        person = next(p for p in staff.everyone(session) if p.name == "Asha")
    expected = ["Ended a handoff", "Answered a patient", "Claimed a conversation"]
    mine = rows(manager, who=f"staff:{person.id}")
    assert [act for act in mine if act in expected] == expected
    assert rows(manager, what="claim") == ["Claimed a conversation"]
    assert set(expected) <= set(rows(manager, contact=contact))
    assert rows(manager, contact=contact + 1) == []
    today, tomorrow = now().date(), now().date() + timedelta(days=2)
    assert rows(manager, what="claim", **{"from": (today - timedelta(days=1)).isoformat()})
    assert rows(manager, **{"from": tomorrow.isoformat()}) == []


def test_a_long_log_is_read_page_by_page(manager: FlaskClient, db: Database) -> None:
    with db.transaction() as session:
        for number in range(150):
            record(session, "api", "book", f"contact:{number}")
    first = manager.get("/audit?what=book").text
    more = re.search(r'href="(/audit\?[^"]*after=[^"]+)"', first)
    assert more
    second = manager.get(more[1].replace("&amp;", "&")).text
    assert "Patient 149<" in first and "Patient 50<" in first and "Patient 49<" not in first
    assert "Patient 49<" in second and "Patient 0<" in second and "Patient 50<" not in second


def test_the_log_holds_no_words_of_anybody(
    asha: FlaskClient, db: Database, patient: Make, handoff: Make
) -> None:
    contact = patient("my knee hurts at night", "Meena Invented")
    handoff("clinical", contact_id=contact)
    page = f"/conversations/{contact}"
    press(asha, page, f"{page}/reply", text="Rest it a little")
    with db.reading() as session:
        entries = session.execute(select(AuditEntry)).scalars().all()
        written = " ".join(
            str(value)
            for entry in entries
            for value in (entry.who, entry.what, entry.subject, entry.detail)
        )
    assert entries and "reply" in written
    for word in ("knee", "Meena", "Rest", "+9190", "Asha"):
        assert word not in written


def test_an_export_is_everything_that_was_asked_for_and_is_noted(
    manager: FlaskClient, db: Database
) -> None:
    with db.transaction() as session:
        staff.add(session, "evil", "=HYPERLINK(1)", "front_desk", PASSWORD)
        person = staff.find(session, "evil")
        assert person is not None
        for number in range(1200):
            record(session, f"staff:{person.id}", "book", f"contact:{number}")
    answer = manager.get("/audit.csv?what=book")
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(lines) == 1200
    assert {line["contact"] for line in lines} == {str(number) for number in range(1200)}
    assert {line["person"] for line in lines} == {"'=HYPERLINK(1)"}, "no spreadsheet formula"
    assert rows(manager, what="exported") == ["Exported"]


@pytest.mark.parametrize("asked", ["from=nonsense", "to=1999-01-01", "contact=x", "after=x"])
def test_a_search_that_makes_no_sense_is_said(manager: FlaskClient, asked: str) -> None:
    assert manager.get(f"/audit?{asked}").status_code == 422


def test_a_program_answers_for_what_it_does_whatever_name_it_gives(
    api: FlaskClient, app: Flask, db: Database, handoff: Make
) -> None:
    account(app, "Asha")
    made = handoff()
    assert api.post(f"/api/v1/handoffs/{made}/claim", json={"staff": "Asha"}).status_code == 200
    with db.reading() as session:
        newest = (
            session.execute(select(AuditEntry).order_by(AuditEntry.id.desc())).scalars().first()
        )
    assert newest is not None and (newest.who, newest.what) == ("api", "claim")


# --- accounts


def test_a_manager_adds_somebody_who_then_signs_in(app: Flask, manager: FlaskClient) -> None:
    added = press(manager, "/staff", "/staff", login="new", name="Nita New", role="front_desk")
    assert added.status_code == 201
    password = re.search(r"shown this once: <code>([^<]+)</code>", added.text)
    assert password
    assert password[1] not in manager.get("/staff").text
    client = app.test_client()
    csrf = token_in(client.get("/sign-in").text)
    data = {"csrf_token": csrf, "login": "new", "password": password[1]}
    assert client.post("/sign-in", data=data).status_code == 302
    assert client.get("/").location == "/account"


def test_changing_shutting_and_resetting(app: Flask, manager: FlaskClient, db: Database) -> None:
    login = account(app, "Binu", "front_desk")
    client = app.test_client()
    sign_in(client, "Binu")
    with db.reading() as session:
        person = staff.find(session, login)
        assert person is not None
        number = int(person.id)
    press(manager, "/staff", f"/staff/{number}/role", role="physiotherapist")
    with db.reading() as session:
        assert session.get(Staff, number).role == "physiotherapist"
    press(manager, "/staff", f"/staff/{number}/reset")
    assert client.get("/").status_code == 302
    press(manager, "/staff", f"/staff/{number}/active", active="no")
    with db.reading() as session:
        assert session.get(Staff, number).active is False


def test_the_last_manager_stays(manager: FlaskClient, db: Database) -> None:
    for action, fields in (("role", {"role": "front_desk"}), ("active", {"active": "no"})):
        answer = press(manager, "/staff", f"/staff/1/{action}", **fields)
        assert answer.status_code == 409 and "only manager" in answer.text
