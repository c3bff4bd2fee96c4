"""What the gate says of a message decides who reads it, also while a person has the talk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Callable, Optional

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic.database import Database
from clinic.inbound import mark_handled
from clinic.models import Message
from clinic.tokens import add as add_token
from inbox.access.words import MASKED

Make = Callable[..., int]
WORDS = "my knee gave way"


@pytest.fixture
def judged(db: Database) -> Callable[..., None]:
    """`judged(contact, intent)`: the assistant has worked off what the contact wrote."""

    def work_off(contact: int, intent: Optional[str] = None) -> None:
        with db.transaction() as session:
            query = select(Message.id).where(Message.contact_id == contact)
            for message_id in session.execute(query).scalars():
                mark_handled(session, message_id, "human", intent)

    return work_off


def live(client: FlaskClient, contact: int, version: str = "") -> Any:
    return client.get(f"/live/conversations/{contact}?version={version}").json


@pytest.mark.parametrize("reason", ["request", "unsure", "failure"])
def test_clinical_words_in_an_everyday_handoff_are_for_clinicians(
    asha: FlaskClient, front: FlaskClient, patient: Make, handoff: Make, judged: Any, reason: str
) -> None:
    contact = patient(WORDS)
    handoff(reason, contact_id=contact)
    judged(contact, "pain_report")
    for path in (f"/conversations/{contact}", "/?view=all"):
        assert WORDS in asha.get(path).text
        html = front.get(path).text
        assert WORDS not in html and MASKED in html, path


def test_words_that_nobody_has_judged_yet_wait_for_the_gate(
    asha: FlaskClient, front: FlaskClient, patient: Make, handoff: Make, judged: Any
) -> None:
    contact = patient("Where do I park?", ago=timedelta())
    handoff("request", contact_id=contact)
    before = live(front, contact)
    assert "Where do I park?" not in before["transcript"]
    assert "Where do I park?" not in front.get("/?view=all").text
    assert "Where do I park?" in live(asha, contact)["transcript"]
    judged(contact)
    after = live(front, contact, before["version"])
    assert "Where do I park?" in after["transcript"], "the page learns of it by itself"


def test_what_nobody_judges_is_seen_after_a_while(
    front: FlaskClient, patient: Make, handoff: Make
) -> None:
    """The assistant is away: somebody should read what lies there."""
    contact = patient("Is anybody there?", ago=timedelta(seconds=40))
    handoff("request", contact_id=contact)
    assert "Is anybody there?" in live(front, contact)["transcript"]


def test_a_page_is_as_long_as_ever_while_words_wait(
    front: FlaskClient, db: Database, patient: Make, bot_says: Make
) -> None:
    contact = patient("an old hello")
    for number in range(101):
        bot_says(contact, f"line {number}")
    with db.transaction() as session:
        session.add(
            Message(
                contact_id=contact,
                direction="in",
                kind="text",
                author="patient",
                text=WORDS,
                state="received",
            )
        )
    html = front.get(f"/conversations/{contact}").text
    assert WORDS not in html
    assert "line 1<" in html and "line 0<" not in html and 'id="earlier"' in html


def test_a_program_goes_on_where_the_gate_was(
    app: Any, db: Database, patient: Make, bot_says: Make, judged: Any
) -> None:
    with db.transaction() as session:
        _row, clear = add_token(session, "other desk", ["messages:read"])
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {clear}"
    contact = patient("Where do I park?", ago=timedelta())
    bot_says(contact, "Behind the house.")
    address = f"/api/v1/conversations/{contact}/messages"
    assert client.get(address).json["items"] == []
    judged(contact)
    texts = [item["text"] for item in client.get(address).json["items"]]
    assert texts == ["Where do I park?", "Behind the house."]
