"""Reading conversations, and noticing that one changed."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from clinic.bubbles import Link, Location, Media, Template
from clinic.database import Database, now
from clinic.inbound import revoke
from clinic.models import Message, Offer
from clinic.outbox import plan
from clinic.transcript import fingerprint, last_words, read_after, read_latest, read_one

Make = Callable[..., int]


def test_pages_from_either_end(db: Database, patient: Make, bot_says: Make) -> None:
    contact_id = patient("0")
    ids = [bot_says(contact_id, str(number)) for number in range(1, 6)]
    with db.reading() as session:
        said = [entry.text for entry in read_latest(session, contact_id, 2)]
        before = [entry.text for entry in read_latest(session, contact_id, 2, before=ids[3])]
        after = [entry.text for entry in read_after(session, contact_id, ids[0], 2)]
    assert (said, before, after) == (["4", "5"], ["2", "3"], ["2", "3"])


def test_a_bubble_that_is_not_there(db: Database) -> None:
    with db.reading() as session, pytest.raises(KeyError):
        read_one(session, 4711)


@pytest.mark.parametrize(
    ("bubble", "shown"),
    [
        (Location(latitude=18.5, longitude=73.8, name="Gate"), {"location.name": "Gate"}),
        (
            Media(media="image", link="https://clinic.example/a.png", caption="Map"),
            {"media.kind": "image", "media.caption": "Map", "text": "Map"},
        ),
        (
            Link(text="Pay here", label="Pay", url="https://clinic.example/pay"),
            {"buttons.0.title": "Pay", "text": "Pay here"},
        ),
        (
            Template(
                name="reminder",
                language="en",
                text="See you at 5",
                header=Media(media="document", id="1", filename="plan.pdf"),
                buttons=[{"title": "Confirm", "payload": "/confirm"}],
            ),
            {"media.filename": "plan.pdf", "buttons.0.title": "Confirm", "text": "See you at 5"},
        ),
    ],
)
def test_every_kind_of_bubble_reads_back(
    db: Database, silent_contact: int, bubble: Any, shown: dict[str, Any]
) -> None:
    with db.transaction() as session:
        message_id = plan(session, silent_contact, bubble, cause="turn:x:1")
    with db.reading() as session:
        entry = read_one(session, int(message_id or 0))
    for path, wanted in shown.items():
        found: Any = entry
        for step in path.split("."):
            found = found[int(step)] if step.isdigit() else getattr(found, step)
        assert found == wanted


def test_the_last_words_are_the_patients(db: Database, patient: Make, bot_says: Make) -> None:
    first, second = patient("my words"), patient("theirs")
    bot_says(first, "not these")
    with db.reading() as session:
        words = last_words(session, [first, second, 4711])
    assert {key: entry.text for key, entry in words.items()} == {
        first: "my words",
        second: "theirs",
    }


@pytest.mark.parametrize("change", ["state", "detail", "new", "taken", "revoked"])
def test_the_fingerprint_changes_with_whatever_staff_would_see(
    db: Database, patient: Make, bot_says: Make, change: str
) -> None:
    contact_id = patient()
    message_id = bot_says(contact_id, "Which day?", "Monday", "Tuesday")
    with db.reading() as session:
        before = fingerprint(session, contact_id, 50)
        assert fingerprint(session, contact_id, 50) == before
        wamid = read_wamid(session, contact_id)
    if change == "new":
        bot_says(contact_id, "More")
    else:
        with db.transaction() as session:
            message = session.get(Message, message_id)
            if change == "state":
                message.state = "sent"
            elif change == "detail":
                message.detail = "131026"
            elif change == "taken":
                session.query(Offer).first().taken_at = now()
            else:
                revoke(session, contact_id, wamid)
    with db.reading() as session:
        assert fingerprint(session, contact_id, 50) != before


def read_wamid(session: Any, contact_id: int) -> str:
    found = session.query(Message).filter_by(contact_id=contact_id, direction="in").one()
    return str(found.wamid)
