"""What became of a handoff stands in its place in the transcript, and is no message."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Callable, List

from flask import Flask
from flask.testing import FlaskClient

from clinic.database import Database, now
from clinic.handoffs import claim_handoff, resolve_handoff
from clinic.models import Handoff, Message
from tests.inbox.conftest import press, sign_in

Make = Callable[..., int]


def story(client: FlaskClient, address: str) -> List[str]:
    """The transcript line by line: events as they read, bubbles and notes by their text."""
    html = client.get(address).text
    body = html[html.index('id="transcript"') : html.index("</ol>")]
    lines = []
    for item in re.findall(r"<li class=\"(?:event|bubble|private-note)[^>]*>.*?</li>", body, re.S):
        said = re.search(r'class="said"[^>]*>([^<]*)<', item)
        text = said[1] if said else re.sub(r"<time.*?</time>|<[^>]+>", "", item)
        lines.append(" ".join(text.split()).replace("&#39;", "'"))
    return lines


def test_from_the_patients_wish_to_the_assistant_again(
    app: Flask, asha: FlaskClient, db: Database, patient: Make, handoff: Make
) -> None:
    contact = patient("I want to speak to a person", ago=timedelta(minutes=3))
    made = handoff("request", contact_id=contact, opened_at=now() - timedelta(minutes=2))
    page = f"/conversations/{contact}"
    binu = app.test_client()
    sign_in(binu, "Binu")
    acts: List[Any] = [
        (binu, "claim", {}),
        (asha, "claim", {"owner": "Binu"}),
        (asha, "snooze", {"until": "reply"}),
        (asha, "wake", {}),
        (asha, "assign", {"owner": "Asha", "to": "physiotherapists"}),
        (asha, "assign", {"owner": "", "to": "Binu"}),
        (binu, "reply", {"text": "Good morning", "key": "k"}),
        (binu, "hand-back", {"outcome": "called", "then": "keep"}),
        (binu, "hand-back", {"outcome": "answered", "then": "bot"}),
    ]
    for client, act, fields in acts:
        answer = press(client, page, f"{page}/{act}", handoff=made, **fields)
        assert answer.status_code == 302, act
    shown = story(asha, page)
    assert shown[:8] == [
        "I want to speak to a person",
        "Handed over: Asked for a person",
        "Binu claimed it",
        "Asha took it over",
        "Asha put it aside",
        "Asha brought it back",
        "Asha passed it to the physiotherapists",
        "Asha passed it to Binu",
    ]
    # in a test all of it is one moment; what happened stands before what was said because of it
    assert shown[-1] == "The assistant answers again."
    assert set(shown[8:-1]) == {
        "Good morning",
        "Binu kept it for a person: Called the patient",
        "Binu handed it back to the assistant: Question answered",
    }


def test_what_the_log_does_not_know_is_told_from_the_handoff(
    asha: FlaskClient, db: Database, patient: Make, handoff: Make
) -> None:
    contact = patient()
    made = handoff("red_flag", contact_id=contact, red_flag="chest_pain")
    with db.transaction() as session:
        claim_handoff(session, made, "Somebody Else")
        resolve_handoff(session, made, "Somebody Else", "referred", hand_back=True)
    shown = story(asha, f"/conversations/{contact}")
    assert "Handed over: Red flag, chest pain" in shown
    assert "Somebody Else claimed it" in shown
    end = "handed it back to the assistant: Passed to a clinician or emergency care"
    assert f"Somebody Else {end}" in shown


def test_each_part_of_a_long_conversation_has_its_own_events(
    asha: FlaskClient, db: Database, patient: Make, bot_says: Make, handoff: Make
) -> None:
    contact = patient("the first words", ago=timedelta(days=3))
    old = handoff("request", contact_id=contact, opened_at=now() - timedelta(days=3))
    with db.transaction() as session:
        resolve_handoff(session, old, "Asha", "answered", hand_back=True)
        session.get(Handoff, old).resolved_at = now() - timedelta(days=2, hours=23)
    for number in range(104):
        bot_says(contact, f"number {number}.")
    with db.transaction() as session:
        for message in session.query(Message).filter_by(direction="out"):
            message.occurred_at = now() - timedelta(days=1) + timedelta(seconds=message.id)
    handoff("unsure", contact_id=contact)
    page = f"/conversations/{contact}"
    newest = asha.get(page).text
    before = re.search(r"\?before=(\d+)", newest)
    assert before
    late, early = story(asha, page), story(asha, f"{page}?before={before[1]}")
    assert late[-1] == "Handed over: Not understood"
    assert not [line for line in late if "Asked for a person" in line]
    assert early[:3] == [
        "the first words",
        "Handed over: Asked for a person",
        "Asha handed it back to the assistant: Question answered",
    ]
    assert "Handed over: Not understood" not in early


def test_nobodys_words_get_into_an_event(
    app: Flask, db: Database, patient: Make, handoff: Make
) -> None:
    evil = "<i>Asha</i>"
    client = app.test_client()
    sign_in(client, evil)
    contact = patient()
    made = handoff(contact_id=contact)
    press(client, f"/conversations/{contact}", f"/handoffs/{made}/claim")
    html = client.get(f"/conversations/{contact}").text
    assert "&lt;i&gt;Asha&lt;/i&gt; claimed it" in html and "<i>" not in html
