"""Looking at what a worker would do: told truly, and nothing done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, List

import pytest
from sqlalchemy import select

from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.database import now as this_moment
from clinic.models import Message
from clinic.profile import Profile
from clinic.setup import write_profile
from tests.message_log import arrives, messages, planned
from worker.dry_run import foresee


@pytest.fixture
def told(db: Database, demo_profile: Profile) -> Any:
    """`told(hours)`: what would happen in so many hours, outcomes by message id."""
    write_profile(db, demo_profile)

    def look(hours: int = 0) -> Any:
        found = foresee(db, this_moment() + timedelta(hours=hours), None)
        return {one.message_id: (one.outcome, one.by or one.reason) for one in found}

    return look


def _rows(db: Database) -> List[Any]:
    with db.reading() as session:
        return session.execute(select(Message.__table__)).all()


def test_it_says_what_would_go_and_why_the_rest_would_not(db: Database, told: Any) -> None:
    asha = arrives(db)
    first, second = planned(db, asha), planned(db, asha)
    with db.transaction() as session:
        silent = int(ensure_contact(session, "+919000000077", None).id)
    closed = planned(db, silent)
    late = planned(db, silent, not_after=this_moment() - timedelta(hours=1))
    tomorrow = planned(db, asha, due_at=this_moment() + timedelta(hours=5))
    before = _rows(db)
    found = told()
    assert found[first] == found[second] == ("sent", "text")
    assert found[closed] == ("failed", "window closed")
    assert found[late] == ("skipped", "too late")
    assert tomorrow not in found
    assert told(6)[tomorrow] == ("sent", "text")
    assert _rows(db) == before, "looking changed something"
    assert len(messages(db)) == 6
