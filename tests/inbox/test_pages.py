"""The pages as a person at the front desk meets them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Callable

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic.database import Database, now
from clinic.models import Handoff, Message
from tests.inbox.conftest import press, sign_in

Make = Callable[..., int]

# --- the queue


def test_the_queue_says_who_waits_why_and_since_when(
    asha: FlaskClient, patient: Make, handoff: Make
) -> None:
    early = now() - timedelta(hours=2, minutes=5)
    handoff("request", contact_id=patient("When do you open?", "Ravi"), opened_at=early)
    late = now() - timedelta(minutes=12)
    flag = patient("chest feels tight", "Meena")
    handoff("red_flag", contact_id=flag, opened_at=late, red_flag="chest_pain")
    html = asha.get("/").text
    assert html.index("Meena") < html.index("Ravi")
    for words in ("Urgent", "Red flag: chest pain", "12 min", "chest feels tight", "2 h 05"):
        assert words in html
    assert "Asked for a person" in html


def test_the_views_unclaimed_mine_and_all(
    app: Flask, asha: FlaskClient, patient: Make, handoff: Make
) -> None:
    handoff(contact_id=patient(name="Nobodys"))
    mine = handoff(contact_id=patient(name="Ashas"))
    other = handoff(contact_id=patient(name="Binus"))
    binu = app.test_client()
    sign_in(binu, "Binu")
    assert press(asha, "/", f"/handoffs/{mine}/claim").status_code == 302
    assert press(binu, "/", f"/handoffs/{other}/claim").status_code == 302
    for view, names in {
        "unclaimed": {"Nobodys"},
        "mine": {"Ashas"},
        "all": {"Nobodys", "Ashas", "Binus"},
        "nonsense": {"Nobodys"},
    }.items():
        html = asha.get(f"/?view={view}").text
        assert {name for name in ("Nobodys", "Ashas", "Binus") if name in html} == names, view


def test_a_long_queue_is_read_page_by_page(asha: FlaskClient, handoff: Make, patient: Make) -> None:
    for number in range(55):
        handoff(contact_id=patient(name=f"Person{number:02}."))
    first = asha.get("/").text
    more = re.search(r'href="(/\?[^"]*after=[^"]+)"', first)
    assert more
    second = asha.get(more[1].replace("&amp;", "&")).text
    assert "Person49." in first and "Person50." not in first
    assert "Person50." in second and "Person49." not in second


def test_the_live_queue_is_quiet_until_something_changes(
    asha: FlaskClient, handoff: Make, patient: Make
) -> None:
    first = asha.get("/live/queue").json
    again = asha.get("/live/queue", query_string={"version": first["version"]}).json
    # the version also changes with the minute, since waiting times do
    assert again["version"] != first["version"] or "html" not in again
    handoff(contact_id=patient("New words", "Newcomer"))
    news = asha.get("/live/queue", query_string={"version": again["version"]}).json
    assert "Newcomer" in news["html"] and "New words" in news["html"]
    assert news["counts"]["unclaimed"] == 1


# --- a conversation


def test_the_transcript_both_ways(
    asha: FlaskClient, db: Database, patient: Make, bot_says: Make
) -> None:
    contact_id = patient("Kal slot hai?", "Meena", ago=timedelta(hours=1))
    bot_says(contact_id, "Which day?", "Monday", "Tuesday")
    failed = bot_says(contact_id, "Are you there?")
    unsure = bot_says(contact_id, "Hello again")
    with db.transaction() as session:
        for number, state, detail in (
            (failed, "failed", "131026: Message undeliverable"),
            (unsure, "unknown", "read timed out"),
        ):
            message = session.get(Message, number)
            message.state, message.detail = state, detail
    html = asha.get(f"/conversations/{contact_id}").text
    for words in ("Today", "Kal slot hai?", "Assistant", "Monday", "not on WhatsApp", "131026"):
        assert words in html
    assert "WhatsApp never confirmed it" in html


def test_an_earlier_part_of_a_long_conversation(
    asha: FlaskClient, patient: Make, bot_says: Make
) -> None:
    contact_id = patient("number 0.")
    for number in range(1, 104):
        bot_says(contact_id, f"number {number}.")
    newest = asha.get(f"/conversations/{contact_id}").text
    assert "number 103." in newest and "number 3." not in newest
    before = re.search(r"\?before=(\d+)", newest)
    assert before
    earlier = asha.get(f"/conversations/{contact_id}?before={before[1]}").text
    assert "number 3." in earlier and "number 0." in earlier and "number 4." not in earlier


def test_html_from_outside_is_shown_as_text(
    app: Flask, db: Database, patient: Make, handoff: Make
) -> None:
    evil = "<img src=x onerror=alert(1)>\"'{{7777*7}}"
    contact_id = patient(
        evil, evil, kind="media", content={"media": {"kind": "document", "filename": evil}}
    )
    handoff("red_flag", contact_id=contact_id, red_flag="<b>flag")
    client = app.test_client()
    sign_in(client, "<i>Asha")
    press(client, "/", f"/conversations/{contact_id}/reply", text=evil)
    pages = [client.get(path) for path in ("/?view=all", f"/conversations/{contact_id}")]
    live = client.get(f"/live/conversations/{contact_id}").json
    for html in [page.text for page in pages] + [live["transcript"], live["side"]]:
        assert "onerror" in html or "flag" in html
        assert "<img src=x" not in html
        assert "<i>" not in html and "<b>" not in html
        assert "54439" not in html


def test_a_reply_claims_is_planned_and_shown(
    asha: FlaskClient, db: Database, patient: Make, handoff: Make
) -> None:
    contact_id = patient()
    made = handoff(contact_id=contact_id)
    page = f"/conversations/{contact_id}"
    answer = press(asha, page, f"{page}/reply", text="Yes,\r\nat 5 pm", key="k1")
    assert (answer.status_code, answer.location) == (302, page)
    html = asha.get(page).text
    assert "Yes,\nat 5 pm" in html and "data-just-sent" in html
    assert "data-just-sent" not in asha.get(page).text
    with db.reading() as session:
        message = session.execute(select(Message).where(Message.direction == "out")).scalar_one()
        assert (message.author, message.text) == ("staff:Asha", "Yes,\nat 5 pm")
        assert session.get(Handoff, made).claimed_by == "Asha"


def test_pressing_send_twice_sends_once(asha: FlaskClient, db: Database, patient: Make) -> None:
    page = f"/conversations/{patient()}"
    for _press in range(2):
        assert press(asha, page, f"{page}/reply", text="Yes", key="k1").status_code == 302
    with db.reading() as session:
        sent = session.execute(select(Message).where(Message.direction == "out")).scalars().all()
        assert len(sent) == 1


def test_when_the_window_is_closed_the_box_and_the_server_refuse(
    asha: FlaskClient, db: Database, patient: Make
) -> None:
    page = f"/conversations/{patient(ago=timedelta(hours=30))}"
    html = asha.get(page).text
    assert "The 24-hour window is closed" in html
    assert re.search(r"<textarea[^>]*\bdisabled", html)
    answer = press(asha, page, f"{page}/reply", text="my long draft", key="k1")
    assert answer.status_code == 409
    assert "my long draft" in answer.text and "Not sent" in answer.text
    with db.reading() as session:
        assert session.execute(select(Message).where(Message.direction == "out")).all() == []


def test_what_somebody_else_claimed_can_be_taken_over_but_not_answered(
    app: Flask, asha: FlaskClient, db: Database, patient: Make, handoff: Make
) -> None:
    contact_id = patient()
    made = handoff(contact_id=contact_id)
    page = f"/conversations/{contact_id}"
    binu = app.test_client()
    sign_in(binu, "Binu")
    assert press(binu, page, f"{page}/claim", handoff=made).status_code == 302
    refused = press(asha, page, f"{page}/reply", text="draft of mine", key="k1")
    assert refused.status_code == 409 and "draft of mine" in refused.text
    assert "Take over from Binu" in asha.get(page).text
    assert press(asha, page, f"{page}/claim", handoff=made).status_code == 409
    assert press(asha, page, f"{page}/claim", handoff=made, owner="Somebody").status_code == 409
    assert press(asha, page, f"{page}/claim", handoff=made, owner="Binu").status_code == 302
    with db.reading() as session:
        assert session.get(Handoff, made).claimed_by == "Asha"


def test_handing_back_needs_an_outcome(
    asha: FlaskClient, db: Database, patient: Make, handoff: Make
) -> None:
    contact_id = patient()
    made = handoff("clinical", contact_id=contact_id)
    page = f"/conversations/{contact_id}"
    for outcome in ("", "merged", "nonsense"):
        answer = press(asha, page, f"{page}/hand-back", handoff=made, outcome=outcome)
        assert answer.status_code == 422
    done = press(asha, page, f"{page}/hand-back", handoff=made, outcome="called")
    assert done.status_code == 302
    assert "The assistant answers this patient again" in asha.get("/").text
    with db.reading() as session:
        handoff_row = session.get(Handoff, made)
        assert (handoff_row.status, handoff_row.resolved_by) == ("resolved", "Asha")
    assert "With the assistant" in asha.get(page).text
    late = press(asha, page, f"{page}/hand-back", handoff=made, outcome="called")
    assert late.status_code == 409 and "already been resolved" in late.text


def test_the_live_conversation_is_quiet_until_something_changes(
    asha: FlaskClient, db: Database, patient: Make, bot_says: Make
) -> None:
    contact_id = patient()
    message_id = bot_says(contact_id, "On its way")
    address = f"/live/conversations/{contact_id}"
    version = asha.get(address).json["version"]
    again = asha.get(address, query_string={"version": version}).json
    assert again["version"] != version or "transcript" not in again
    with db.transaction() as session:
        session.get(Message, message_id).state = "delivered"
    news = asha.get(address, query_string={"version": again["version"]}).json
    assert "Delivered" in news["transcript"]
    assert news["can_reply"] is True


def test_an_unknown_conversation_is_a_page_that_says_so(asha: FlaskClient) -> None:
    answer = asha.get("/conversations/4711")
    assert answer.status_code == 404 and "no such conversation" in answer.text
    assert asha.get("/live/conversations/4711").status_code == 404
    assert asha.get("/nowhere").status_code == 404
