"""What follows an answer, and what a turn with a handoff leaves for later."""

from __future__ import annotations

from typing import Any, List, Optional

import pytest

from clinic.afterwords import Afterwords
from clinic.bubbles import Text
from clinic.database import Database
from clinic.guardians import guardian_of
from clinic.handoffs import resolve_handoff, unresolved_handoff
from clinic.turns import TurnResult, commit_turn
from tests.message_log import arrives, messages

WORDS = Afterwords("en", "2026-11", Text(text="the notice"), Text(text="who decides?"))


def takes_a_turn(db: Database, contact_id: int, **parts: Any) -> List[Optional[str]]:
    """A waiting message is answered; what has been said to this contact so far."""
    waiting = next(m for m in messages(db, contact_id) if m.state == "received")
    result = TurnResult(waiting.id, contact_id, [Text(text="an answer")], afterwords=WORDS, **parts)
    with db.transaction() as session:
        commit_turn(session, result)
    return [m.text for m in messages(db, contact_id) if m.direction == "out"]


def is_handed_back(db: Database, contact_id: int) -> None:
    with db.transaction() as session:
        handoff = unresolved_handoff(session, contact_id)
        assert handoff is not None
        resolve_handoff(session, handoff.id, "Neha", "answered", hand_back=True)


@pytest.mark.parametrize("reason", ["clinical", "red_flag", "request", "unsure", "failure"])
def test_a_handoff_puts_everything_off(db: Database, reason: str) -> None:
    asha = arrives(db)
    assert takes_a_turn(db, asha, handoff=reason, age=9) == ["an answer"]
    with db.reading() as session:
        assert guardian_of(session, asha).state == "suspected", "the age was not kept"
    is_handed_back(db, asha)
    arrives(db, "thanks")
    assert takes_a_turn(db, asha)[1:] == ["an answer", "who decides?"]
    arrives(db, "fine")
    assert takes_a_turn(db, asha)[3:] == ["an answer", "the notice"]
    arrives(db, "bye")
    assert takes_a_turn(db, asha)[5:] == ["an answer"]


def test_a_turn_that_says_nothing_brings_no_notice(db: Database) -> None:
    asha = arrives(db)
    with db.transaction() as session:
        waiting = messages(db, asha)[0].id
        commit_turn(session, TurnResult(waiting, asha, [], afterwords=WORDS))
    assert len(messages(db, asha)) == 1


def test_an_age_of_a_grown_up_asks_nobody(db: Database) -> None:
    asha = arrives(db)
    assert takes_a_turn(db, asha, age=70) == ["an answer", "the notice"]
