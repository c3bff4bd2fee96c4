"""Home exercises: what is answered, and what rests where it hurts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Callable, List

import pytest

from clinic.database import Database
from clinic.exercises.answers import StaleButton, adherence, answer, hurts, key_of
from clinic.exercises.programmes import change, resume
from clinic.inbound import Arrival, store_arrival
from clinic.models import Contact, Message
from tests.clinic.exercises import (
    a_programme,
    acts,
    draft,
    ended,
    first,
    occasions,
    programme,
    set_to_other_times,
)
from tests.reminding import send_due, wrote
from worker.planning import plan_ahead

Local = Callable[..., datetime]


def tap(db: Database, contact: int, number: int = 1) -> int:
    """The id of a message of theirs."""
    with db.transaction() as session:
        phone = session.get(Contact, contact).phone
        store_arrival(session, Arrival(f"wamid.tap{number}", phone=phone, kind="tap", text="Done"))
        return max(int(row[0]) for row in session.query(Message.id))


def keys(db: Database) -> List[str]:
    return [key_of(one) for one in occasions(db) if one.version]


def test_an_answer_is_kept_and_a_second_thought_replaces_it(
    clinic: Database, meena: int, local: Local
) -> None:
    send_due(clinic, local(23, 9))
    [key] = keys(clinic)
    first, second = tap(clinic, meena), tap(clinic, meena, 2)
    acts(clinic, answer, meena, key, "done", first, local(23, 9, 20))
    acts(clinic, answer, meena, key, "partly", second, local(23, 9, 30))
    kept = occasions(clinic)[0]
    assert (kept.answer, kept.answered_by) == ("partly", second)
    assert kept.answered_at == local(23, 9, 30)


@pytest.mark.parametrize("happens", [ended, set_to_other_times])
def test_a_button_of_before_is_stale(
    clinic: Database, meena: int, local: Local, happens: Any
) -> None:
    send_due(clinic, local(23, 9))
    happens(clinic, meena, local(23, 9))
    with pytest.raises(StaleButton):
        acts(clinic, answer, meena, keys(clinic)[0], "done", 1, local(23, 10))


@pytest.mark.parametrize(
    "key", ["", "1", "1:1:2026-11-23", "999999:1:2026-11-23:09:00", "1:1:x:09:00"]
)
def test_a_button_that_names_nothing_of_theirs_is_stale(
    clinic: Database, meena: int, now: datetime, key: str
) -> None:
    with pytest.raises(StaleButton):
        acts(clinic, answer, meena, key, "done", 1, now)


def test_it_hurts_pauses_until_staff_clear_it(clinic: Database, meena: int, local: Local) -> None:
    send_due(clinic, local(23, 9))
    [key] = keys(clinic)
    message = tap(clinic, meena)
    for _again in range(2):
        acts(clinic, hurts, meena, key, message, local(23, 9, 20))
    one = programme(clinic, first(clinic))
    assert (one.status, one.paused_for, one.paused_at) == ("paused", "hurts", local(23, 9, 20))
    with pytest.raises(StaleButton):
        acts(clinic, answer, meena, key, "done", message, local(23, 9, 21))
    assert send_due(clinic, local(23, 18)) == []
    acts(clinic, resume, first(clinic), meena, local(24, 8))
    wrote(clinic, meena, local(24, 8))
    assert len(send_due(clinic, local(24, 9))) == 1


@pytest.mark.parametrize("key", ["old", "gone", ""])
def test_it_hurts_counts_whatever_the_button_was_of(
    clinic: Database, meena: int, local: Local, key: str
) -> None:
    send_due(clinic, local(23, 9))
    acts(clinic, change, first(clinic), meena, draft(), "staff:1", local(23, 9))
    named = {"old": keys(clinic)[0], "gone": "999999:1:2026-11-23:09:00"}.get(key, key)
    acts(clinic, hurts, meena, named, tap(clinic, meena), local(23, 10))
    assert programme(clinic, first(clinic)).paused_for == "hurts"


def test_only_the_programme_of_who_it_hurts_rests(
    clinic: Database, meena: int, local: Local
) -> None:
    other = a_programme(clinic, meena, local(23, 8), patient="Aarav Joshi", times=["12:00"])
    send_due(clinic, local(23, 9))
    acts(clinic, hurts, meena, keys(clinic)[0], tap(clinic, meena), local(23, 9))
    assert programme(clinic, other).status == "active"


def test_adherence_counts_what_reached_the_patient(
    clinic: Database, meena: int, local: Local
) -> None:
    for day in (23, 24, 25):
        wrote(clinic, meena, local(day, 8))
        plan_ahead(clinic, local(day, 8))
        for hour in (9, 18):
            send_due(clinic, local(day, hour))
    named = keys(clinic)
    acts(clinic, answer, meena, named[0], "done", tap(clinic, meena), local(23, 9))
    acts(clinic, answer, meena, named[1], "partly", tap(clinic, meena, 2), local(23, 9))
    acts(clinic, hurts, meena, named[2], tap(clinic, meena, 3), local(23, 9))
    with clinic.reading() as session:
        counted = adherence(session, first(clinic), date(2026, 11, 23))
        later = adherence(session, first(clinic), date(2026, 11, 25))
    assert (counted.sent, counted.done, counted.partly) == (6, 1, 1)
    assert (counted.hurts, counted.unanswered) == (1, 3)
    assert (later.sent, later.unanswered) == (2, 2)
