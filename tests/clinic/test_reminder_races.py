"""Races that reminders must not lose: real threads and processes, on both databases."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time
from typing import Any, Callable, Dict, List

import pytest
from sqlalchemy import select

from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.models import Appointment, Contact, Message
from clinic.scheduling.booking import book, cancel, reschedule
from clinic.scheduling.grid import Slot
from clinic.sending import Letter
from clinic.settings import settings
from tests.house import ROOT
from tests.reminding import begun, claimed, waiting, wrote

Local = Callable[..., datetime]
PARALLEL = 50
ROUNDS = 12
_NUMBERS = itertools.count(1)

BOOKS = """
import json, sys, threading
from datetime import datetime
from clinic.database import Database
from clinic.scheduling.booking import book
from clinic.scheduling.errors import SlotTaken
from clinic.scheduling.grid import Slot

url, key, now, contacts = json.loads(sys.argv[1])
db, now, outcomes = Database(url, pool_size=12), datetime.fromisoformat(now), []
def wants(contact):
    go.wait()
    try:
        with db.transaction() as session:
            book(session, Slot.from_key(key), contact, "Mira", f"race:{contact}", now=now)
        outcomes.append("booked")
    except SlotTaken:
        outcomes.append("taken")
go = threading.Event()
threads = [threading.Thread(target=wants, args=(contact,)) for contact in contacts]
for each in threads: each.start()
print("ready", flush=True)
sys.stdin.readline()
go.set()
for each in threads: each.join()
print(json.dumps(outcomes), flush=True)
"""


def _environment() -> Dict[str, str]:
    known = settings()
    keys = {
        "SANDHI_ENCRYPTION_KEYS": known.encryption_keys,
        "SANDHI_SECRET_KEY": known.secret_key,
    }
    return {**os.environ, **keys, "PYTHONPATH": str(ROOT)}


def _url(db: Database) -> str:
    return db.url.render_as_string(hide_password=False)


def test_of_fifty_bookings_from_five_processes_one_wins_and_is_reminded_of(
    clinic: Database, slot_at: Any, now: datetime
) -> None:
    with clinic.transaction() as session:
        contacts = [
            int(ensure_contact(session, f"+9190000020{number:02}", None).id)
            for number in range(PARALLEL)
        ]
    slot: Slot = slot_at(25, time(10))
    processes = []
    for begin in range(0, PARALLEL, 10):
        order = [_url(clinic), slot.key, now.isoformat(), contacts[begin : begin + 10]]
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", BOOKS, json.dumps(order)],
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    outcomes: List[str] = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        said, _ = process.communicate(timeout=60)
        outcomes += json.loads(said)
    assert sorted(outcomes) == ["booked"] + ["taken"] * (PARALLEL - 1)
    with clinic.reading() as session:
        [appointment] = session.execute(select(Appointment)).scalars()
    causes = {f"appointment:{appointment.id}:{kind}:1" for kind in ("day", "hour")}
    assert set(waiting(clinic)) == causes


def _at_once(*works: Callable[[], Any]) -> List[Any]:
    start = threading.Barrier(len(works))

    def one(work: Callable[[], Any]) -> Any:
        start.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(one, work) for work in works]]


def _message(db: Database, cause: str) -> Any:
    with db.reading() as session:
        return session.execute(select(Message).where(Message.cause == cause)).scalar_one()


@pytest.fixture
def decide(clinic: Database) -> Callable[[datetime], Callable[[], List[Letter]]]:
    """`decide(moment)`: a worker's work, claiming and beginning in two transactions."""

    def work(moment: datetime) -> Callable[[], List[Letter]]:
        name = f"worker {next(_NUMBERS)}"
        return lambda: begun(clinic, claimed(clinic, moment, name), moment, name)

    return work


def test_a_move_against_a_claim_has_one_winner(
    clinic: Database, patient: Any, slot_at: Any, local: Local, decide: Any
) -> None:
    for number in range(ROUNDS):
        visit, message = _due(clinic, patient(number), slot_at, local, number)

        def moves(number: int = number, visit: Any = visit) -> None:
            with clinic.transaction() as session:
                to = slot_at(30, time(9))
                reschedule(session, visit.appointment_id, None, to, f"m{number}", now=local(27, 7))

        letters = _at_once(decide(local(27, 8)), decide(local(27, 8)), moves)
        gone = [letter.message_id for found in letters[:2] for letter in found]
        assert gone.count(message.id) <= 1, "two workers began the same reminder"
        # either a worker decided first, or the move did
        after = _message(clinic, message.cause)
        assert after.state == ("sending" if gone else "cancelled"), after.detail
        later = begun(clinic, claimed(clinic, local(27, 8), "later"), local(27, 8), "later")
        assert message.id not in [letter.message_id for letter in later]
        _over(clinic, visit, local)


def test_a_withdrawal_against_a_claim_is_never_overtaken(
    clinic: Database, patient: Any, slot_at: Any, local: Local, decide: Any
) -> None:
    for number in range(ROUNDS):
        visit, message = _due(clinic, patient(number), slot_at, local, number)

        def withdraws(contact_id: int = patient(number), known: int = message.id) -> str:
            with clinic.transaction() as session:
                contact = session.get(Contact, contact_id, with_for_update=True)
                assert contact is not None
                contact.opted_out_at = local(27, 8)
                session.flush()
                # locked: whoever decides from here on waits for this, and then sees it
                state = select(Message.state).where(Message.id == known)
                return str(session.execute(state).scalar_one())

        *letters, state = _at_once(decide(local(27, 8)), decide(local(27, 8)), withdraws)
        gone = [letter.message_id for found in letters for letter in found]
        assert gone.count(message.id) <= 1
        if state != "sending":
            assert message.id not in gone, "a reminder was begun after the withdrawal"
        _over(clinic, visit, local)


def _due(db: Database, contact_id: int, slot_at: Any, local: Local, number: int) -> Any:
    """A visit on Friday at 9:00 whose hour-before is due at 8:00, and that message."""
    wrote(db, contact_id, local(27, 7))
    with db.transaction() as session:
        slot = slot_at(27, time(9))
        visit = book(session, slot, contact_id, "Mira", f"b{number}", now=local(27, 7))
    return visit, _message(db, f"appointment:{visit.appointment_id}:hour:1")


def _over(db: Database, visit: Any, local: Local) -> None:
    """The visit is cancelled, so that its slot serves the next round."""
    with db.transaction() as session:
        cause = f"over:{visit.appointment_id}"
        cancel(session, visit.appointment_id, None, "staff", None, cause, now=local(27, 7))
