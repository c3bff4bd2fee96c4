"""A pooler under which conversations could not be locked is seen at the start."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from clinic import pooling
from clinic.database import Database


def test_a_database_of_its_own_keeps_sessions(db: Database) -> None:
    assert pooling.keeps_sessions(db)


def test_what_it_tried_with_is_free_again(postgres_db: Database) -> None:
    pooling.keeps_sessions(postgres_db)
    held = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
    with postgres_db.reading() as session:
        assert session.execute(held).scalar_one() == 0


def test_one_session_for_everybody_is_seen(
    postgres_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a quiet PgBouncer in transaction mode does it: two clients, one session."""
    with postgres_db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as shared:

        class Client:
            def __enter__(self) -> Any:
                return shared

            def __exit__(self, *_error: Any) -> None:
                return None

        monkeypatch.setattr(pooling, "_connect", lambda _database: Client())
        assert not pooling.keeps_sessions(postgres_db)
