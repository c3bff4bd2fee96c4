"""Draining the outbox: order, pace, crashes of a sender, and what `--once` reports."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any, Callable, Dict, List

import pytest
from sqlalchemy.exc import OperationalError

from clinic.database import Database
from clinic.database import now as this_moment
from clinic.delivery import Report
from clinic.inbound import store_dead_letter
from clinic.models import DeadLetter
from clinic.sending import Letter
from tests.message_log import arrives, claimed, planned, row
from worker.loop import chores, run_forever, run_once
from worker.sending import Outbox, Pace


class FakeSender:
    """Takes every letter; keeps who was being sent to at the same time."""

    def __init__(self, db: Database, seconds: float = 0.0) -> None:
        self.db = db
        self.seconds = seconds
        self.sent: List[int] = []
        self.flying: Dict[int, int] = {}
        self.most_of_one = 0
        self.most_at_once = 0
        self._guard = threading.Lock()

    def send(self, letter: Letter) -> Report:
        with self._guard:
            self.sent.append(letter.message_id)
            self.flying[letter.contact_id] = self.flying.get(letter.contact_id, 0) + 1
            self.most_of_one = max(self.most_of_one, self.flying[letter.contact_id])
            self.most_at_once = max(self.most_at_once, sum(self.flying.values()))
        time.sleep(self.seconds)
        with self._guard:
            self.flying[letter.contact_id] -= 1
        return Report(letter.message_id, wamid=f"wamid.{letter.message_id}")


@pytest.fixture
def outbox(sqlite_db: Database) -> Any:
    """`outbox(sender)`: one that is closed after the test."""
    opened: List[Outbox] = []

    def make(sender: Any, **options: Any) -> Outbox:
        opened.append(Outbox(sqlite_db, sender, **{"per_second": 1000.0, **options}))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def test_everything_due_goes_once_and_each_contacts_in_order(
    sqlite_db: Database, outbox: Callable[..., Outbox]
) -> None:
    contacts = [arrives(sqlite_db, phone=f"+9190000060{number:02}") for number in range(5)]
    mine: Dict[int, List[int]] = {contact_id: [] for contact_id in contacts}
    for _ in range(4):
        for contact_id in contacts:
            mine[contact_id].append(planned(sqlite_db, contact_id))
    sender = FakeSender(sqlite_db, 0.01)

    assert outbox(sender).drain() == 20
    assert sorted(sender.sent) == sorted(each for ids in mine.values() for each in ids)
    for ids in mine.values():
        assert [message_id for message_id in sender.sent if message_id in ids] == ids
    assert sender.most_of_one == 1
    assert sender.most_at_once > 1, "contacts were not served beside each other"
    assert all(row(sqlite_db, message_id).state == "sent" for message_id in sender.sent)


@pytest.mark.parametrize("count", [0, 1, 40])
def test_draining_counts_what_it_took_up(
    sqlite_db: Database, outbox: Callable[..., Outbox], count: int
) -> None:
    for number in range(count):
        planned(sqlite_db, arrives(sqlite_db, phone=f"+9190000070{number:02}"))
    box = outbox(FakeSender(sqlite_db, 0.002), threads=3)
    assert box.drain() == count
    assert box.drain() == 0


def test_what_is_due_at_another_time_goes_with_as_of(
    sqlite_db: Database, outbox: Callable[..., Outbox]
) -> None:
    asha = arrives(sqlite_db)
    planned(sqlite_db, asha, due_at=this_moment() + timedelta(hours=5))
    sender = FakeSender(sqlite_db)
    box = outbox(sender)
    assert run_once(sqlite_db, box) == 0
    assert run_once(sqlite_db, box, this_moment() + timedelta(hours=6)) == 1
    assert len(sender.sent) == 1


def test_pretending_another_time_takes_nothing_from_a_living_worker(
    sqlite_db: Database, outbox: Callable[..., Outbox]
) -> None:
    first = planned(sqlite_db, arrives(sqlite_db))
    assert claimed(sqlite_db, "a living worker") == [first]
    chores(sqlite_db, this_moment() + timedelta(days=1))
    assert row(sqlite_db, first).state == "claimed"
    assert row(sqlite_db, first).lease_owner == "a living worker"


def test_a_sender_that_fails_costs_only_its_own_letter(
    sqlite_db: Database, outbox: Callable[..., Outbox], logs: Any
) -> None:
    bad = planned(sqlite_db, arrives(sqlite_db), "secret words")
    good = planned(sqlite_db, arrives(sqlite_db, phone="+919000000088"))

    class Failing(FakeSender):
        def send(self, letter: Letter) -> Report:
            if letter.message_id == bad:
                raise RuntimeError("secret words")
            return super().send(letter)

    outbox(Failing(sqlite_db)).drain()
    assert row(sqlite_db, good).state == "sent"
    # it may have gone: it is never sent again, and its lease tells staff in the end
    assert row(sqlite_db, bad).state == "sending"
    assert f"outcome not known message={bad} exception=RuntimeError" in logs.getvalue()
    assert "secret words" not in logs.getvalue()


def test_a_refused_letter_is_not_sent_in_a_loop(
    sqlite_db: Database, outbox: Callable[..., Outbox]
) -> None:
    planned(sqlite_db, arrives(sqlite_db))
    tries: List[int] = []

    class Refusing(FakeSender):
        def send(self, letter: Letter) -> Report:
            tries.append(letter.attempts)
            return Report(letter.message_id, detail="graph 131000", retry_in=timedelta(seconds=30))

    assert outbox(Refusing(sqlite_db)).drain() == 1
    assert tries == [1]


def test_what_waited_too_long_behind_slow_ones_is_planned_again(
    sqlite_db: Database, outbox: Callable[..., Outbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.sending.BEGIN_WITHIN_SECONDS", 0.05)
    ids = [planned(sqlite_db, arrives(sqlite_db, phone=f"+9190000080{n:02}")) for n in range(4)]
    sender = FakeSender(sqlite_db, 0.1)
    outbox(sender, threads=1).drain()
    assert sorted(sender.sent) == ids, "each went once, in the end"
    assert max(row(sqlite_db, message_id).attempts for message_id in ids) > 1


@pytest.mark.parametrize("threads", [1, 4])
def test_the_pace_of_a_number_is_kept_by_all_threads_together(threads: int) -> None:
    pace = Pace(per_second=50)
    moments: List[float] = []

    def send() -> None:
        for _ in range(20 // threads):
            pace.wait()
            moments.append(time.monotonic())

    workers = [threading.Thread(target=send) for _ in range(threads)]
    began = time.monotonic()
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert max(moments) - began >= 19 / 50


def test_an_idle_time_is_not_saved_up_for_a_burst() -> None:
    pace = Pace(per_second=50)
    pace.wait()
    time.sleep(0.2)
    began = time.monotonic()
    for _ in range(6):
        pace.wait()
    assert time.monotonic() - began >= 5 / 50


def test_working_on_until_told_to_stop(sqlite_db: Database, outbox: Callable[..., Outbox]) -> None:
    sender = FakeSender(sqlite_db, 0.3)
    stopping = threading.Event()
    worker = threading.Thread(target=run_forever, args=(sqlite_db, outbox(sender), stopping))
    worker.start()
    message_id = planned(sqlite_db, arrives(sqlite_db))
    for _ in range(400):
        if sender.sent:
            break
        time.sleep(0.01)
    stopping.set()
    worker.join(10)
    assert not worker.is_alive()
    assert row(sqlite_db, message_id).state == "sent", "the worker left before the answer came"


def test_a_database_that_does_not_answer_is_asked_again(
    sqlite_db: Database, outbox: Callable[..., Outbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = planned(sqlite_db, arrives(sqlite_db))
    sender = FakeSender(sqlite_db)
    box = outbox(sender)
    real, failures = box.step, [2]

    def step(moment: Any = None) -> int:
        if failures[0]:
            failures[0] -= 1
            raise OperationalError("SELECT", {}, Exception("away"))
        return real(moment)

    monkeypatch.setattr(box, "step", step)
    stopping = threading.Event()
    worker = threading.Thread(target=run_forever, args=(sqlite_db, box, stopping))
    worker.start()
    for _ in range(800):
        if row(sqlite_db, message_id).state == "sent":
            break
        time.sleep(0.01)
    stopping.set()
    worker.join(15)
    assert row(sqlite_db, message_id).state == "sent"


def test_a_worker_that_is_stopped_lets_one_letter_a_thread_end(
    sqlite_db: Database, outbox: Callable[..., Outbox]
) -> None:
    """A slow Graph must not keep it beyond the supervisor's patience, nor lose a letter."""
    ids = [planned(sqlite_db, arrives(sqlite_db, phone=f"+9190000010{n:02}")) for n in range(12)]
    sender = FakeSender(sqlite_db, seconds=0.4)
    stopping = outbox(sender, threads=2)
    stopping.step()
    stopping.close()
    states = [row(sqlite_db, number).state for number in ids]
    assert sorted(set(states)) == ["planned", "sent"]
    assert states.count("sent") == len(sender.sent) <= 4
    outbox(sender, threads=12).drain()
    assert [row(sqlite_db, number).state for number in ids] == ["sent"] * 12
    assert sorted(sender.sent) == sorted(ids), "each once"


def test_a_run_lets_go_of_what_had_its_time(
    sqlite_db: Database, outbox: Callable[..., Outbox]
) -> None:
    with sqlite_db.transaction() as session:
        store_dead_letter(session, "no sender", {"n": 1})
    run_once(sqlite_db, outbox(FakeSender(sqlite_db)))
    with sqlite_db.reading() as session:
        assert session.query(DeadLetter).count() == 1
    run_once(sqlite_db, outbox(FakeSender(sqlite_db)), this_moment() + timedelta(days=31))
    with sqlite_db.reading() as session:
        assert session.query(DeadLetter).count() == 0
