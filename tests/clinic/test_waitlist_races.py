"""Two never both win: threads that race for offers, and random histories of the waitlist."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier
from typing import Any, Callable, Dict, Iterator, List

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.decision import UNWRITTEN
from clinic.models import Appointment, Contact, Message, SlotOffer, WaitingPatient
from clinic.profile import Profile
from clinic.scheduling.booking import book, cancel, expire_holds
from clinic.scheduling.errors import OfferOver, SchedulingError
from clinic.scheduling.grid import Slot
from clinic.scheduling.slots import free_slots
from clinic.setup import write_profile
from clinic.texts import domain_texts
from clinic.waitlist import Wanted, accept, decline, join, leave
from clinic.waitlist_offers import offer_freed_slots
from tests.clinic.conftest import PUNE
from tests.clinic.test_booking_races import assert_sound
from tests.emptying import empty

Ids = Callable[[int], int]
FRIDAY = date(2026, 11, 27)
_causes = itertools.count()


def waits(db: Database, contact: int, now: datetime) -> None:
    with db.transaction() as session:
        session.get(Contact, contact).last_inbound_at = now
        join(session, contact, Wanted("session", FRIDAY, FRIDAY), now)


def fills(db: Database, contact: int, now: datetime) -> List[int]:
    """Book Friday full; the visits."""
    with db.transaction() as session:
        found = []
        while slots := free_slots(
            session, service="session", start=FRIDAY, end=FRIDAY, limit=1, now=now
        ):
            cause = f"fill:{next(_causes)}"
            found.append(book(session, slots[0], contact, "Y", cause, now=now).appointment_id)
        return found


def at_once(*works: Callable[[], Any]) -> List[Any]:
    """Run all of these at the same time; what each returned, or the refusal it met."""
    start = Barrier(len(works))

    def one(work: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return work()
        except SchedulingError as refusal:
            return refusal

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(one, works))


def rounds(db: Database, now: datetime) -> List[int]:
    with db.transaction() as session:
        return offer_freed_slots(session, now, domain_texts())


def test_many_rounds_at_once_make_each_offer_once(
    clinic: Database, patient: Ids, now: datetime
) -> None:
    visits = fills(clinic, patient(19), now)
    for number in range(6):
        waits(clinic, patient(number), now)
    with clinic.transaction() as session:
        for visit in visits[:3]:
            cancel(session, visit, None, "staff:x", None, f"c:{visit}", now=now)
    made = at_once(*[lambda: rounds(clinic, now)] * 8)
    # a round that met another's rows passed them over; the next takes what is left
    rounds(clinic, now)
    with clinic.reading() as session:
        offers = session.execute(select(SlotOffer)).scalars().all()
        assert len(offers) == 3 and len({offer.slot_key for offer in offers}) == 3, made
        assert len({offer.waiting_id for offer in offers}) == 3
        asked = select(Message.id).where(Message.kind.not_in(UNWRITTEN))
        assert len(session.execute(asked).all()) == 3
    assert_sound(clinic)


def test_a_yes_against_the_end_of_the_offer_has_one_winner(
    clinic: Database, patient: Ids, now: datetime
) -> None:
    (visit, *_) = fills(clinic, patient(19), now)
    waits(clinic, patient(0), now)
    waits(clinic, patient(1), now)
    with clinic.transaction() as session:
        cancel(session, visit, None, "staff:x", None, "c", now=now)
    (first,) = rounds(clinic, now)
    late = now + timedelta(minutes=31)

    def says_yes() -> Any:
        with clinic.transaction() as session:
            return accept(session, first, patient(0), "tap:0", late)

    def next_is_asked_and_says_yes() -> Any:
        (second,) = rounds(clinic, late) or (0,)
        if second:
            with clinic.transaction() as session:
                return accept(session, second, patient(1), "tap:1", late)
        return None

    outcomes = at_once(says_yes, next_is_asked_and_says_yes, lambda: rounds(clinic, late) and None)
    with clinic.reading() as session:
        booked = (
            session.execute(
                select(Appointment.contact_id).where(
                    Appointment.status == "booked", Appointment.contact_id != patient(19)
                )
            )
            .scalars()
            .all()
        )
        accepted = (
            session.execute(select(SlotOffer).where(SlotOffer.status == "accepted")).scalars().all()
        )
    assert len(booked) == len(accepted) <= 1, outcomes
    assert_sound(clinic)


def test_a_yes_tapped_many_times_books_once(clinic: Database, patient: Ids, now: datetime) -> None:
    (visit, *_) = fills(clinic, patient(19), now)
    waits(clinic, patient(0), now)
    with clinic.transaction() as session:
        cancel(session, visit, None, "staff:x", None, "c", now=now)
    (offer,) = rounds(clinic, now)

    def tap(number: int) -> Any:
        with clinic.transaction() as session:
            return accept(session, offer, patient(0), f"tap:{number % 2}", now)

    outcomes = at_once(*[lambda number=number: tap(number) for number in range(8)])
    assert {type(one) for one in outcomes} <= {type(outcomes[0]), OfferOver, *map(type, outcomes)}
    won = [one for one in outcomes if not isinstance(one, OfferOver)]
    # one of the two messages won, and its repetitions found its work done
    assert won and len({one.appointment_id for one in won}) == 1
    assert_sound(clinic)


class Waitlist(RuleBasedStateMachine):
    """Four patients wait for a Friday that is full, and now and then a visit is cancelled."""

    database: Database
    profile: Profile

    def __init__(self) -> None:
        super().__init__()
        empty(self.database)
        write_profile(self.database, self.profile)
        self.clock = datetime(2026, 11, 26, 9, tzinfo=PUNE)
        with self.database.transaction() as session:
            ids = [int(ensure_contact(session, f"+91900000100{n}", None).id) for n in range(5)]
        self.patients, self.desk = ids[:4], ids[4]
        fills(self.database, self.desk, self.clock)
        self.answered: Dict[int, str] = {}

    def attempt(self, work: Callable[[Any, str], Any]) -> Any:
        try:
            with self.database.transaction() as session:
                return work(session, f"step:{next(_causes)}")
        except SchedulingError:
            return None

    @rule(who=st.integers(0, 3))
    def somebody_waits(self, who: int) -> None:
        waits(self.database, self.patients[who], self.clock)

    @rule(which=st.integers(0, 20))
    def a_visit_is_cancelled(self, which: int) -> None:
        with self.database.reading() as session:
            ids = (
                session.execute(select(Appointment.id).where(Appointment.status == "booked"))
                .scalars()
                .all()
            )
        if ids:
            self.attempt(
                lambda session, cause: cancel(
                    session, ids[which % len(ids)], None, "staff:x", None, cause, now=self.clock
                )
            )

    @rule(which=st.integers(0, 20), who=st.integers(0, 3), yes=st.booleans())
    def an_offer_is_answered(self, which: int, who: int, yes: bool) -> None:
        with self.database.reading() as session:
            offers = session.execute(select(SlotOffer).order_by(SlotOffer.id)).scalars().all()
            if not offers:
                return
            offer = offers[which % len(offers)]
            mine = offer.waiting.contact_id == self.patients[who]
            was = offer.status

        def work(session: Any, cause: str) -> Any:
            if yes:
                return accept(session, offer.id, self.patients[who], cause, self.clock)
            return decline(session, offer.id, self.patients[who], self.clock) or True

        done = self.attempt(work)
        if yes and done is not None:
            assert mine and was == "open"
            assert done.starts_at > self.clock

    @rule(which=st.integers(0, 5))
    def somebody_else_books_by_telephone(self, which: int) -> None:
        def work(session: Any, cause: str) -> Any:
            slots: List[Slot] = free_slots(
                session, service="session", start=FRIDAY, end=FRIDAY, limit=6, now=self.clock
            )
            if not slots:
                return None
            slot = slots[which % len(slots)]
            return book(session, slot, self.desk, "Y", cause, now=self.clock)

        self.attempt(work)

    @rule(who=st.integers(0, 3))
    def somebody_leaves(self, who: int) -> None:
        with self.database.transaction() as session:
            leave(session, self.patients[who], self.clock)

    @rule(minutes=st.sampled_from([5, 20, 31, 240]), sweeps=st.booleans())
    def the_worker_makes_its_round(self, minutes: int, sweeps: bool) -> None:
        self.clock += timedelta(minutes=minutes)
        if sweeps:
            with self.database.transaction() as session:
                expire_holds(session, self.clock)
        for number in rounds(self.database, self.clock):
            with self.database.reading() as session:
                offer = session.get(SlotOffer, number)
                begins = offer.appointment.starts_at
                assert offer.waiting.status == "waiting"
            # half an hour to answer, and the clinic's hour of lead time
            assert begins >= self.clock + timedelta(minutes=90)

    @invariant()
    def nobody_overlaps(self) -> None:
        assert_sound(self.database)

    @invariant()
    def every_offer_is_what_it_says(self) -> None:
        with self.database.reading() as session:
            offers = session.execute(select(SlotOffer)).scalars().all()
            open_ones = [offer for offer in offers if offer.status == "open"]
            assert len({offer.waiting_id for offer in open_ones}) == len(open_ones)
            for offer in offers:
                row = offer.appointment
                assert row.held_for == "waitlist"
                if offer.status == "accepted":
                    assert row.status in ("booked", "cancelled") and row.patient_id is not None
                if offer.status in ("declined", "over"):
                    assert row.status == "cancelled"
            waiting = (
                session.execute(
                    select(WaitingPatient.contact_id).where(WaitingPatient.status == "waiting")
                )
                .scalars()
                .all()
            )
            assert len(set(waiting)) == len(waiting)
            asked = select(Message.cause).where(Message.kind.not_in(UNWRITTEN))
            messages = session.execute(asked).scalars().all()
            assert sorted(messages) == sorted(f"waitlist:{offer.id}" for offer in offers)


@pytest.fixture
def machine(db: Database, small_profile: Profile) -> Iterator[type]:
    """The machine on this database."""
    yield type("Machine", (Waitlist,), {"database": db, "profile": small_profile})


def test_a_freed_slot_is_never_two_peoples(machine: Any) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
