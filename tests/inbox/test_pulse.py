"""Open pages ask for news all the time; nothing is read for that unless something was written."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Callable, Iterator, List

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, update
from sqlalchemy.exc import SQLAlchemyError

from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.handoffs import claim_handoff
from clinic.models import Handoff
from clinic.pulse import Pulse
from clinic.staff import find, set_active

Make = Callable[..., int]


@pytest.fixture(params=["sqlite", "postgres"])
def any_db(request: pytest.FixtureRequest) -> Database:
    """A database of each engine."""
    return request.getfixturevalue({"sqlite": "db", "postgres": "postgres_db"}[request.param])


def write(db: Database, number: int) -> None:
    with db.transaction() as session:
        ensure_contact(session, f"+9190000{number:05}", None)


class TestBeat:
    def test_is_the_same_while_nothing_is_written(self, any_db: Database) -> None:
        pulse = Pulse(any_db, keep_seconds=0)
        first = pulse.beat()
        with any_db.reading() as session:
            session.connection()
        assert pulse.beat() == first

    def test_differs_after_every_commit(self, any_db: Database) -> None:
        pulse = Pulse(any_db, keep_seconds=0)
        beats = [pulse.beat()]
        for number in range(5):
            write(any_db, number)
            beats.append(pulse.beat())
        assert len(set(beats)) == 6

    def test_differs_by_what_another_process_writes(self, any_db: Database) -> None:
        pulse = Pulse(any_db, keep_seconds=0)
        first = pulse.beat()
        elsewhere = Database(any_db.url.render_as_string(hide_password=False))
        write(elsewhere, 7)
        elsewhere.dispose()
        assert pulse.beat() != first

    def test_outlives_a_connection_that_broke(self, any_db: Database) -> None:
        pulse = Pulse(any_db, keep_seconds=0)
        first = pulse.beat()
        assert pulse._connection is not None
        pulse._connection.connection.dbapi_connection.close()
        write(any_db, 9)
        assert pulse.beat() not in (first, None)

    def test_of_a_database_that_is_away_is_an_error(
        self, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pulse = Pulse(db, keep_seconds=0)

        def away() -> Any:
            raise SQLAlchemyError("away")

        monkeypatch.setattr(db.engine, "connect", away)
        with pytest.raises(SQLAlchemyError):
            pulse.beat()
        monkeypatch.undo()
        assert pulse.beat() is not None


class TestSame:
    def test_works_once_until_something_is_written(self, any_db: Database) -> None:
        pulse, worked = Pulse(any_db, keep_seconds=0), []

        def work() -> int:
            worked.append(1)
            return len(worked)

        with time_machine.travel("2026-11-23 09:00Z", tick=False):
            assert [pulse.same("key", work) for _ in range(3)] == [1, 1, 1]
            write(any_db, 11)
            assert [pulse.same("key", work) for _ in range(2)] == [2, 2]
            assert pulse.same("other", work) == 3

    def test_works_again_after_a_while(self, db: Database) -> None:
        # at ticks of the clock that are the same for everything
        pulse = Pulse(db, keep_seconds=0)
        with time_machine.travel("2026-11-23 09:00Z", tick=False) as clock:
            assert pulse.same("key", lambda: "before") == "before"
            clock.shift(9)
            assert pulse.same("key", lambda: "after") == "before"
            clock.shift(2)
            assert pulse.same("key", lambda: "after") == "after"

    def test_sees_what_is_written_while_it_works(self, db: Database) -> None:
        pulse = Pulse(db, keep_seconds=0)

        def work() -> str:
            write(db, 13)
            return "half-way"

        pulse.same("key", work)
        assert pulse.same("key", lambda: "whole") == "whole"


@pytest.fixture
def statements(app: Flask, db: Database) -> Iterator[List[str]]:
    """What is asked of the database, less the pulse itself."""
    asked: List[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "data_version" not in statement:
            asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield asked
    event.remove(db.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("page", ["/live/queue", "/live/conversations/{}", "/live/bell"])
def test_a_page_without_news_costs_no_query(
    asha: FlaskClient, patient: Make, handoff: Make, statements: List[str], page: str
) -> None:
    contact = patient()
    handoff("request", contact_id=contact)
    address = page.format(contact)
    with time_machine.travel(datetime.now(timezone.utc), tick=False):
        version = asha.get(address).json["version"]
        asking = f"{address}?version={version}"
        first = asha.get(asking).json
        statements.clear()
        for _ in range(3):
            assert asha.get(asking).json == first
    assert statements == []


def test_news_come_at_once(asha: FlaskClient, db: Database, patient: Make, handoff: Make) -> None:
    contact = patient()
    number = handoff("request", contact_id=contact)
    for address in ("/live/queue?view=all", f"/live/conversations/{contact}?x="):
        version = asha.get(address).json["version"]
        asking = f"{address}&version={version}"
        assert asha.get(asking).json["version"] == version
        with db.transaction() as session:
            claim_handoff(session, number, f"Somebody at {address}"[:20])
        news = asha.get(asking).json
        assert news["version"] != version and set(news) > {"version", "bell"}
        with db.transaction() as session:
            session.execute(update(Handoff).values(status="open", claimed_by=None))


def test_an_account_that_is_shut_is_out_at_once(asha: FlaskClient, db: Database) -> None:
    assert asha.get("/live/bell").status_code == 200
    with db.transaction() as session:
        row = find(session, "asha@clinic.example")
        assert row is not None
        set_active(session, row, False, by="cli")
    assert asha.get("/live/bell").status_code == 401
