"""Claiming: each contact's messages in order, one at a time, at a cost that does not grow."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import Any, Dict, List

import pytest
import time_machine
from sqlalchemy import event, text, update

from clinic import consent
from clinic.claiming import LEASE, claim
from clinic.crypto import new_key
from clinic.database import Database
from clinic.database import now as this_moment
from clinic.delivery import record_refused, record_sent, record_unknown
from clinic.inbound import contacts_waiting, next_received
from clinic.models import Message
from clinic.recovery import recover
from clinic.sending import begin_sending
from clinic.settings import settings
from tests.message_log import (
    RAVI,
    arrives,
    begun,
    claimed,
    contact,
    handoffs,
    messages,
    planned,
    row,
)


def test_one_message_per_contact_is_claimed_and_the_first_one(db: Database) -> None:
    asha, ravi = arrives(db), arrives(db, phone=RAVI)
    first, _, of_ravi = planned(db, asha), planned(db, asha), planned(db, ravi)

    assert claimed(db) == [first, of_ravi]
    assert claimed(db, "two") == [], "what is in flight was claimed again"


def test_the_next_goes_when_the_first_has_gone(db: Database) -> None:
    asha = arrives(db)
    first, second = planned(db, asha), planned(db, asha)
    begun(db, claimed(db))
    with db.transaction() as session:
        record_sent(session, first, "wamid.first")

    assert claimed(db) == [second]


def test_what_is_not_due_waits(db: Database) -> None:
    asha = arrives(db)
    planned(db, asha, due_at=this_moment() + timedelta(hours=1))
    now_due = planned(db, asha)

    assert claimed(db) == [now_due]


def test_longest_due_first_when_there_is_room_for_few(db: Database) -> None:
    late, early = arrives(db), arrives(db, phone=RAVI)
    planned(db, late)
    longest = planned(db, early, due_at=this_moment() - timedelta(minutes=5))

    assert claimed(db, limit=1) == [longest]


def test_a_contact_with_a_long_queue_does_not_keep_the_others_waiting(db: Database) -> None:
    asha, ravi = arrives(db), arrives(db, phone=RAVI)
    mine = [planned(db, asha) for _ in range(12)]
    of_ravi = planned(db, ravi)

    assert claimed(db, limit=2) == [mine[0], of_ravi]


def test_a_refused_reply_goes_before_what_was_planned_after_it(db: Database) -> None:
    asha = arrives(db)
    first, second = planned(db, asha), planned(db, asha)
    begun(db, claimed(db))
    with db.transaction() as session:
        record_refused(session, first, "graph 131056", timedelta(seconds=4))

    assert claimed(db) == [], "the second overtook the first"
    with time_machine.travel(this_moment() + timedelta(seconds=5)):
        assert claimed(db) == [first]
        assert [letter.message_id for letter in begun(db, [first])] == [first]
        with db.transaction() as session:
            record_sent(session, first, "wamid.first")
        assert claimed(db) == [second]


def test_an_answer_goes_before_a_crowd_of_reminders(db: Database) -> None:
    for number in range(40):
        other = arrives(db, phone=f"+9190000030{number:02}")
        planned(db, other, purpose="reminder", due_at=this_moment() - timedelta(hours=1))
    answer = planned(db, arrives(db))
    assert claimed(db, limit=1) == [answer]


def test_a_refused_reminder_does_not_hold_back_an_answer(db: Database) -> None:
    asha = arrives(db)
    with db.transaction() as session:
        consent.record(session, asha, "care", True, how="button")
    reminder = planned(db, asha, purpose="care")
    begun(db, claimed(db))
    answer = planned(db, asha)
    with db.transaction() as session:
        record_refused(session, reminder, "graph 131048", timedelta(hours=2))

    assert claimed(db) == [answer]


def test_a_refused_reply_keeps_its_place_through_a_crash(db: Database) -> None:
    asha = arrives(db)
    first = planned(db, asha)
    planned(db, asha)
    begun(db, claimed(db))
    with db.transaction() as session:
        record_refused(session, first, "graph 131000", timedelta(seconds=1))
    with time_machine.travel(this_moment() + timedelta(seconds=2)):
        assert claimed(db) == [first]
    with time_machine.travel(this_moment() + LEASE * 2):
        with db.transaction() as session:
            assert recover(session)["planned"] == 1
        with time_machine.travel(this_moment() + timedelta(seconds=1)):
            assert claimed(db, "two") == [first]


def test_an_expired_lease_still_holds_the_contact_until_it_is_recovered(db: Database) -> None:
    asha = arrives(db)
    first, _ = planned(db, asha), planned(db, asha)
    claimed(db)
    with time_machine.travel(this_moment() + LEASE * 2):
        assert claimed(db, "two") == [], "the second was claimed past the first"
        with db.transaction() as session:
            recover(session)
        assert claimed(db, "two") == [first]


def test_who_slept_through_the_lease_sends_nothing(db: Database) -> None:
    first = planned(db, arrives(db))
    ids = claimed(db)
    with time_machine.travel(this_moment() + LEASE * 2):
        assert begun(db, ids) == []
        with db.transaction() as session:
            recover(session)
        assert claimed(db, "two") == [first]
        assert begun(db, ids) == [], "another worker's claim was sent"


def test_the_lease_counts_from_now_whatever_time_a_run_pretends(db: Database) -> None:
    first = planned(db, arrives(db), due_at=this_moment() - timedelta(days=2))
    ids = claimed(db, moment=this_moment() - timedelta(days=1))
    assert ids == [first]
    assert [letter.message_id for letter in begun(db, ids)] == [first]


@pytest.mark.parametrize(
    ("make", "state", "detail", "told"),
    [
        ({"not_after": timedelta(minutes=-1)}, "skipped", "too late", False),
        ({"unreachable": True}, "skipped", "unreachable", False),
        ({"window": timedelta(hours=24)}, "failed", "window closed", True),
        ({"window": timedelta(hours=24), "purpose": "care"}, "failed", "window closed", False),
    ],
)
def test_what_may_not_go_ends_with_its_reason(
    db: Database, make: Dict[str, Any], state: str, detail: str, told: bool
) -> None:
    asha = arrives(db)
    with db.transaction() as session:
        consent.record(session, asha, "care", True, how="button")
        person = session.get(type(contact(db, asha)), asha)
        if make.get("unreachable"):
            person.unreachable_at = this_moment()
        if make.get("window"):
            person.last_inbound_at = this_moment() - make["window"]
    not_after = this_moment() + make["not_after"] if "not_after" in make else None
    message_id = planned(db, asha, not_after=not_after, purpose=make.get("purpose", "reply"))

    assert begun(db, claimed(db)) == []
    found = row(db, message_id)
    assert (found.state, found.detail, found.lease_until) == (state, detail, None)
    assert bool(handoffs(db, asha)) is told


def test_writing_again_makes_a_contact_reachable(db: Database) -> None:
    asha = arrives(db)
    with db.transaction() as session:
        session.get(type(contact(db, asha)), asha).unreachable_at = this_moment()
    arrives(db, "here I am")
    assert contact(db, asha).unreachable_at is None


def test_a_row_that_cannot_be_decrypted_does_not_stop_its_neighbours(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asha, ravi = arrives(db), arrives(db, phone=RAVI)
    unreadable, good = planned(db, asha), planned(db, ravi)
    with db.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE messages SET content = {} WHERE id = {}".format(
                "x'00'" if db.is_sqlite else "'\\x00'", unreadable
            )
        )

    assert [letter.message_id for letter in begun(db, claimed(db))] == [good]
    with db.reading() as session:
        state = session.execute(
            Message.__table__.select()
            .with_only_columns([Message.state, Message.detail])
            .where(Message.id == unreadable)
        ).one()
    assert tuple(state) == ("failed", "cannot be decrypted")
    assert [handoff.reason for handoff in handoffs(db, asha)] == ["failure"]


def test_workers_racing_never_have_two_of_one_contact_in_flight(db: Database) -> None:
    contacts = [arrives(db, phone=f"+9190000030{number:02}") for number in range(6)]
    for contact_id in contacts:
        for _ in range(4):
            planned(db, contact_id)
    order: List[int] = []
    flying: "Counter[int]" = Counter()
    guard = threading.Lock()
    crossed: List[int] = []
    problems: List[BaseException] = []

    def work(owner: str) -> None:
        try:
            idle = 0
            while idle < 20:
                with db.transaction() as session:
                    ids = claim(session, owner, 3)
                with db.transaction() as session:
                    letters = begin_sending(session, ids, owner)
                idle = 0 if letters else idle + 1
                for letter in letters:
                    with guard:
                        flying[letter.contact_id] += 1
                        if flying[letter.contact_id] > 1:
                            crossed.append(letter.contact_id)
                        order.append(letter.message_id)
                for letter in letters:
                    with guard:
                        flying[letter.contact_id] -= 1
                    with db.transaction() as session:
                        record_sent(session, letter.message_id, f"wamid.{letter.message_id}")
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(f"worker {n}",)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not problems
    assert not crossed, "two messages of one contact were on their way at once"
    assert len(order) == len(set(order)) == 24, "a message went twice, or not at all"
    for contact_id in contacts:
        mine = [m.id for m in messages(db, contact_id) if m.direction == "out"]
        assert [message_id for message_id in order if message_id in mine] == mine


def test_while_one_worker_decides_another_goes_on_with_the_rest(postgres_db: Database) -> None:
    due = [
        planned(postgres_db, arrives(postgres_db, phone=f"+9190000031{number:02}"))
        for number in range(8)
    ]
    with postgres_db.transaction() as session:
        first = claim(session, "one", 4)
        second = claimed(postgres_db, "two", 4)

    assert first == due[:4]
    assert second == due[4:], "the second worker stood idle beside a queue"


def test_the_queues_are_read_through_their_partial_indexes(db: Database) -> None:
    """Asked of the planner, not of the clock; the statements are those that the code runs."""
    ravi = arrives(db, phone=RAVI)
    with db.transaction() as session:
        session.execute(update(Message).values(state="handled"))
        session.execute(
            Message.__table__.insert(),
            [
                {
                    "contact_id": ravi,
                    "direction": "out",
                    "cause": f"old:{number}",
                    "kind": "text",
                    "author": "bot",
                    "state": "read",
                    "due_at": this_moment(),
                }
                for number in range(3000)
            ],
        )
    asha = arrives(db)
    planned(db, asha)
    with db.engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    asked: List[Any] = []

    def listen(_conn: Any, _cur: Any, statement: str, values: Any, *_rest: Any) -> None:
        if statement.lstrip().startswith("SELECT") and "FROM messages" in statement:
            asked.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", listen)
    try:
        ids = claimed(db)
        with db.transaction() as session:
            recover(session)
            assert contacts_waiting(session) == [asha]
            assert next_received(session, asha) is not None
    finally:
        event.remove(db.engine, "before_cursor_execute", listen)
    assert len(ids) == 1

    plans = [_plan(db, *question) for question in asked]
    used = " ".join(plans)
    assert "ix_messages_outbound_queue" in used, "the head of the queue is not read by its index"
    assert "ix_messages_in_flight" in used, "what is in flight is not read by its index"
    assert "ix_messages_inbound_queue" in used, "what waits is not read by its index"
    for plan in plans:
        assert "Seq Scan on messages" not in plan, plan
        assert "SCAN messages" not in plan or "USING" in plan, plan


def _plan(db: Database, statement: str, values: Any) -> str:
    explain = "EXPLAIN QUERY PLAN " if db.is_sqlite else "EXPLAIN "
    with db.engine.connect() as connection:
        found = connection.exec_driver_sql(explain + statement, values)
        return "\n".join(str(line[-1]) for line in found)


def test_what_a_dead_worker_was_sending_is_unknown_and_then_a_persons_matter(
    db: Database,
) -> None:
    asha = arrives(db)
    message_id = planned(db, asha)
    begun(db, claimed(db))
    with time_machine.travel(this_moment() + LEASE * 2) as clock:
        with db.transaction() as session:
            assert recover(session) == {"planned": 0, "unknown": 1, "told": 0}
        assert (row(db, message_id).state, row(db, message_id).detail) == ("unknown", "worker died")
        assert claimed(db) == [], "an unknown message was taken up again"
        assert handoffs(db, asha) == [], "a status may still come"
        clock.shift(180)
        with db.transaction() as session:
            assert recover(session)["told"] == 1
    assert [handoff.reason for handoff in handoffs(db, asha)] == ["failure"]
    assert row(db, message_id).state == "unknown"


def test_a_time_out_is_a_persons_matter_only_if_no_status_comes(db: Database) -> None:
    from clinic.delivery import Status, apply_status

    asha, ravi = arrives(db), arrives(db, phone=RAVI)
    silent, told = planned(db, asha), planned(db, ravi)
    begun(db, claimed(db))
    with db.transaction() as session:
        record_unknown(session, silent, "timeout")
        record_unknown(session, told, "timeout")
        assert apply_status(session, Status("wamid.told", "delivered", None, client_ref=str(told)))
    with time_machine.travel(this_moment() + timedelta(minutes=5)), db.transaction() as session:
        recover(session)
    assert [handoff.reason for handoff in handoffs(db, asha)] == ["failure"]
    assert handoffs(db, ravi) == []
    assert row(db, told).wamid == "wamid.told"


def test_a_worker_with_the_wrong_key_hands_over_what_it_cannot_read(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asha = arrives(db)
    planned(db, asha)
    monkeypatch.setenv("SANDHI_ENCRYPTION_KEYS", new_key())
    settings.cache_clear()
    assert begun(db, claimed(db)) == []
    assert [handoff.reason for handoff in handoffs(db, asha)] == ["failure"]
