"""Passing a handoff on is a compare-and-set on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Callable

import pytest

from clinic.database import Database, now
from clinic.handoff_moves import give_to, give_to_team, put_out_of_sight, snooze
from clinic.handoffs import HandoffError, claim_handoff, open_handoff, resolve_handoff
from clinic.models import Handoff
from tests.message_log import arrives, handoffs


def opened(db: Database, reason: str = "request") -> int:
    contact_id = arrives(db)
    with db.transaction() as session:
        return int(open_handoff(session, contact_id, reason).id)


def attempt(db: Database, work: Callable[..., object], *args: object) -> str:
    try:
        with db.transaction() as session:
            work(session, *args)
    except HandoffError as error:
        return error.code
    return "won"


def test_of_many_who_take_it_over_one_wins(db: Database) -> None:
    made = opened(db)
    assert attempt(db, give_to, made, "Asha") == "won"
    people = [f"Person {number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda one: attempt(db, give_to, made, one, "Asha"), people))
    assert sorted(outcomes) == ["taken"] * 7 + ["won"]
    with db.reading() as session:
        assert session.get(Handoff, made).claimed_by == people[outcomes.index("won")]


def test_a_team_has_no_owner_until_one_of_it_claims(db: Database) -> None:
    made = opened(db)
    attempt(db, give_to, made, "Asha")
    assert attempt(db, give_to_team, made, "physiotherapists", "Binu") == "taken"
    assert attempt(db, give_to_team, made, "physiotherapists", "Asha") == "won"
    with db.reading() as session:
        row = session.get(Handoff, made)
        assert (row.status, row.claimed_by, row.team) == ("open", None, "physiotherapists")
    assert attempt(db, claim_handoff, made, "Neha") == "won"
    with db.reading() as session:
        assert session.get(Handoff, made).team is None
    with db.transaction() as session, pytest.raises(ValueError, match="unknown team"):
        give_to_team(session, made, "gardeners")


def test_what_is_resolved_or_unknown_cannot_be_moved(db: Database) -> None:
    made = opened(db)
    with db.transaction() as session:
        resolve_handoff(session, made, "Asha", "called", hand_back=True)
    assert attempt(db, give_to, made, "Binu") == "resolved"
    assert attempt(db, snooze, made, None) == "resolved"
    assert attempt(db, give_to, made + 1000, "Binu") == "not_found"


def test_claiming_ends_a_snooze_and_a_red_flag_has_none(db: Database) -> None:
    made = opened(db)
    assert attempt(db, snooze, made, now() + timedelta(hours=1)) == "won"
    with db.transaction() as session, pytest.raises(ValueError, match="passed"):
        snooze(session, made, now() - timedelta(hours=1))
    assert attempt(db, claim_handoff, made, "Asha") == "won"
    with db.reading() as session:
        row = session.get(Handoff, made)
        assert row.snoozed_after is None and row.snoozed_until is None
        contact_id = int(row.contact_id)
    with db.transaction() as session:
        open_handoff(session, contact_id, "red_flag", red_flag="fall")
    assert attempt(db, snooze, made, None) == "urgent"
    with db.transaction() as session:
        put_out_of_sight(session, session.get(Handoff, made))
    assert handoffs(db, contact_id)[0].snoozed_after is not None
