"""Two never both win: threads that race for offers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any, Callable, List

from sqlalchemy import select

from clinic.database import Database
from clinic.decision import UNWRITTEN
from clinic.models import Appointment, Message, SlotOffer
from clinic.scheduling.booking import cancel
from clinic.scheduling.errors import OfferOver, SchedulingError
from clinic.waitlist import accept
from tests.clinic.test_booking_races import assert_sound
from tests.clinic.waiting import fills, rounds, waits

Ids = Callable[[int], int]


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
