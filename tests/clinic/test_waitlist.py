"""Freed slots go to those who wait, one after another."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Callable

import pytest
from sqlalchemy import select

from clinic import consent
from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.decision import UNWRITTEN
from clinic.handoffs import open_handoff
from clinic.models import Appointment, Contact, Message, SlotOffer, WaitingPatient
from clinic.scheduling import errors
from clinic.scheduling.booking import book, cancel, expire_holds, hold
from clinic.scheduling.grid import Slot
from clinic.scheduling.rows import patient_named
from clinic.waitlist import Wanted, accept, decline, join, leave
from tests.clinic.waiting import rounds

SlotAt = Callable[..., Slot]
Ids = Callable[[int], int]
Local = Callable[..., datetime]
WEDNESDAY = date(2026, 11, 25)


def waits(db: Database, contact: int, now: datetime, **wanted: Any) -> int:
    """A contact who has just written waits for a session on Wednesday."""
    with db.transaction() as session:
        session.get(Contact, contact).last_inbound_at = now
        wish = {"service": "session", "day_from": WEDNESDAY, "day_to": WEDNESDAY, **wanted}
        return join(session, contact, Wanted(**wish), now)


def offers(db: Database) -> list[tuple[int, str]]:
    """Contact and state of every offer, in order."""
    with db.reading() as session:
        rows = session.execute(select(SlotOffer).order_by(SlotOffer.id)).scalars()
        return [(row.waiting.contact_id, row.status) for row in rows]


def states(db: Database) -> list[str]:
    with db.reading() as session:
        return list(
            session.execute(select(WaitingPatient.status).order_by(WaitingPatient.id)).scalars()
        )


@pytest.fixture
def one_left(clinic: Database, patient: Ids, slot_at: SlotAt, free: Any, now: datetime) -> Slot:
    """All of Wednesday is booked but asha's nine o'clock; that slot."""
    taken = [("asha", hour) for hour in (10, 11, 12)] + [("ravi", h) for h in (9, 10, 14, 15)]
    with clinic.transaction() as session:
        for who, hour in taken:
            slot = slot_at(25, time(hour), who)
            book(session, slot, patient(19), "Y", f"fill:{slot.key}", now=now)
    (left,) = free(25)
    return left


def test_the_longest_waiting_is_asked_and_the_slot_is_kept(
    clinic: Database, patient: Ids, one_left: Slot, now: datetime
) -> None:
    first = waits(clinic, patient(1), now)
    waits(clinic, patient(2), now + timedelta(minutes=1))
    (offer,) = rounds(clinic, now)
    assert offers(clinic) == [(patient(1), "open")]
    # again and again changes nothing
    assert rounds(clinic, now) == [] == rounds(clinic, now + timedelta(minutes=5))
    with clinic.reading() as session:
        message = session.execute(
            select(Message).where(Message.kind.not_in(UNWRITTEN))
        ).scalar_one()
        kept = session.get(SlotOffer, offer).appointment
        assert (kept.status, kept.held_for, kept.held_until) == (
            "held",
            "waitlist",
            now + timedelta(minutes=30),
        )
        assert (message.cause, message.purpose, message.not_after) == (
            f"waitlist:{offer}",
            "care",
            now + timedelta(minutes=30),
        )
        assert "Wed 25 Nov, 9:00 am, Session with Asha Rao" in message.text
    with clinic.transaction() as session:
        with pytest.raises(errors.SlotTaken):
            hold(session, one_left, patient(3), now=now)
        # what they are in the midst of booking does not touch what is kept for them
        hold(session, Slot.from_key("asha/session/20261130T0330Z/40"), patient(1), now=now)
        visit = accept(session, offer, patient(1), "tap", now)
        assert accept(session, offer, patient(1), "tap", now) == visit
        assert visit.status == "booked" and visit.starts_at == one_left.starts_at
        assert session.get(WaitingPatient, first).status == "served"


def test_a_no_passes_it_on_and_is_not_asked_again(
    clinic: Database, patient: Ids, one_left: Slot, now: datetime
) -> None:
    for number in (1, 2):
        waits(clinic, patient(number), now + timedelta(minutes=number))
    (offer,) = rounds(clinic, now)
    with clinic.transaction() as session:
        decline(session, offer, patient(1), now)
        decline(session, offer, patient(1), now)
    (second,) = rounds(clinic, now)
    with clinic.transaction() as session:
        with pytest.raises(errors.OfferOver):
            accept(session, offer, patient(1), "late", now)
        decline(session, second, patient(2), now)
    assert rounds(clinic, now) == []
    assert offers(clinic) == [(patient(1), "declined"), (patient(2), "declined")]


def test_no_answer_in_time_passes_it_on(
    clinic: Database, patient: Ids, one_left: Slot, now: datetime
) -> None:
    for number in (1, 2):
        waits(clinic, patient(number), now + timedelta(minutes=number))
    (offer,) = rounds(clinic, now)
    late = now + timedelta(minutes=30)
    (second,) = rounds(clinic, late)
    with clinic.transaction() as session:
        with pytest.raises(errors.OfferOver):
            accept(session, offer, patient(1), "late", late)
        accept(session, second, patient(2), "in time", late)
    assert offers(clinic) == [(patient(1), "over"), (patient(2), "accepted")]
    assert states(clinic) == ["waiting", "served"]


def test_the_sweep_of_holds_ends_offers_too(
    clinic: Database, patient: Ids, one_left: Slot, now: datetime
) -> None:
    waits(clinic, patient(1), now)
    rounds(clinic, now)
    late = now + timedelta(minutes=31)
    with clinic.transaction() as session:
        assert len(expire_holds(session, late)) == 1
    assert rounds(clinic, late) == []
    assert offers(clinic) == [(patient(1), "over")]


def test_a_late_yes_counts_while_nobody_else_was_asked(
    clinic: Database, patient: Ids, one_left: Slot, now: datetime
) -> None:
    waits(clinic, patient(1), now)
    (offer,) = rounds(clinic, now)
    with clinic.transaction() as session:
        late = now + timedelta(minutes=40)
        assert accept(session, offer, patient(1), "late", late).status == "booked"


def test_nobody_is_offered_a_slot_past_its_time_or_too_close(
    clinic: Database, patient: Ids, one_left: Slot, local: Local, now: datetime
) -> None:
    # the slot is at nine; half an hour to answer and the clinic's hour of lead time
    for minutes, made in ((91, 0), (89, 0)):
        moment = one_left.starts_at - timedelta(minutes=minutes)
        waits(clinic, patient(1), moment)
        found = rounds(clinic, moment) if minutes != 91 else rounds(clinic, local(25, 7, 29))
        assert len(found) == made, minutes
    waits(clinic, patient(1), local(24, 20))
    (offer,) = rounds(clinic, local(24, 20))
    with clinic.transaction() as session, pytest.raises(errors.OfferOver):
        accept(session, offer, patient(1), "x", one_left.starts_at)


def test_no_offer_at_night(clinic: Database, patient: Ids, one_left: Slot, local: Local) -> None:
    waits(clinic, patient(1), local(23, 20))
    assert rounds(clinic, local(23, 21)) == []
    assert rounds(clinic, local(24, 7, 59)) == []
    assert len(rounds(clinic, local(24, 8))) == 1


@pytest.mark.parametrize("obstacle", ["opted out", "unreachable", "window", "handoff"])
def test_who_cannot_answer_is_passed_over(
    clinic: Database, patient: Ids, one_left: Slot, now: datetime, obstacle: str
) -> None:
    waits(clinic, patient(1), now)
    waits(clinic, patient(2), now + timedelta(minutes=1))
    with clinic.transaction() as session:
        contact = session.get(Contact, patient(1))
        if obstacle == "opted out":
            contact.opted_out_at = now
        elif obstacle == "unreachable":
            contact.unreachable_at = now
        elif obstacle == "window":
            contact.last_inbound_at = now - timedelta(hours=24)
        else:
            open_handoff(session, patient(1), "request", opened_by="test")
    rounds(clinic, now)
    assert offers(clinic) == [(patient(2), "open")]


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({}, True),
        ({"clinician": "asha"}, True),
        ({"clinician": "ravi"}, False),
        ({"gender": "male"}, False),
        ({"before": time(9)}, False),
        ({"after": time(9)}, True),
        ({"after": time(9, 30)}, False),
        ({"day_from": date(2026, 11, 26), "day_to": date(2026, 11, 26)}, False),
        ({"service": "spa"}, False),
        ({"clinician": "nobody"}, False),
    ],
)
def test_only_what_was_wanted(
    clinic: Database, patient: Ids, one_left: Slot, now: datetime, wanted: Any, fits: bool
) -> None:
    waits(clinic, patient(1), now, **wanted)
    assert len(rounds(clinic, now)) == fits


def test_waiting_ends_by_itself(
    clinic: Database, patient: Ids, one_left: Slot, local: Local, now: datetime
) -> None:
    waits(clinic, patient(1), now, before=time(8))
    waits(clinic, patient(2), now, before=time(8))
    with clinic.transaction() as session:
        book(session, one_left, patient(1), "X", "elsewhere", now=now)
    rounds(clinic, now)
    assert states(clinic) == ["served", "waiting"]
    rounds(clinic, local(26, 8))
    assert states(clinic) == ["served", "lapsed"]


def test_leaving_gives_back_what_was_kept(
    clinic: Database, patient: Ids, one_left: Slot, free: Any, now: datetime
) -> None:
    waits(clinic, patient(1), now)
    rounds(clinic, now)
    assert one_left not in free(25)
    with clinic.transaction() as session:
        assert leave(session, patient(1), now) is True
        assert leave(session, patient(1), now) is False
    assert one_left in free(25)


def test_waiting_again_keeps_the_place(
    clinic: Database, patient: Ids, one_left: Slot, now: datetime
) -> None:
    first = waits(clinic, patient(1), now, before=time(8))
    waits(clinic, patient(2), now + timedelta(minutes=1))
    assert waits(clinic, patient(1), now + timedelta(minutes=2)) == first
    rounds(clinic, now)
    assert offers(clinic) == [(patient(1), "open")]


def test_the_visit_is_for_whom_the_contact_books_usually(
    clinic: Database, one_left: Slot, now: datetime
) -> None:
    with clinic.transaction() as session:
        contact = int(ensure_contact(session, "+919000002222", None, "Kavya Nair").id)
        consent.record(session, contact, "care", True, how="staff")
    waits(clinic, contact, now, category="back_neck")
    (offer,) = rounds(clinic, now)
    with clinic.transaction() as session:
        visit = accept(session, offer, contact, "tap", now)
        row = session.get(Appointment, visit.appointment_id)
        assert (row.patient.name, row.category) == ("Kavya Nair", "back_neck")
        with pytest.raises(errors.UnknownOffer):
            accept(session, offer, contact + 1, "other", now)
        with pytest.raises(errors.UnknownOffer):
            decline(session, offer + 1, contact, now)
        with pytest.raises(errors.OfferOver):
            decline(session, offer, contact, now)


def family(db: Database, contact: int) -> list[int]:
    """Two patients write from this contact's phone: Meena first, then Kavya."""
    with db.transaction() as session:
        return [int(patient_named(session, contact, name).id) for name in ("Meena", "Kavya")]


def booked_for(db: Database, visit: Any) -> str:
    with db.reading() as session:
        return str(session.get(Appointment, visit.appointment_id).patient.name)


def test_the_visit_is_for_who_waits(
    clinic: Database, patient: Ids, one_left: Slot, now: datetime
) -> None:
    family(clinic, patient(1))
    waits(clinic, patient(1), now, patient="Kavya")
    (offer,) = rounds(clinic, now)
    with clinic.transaction() as session:
        visit = accept(session, offer, patient(1), "tap", now)
    assert booked_for(clinic, visit) == "Kavya"


def test_where_nobody_said_for_whom_it_is_asked_and_the_slot_stays_kept(
    clinic: Database, patient: Ids, one_left: Slot, free: Any, now: datetime
) -> None:
    _, kavya = family(clinic, patient(1))
    stranger, _ = family(clinic, patient(2))
    waits(clinic, patient(1), now)
    (offer,) = rounds(clinic, now)
    for unknown in (None, stranger, 9_999):
        with pytest.raises(errors.PatientUnsaid), clinic.transaction() as session:
            accept(session, offer, patient(1), "tap", now, unknown)
    assert offers(clinic) == [(patient(1), "open")] and one_left not in free(25)
    with clinic.transaction() as session:
        visit = accept(session, offer, patient(1), "second tap", now, kavya)
    assert booked_for(clinic, visit) == "Kavya"


def test_waiting_anew_is_for_whom_it_is_said_now(
    clinic: Database, patient: Ids, one_left: Slot, now: datetime
) -> None:
    family(clinic, patient(1))
    waits(clinic, patient(1), now, patient="Meena")
    waits(clinic, patient(1), now, patient="Kavya")
    (offer,) = rounds(clinic, now)
    with clinic.transaction() as session:
        visit = accept(session, offer, patient(1), "tap", now)
    assert booked_for(clinic, visit) == "Kavya"


def test_a_cancelled_visit_is_offered(
    clinic: Database, patient: Ids, slot_at: Any, one_left: Slot, now: datetime
) -> None:
    with clinic.transaction() as session:
        visit = book(session, one_left, patient(5), "X", "last", now=now)
    waits(clinic, patient(1), now)
    assert rounds(clinic, now) == []
    with clinic.transaction() as session:
        cancel(session, visit.appointment_id, patient(5), "patient", None, "c", now=now)
    assert len(rounds(clinic, now)) == 1
