"""What a help desk of the clinic's own sees when it reads and works the queue."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Callable, get_args

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic.database import Database, now
from clinic.models import Contact, Message, Tracker
from inbox.api.shapes import Outcome
from inbox.desk import OUTCOMES_OF_STAFF
from tests.inbox.conftest import HANDED_BACK, TOKEN

Make = Callable[..., int]


def ids(answer: Any) -> list[int]:
    return [item["id"] for item in answer.json["items"]]


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/handoffs"),
        ("POST", "/handoffs/1/claim"),
        ("POST", "/handoffs/1/resolve"),
        ("GET", "/conversations/1/messages"),
        ("POST", "/conversations/1/messages"),
        ("GET", "/appointments"),
        ("POST", "/appointments"),
    ],
)
def test_without_the_token_nothing_is_said(
    app: Flask, method: str, path: str, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = app.test_client().open(f"/api/v1{path}", method=method, headers=headers)
    assert answer.status_code == 401
    assert answer.json["error"]["code"] == "unauthorized"


def test_an_empty_token_never_opens(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    object.__setattr__(app.extensions["sandhi"], "api_token", "")
    answer = app.test_client().get("/api/v1/handoffs", headers={"Authorization": "Bearer "})
    assert answer.status_code == 401


def test_urgent_first_then_whoever_waits_longest(api: FlaskClient, handoff: Make) -> None:
    start = now() - timedelta(hours=3)
    request = handoff("request", opened_at=start)
    clinical = handoff("clinical", opened_at=start + timedelta(minutes=10))
    flag = handoff("red_flag", opened_at=start + timedelta(hours=1), red_flag="chest_pain")
    older_flag = handoff("red_flag", opened_at=start + timedelta(minutes=50))
    assert ids(api.get("/api/v1/handoffs")) == [older_flag, flag, request, clinical]


def test_an_item_says_what_a_desk_needs(api: FlaskClient, handoff: Make, contact_of: Make) -> None:
    made = handoff("red_flag", red_flag="chest_pain")
    item = api.get("/api/v1/handoffs?status=open").json["items"][0]
    opened = datetime.fromisoformat(item.pop("opened_at"))
    assert opened.utcoffset() == timedelta(hours=5, minutes=30)
    assert abs(opened - now()) < timedelta(minutes=1)
    assert item.pop("phone").startswith("+91900000")
    assert item == {
        "id": made,
        "contact_id": contact_of(made),
        "reason": "red_flag",
        "priority": "urgent",
        "status": "open",
        "claimed_by": None,
        "red_flag": "chest_pain",
        "outcome": None,
        "resolved_at": None,
    }


def test_filters(api: FlaskClient, handoff: Make) -> None:
    unclaimed, mine, done = handoff("media"), handoff("request"), handoff("clinical")
    api.post(f"/api/v1/handoffs/{mine}/claim", json={"staff": "Asha"})
    api.post(f"/api/v1/handoffs/{done}/resolve", json={"hand_back": True, "outcome": "answered"})
    for query, wanted in {
        "": {unclaimed, mine},
        "?status=open": {unclaimed},
        "?status=claimed": {mine},
        "?status=resolved": {done},
        "?reason=media": {unclaimed},
        "?priority=normal": {mine},
        "?priority=urgent": set(),
        "?status=open&reason=request": set(),
    }.items():
        assert set(ids(api.get(f"/api/v1/handoffs{query}"))) == wanted, query


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_pages_together_are_the_whole_list(api: FlaskClient, handoff: Make, limit: int) -> None:
    moment = now() - timedelta(hours=1)
    for reason in ("request", "red_flag", "clinical", "red_flag", "media", "unsure", "failure"):
        # two of the same moment, so that the id has to decide
        handoff(reason, opened_at=moment)
    whole = ids(api.get("/api/v1/handoffs?limit=200"))
    read: list[int] = []
    cursor = None
    while True:
        query = {"limit": limit, **({"cursor": cursor} if cursor else {})}
        page = api.get("/api/v1/handoffs", query_string=query)
        assert len(page.json["items"]) <= limit
        read += ids(page)
        cursor = page.json["next"]
        if cursor is None:
            break
    assert read == whole
    assert len(whole) == 7


@pytest.mark.parametrize(
    "query",
    [
        "status=closed",
        "reason=pain",
        "priority=low",
        "limit=0",
        "limit=201",
        "limit=many",
        "cursor=nonsense",
        "cursor=MS4y",
        "cursor=%E0%A4%A8",
        "staus=open",
        "status=open&status=claimed",
    ],
)
def test_a_wrong_query_is_refused_not_guessed(api: FlaskClient, query: str) -> None:
    answer = api.get(f"/api/v1/handoffs?{query}")
    assert answer.status_code == 422
    assert set(answer.json["error"]) == {"code", "message"}


def test_claiming(api: FlaskClient, handoff: Make) -> None:
    made = handoff()
    first = api.post(f"/api/v1/handoffs/{made}/claim", json={"staff": "  Asha   K "})
    assert (first.status_code, first.json["claimed_by"]) == (200, "Asha K")
    assert first.json["status"] == "claimed"
    again = api.post(f"/api/v1/handoffs/{made}/claim", json={"staff": "Asha K"})
    assert again.status_code == 200
    other = api.post(f"/api/v1/handoffs/{made}/claim", json={"staff": "Binu"})
    assert (other.status_code, other.json["error"]["code"]) == (409, "taken")


def test_of_twenty_who_claim_at_once_one_wins(app: Flask, handoff: Make) -> None:
    made = handoff()

    def claim(number: int) -> int:
        return (
            app.test_client()
            .post(
                f"/api/v1/handoffs/{made}/claim",
                json={"staff": f"Person {number}"},
                headers={"Authorization": f"Bearer {TOKEN}"},
            )
            .status_code
        )

    with ThreadPoolExecutor(20) as crowd:
        answers = sorted(crowd.map(claim, range(20)))
    assert answers == [200] + [409] * 19


def test_a_resolved_handoff_cannot_be_claimed_or_resolved(api: FlaskClient, handoff: Make) -> None:
    made = handoff()
    body = {"hand_back": True, "outcome": "answered"}
    assert api.post(f"/api/v1/handoffs/{made}/resolve", json=body).status_code == 200
    for verb, sent in (("claim", {"staff": "Asha"}), ("resolve", body)):
        answer = api.post(f"/api/v1/handoffs/{made}/{verb}", json=sent)
        assert (answer.status_code, answer.json["error"]["code"]) == (409, "resolved")


@pytest.mark.parametrize("number", ["99999", str(2**63 - 1), str(2**70)])
def test_an_unknown_handoff_is_404(api: FlaskClient, number: str) -> None:
    claim = api.post(f"/api/v1/handoffs/{number}/claim", json={"staff": "Asha"})
    body = {"hand_back": True, "outcome": "other"}
    resolve = api.post(f"/api/v1/handoffs/{number}/resolve", json=body)
    assert (claim.status_code, resolve.status_code) == (404, 404)
    assert claim.json["error"]["code"] == resolve.json["error"]["code"] == "not_found"


@pytest.mark.parametrize("language", ["en", "hi", "hinglish"])
def test_handing_back_tells_the_patient_in_their_language(
    api: FlaskClient, db: Database, handoff: Make, contact_of: Make, language: str
) -> None:
    made = handoff("clinical")
    contact_id = contact_of(made)
    with db.transaction() as session:
        session.get(Contact, contact_id).language = language
        session.add(Tracker(sender_id=str(contact_id), events=[{"event": "slot"}]))
    api.post(f"/api/v1/handoffs/{made}/claim", json={"staff": "Asha"})
    answer = api.post(
        f"/api/v1/handoffs/{made}/resolve", json={"hand_back": True, "outcome": "answered"}
    )
    assert answer.status_code == 200
    assert (answer.json["status"], answer.json["outcome"]) == ("resolved", "answered")
    assert datetime.fromisoformat(answer.json["resolved_at"]).utcoffset() is not None
    with db.reading() as session:
        planned = session.execute(select(Message).where(Message.direction == "out")).scalars().all()
        assert [(m.text, m.author, m.state) for m in planned] == [
            (HANDED_BACK[language], "bot", "planned")
        ]
        # the form that the handoff interrupted is forgotten
        assert session.get(Tracker, str(contact_id)) is None


def test_handing_back_after_the_window_says_nothing(
    api: FlaskClient, db: Database, handoff: Make, patient: Make
) -> None:
    made = handoff(contact_id=patient(ago=timedelta(hours=25)))
    body = {"hand_back": True, "outcome": "no_reply", "staff": "Asha"}
    assert api.post(f"/api/v1/handoffs/{made}/resolve", json=body).status_code == 200
    with db.reading() as session:
        assert session.execute(select(Message).where(Message.direction == "out")).all() == []


def test_keeping_it_for_a_person_leaves_the_bot_silent(
    api: FlaskClient, db: Database, handoff: Make
) -> None:
    made = handoff()
    body = {"hand_back": False, "outcome": "called"}
    answer = api.post(f"/api/v1/handoffs/{made}/resolve", json=body)
    assert (answer.json["status"], answer.json["outcome"]) == ("open", "called")
    with db.reading() as session:
        assert session.execute(select(Message).where(Message.direction == "out")).all() == []


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [
        ("claim", b"", 400),
        ("claim", b"{", 400),
        ("claim", b"[]", 400),
        ("claim", b'"Asha"', 400),
        ("claim", b"\xff\xfe", 400),
        ("claim", b"[" * 50_000, 400),
        ("claim", b"{}", 422),
        ("claim", b'{"staff": ""}', 422),
        ("claim", b'{"staff": "   "}', 422),
        ("claim", b'{"staff": 5}', 422),
        ("claim", b'{"staff": null}', 422),
        ("claim", b'{"staff": "\\ud800"}', 422),
        ("claim", b'{"staff": "a\\u0000b"}', 422),
        ("claim", b'{"staff": "Asha", "force": true}', 422),
        ("claim", b'{"staff": "' + b"a" * 81 + b'"}', 422),
        ("claim", b'{"staff": "' + b"a" * 70_000 + b'"}', 413),
        ("resolve", b"{}", 422),
        ("resolve", b'{"hand_back": true}', 422),
        ("resolve", b'{"hand_back": "yes", "outcome": "answered"}', 422),
        ("resolve", b'{"hand_back": true, "outcome": "merged"}', 422),
        ("resolve", b'{"hand_back": true, "outcome": "healed"}', 422),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_bodies(api: FlaskClient, handoff: Make, verb: str, body: bytes, status: int) -> None:
    made = handoff()
    answer = api.post(f"/api/v1/handoffs/{made}/{verb}", data=body)
    assert answer.status_code == status
    assert set(answer.json) == {"error"}
    assert ids(api.get("/api/v1/handoffs?status=open")) == [made]


def test_the_outcomes_of_the_schema_are_those_of_the_clinic() -> None:
    assert get_args(Outcome) == OUTCOMES_OF_STAFF


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/api/v1/nothing", 404),
    ("DELETE", "/api/v1/handoffs", 405),
    ("GET", "/api/v1/handoffs/abc/claim", 404),
])  # fmt: skip
def test_errors_of_the_api_are_json(api: FlaskClient, method: str, path: str, status: int) -> None:
    answer = api.open(path, method=method)
    assert answer.status_code == status
    assert set(answer.json["error"]) == {"code", "message"}
