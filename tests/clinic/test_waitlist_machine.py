"""A freed slot is never two people's: random histories of the waitlist."""

from __future__ import annotations

import itertools
from datetime import datetime, time, timedelta
from typing import Any, Callable, List

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.decision import UNWRITTEN
from clinic.models import Appointment, Message, SlotOffer, WaitingPatient
from clinic.profile import Profile
from clinic.scheduling.booking import book, cancel, expire_holds
from clinic.scheduling.errors import SchedulingError
from clinic.scheduling.grid import Slot
from clinic.scheduling.slots import free_slots
from clinic.setup import write_profile
from clinic.waitlist import accept, decline, leave
from tests.clinic import machines
from tests.clinic.conftest import PUNE
from tests.clinic.test_booking_races import assert_sound
from tests.clinic.waiting import FRIDAY, fills, rounds, waits
from tests.emptying import empty

# when the small clinic offers what became free
OFFERED_FROM, OFFERED_UNTIL = time(8), time(21)
# the day before, the evening before, late that evening, and when the first visits are near
BEGINS = [
    datetime(2026, 11, 26, 9, tzinfo=PUNE),
    datetime(2026, 11, 26, 19, 30, tzinfo=PUNE),
    datetime(2026, 11, 26, 20, 50, tzinfo=PUNE),
    datetime(2026, 11, 27, 7, 45, tzinfo=PUNE),
]
_causes = itertools.count()


class Waitlist(RuleBasedStateMachine):
    """Four patients wait for a Friday that is full, and now and then a visit is cancelled."""

    def __init__(self, database: Database, profile: Profile) -> None:
        super().__init__()
        self.database = database
        empty(database)
        write_profile(database, profile)
        with self.database.transaction() as session:
            ids = [int(ensure_contact(session, f"+91900000100{n}", None).id) for n in range(5)]
        self.patients, self.desk = ids[:4], ids[4]
        self.clock = BEGINS[0]
        fills(self.database, self.desk, self.clock)

    @initialize(begins=st.sampled_from(BEGINS))
    def two_wait_already(self, begins: datetime) -> None:
        self.clock = begins
        waits(self.database, self.patients[0], begins - timedelta(minutes=2))
        waits(self.database, self.patients[1], begins - timedelta(minutes=1))

    def attempt(self, work: Callable[[Any, str], Any]) -> Any:
        try:
            with self.database.transaction() as session:
                return work(session, f"step:{next(_causes)}")
        except SchedulingError:
            return None

    @rule(who=st.integers(0, 3))
    def somebody_waits(self, who: int) -> None:
        waits(self.database, self.patients[who], self.clock)

    @rule(which=st.integers(0, 20), several=st.booleans())
    def visits_are_cancelled(self, which: int, several: bool) -> None:
        for number in range(3 if several else 1):
            self.is_cancelled(which + number)

    def is_cancelled(self, which: int) -> None:
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

    @rule(which=st.integers(0, 20), who=st.integers(0, 7), yes=st.booleans())
    def an_offer_is_answered(self, which: int, who: int, yes: bool) -> None:
        """Mostly by the one who was asked; sometimes by somebody who was not."""
        with self.database.reading() as session:
            offers = session.execute(select(SlotOffer).order_by(SlotOffer.id)).scalars().all()
            if not offers:
                return
            offer = offers[-1 - which % len(offers)]
            answers = self.patients[who] if who < 4 else offer.waiting.contact_id
            mine = offer.waiting.contact_id == answers
            was = offer.status

        def work(session: Any, cause: str) -> Any:
            if yes:
                return accept(session, offer.id, answers, cause, self.clock)
            return decline(session, offer.id, answers, self.clock) or True

        stranger = self.attempt(
            lambda session, cause: accept(session, offer.id, self.desk, cause, self.clock)
        )
        assert stranger is None, "somebody who was not asked has taken the offer"
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

    @rule(minutes=st.sampled_from([5, 5, 20, 31, 240]), sweeps=st.booleans())
    def the_worker_makes_its_round(self, minutes: int, sweeps: bool) -> None:
        self.clock += timedelta(minutes=minutes)
        if sweeps:
            with self.database.transaction() as session:
                expire_holds(session, self.clock)
        made = rounds(self.database, self.clock)
        local = self.clock.astimezone(PUNE).time()
        assert not made or OFFERED_FROM <= local < OFFERED_UNTIL, f"asked at {local}"
        with self.database.reading() as session:
            for number in made:
                offer = session.get(SlotOffer, number)
                assert offer.waiting.status == "waiting"
                # half an hour to answer, and the clinic's hour of lead time
                assert offer.appointment.starts_at >= self.clock + timedelta(minutes=90)
                self.goes_to_who_waited_longest(session, offer)
            still_open = select(SlotOffer).where(SlotOffer.status == "open")
            for offer in session.execute(still_open).scalars():
                assert offer.appointment.held_until > self.clock, f"offer {offer.id} is kept late"

    def goes_to_who_waited_longest(self, session: Any, offer: SlotOffer) -> None:
        """Who waited longer has an offer too, said no to this one, or cannot be written to."""
        earlier = select(WaitingPatient).where(
            WaitingPatient.status == "waiting", WaitingPatient.joined_at < offer.waiting.joined_at
        )
        for waiting in session.execute(earlier).scalars():
            asked = select(SlotOffer).where(SlotOffer.waiting_id == waiting.id)
            before = session.execute(asked).scalars().all()
            passed_over = not any(
                one.status == "open" or one.slot_key == offer.slot_key for one in before
            )
            heard = waiting.contact.last_inbound_at
            reachable = self.clock < heard + timedelta(hours=24)
            assert not (passed_over and reachable), f"{waiting.id} waited longer"

    @invariant()
    def nobody_overlaps(self) -> None:
        assert_sound(self.database)

    @invariant()
    def every_offer_is_what_it_says(self) -> None:
        with self.database.reading() as session:
            offers = session.execute(select(SlotOffer)).scalars().all()
            open_ones = [offer for offer in offers if offer.status == "open"]
            assert len({offer.waiting_id for offer in open_ones}) == len(open_ones)
            asked_of = {(offer.waiting_id, offer.slot_key) for offer in offers}
            assert len(asked_of) == len(offers), "somebody was asked twice about one time"
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
            written = select(Message.cause).where(Message.kind.not_in(UNWRITTEN))
            messages = session.execute(written).scalars().all()
            assert sorted(messages) == sorted(f"waitlist:{offer.id}" for offer in offers)


def test_a_freed_slot_is_never_two_peoples(hasty: Database, small_profile: Profile) -> None:
    machines.run(lambda: Waitlist(hasty, small_profile), examples=40, steps=25)
