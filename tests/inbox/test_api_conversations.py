"""Reading a conversation and answering in it over the API."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.inbound import Arrival, store_arrival
from clinic.models import Contact, Handoff, Message
from clinic.outbox import take_offer
from tests.inbox.conftest import TOKEN

Make = Callable[..., int]


def address(contact_id: int) -> str:
    return f"/api/v1/conversations/{contact_id}/messages"


def write(db: Database, contact_id: int, wamid: str, **fields: Any) -> None:
    """The patient writes once more."""
    with db.transaction() as session:
        phone = session.get(Contact, contact_id).phone
        store_arrival(session, Arrival(wamid, phone=phone, **{"kind": "text", **fields}))


def test_a_transcript_reads_from_the_beginning(
    api: FlaskClient, db: Database, patient: Make, bot_says: Make
) -> None:
    contact_id = patient("Kal slot milega?")
    bot_says(contact_id, "Which day?", "Monday", "Tuesday")
    write(db, contact_id, "wamid.second", text="धन्यवाद")
    items = api.get(address(contact_id)).json["items"]
    assert [(i["direction"], i["author"], i["text"]) for i in items] == [
        ("in", "patient", "Kal slot milega?"),
        ("out", "bot", "Which day?"),
        ("in", "patient", "धन्यवाद"),
    ]
    assert [i["state"] for i in items] == ["received", "planned", "received"]
    at = datetime.fromisoformat(items[0]["at"])
    assert at.utcoffset() == timedelta(hours=5, minutes=30)


def test_buttons_show_what_was_offered_and_what_was_taken(
    api: FlaskClient, db: Database, patient: Make, bot_says: Make
) -> None:
    contact_id = patient()
    message_id = bot_says(contact_id, "Which day?", "Monday", "Tuesday")
    write(db, contact_id, "wamid.tap", kind="tap", text="Tuesday")
    with db.transaction() as session:
        token = session.get(Message, message_id).content["choices"][1]["id"]
        tap = session.execute(select(Message.id).where(Message.wamid == "wamid.tap")).scalar_one()
        take_offer(session, contact_id, token, tap)
    buttons = api.get(address(contact_id)).json["items"][1]["buttons"]
    assert buttons == [
        {"title": "Monday", "description": None, "taken": False},
        {"title": "Tuesday", "description": None, "taken": True},
    ]


def test_files_and_places(api: FlaskClient, db: Database, patient: Make) -> None:
    contact_id = patient()
    media = {"kind": "audio", "id": "7", "mime_type": "audio/ogg", "voice": True}
    write(db, contact_id, "wamid.voice", kind="media", content={"media": media})
    pin = {"latitude": 18.52, "longitude": 73.85, "name": "Gate 2", "address": None, "url": None}
    write(db, contact_id, "wamid.pin", kind="location", content={"location": pin})
    write(db, contact_id, "wamid.gone", kind="text", content={"revoked": True})
    voice, place, gone = api.get(address(contact_id)).json["items"][1:]
    assert voice["media"] == {
        "kind": "audio",
        "filename": None,
        "mime_type": "audio/ogg",
        "voice": True,
        "caption": None,
    }
    assert place["location"]["name"] == "Gate 2"
    assert gone["revoked"] is True


@pytest.mark.parametrize("limit", [1, 3, 5, 6, 50])
def test_pages_together_are_the_whole_transcript(
    api: FlaskClient, patient: Make, bot_says: Make, limit: int
) -> None:
    contact_id = patient("0")
    stranger = patient("not mine")
    for number in range(1, 6):
        bot_says(contact_id, str(number))
        bot_says(stranger, "not mine")
    read: list[str] = []
    query: dict[str, Any] = {"limit": limit}
    while True:
        page = api.get(address(contact_id), query_string=query).json
        read += [item["text"] for item in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert read == ["0", "1", "2", "3", "4", "5"]


def test_an_unknown_conversation_is_404(api: FlaskClient) -> None:
    assert api.get(address(4711)).status_code == 404
    assert api.post(address(4711), json={"text": "Hello"}).status_code == 404


def test_a_merged_contact_shows_the_conversation_it_became_part_of(
    api: FlaskClient, db: Database, patient: Make
) -> None:
    kept = patient("first")
    with db.transaction() as session:
        other = ensure_contact(session, None, "US.1234567890")
        other_id = int(other.id)
        ensure_contact(session, session.get(Contact, kept).phone, "US.1234567890")
    assert [item["text"] for item in api.get(address(other_id)).json["items"]] == ["first"]


def test_a_reply_goes_into_the_outbox_in_the_name_of_staff(
    api: FlaskClient, db: Database, patient: Make
) -> None:
    contact_id = patient()
    answer = api.post(address(contact_id), json={"text": "  Come at 5 pm 🙂 ", "staff": "Asha"})
    assert answer.status_code == 201
    assert answer.json["text"] == "Come at 5 pm 🙂"
    assert (answer.json["author"], answer.json["state"]) == ("staff:Asha", "planned")
    with db.reading() as session:
        message = session.get(Message, answer.json["id"])
        assert message.content == {"kind": "text", "text": "Come at 5 pm 🙂"}
        assert (message.direction, message.purpose) == ("out", "reply")
        assert message.cause.startswith("staff:")


def test_the_same_key_is_one_reply(api: FlaskClient, db: Database, patient: Make) -> None:
    contact_id, other = patient(), patient()
    headers = {"Idempotency-Key": "4f0c"}
    first = api.post(address(contact_id), json={"text": "Yes"}, headers=headers)
    again = api.post(address(contact_id), json={"text": "Yes"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json["id"] == again.json["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    for place, text in ((contact_id, "No"), (other, "Yes")):
        refused = api.post(address(place), json={"text": text}, headers=headers)
        assert (refused.status_code, refused.json["error"]["code"]) == (409, "key_reused")
    with db.reading() as session:
        out = session.execute(select(Message).where(Message.direction == "out")).scalars().all()
        assert len(out) == 1


def test_a_repeated_key_is_answered_after_the_window_too(
    api: FlaskClient, db: Database, patient: Make
) -> None:
    contact_id = patient()
    headers = {"Idempotency-Key": "k"}
    first = api.post(address(contact_id), json={"text": "Yes"}, headers=headers)
    with db.transaction() as session:
        session.execute(update(Contact).values(last_inbound_at=None))
    again = api.post(address(contact_id), json={"text": "Yes"}, headers=headers)
    assert (again.status_code, again.json["id"]) == (201, first.json["id"])


def test_ten_posts_of_one_key_at_once_are_one_reply(app: Flask, patient: Make) -> None:
    contact_id = patient()

    def post(_number: int) -> int:
        answer = app.test_client().post(
            address(contact_id),
            json={"text": "Yes"},
            headers={"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "once"},
        )
        assert answer.status_code == 201
        return int(answer.json["id"])

    with ThreadPoolExecutor(10) as crowd:
        assert len(set(crowd.map(post, range(10)))) == 1


@pytest.mark.parametrize("key", ["", "a" * 201, "naïve"])
def test_a_key_that_cannot_be_kept_is_refused(api: FlaskClient, patient: Make, key: str) -> None:
    answer = api.post(
        address(patient()),
        json={"text": "Yes"},
        headers={"Idempotency-Key": key.encode("latin-1").decode("latin-1")},
    )
    assert answer.status_code == 422


def test_the_window_closes_after_24_hours(
    api: FlaskClient, patient: Make, silent_contact: int
) -> None:
    open_still = patient(ago=timedelta(hours=23, minutes=59))
    assert api.post(address(open_still), json={"text": "Hello"}).status_code == 201
    for contact_id in (patient(ago=timedelta(hours=24, seconds=1)), silent_contact):
        answer = api.post(address(contact_id), json={"text": "Hello"})
        assert (answer.status_code, answer.json["error"]["code"]) == (409, "window_closed")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": ""}, 422),
        ({"text": " \n\t "}, 422),
        ({"text": "x" * 4096}, 201),
        ({"text": "x" * 4097}, 422),
        ({"text": "क" * 4096}, 201),
        ({"text": 7}, 422),
        ({"text": None}, 422),
        ({"text": "bell \x07"}, 422),
        ({"text": "two\nlines"}, 201),
        ({"text": "Hi", "staff": ""}, 422),
        ({"text": "Hi", "buttons": []}, 422),
        ({}, 422),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_a_reply_may_be(
    api: FlaskClient, patient: Make, body: dict[str, Any], status: int
) -> None:
    assert api.post(address(patient()), json=body).status_code == status


def test_half_a_character_is_refused(api: FlaskClient, patient: Make) -> None:
    answer = api.post(address(patient()), data=b'{"text": "\\ud83d"}')
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "invalid")


def test_a_named_reply_claims_the_handoff(
    api: FlaskClient, handoff: Make, contact_of: Make
) -> None:
    contact_id = contact_of(handoff())
    assert api.post(address(contact_id), json={"text": "Hi", "staff": "Asha"}).status_code == 201
    item = api.get("/api/v1/handoffs?status=claimed").json["items"][0]
    assert item["claimed_by"] == "Asha"
    other = api.post(address(contact_id), json={"text": "Hi", "staff": "Binu"})
    assert (other.status_code, other.json["error"]["code"]) == (409, "taken")


def test_a_nameless_reply_goes_in_the_name_of_the_claimer_and_claims_nothing(
    api: FlaskClient, db: Database, handoff: Make, contact_of: Make
) -> None:
    made = handoff()
    contact_id = contact_of(made)
    first = api.post(address(contact_id), json={"text": "One moment"})
    assert first.json["author"] == "staff:front desk"
    with db.reading() as session:
        assert session.get(Handoff, made).status == "open"
    api.post(f"/api/v1/handoffs/{made}/claim", json={"staff": "Asha"})
    second = api.post(address(contact_id), json={"text": "Here I am"})
    assert second.json["author"] == "staff:Asha"
