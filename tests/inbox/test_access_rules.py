"""Who may see and do what: the whole table, route by route, and what is masked."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Iterator

import pytest
import time_machine
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic import tokens
from clinic.bills.issuing import issue
from clinic.bills.terms import NewBill, NewLine
from clinic.canned import save_canned
from clinic.database import Database
from clinic.exercises.programmes import write
from clinic.models import AuditEntry, Message
from clinic.setup import write_profile
from inbox.access import sight
from inbox.access.rules import ROLES_MAY, SEE_CLINICAL, Viewer, may
from inbox.access.words import MASKED
from safety.intents import CLINICAL_INTENTS
from tests.clinic.exercises import draft
from tests.house import ROOT
from tests.inbox.at_the_desk import at, visit
from tests.inbox.conftest import TOKEN, press, sign_in, token_in

Make = Callable[..., int]
WORDS = "my knee hurts at night"
ROLES = ("front_desk", "physiotherapist", "manager")
HTML, LIVE, ACTION = "page", "live", "action"

# address: what a signed-in person of each role gets (front desk, physiotherapist, manager)
PAGES: dict[str, tuple[int, int, int]] = {
    "/": (200, 200, 200),
    "/live/queue": (200, 200, 200),
    "/conversations/<contact>": (200, 200, 200),
    "/live/conversations/<contact>": (200, 200, 200),
    "/live/bell": (200, 200, 200),
    "/live/conversations/<contact>/canned/<canned>": (200, 200, 200),
    "/conversations/<contact>/messages/<message>/file": (404, 404, 404),
    "/conversations/<contact>/book": (200, 200, 200),
    "/conversations/<contact>/plans": (403, 200, 200),
    "/conversations/<contact>/exercises": (403, 200, 200),
    "/conversations/<contact>/exercises/<programme>": (403, 200, 200),
    "/answers": (200, 200, 200),
    "/answers/<canned>": (200, 200, 200),
    "/search": (200, 200, 200),
    "/day": (200, 200, 200),
    "/day/book": (404, 404, 404),
    "/visits/<visit>": (200, 200, 200),
    "/visits/<visit>/move": (200, 200, 200),
    "/conversations/<contact>/bills": (200, 200, 200),
    "/bills/<bill>": (200, 200, 200),
    "/bills/<bill>/bill.pdf": (200, 200, 200),
    "/account": (200, 200, 200),
    "/staff": (403, 403, 200),
    "/audit": (403, 403, 200),
    "/audit.csv": (403, 403, 200),
}
ACTIONS: dict[str, tuple[int, int, int]] = {
    "/conversations/<contact>/reply": (302, 302, 302),
    "/conversations/<contact>/claim": (302, 302, 302),
    "/conversations/<contact>/hand-back": (302, 302, 302),
    "/conversations/<contact>/assign": (302, 302, 302),
    "/conversations/<contact>/snooze": (302, 302, 302),
    "/conversations/<contact>/wake": (302, 302, 302),
    "/conversations/<contact>/unread": (302, 302, 302),
    "/conversations/<contact>/template": (422, 422, 422),
    "/conversations/<contact>/notes": (302, 302, 302),
    "/conversations/<contact>/messages/<message>/take-back": (302, 302, 302),
    "/conversations/<contact>/book": (422, 422, 422),
    "/conversations/<contact>/guardian": (302, 302, 302),
    "/conversations/<contact>/waitlist": (302, 302, 302),
    "/conversations/<contact>/waitlist/leave": (302, 302, 302),
    "/conversations/<contact>/plans": (403, 422, 422),
    "/conversations/<contact>/plans/<course>/send": (403, 404, 404),
    "/conversations/<contact>/exercises": (403, 422, 422),
    "/conversations/<contact>/exercises/<programme>": (403, 422, 422),
    "/conversations/<contact>/exercises/<programme>/pause": (403, 302, 302),
    "/conversations/<contact>/exercises/<programme>/resume": (403, 302, 302),
    "/conversations/<contact>/exercises/<programme>/end": (403, 302, 302),
    "/visits/<visit>/mark": (422, 422, 422),
    "/visits/<visit>/move": (422, 422, 422),
    "/visits/<visit>/cancel": (422, 422, 422),
    "/conversations/<contact>/bills": (422, 403, 422),
    "/bills/<bill>/pay": (422, 403, 422),
    "/bills/<bill>/send": (409, 403, 409),
    "/bills/<bill>/cancel": (403, 403, 422),
    "/day/book": (404, 404, 404),
    "/day/offer": (422, 422, 422),
    "/answers": (422, 422, 422),
    "/answers/suggested": (302, 302, 302),
    "/answers/<canned>/remove": (302, 302, 302),
    "/search": (200, 200, 200),
    "/handoffs/<handoff>/claim": (302, 302, 302),
    "/staff": (403, 403, 422),
    "/staff/999/role": (403, 403, 404),
    "/staff/999/active": (403, 403, 404),
    "/staff/999/reset": (403, 403, 404),
    "/account/password": (422, 422, 422),
    "/account/two-step": (422, 422, 422),
    "/account/two-step/confirm": (422, 422, 422),
    "/account/two-step/remove": (422, 422, 422),
    "/account/sign-out-everywhere": (302, 302, 302),
    "/sign-out": (302, 302, 302),
}
OPEN_TO_ALL = {"/language", "/sign-in", "/sign-in/code", "/health/live", "/health/ready"}


@pytest.fixture
def furnished(
    db: Database, demo_profile: Any, handoff: Make, contact_of: Make
) -> Iterator[Dict[str, int]]:
    """Something behind every address, on a Monday at nine."""
    with time_machine.travel(at(9)):
        write_profile(db, demo_profile)
        made = handoff("clinical")
        contact = contact_of(made)
        booked = visit(db, contact, at(11))
        with db.transaction() as session:
            answer = save_canned(session, None, "Thanks", {"en": "Thank you"}, False, "Asha")
            canned = int(answer.id)
            programme = write(session, contact, draft(), "staff:1", at(9))
            line = NewLine("Session", 1, 60000, "9993")
            wanted = NewBill(contact, "Ravi Invented", "Ravi Invented", [line])
            bill = issue(session, wanted, "staff:1", "test:1", at(9)).id
        yield {
            "contact": contact,
            "handoff": made,
            "visit": booked,
            "canned": canned,
            "message": 1,
            "course": 999,
            "programme": programme,
            "bill": bill,
        }


def filled(path: str, ids: Dict[str, int]) -> str:
    return re.sub(r"<(\w+)>", lambda found: str(ids[found[1]]), path)


def test_the_tables_name_every_route_there_is(app: Flask) -> None:
    named = {*PAGES, *ACTIONS, *OPEN_TO_ALL}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(("/static", "/api/v1", "/hooks/", "/calendar/")):
            continue
        plain = "/".join(
            f"<{part.split(':')[-1].rstrip('>').removesuffix('_id')}>" if part[:1] == "<" else part
            for part in rule.rule.split("/")
        )
        plain = plain.replace("<staff>", "999")
        assert plain in named, plain
        if plain not in OPEN_TO_ALL:
            assert "GET" not in rule.methods or plain in PAGES, plain
            assert "POST" not in rule.methods or plain in ACTIONS, plain


@pytest.mark.parametrize("number", range(3), ids=ROLES)
def test_every_page_for_every_role(app: Flask, furnished: Dict[str, int], number: int) -> None:
    client = app.test_client()
    sign_in(client, f"Role {ROLES[number]}", ROLES[number])
    for path, expected in PAGES.items():
        answer = client.get(filled(path, furnished))
        assert answer.status_code == expected[number], path


@pytest.mark.parametrize("number", range(3), ids=ROLES)
@pytest.mark.parametrize("path", list(ACTIONS))
def test_every_action_for_every_role(
    app: Flask, furnished: Dict[str, int], path: str, number: int
) -> None:
    client = app.test_client()
    sign_in(client, f"Role {ROLES[number]}", ROLES[number])
    where = filled(path, furnished)
    fields = {"text": "Yes", "outcome": "called", "handoff": furnished["handoff"]}
    fields.update(to="physiotherapists", until="reply", note="Called", service="session")
    assert press(client, "/account", where, **fields).status_code == ACTIONS[path][number]


@pytest.mark.parametrize("path", [*PAGES, *ACTIONS])
def test_signed_out_there_is_only_the_form(app: Flask, path: str) -> None:
    client = app.test_client()
    where = re.sub(r"<\w+>", "1", path)
    answers = []
    if path in PAGES:
        answers.append(client.get(where))
    if path in ACTIONS:
        csrf = token_in(client.get("/sign-in").text)
        answers.append(client.post(where, data={"csrf_token": csrf}))
    for answer in answers:
        signed_out = answer.status_code == 401 or (
            answer.status_code == 302 and answer.location.startswith("/sign-in")
        )
        assert signed_out, (answer.status_code, path)


# --- clinical text


@pytest.mark.parametrize("reason", ["clinical", "red_flag", "media"])
def test_the_front_desk_sees_that_it_is_clinical_and_not_the_words(
    front: FlaskClient, asha: FlaskClient, patient: Make, handoff: Make, reason: str
) -> None:
    contact = patient(WORDS, "Meena")
    flag = "chest_pain" if reason == "red_flag" else None
    handoff(reason, contact_id=contact, red_flag=flag)
    for path in ("/", f"/conversations/{contact}"):
        html = front.get(path).text
        assert WORDS not in html and MASKED in html, path
        assert WORDS in asha.get(path).text
    live = front.get(f"/live/conversations/{contact}").json
    assert WORDS not in live["transcript"]
    assert WORDS not in front.get("/live/queue").json["html"]


def test_a_red_flag_keeps_its_category_and_its_number_for_the_front_desk(
    front: FlaskClient, patient: Make, handoff: Make
) -> None:
    contact = patient("chest feels tight", "Meena")
    handoff("red_flag", contact_id=contact, red_flag="chest_pain")
    for path in ("/", f"/conversations/{contact}"):
        html = front.get(path).text
        assert "Red flag: chest pain" in html and "+91 90000 0" in html and "Meena" in html


def test_logistics_before_and_after_stay_readable(
    front: FlaskClient, db: Database, patient: Make, handoff: Make, asha: FlaskClient
) -> None:
    contact = patient("When do you open?")
    handoff("request", contact_id=contact)
    assert "When do you open?" in front.get(f"/conversations/{contact}").text


def test_what_the_gate_marked_is_masked_without_a_clinical_handoff(
    front: FlaskClient, db: Database, patient: Make
) -> None:
    contact = patient(WORDS)
    with db.transaction() as session:
        session.execute(select(Message)).scalar_one().intent = "pain_report"
    assert WORDS not in front.get(f"/conversations/{contact}").text


def test_a_patients_file_is_masked(front: FlaskClient, asha: FlaskClient, patient: Make) -> None:
    content = {"media": {"kind": "image", "filename": "knee-xray.jpg"}}
    contact = patient("", kind="media", content=content)
    assert "knee-xray" not in front.get(f"/conversations/{contact}").text
    assert "knee-xray" in asha.get(f"/conversations/{contact}").text


def test_a_file_or_a_finding_asks_first(app: Flask, patient: Make, handoff: Make) -> None:
    contact = patient(WORDS)
    handoff("clinical", contact_id=contact)
    for role, right in zip(ROLES, (False, True, True), strict=True):
        with app.test_request_context("/"):
            g.viewer = Viewer("staff:1", role=role)
            with app.extensions["sandhi"].database.reading() as session:
                assert sight.readable(session, 1) is right


def test_everybody_reads_what_they_wrote_themselves(
    front: FlaskClient, asha: FlaskClient, patient: Make, handoff: Make
) -> None:
    contact = patient(WORDS)
    handoff("clinical", contact_id=contact)
    page = f"/conversations/{contact}"
    press(front, page, f"{page}/reply", text="Kiran will call you.")
    assert "Kiran will call you." in front.get(page).text
    made_up = "Bend it less for two days."
    press(asha, page, f"{page}/claim", handoff=1, owner="Frontdesk Farah")
    assert press(asha, page, f"{page}/reply", text=made_up).status_code == 302
    assert made_up not in front.get(page).text


def test_a_clinic_may_let_the_front_desk_read(
    front: FlaskClient, db: Database, patient: Make, handoff: Make, demo_profile: Any
) -> None:
    contact = patient(WORDS)
    handoff("clinical", contact_id=contact)
    opened = demo_profile.copy(
        update={"inbox": demo_profile.inbox.copy(update={"front_desk_sees_clinical": True})}
    )
    write_profile(db, opened)
    assert WORDS in front.get(f"/conversations/{contact}").text


def test_reading_clinical_text_is_noted_and_being_refused_too(
    front: FlaskClient, asha: FlaskClient, db: Database, patient: Make, handoff: Make
) -> None:
    contact = patient(WORDS)
    handoff("clinical", contact_id=contact)
    front.get(f"/conversations/{contact}")
    asha.get(f"/conversations/{contact}")
    for _look in range(3):
        asha.get(f"/live/conversations/{contact}")
    front.get("/audit")
    with db.reading() as session:
        query = select(AuditEntry.what, AuditEntry.subject).order_by(AuditEntry.id)
        noted = [tuple(row) for row in session.execute(query)]
    assert noted.count(("viewed_clinical", f"contact:{contact}")) == 1
    assert ("refused", "page") in noted


def test_what_cannot_be_noted_is_not_shown(
    asha: FlaskClient, patient: Make, handoff: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = patient(WORDS)
    handoff("clinical", contact_id=contact)

    def fail(*_args: Any) -> None:
        raise RuntimeError("the log is away")

    monkeypatch.setattr("inbox.access.sight.record", fail)
    answer = asha.get(f"/conversations/{contact}")
    assert answer.status_code == 500 and WORDS not in answer.text


def test_the_gate_and_the_inbox_mean_the_same_intents() -> None:
    assert sight.CLINICAL_INTENTS == CLINICAL_INTENTS


def test_transcripts_are_read_through_the_rules_only() -> None:
    readers = ("read_latest", "read_after", "read_one", "read_these", "last_words")
    for file in sorted((ROOT / "inbox").rglob("*.py")):
        if file.name == "sight.py":
            continue
        for line in file.read_text(encoding="utf-8").splitlines():
            if "clinic.transcript import" in line:
                assert not any(name in line for name in readers), f"{file}: {line}"


def test_an_act_without_a_rule_is_an_error_and_not_allowed() -> None:
    with pytest.raises(KeyError):
        may(Viewer("staff:1", role="manager"), "fly")
    nobody = Viewer("api")
    assert not any(may(nobody, act) for act in ROLES_MAY)


# --- programs


NEEDED = {
    ("GET", "/handoffs"): "handoffs:read",
    ("POST", "/handoffs/1/claim"): "handoffs:write",
    ("POST", "/handoffs/1/resolve"): "handoffs:write",
    ("GET", "/conversations/1/messages"): "messages:read",
    ("POST", "/conversations/1/messages"): "messages:write",
    ("GET", "/appointments"): "appointments:read",
    ("POST", "/appointments"): "appointments:write",
}


def token_with(db: Database, *scopes: str) -> dict[str, str]:
    with db.transaction() as session:
        _token, clear = tokens.add(session, "a test", scopes)
    return {"Authorization": f"Bearer {clear}"}


def test_each_operation_needs_its_scope(app: Flask, db: Database, handoff: Make) -> None:
    handoff()
    client = app.test_client()
    for (method, path), scope in NEEDED.items():
        others = token_with(db, *(set(tokens.SCOPES) - {scope}))
        refused = client.open(f"/api/v1{path}", method=method, json={}, headers=others)
        assert refused.status_code == 403 and scope in refused.json["error"]["message"], path
        taken = client.open(f"/api/v1{path}", method=method, json={}, headers=token_with(db, scope))
        assert taken.status_code in (200, 422, 503), path


def test_a_program_without_the_clinical_scope_gets_masked_text(
    app: Flask, db: Database, patient: Make, handoff: Make
) -> None:
    contact = patient(WORDS)
    handoff("clinical", contact_id=contact)
    path = f"/api/v1/conversations/{contact}/messages"
    client = app.test_client()
    plain = client.get(path, headers=token_with(db, "messages:read"))
    assert plain.json["items"][0]["text"] == MASKED and WORDS not in plain.text
    full = client.get(path, headers=token_with(db, "messages:read", "clinical:read"))
    assert full.json["items"][0]["text"] == WORDS
    main = client.get(path, headers={"Authorization": f"Bearer {TOKEN}"})
    assert main.json["items"][0]["text"] == WORDS
    with db.reading() as session:
        who = session.execute(
            select(AuditEntry.who).where(AuditEntry.what == "viewed_clinical")
        ).scalars()
        assert sorted(who) == ["api", "token:2"]


def test_a_revoked_token_is_worth_nothing(app: Flask, db: Database) -> None:
    headers = token_with(db, "handoffs:read")
    client = app.test_client()
    assert client.get("/api/v1/handoffs", headers=headers).status_code == 200
    with db.transaction() as session:
        tokens.revoke(session, 1)
    assert client.get("/api/v1/handoffs", headers=headers).status_code == 401


def test_the_right_to_read_is_seen_from_the_role() -> None:
    entry = type("Entry", (), {"author": "patient"})()
    assert [may(Viewer("staff:1", role=role), SEE_CLINICAL, entry) for role in ROLES] == [
        False,
        True,
        True,
    ]
