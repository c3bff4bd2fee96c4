"""Staff offer a free slot to somebody who waits: the worker's offer, refused where it cannot be."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Callable

import pytest
from sqlalchemy import select

from clinic import consent
from clinic.database import Database
from clinic.handoffs import open_handoff
from clinic.models import Appointment, Contact, Message, SlotOffer
from clinic.scheduling import errors
from clinic.scheduling.booking import book
from clinic.scheduling.grid import Slot
from clinic.texts import domain_texts
from clinic.waitlist import Wanted, accept, decline, join, leave
from clinic.waitlist_by_hand import offer_slot
from clinic.waitlist_offers import offer_freed_slots

SlotAt = Callable[..., Slot]
Ids = Callable[[int], int]
WEDNESDAY = date(2026, 11, 25)


@pytest.fixture
def nine(slot_at: SlotAt) -> Slot:
    """Asha's nine o'clock on Wednesday, which is free."""
    return slot_at(25, time(9))


def waits(db: Database, contact: int, now: datetime, **wanted: Any) -> int:
    with db.transaction() as session:
        session.get(Contact, contact).last_inbound_at = now
        wish = {"service": "session", "day_from": WEDNESDAY, "day_to": WEDNESDAY, **wanted}
        return join(session, contact, Wanted(**wish), now)


def offers(db: Database, waiting: int, slot: Slot, now: datetime) -> int:
    with db.transaction() as session:
        return offer_slot(session, waiting, slot.clinician, slot.starts_at, now, domain_texts())


def kept(db: Database) -> list[tuple[int, str]]:
    with db.reading() as session:
        rows = session.execute(select(Appointment).order_by(Appointment.id)).scalars()
        return [(row.contact_id, row.status) for row in rows]


def test_it_is_the_offer_that_the_worker_makes(
    clinic: Database, patient: Ids, nine: Slot, now: datetime
) -> None:
    # somebody has waited longer, and this one wished for the afternoon: staff know better
    waits(clinic, patient(1), now - timedelta(hours=1))
    second = waits(clinic, patient(2), now, after=time(14))
    made = offers(clinic, second, nine, now)
    assert offers(clinic, second, nine, now) == made, "pressing twice asks once"
    until = now + timedelta(minutes=30)
    with clinic.reading() as session:
        offer = session.get(SlotOffer, made)
        slot = offer.appointment
        assert (slot.contact_id, slot.status, slot.held_for) == (patient(2), "held", "waitlist")
        assert (slot.held_until, offer.status) == (until, "open")
        (message,) = session.execute(
            select(Message).where(Message.cause == f"waitlist:{made}")
        ).scalars()
        assert (message.purpose, message.not_after) == ("care", until)
        assert "Wed 25 Nov, 9:00 am" in message.text
    with clinic.transaction() as session:
        # the worker goes on beside it and gives this slot to nobody else
        others = offer_freed_slots(session, now, domain_texts())
        assert nine.key not in [session.get(SlotOffer, one).slot_key for one in others]
        visit = accept(session, made, patient(2), "tap", now)
    assert visit.starts_at == nine.starts_at


def test_of_two_only_one_has_the_slot(
    clinic: Database, patient: Ids, nine: Slot, now: datetime
) -> None:
    first, second = (waits(clinic, patient(number), now) for number in (1, 2))
    offers(clinic, first, nine, now)
    with pytest.raises(errors.SlotTaken):
        offers(clinic, second, nine, now)
    assert kept(clinic) == [(patient(1), "held")], "who was refused keeps nothing"
    # nobody answered: whoever is asked next has it, and the late yes does not win
    late = now + timedelta(minutes=30)
    made = offers(clinic, second, nine, late)
    with clinic.transaction() as session:
        accept(session, made, patient(2), "in time", late)
    assert kept(clinic) == [(patient(1), "cancelled"), (patient(2), "booked")]


def test_one_offer_at_a_time_and_the_same_time_once(
    clinic: Database, patient: Ids, nine: Slot, slot_at: SlotAt, now: datetime
) -> None:
    waiting = waits(clinic, patient(1), now)
    made = offers(clinic, waiting, nine, now)
    with pytest.raises(errors.OfferStands):
        offers(clinic, waiting, slot_at(25, time(10)), now)
    with clinic.transaction() as session:
        decline(session, made, patient(1), now)
    with pytest.raises(errors.AskedBefore):
        offers(clinic, waiting, nine, now)
    ten = offers(clinic, waiting, slot_at(25, time(10)), now)
    # an offer whose time is over stands in nobody's way, swept or not
    eleven = offers(clinic, waiting, slot_at(25, time(11)), now + timedelta(minutes=30))
    with clinic.reading() as session:
        assert [session.get(SlotOffer, one).status for one in (ten, eleven)] == ["over", "open"]


def test_nobody_is_asked_who_cannot_answer(
    clinic: Database, patient: Ids, nine: Slot, now: datetime
) -> None:
    refused: list[tuple[type[Exception], int]] = []
    left = waits(clinic, patient(1), now)
    with clinic.transaction() as session:
        leave(session, patient(1), now)
    refused.append((errors.NotWaiting, left))
    refused.append((errors.NotWaiting, 9_999))
    handed = waits(clinic, patient(2), now)
    with clinic.transaction() as session:
        open_handoff(session, patient(2), "request")
    refused.append((errors.PersonAnswers, handed))
    unwilling = waits(clinic, patient(3), now)
    with clinic.transaction() as session:
        consent.record(session, patient(3), "care", False, how="button")
    refused.append((errors.NoConsent, unwilling))
    silent = waits(clinic, patient(4), now)
    with clinic.transaction() as session:
        session.get(Contact, patient(4)).last_inbound_at = now - timedelta(hours=25)
    refused.append((errors.NotReachable, silent))
    for error, waiting in refused:
        with pytest.raises(error):
            offers(clinic, waiting, nine, now)
    assert kept(clinic) == []


def test_a_time_that_cannot_be_had_is_not_offered(
    clinic: Database, patient: Ids, nine: Slot, slot_at: SlotAt, local: Any, now: datetime
) -> None:
    waiting = waits(clinic, patient(1), now)
    with clinic.transaction() as session:
        book(session, nine, patient(5), "Y", "other", now=now)
    begun = nine.starts_at + timedelta(minutes=35)
    for error, slot, moment in (
        (errors.SlotTaken, nine, now),
        (errors.SlotPast, nine, begun),
        (errors.TooSoon, slot_at(25, time(10)), begun),
        (errors.OutsideHours, slot_at(25, time(22)), now),
        (errors.ClosedDay, slot_at(26, time(9)), now),
        (errors.NotAtThisHour, slot_at(25, time(10)), local(24, 22)),
    ):
        with clinic.transaction() as session:
            session.get(Contact, patient(1)).last_inbound_at = moment
        with pytest.raises(error):
            offers(clinic, waiting, slot, moment)


def test_the_worker_keeps_no_slot_for_who_has_not_agreed(
    clinic: Database, patient: Ids, now: datetime
) -> None:
    waits(clinic, patient(1), now)
    with clinic.transaction() as session:
        consent.record(session, patient(1), "care", False, how="button")
        assert offer_freed_slots(session, now, domain_texts()) == []
    assert kept(clinic) == []
