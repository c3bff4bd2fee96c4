"""Conversations that a person owns: one per contact, never less urgent, claimed by one."""

from __future__ import annotations

import itertools
import threading
from typing import Any, Callable, List

import pytest

from clinic.database import Database
from clinic.handoffs import (
    PRIORITY_OF_REASON,
    HandoffError,
    claim_handoff,
    open_handoff,
    resolve_handoff,
    unresolved_handoff,
)
from clinic.models import Tracker
from clinic.models.handoff import PRIORITIES, REASONS
from tests.message_log import arrives, handoffs


def opened(db: Database, contact_id: int, reason: str, red_flag: Any = None) -> Any:
    with db.transaction() as session:
        return open_handoff(session, contact_id, reason, "message:1", red_flag)


def at_once(*jobs: Callable[[], Any]) -> List[Any]:
    """What each job returned or raised, all started together."""
    results: List[Any] = []
    gate = threading.Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> None:
        gate.wait(10)
        try:
            results.append(job())
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize(("first", "second"), itertools.product(REASONS, REASONS))
def test_a_second_reason_only_raises_the_priority(
    sqlite_db: Database, first: str, second: str
) -> None:
    asha = arrives(sqlite_db)
    opened(sqlite_db, asha, first)
    opened(sqlite_db, asha, second)
    [only] = handoffs(sqlite_db, asha)
    wanted = min((PRIORITY_OF_REASON[reason] for reason in (first, second)), key=PRIORITIES.index)
    assert only.priority == wanted
    assert PRIORITY_OF_REASON[only.reason] == wanted


def test_the_first_red_flag_is_kept(db: Database) -> None:
    asha = arrives(db)
    opened(db, asha, "red_flag", "stroke")
    opened(db, asha, "red_flag", "fracture")
    assert handoffs(db, asha)[0].red_flag == "stroke"


def test_a_reason_has_to_be_known(db: Database) -> None:
    asha = arrives(db)
    with pytest.raises(ValueError, match="bored"):
        opened(db, asha, "bored")
    assert handoffs(db, asha) == []


def test_many_that_open_at_once_open_one_as_urgent_as_the_most_urgent(db: Database) -> None:
    asha = arrives(db)
    reasons = ["request", "red_flag", "unsure", "clinical", "media", "request", "failure", "unsure"]
    results = at_once(*(lambda reason=reason: opened(db, asha, reason) for reason in reasons))
    assert not [result for result in results if isinstance(result, Exception)]
    [only] = handoffs(db, asha)
    assert only.priority == "urgent"


def test_an_urgent_handoff_is_not_lowered_by_one_that_looked_before(postgres_db: Database) -> None:
    db = postgres_db
    asha = arrives(db)
    opened(db, asha, "request")
    with db.session() as late:
        seen = unresolved_handoff(late, asha)
        assert seen is not None
        assert seen.priority == "normal"
        opened(db, asha, "red_flag", "stroke")
        open_handoff(late, asha, "clinical")
        late.commit()
    [only] = handoffs(db, asha)
    assert (only.priority, only.red_flag) == ("urgent", "stroke")


def test_opening_while_it_is_resolved_never_fails_and_never_loses_it(db: Database) -> None:
    """Whoever comes second: an unresolved handoff stands in the end, or it was resolved after."""
    for number in range(6):
        asha = arrives(db, phone=f"+91900000005{number}")
        first = opened(db, asha, "request")

        def resolve(handoff_id: int = int(first.id)) -> None:
            with db.transaction() as session:
                resolve_handoff(session, handoff_id, "Meera", "answered", hand_back=True)

        results = at_once(
            resolve,
            lambda asha=asha: opened(db, asha, "red_flag", "stroke"),
            lambda asha=asha: opened(db, asha, "clinical"),
        )
        assert not [result for result in results if isinstance(result, Exception)], results
        rows = handoffs(db, asha)
        assert len([h for h in rows if h.status != "resolved"]) <= 1
        assert any(h.red_flag == "stroke" for h in rows), "the red flag was lost"


def test_of_two_who_claim_one_wins_and_the_other_hears_of_it(db: Database) -> None:
    handoff = opened(db, arrives(db), "request")

    def claim(staff: str) -> str:
        with db.transaction() as session:
            return str(claim_handoff(session, handoff.id, staff).claimed_by)

    results = at_once(*(lambda name=name: claim(name) for name in ("Meera", "Imran", "Leela")))
    winners = [result for result in results if isinstance(result, str)]
    losers = [result.code for result in results if isinstance(result, HandoffError)]
    assert len(winners) == 1
    assert losers == ["taken", "taken"]
    with db.transaction() as session:
        # asking again changes nothing
        assert claim_handoff(session, handoff.id, winners[0]).claimed_by == winners[0]


def test_a_handoff_is_resolved_once_and_the_bot_begins_afresh(db: Database) -> None:
    asha = arrives(db)
    handoff = opened(db, asha, "clinical")
    with db.transaction() as session:
        session.add(Tracker(sender_id=str(asha), events=[]))
    with db.transaction() as session:
        done = resolve_handoff(session, handoff.id, "Meera", "booked", hand_back=True)
        assert (done.status, done.resolved_by, done.outcome) == ("resolved", "Meera", "booked")
    with db.transaction() as session:
        assert unresolved_handoff(session, asha) is None
        assert session.get(Tracker, str(asha)) is None
        for act in (
            lambda: resolve_handoff(session, handoff.id, "Imran", "answered", hand_back=True),
            lambda: resolve_handoff(session, handoff.id, "Imran", "answered", hand_back=False),
            lambda: claim_handoff(session, handoff.id, "Imran"),
        ):
            with pytest.raises(HandoffError) as refused:
                act()
            assert refused.value.code == "resolved"


def test_without_handing_back_the_bot_stays_mute(db: Database) -> None:
    asha = arrives(db)
    handoff = opened(db, asha, "clinical")
    with db.transaction() as session:
        noted = resolve_handoff(session, handoff.id, "Meera", "called", hand_back=False)
        assert noted.outcome == "called"
    with db.reading() as session:
        assert unresolved_handoff(session, asha) is not None


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda s: claim_handoff(s, 424242, "Meera"), "not_found"),
        (lambda s: resolve_handoff(s, 424242, "Meera", "answered", True), "not_found"),
        (lambda s: resolve_handoff(s, 424242, "Meera", "bored", True), "outcome"),
    ],
)
def test_what_cannot_be_says_why(db: Database, act: Callable[[Any], Any], code: str) -> None:
    with db.transaction() as session, pytest.raises(HandoffError) as refused:
        act(session)
    assert refused.value.code == code


def test_a_new_handoff_can_follow_a_resolved_one(db: Database) -> None:
    asha = arrives(db)
    first = opened(db, asha, "clinical")
    with db.transaction() as session:
        resolve_handoff(session, first.id, "Meera", "answered", hand_back=True)
    second = opened(db, asha, "request")
    assert second.id != first.id
    assert [h.status for h in handoffs(db, asha)] == ["resolved", "open"]
