"""Reading and booking visits over the API, in the small clinic of tests/clinic.

The clock stands at Monday 23 November 2026, 08:00 in Pune; Tuesday is a public holiday.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from clinic.database import Database, now
from clinic.models import Appointment, Clinician, Contact, Leave, Patient
from clinic.profile_file import load_profile
from clinic.setup import write_profile
from tests.inbox.conftest import TOKEN

Make = Callable[..., int]
PROFILE = Path(__file__).parents[1] / "clinic" / "small_clinic.yml"
PHONE = "+919000009001"
VISIT = {
    "phone": PHONE,
    "starts_at": "2026-11-23T10:00:00+05:30",
    "clinician": "asha",
    "service": "session",
    "name": "Meena Invented",
}


@pytest.fixture(autouse=True)
def monday() -> Iterator[None]:
    with time_machine.travel("2026-11-23T08:00:00+05:30"):
        yield


@pytest.fixture
def clinic(db: Database) -> Database:
    write_profile(db, load_profile(PROFILE))
    return db


def book(api: FlaskClient, **changes: Any) -> Any:
    return api.post("/api/v1/appointments", json={**VISIT, **changes})


def starts(answer: Any) -> list[str]:
    return [item["starts_at"] for item in answer.json["items"]]


def test_booking_for_a_new_number(api: FlaskClient, clinic: Database) -> None:
    answer = book(api)
    assert answer.status_code == 201
    visit = answer.json
    assert visit["id"] and visit["contact_id"]
    del visit["id"], visit["contact_id"]
    assert visit == {
        "phone": PHONE,
        "starts_at": "2026-11-23T10:00:00+05:30",
        "clinician": "asha",
        "service": "session",
        "status": "booked",
        "version": 1,
    }
    with clinic.reading() as session:
        assert session.execute(select(Patient)).scalar_one().name == "Meena Invented"


def test_a_slot_is_booked_once(api: FlaskClient, clinic: Database) -> None:
    assert book(api).status_code == 201
    for start in ("10:00", "10:30", "09:30"):
        taken = book(api, phone="+919000009002", starts_at=f"2026-11-23T{start}:00+05:30")
        assert (taken.status_code, taken.json["error"]["code"]) == (409, "slot_taken")
    with clinic.reading() as session:
        # who lost is not kept as a contact either
        assert session.execute(select(func.count()).select_from(Contact)).scalar_one() == 1
    assert book(api, clinician="ravi", phone="+919000009002").status_code == 201


def test_of_ten_who_book_one_slot_at_once_one_wins(app: Flask, clinic: Database) -> None:
    def post(number: int) -> int:
        return (
            app.test_client()
            .post(
                "/api/v1/appointments",
                json={**VISIT, "phone": f"+91900000910{number}"},
                headers={"Authorization": f"Bearer {TOKEN}"},
            )
            .status_code
        )

    with ThreadPoolExecutor(10) as crowd:
        assert sorted(crowd.map(post, range(10))) == [201] + [409] * 9


def test_the_same_key_books_once(api: FlaskClient, clinic: Database) -> None:
    headers = {"Idempotency-Key": "b1"}
    first = api.post("/api/v1/appointments", json=VISIT, headers=headers)
    again = api.post("/api/v1/appointments", json=VISIT, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    other = {**VISIT, "starts_at": "2026-11-23T12:00:00+05:30"}
    reused = api.post("/api/v1/appointments", json=other, headers=headers)
    assert (reused.status_code, reused.json["error"]["code"]) == (409, "key_reused")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"starts_at": "2026-11-23T07:30:00+05:30"}, "past"),
        ({"starts_at": "2026-11-24T10:00:00+05:30"}, "closed"),
        ({"starts_at": "2026-11-26T10:00:00+05:30"}, "closed"),
        ({"starts_at": "2026-11-29T10:00:00+05:30"}, "outside_hours"),
        ({"starts_at": "2026-11-23T13:30:00+05:30"}, "outside_hours"),
        ({"starts_at": "2026-11-23T10:10:00+05:30"}, "outside_hours"),
        ({"starts_at": "2026-11-23T10:00:07+05:30"}, "outside_hours"),
        ({"clinician": "nobody"}, "unknown_clinician"),
        ({"clinician": "ravi", "service": "assessment"}, "unknown_clinician"),
        ({"service": "massage"}, "unknown_service"),
        ({"starts_at": "2026-11-25T10:00:00+05:30"}, "clinician_away"),
        ({"starts_at": "2026-11-23T10:00:00"}, "invalid"),
        ({"starts_at": "2026-11-23"}, "invalid"),
        ({"starts_at": "2026-13-45T10:00:00Z"}, "invalid"),
        ({"starts_at": "1764050400"}, "invalid"),
        ({"starts_at": "9999-12-31T23:59:59+00:00"}, "invalid"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "invalid"),
        ({"starts_at": 1764050400}, "invalid"),
        ({"phone": "12"}, "invalid"),
        ({"phone": "call me"}, "invalid"),
        ({"name": " "}, "invalid"),
        ({"room": 3}, "invalid"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_be_booked_is_said_in_a_sentence(
    api: FlaskClient, clinic: Database, changes: dict[str, Any], code: str
) -> None:
    with clinic.transaction() as session:
        asha = session.execute(select(Clinician.id).where(Clinician.code == "asha")).scalar_one()
        away = now() + timedelta(days=2)
        session.add(Leave(clinician_id=asha, starts_at=away, ends_at=away + timedelta(hours=9)))
    answer = book(api, **changes)
    assert (answer.status_code, answer.json["error"]["code"]) == (422, code)
    assert answer.json["error"]["message"].endswith(".")
    with clinic.reading() as session:
        assert session.execute(select(Appointment)).all() == []


def test_times_in_any_zone_and_phones_as_people_write_them(
    api: FlaskClient, clinic: Database
) -> None:
    answer = book(api, starts_at="2026-11-23T04:30:00Z", phone="090000 09001")
    assert (answer.json["phone"], answer.json["starts_at"]) == (PHONE, VISIT["starts_at"])


def test_without_a_name_the_visit_is_for_whoever_is_known(
    api: FlaskClient, clinic: Database, patient: Make
) -> None:
    contact_id = patient(name="Ravi Invented")
    with clinic.reading() as session:
        phone = session.get(Contact, contact_id).phone
    body = {key: value for key, value in VISIT.items() if key != "name"}
    assert api.post("/api/v1/appointments", json={**body, "phone": phone}).status_code == 201
    with clinic.reading() as session:
        assert session.execute(select(Patient.name)).scalar_one() == "Ravi Invented"


def test_without_a_profile_nothing_can_be_booked(api: FlaskClient) -> None:
    answer = book(api)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "no_profile")


def test_the_list_by_phone_contact_and_time(api: FlaskClient, clinic: Database) -> None:
    mine = book(api, starts_at="2026-11-25T09:00:00+05:30").json
    book(api, starts_at="2026-11-23T12:00:00+05:30")
    book(api, phone="+919000009002", starts_at="2026-11-23T10:00:00+05:30")
    address = "/api/v1/appointments"
    late, noon, ten = (
        "2026-11-25T09:00:00+05:30",
        "2026-11-23T12:00:00+05:30",
        "2026-11-23T10:00:00+05:30",
    )
    for query, wanted in {
        "": [ten, noon, late],
        f"?phone=%2B{PHONE[1:]}": [noon, late],
        # an unescaped + arrives as a blank
        f"?phone={PHONE}": [noon, late],
        "?phone=%2B919000009999": [],
        f"?contact_id={mine['contact_id']}": [noon, late],
        "?from=2026-11-24": [late],
        "?to=2026-11-24": [ten, noon],
        "?from=2026-11-23&to=2026-11-24": [ten, noon],
        "?from=2026-11-23T12:00:00%2B05:30": [noon, late],
        "?from=2026-11-23T12:00:00+05:30": [noon, late],
        "?to=2026-11-23T06:30:00Z": [ten],
    }.items():
        assert starts(api.get(address + query)) == wanted, query


@pytest.mark.parametrize(
    "query", ["phone=pain", "contact_id=x", f"contact_id={2**64}", "from=tomorrow", "to=2026-02-30"]
)
def test_a_wrong_filter_is_refused(api: FlaskClient, clinic: Database, query: str) -> None:
    assert api.get(f"/api/v1/appointments?{query}").status_code == 422


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_pages_together_are_the_whole_list(api: FlaskClient, clinic: Database, limit: int) -> None:
    for hour in (9, 10, 11, 12):
        book(api, starts_at=f"2026-11-23T{hour:02}:00:00+05:30")
    # two at one moment, so that the id has to decide
    book(api, clinician="ravi", starts_at="2026-11-23T09:00:00+05:30")
    read: list[int] = []
    query: dict[str, Any] = {"limit": limit}
    while True:
        page = api.get("/api/v1/appointments", query_string=query).json
        read += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert len(read) == len(set(read)) == 5


def test_a_slot_that_is_only_held_is_not_listed(api: FlaskClient, clinic: Database) -> None:
    booked = book(api).json
    with clinic.transaction() as session:
        session.get(Appointment, booked["id"]).status = "held"
    assert api.get("/api/v1/appointments").json["items"] == []
