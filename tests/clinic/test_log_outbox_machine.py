"""Everything that can happen to the outbox, in any order, on both databases.

Two workers claim, send, crash and come back late; the Graph API accepts, refuses and falls
silent; statuses come early, late, twice, in any order or never. Whatever happens, a message goes
out at most once, a contact's replies go in order and one at a time, a row only moves forward, and
in the end every row says what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Optional, Set, Tuple

import time_machine
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import delete, select, update

from clinic import consent
from clinic.bubbles import Text
from clinic.claiming import LEASE, claim
from clinic.contacts import ensure_contact
from clinic.database import Database, now
from clinic.delivery import (
    Status,
    apply_status,
    record_refused,
    record_sent,
    record_unknown,
    record_unreachable,
)
from clinic.inbound import Arrival, store_arrival
from clinic.models import Contact, Handoff, Message
from clinic.outbox import plan
from clinic.recovery import recover
from clinic.sending import Letter, begin_sending
from tests.clinic import machines

FORWARD = {
    "planned": {"claimed"},
    "claimed": {"planned", "sending", "skipped", "failed"},
    "sending": {"planned", "sent", "delivered", "read", "failed", "unknown"},
    "unknown": {"sent", "delivered", "read", "failed"},
    "sent": {"delivered", "read", "failed"},
    "failed": {"delivered", "read"},
    "delivered": {"read"},
    "read": set(),
    "skipped": set(),
}
IN_FLIGHT = {"claimed", "sending"}
HOUSE = (
    *("plans", "plans", "plans a reminder", "plans a reminder", "plans for now only"),
    *("plans again", "recovers"),
)
ANSWERS = (
    "accepted",
    "refused",
    "refused for good",
    "unreachable",
    "silent, taken",
    "silent, lost",
)
WORK = (
    *("takes up", "takes up", "delivers", "delivers", "claims", "begins", "records", "records"),
    *("crashes", "hears first what became of it", *ANSWERS),
)
WORLD = (
    *(1, 6, 61, 61, 130, 25 * 3600, "patient writes", "somebody else's status"),
    *("stop or start", "stop or start", "stop or start"),
    *("sent", "delivered", "read", "played", "failed", "warming"),
)
STRANGE_REFS = (None, "", "999999", "²", "9" * 40, "-1", "our-other-program")
PHONES = ("+919000000011", "+919000000012")


@dataclass
class Worker:
    """What one worker process holds in its memory; a crash empties it."""

    name: str
    claimed: List[int] = field(default_factory=list)
    letters: List[Tuple[Letter, datetime]] = field(default_factory=list)
    answers: List[Tuple[int, str]] = field(default_factory=list)


class Outbox(RuleBasedStateMachine):
    """The outbox, two workers, and a Graph API that remembers what it took."""

    def __init__(self, db: Database) -> None:
        super().__init__()
        self.db = db
        with db.transaction() as session:
            for model in (Handoff, Message):
                session.execute(delete(model))
            # contacts stay, for what they agreed to cannot be deleted
            fresh = {"last_inbound_at": None, "unreachable_at": None, "opted_out_at": None}
            session.execute(update(Contact).values(**fresh))
        self.clock = time_machine.travel(datetime(2026, 11, 23, 3, tzinfo=timezone.utc), tick=False)
        self.time = self.clock.start()
        with db.transaction() as session:
            self.contacts = [int(ensure_contact(session, phone, None).id) for phone in PHONES]
            for contact_id in self.contacts:
                consent.record(session, contact_id, "care", True, how="button")
        self.workers = {name: Worker(name) for name in ("one", "two")}
        self.causes: Dict[str, int] = {}
        self.purposes: Dict[int, str] = {}
        self.owners: Dict[int, int] = {}
        self.taken: List[int] = []
        self.perhaps_taken: Set[int] = set()
        self.states: Dict[int, str] = {}
        self.not_after: Dict[int, datetime] = {}
        self.heard: Dict[int, datetime] = {}
        self.stopped: Set[int] = set()
        self.arrivals = 0
        for contact in range(len(PHONES)):
            self.patient_writes(contact)
            for _ in range(3):
                self.plans(contact, "reply", None)

    def teardown(self) -> None:
        try:
            self._let_everything_end()
        finally:
            self.clock.stop()

    # a few rules with many deeds, for Hypothesis leaves whole rules out of a run

    @rule(deed=st.sampled_from(HOUSE), contact=st.integers(0, 1), data=st.data())
    def the_house(self, deed: str, contact: int, data: Any) -> None:
        if deed == "plans again":
            self.plans_the_same_again(data.draw(st.sampled_from(sorted(self.causes))), contact)
        elif deed == "recovers":
            self.somebody_recovers()
        else:
            purpose = "care" if deed == "plans a reminder" else "reply"
            self.plans(contact, purpose, 30 if deed == "plans for now only" else None)

    @rule(deed=st.sampled_from(WORK), name=st.sampled_from(["one", "two"]))
    def a_worker(self, deed: str, name: str) -> None:
        if deed == "takes up":
            self.claims(name, 4)
            self.begins(name)
        elif deed == "delivers":
            self.transmits(name, "accepted")
            self.records(name)
        elif deed == "hears first what became of it":
            # brought about whole: by chance alone no status ever came before its answer
            self.claims(name, 4)
            self.begins(name)
            before = len(self.taken)
            self.transmits(name, "accepted")
            for message_id in self.taken[before:]:
                self.status_comes(message_id, "delivered")
                self.rows_only_move_forward()
            while self.workers[name].answers:
                self.records(name)
        elif deed in ANSWERS:
            self.transmits(name, deed)
        else:
            getattr(self, deed)(name)

    @rule(deed=st.sampled_from(WORLD), contact=st.integers(0, 1), data=st.data())
    def the_world(self, deed: Any, contact: int, data: Any) -> None:
        if isinstance(deed, int):
            self.time.shift(deed)
        elif deed == "patient writes":
            self.patient_writes(contact)
        elif deed == "stop or start":
            self.patient_stops_or_starts(contact)
        elif deed == "somebody else's status":
            self.somebody_elses_status_comes(data.draw(st.sampled_from(STRANGE_REFS)))
        elif self.taken:
            self.status_comes(data.draw(st.sampled_from(self.taken)), deed)

    # what the house does

    def plans(self, contact: int, purpose: str, lasts: Optional[int]) -> None:
        cause = f"cause:{len(self.causes)}"
        message_id = self._plan(contact, cause, purpose, lasts)
        assert message_id is not None
        self.causes[cause] = message_id
        self.purposes[message_id] = purpose
        self.owners[message_id] = self.contacts[contact]
        self.states[message_id] = "planned"
        if lasts:
            self.not_after[message_id] = now() + timedelta(seconds=lasts)

    def plans_the_same_again(self, cause: str, contact: int) -> None:
        assert self._plan(contact, cause, "reply", None) is None, f"{cause} was planned twice"

    def _plan(self, contact: int, cause: str, purpose: str, lasts: Optional[int]) -> Optional[int]:
        not_after = now() + timedelta(seconds=lasts) if lasts else None
        with self.db.transaction() as session:
            return plan(
                session,
                self.contacts[contact],
                Text(text="hello"),
                cause,
                purpose=purpose,
                not_after=not_after,
            )

    # what workers do

    def claims(self, name: str, limit: int = 4) -> None:
        with self.db.transaction() as session:
            ids = claim(session, name, limit)
        assert len(ids) <= limit
        self.workers[name].claimed += ids

    def begins(self, name: str) -> None:
        worker = self.workers[name]
        with self.db.transaction() as session:
            letters = begin_sending(session, worker.claimed, name)
        worker.claimed = []
        for letter in letters:
            self.may_go(letter)
        worker.letters += [(letter, now() + LEASE) for letter in letters]

    def may_go(self, letter: Letter) -> None:
        """What must be true of a letter in the moment in which it begins to be sent."""
        number, contact_id = letter.message_id, letter.contact_id
        assert now() < self.not_after.get(number, now() + LEASE), f"message {number} is too late"
        heard = self.heard[contact_id]
        assert now() < heard + timedelta(hours=24), f"message {number} went into a closed window"
        if self.purposes[number] == "care":
            assert contact_id not in self.stopped, f"message {number} went to one who said stop"

    def transmits(self, name: str, answer: str) -> None:
        worker = self.workers[name]
        # a process that slept through its lease counts as dead: see `crashes`
        worker.letters = [(letter, until) for letter, until in worker.letters if now() < until]
        if not worker.letters:
            return
        letter, _ = worker.letters.pop(0)
        assert letter.message_id not in self.perhaps_taken, "a message went out twice"
        if answer in ("accepted", "silent, taken"):
            self.taken.append(letter.message_id)
        if answer in ("accepted", "silent, taken", "silent, lost"):
            self.perhaps_taken.add(letter.message_id)
        worker.answers.append((letter.message_id, answer))

    def records(self, name: str) -> None:
        worker = self.workers[name]
        if not worker.answers:
            return
        message_id, answer = worker.answers.pop(0)
        with self.db.transaction() as session:
            if answer == "accepted":
                record_sent(session, message_id, f"wamid.{message_id}")
            elif answer == "refused":
                record_refused(session, message_id, "graph 131000", timedelta(seconds=5))
            elif answer == "refused for good":
                record_refused(session, message_id, "graph 100", None)
            elif answer == "unreachable":
                record_unreachable(session, message_id, "graph 131026")
            else:
                record_unknown(session, message_id, "timeout")

    def crashes(self, name: str) -> None:
        self.workers[name] = Worker(name)

    def somebody_recovers(self) -> None:
        with self.db.transaction() as session:
            recover(session)

    # what the world does

    def patient_writes(self, contact: int) -> None:
        self.arrivals += 1
        arrival = Arrival(
            wamid=f"wamid.in.{self.arrivals}", kind="text", phone=PHONES[contact], text="hi"
        )
        with self.db.transaction() as session:
            assert store_arrival(session, arrival) == self.contacts[contact]
        self.heard[self.contacts[contact]] = now()

    def patient_stops_or_starts(self, contact: int) -> None:
        contact_id = self.contacts[contact]
        with self.db.transaction() as session:
            if contact_id in self.stopped:
                consent.restore_all(session, contact_id, how="words")
            else:
                consent.withdraw_all(session, contact_id, how="words")
        self.stopped ^= {contact_id}

    def status_comes(self, message_id: int, what: str) -> None:
        status = Status(
            wamid=f"wamid.{message_id}",
            status=what,
            at=now(),
            client_ref=str(message_id),
            error_code=131000 if what == "failed" else None,
        )
        with self.db.transaction() as session:
            assert apply_status(session, status) is (what != "warming")

    def somebody_elses_status_comes(self, ref: Optional[str]) -> None:
        status = Status(wamid="wamid.else", status="read", at=now(), client_ref=ref)
        with self.db.transaction() as session:
            assert apply_status(session, status) is False

    # what always holds

    @invariant()
    def rows_only_move_forward(self) -> None:
        flying: Dict[int, int] = {}
        for message in self._outgoing():
            before = self.states[message.id]
            # one step of the machine may pass through several states
            assert message.state in _reachable(before), (
                f"message {message.id} went from {before} to {message.state}"
            )
            self.states[message.id] = message.state
            if message.state in IN_FLIGHT:
                flying[message.contact_id] = flying.get(message.contact_id, 0) + 1
                assert message.lease_until is not None and message.lease_owner
        assert all(count == 1 for count in flying.values()), "two in flight for one contact"

    @invariant()
    def replies_go_in_order(self) -> None:
        for contact_id in self.contacts:
            replies = [
                message_id
                for message_id in self.taken
                if self.owners[message_id] == contact_id and self.purposes[message_id] == "reply"
            ]
            assert replies == sorted(replies), f"contact {contact_id} read {replies}"

    def _outgoing(self) -> List[Any]:
        with self.db.reading() as session:
            return session.execute(
                select(Message.__table__).where(Message.direction == "out")
            ).all()

    def _ended(self) -> bool:
        return all(
            message.lease_until is None and message.state != "planned"
            for message in self._outgoing()
        )

    def _let_everything_end(self) -> None:
        """The workers die, a third one works on; nothing may be left hanging."""
        last = "last"
        self.workers[last] = Worker(last)
        for _ in range(len(self.causes) + 12):
            if self._ended():
                break
            self.time.shift(130)
            self.somebody_recovers()
            self.claims(last, 8)
            self.begins(last)
            for _ in list(self.workers[last].letters):
                self.transmits(last, "accepted")
                self.records(last)
            self.rows_only_move_forward()
        self.replies_go_in_order()
        with self.db.reading() as session:
            told = {row[0] for row in session.execute(select(Handoff.contact_id))}
        for message in self._outgoing():
            assert message.state not in {"planned", "claimed", "sending"}, (
                f"message {message.id} hangs in {message.state}"
            )
            assert message.lease_until is None and message.lease_owner is None
            if message.state in {"sent", "delivered", "read"}:
                assert message.wamid is not None and message.id in self.taken
            else:
                assert message.detail, f"message {message.id} ended {message.state}, unexplained"
            if message.state in {"failed", "unknown"} and message.purpose == "reply":
                assert message.contact_id in told, f"nobody was told of message {message.id}"


def _reachable(state: str) -> Set[str]:
    found, edge = {state}, {state}
    while edge:
        edge = {after for before in edge for after in FORWARD[before]} - found
        found |= edge
    # only a refusal that is certain, or an unused claim, leads back to the queue
    return found


def test_the_outbox_keeps_its_promises(hasty: Database) -> None:
    machines.run(lambda: Outbox(hasty), examples=50, steps=60)
