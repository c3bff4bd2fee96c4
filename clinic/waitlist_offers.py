"""Offering what becomes free to those who wait, one after another.

`offer_freed_slots` looks only at the database: whatever made a slot free (a cancellation, a move,
a leave taken back), whoever has waited longest and wants such a slot is asked first. The slot is
kept for them, as a held appointment, for `booking.waitlist_minutes`; after a no, or none, it goes
to the next. Staff may choose the slot and whom to ask: `clinic.waitlist_by_hand`.

Nobody is asked who cannot answer: a contact who opted out or has not agreed to care messages, whose
conversation a person has, or whom WhatsApp would not let us write to now (24 hours after their last
message without a template).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Dict, List, Optional, Protocol, Set
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.announcing import announce, can_reach
from clinic.bubbles import Choice, Choices
from clinic.calendar_words import say_moment
from clinic.consent import obstacle
from clinic.handoffs import unresolved_handoff
from clinic.models import Appointment, Contact, SlotOffer, WaitingPatient
from clinic.models.announcement import OFFER
from clinic.models.consent import CARE
from clinic.models.schedule import CANCELLED, HELD
from clinic.models.waiting import LAPSED, OPEN, OVER, SERVED, WAITING
from clinic.profile import Profile
from clinic.scheduling.errors import SchedulingError
from clinic.scheduling.grid import Slot
from clinic.scheduling.rows import new_appointment
from clinic.scheduling.rules import check_slot
from clinic.scheduling.slots import free_slots
from clinic.scheduling.taking import expire, take
from clinic.setup import profile_in
from clinic.waitlist import give_back, has_open_offer, open_offers_at_hand

HELD_FOR = "waitlist"
LOOKED_AT = 40


class OfferTexts(Protocol):
    """The fixed words of an offer (`clinic.texts.Texts`)."""

    def say(self, name: str, language: str, **slots: Any) -> str:
        """The words of the response `name` in `language`."""

    def buttons(self, name: str, language: str, **slots: Any) -> List[Choice]:
        """The buttons of the response `name`."""


def offer_freed_slots(session: Session, now: datetime, texts: OfferTexts) -> List[int]:
    """End the offers whose time is over, and make those that can be made; the ids of the new.

    It may run as often as one likes, beside itself too.
    """
    profile = profile_in(session)
    _end_offers(session, now)
    _end_waiting(session, profile, now)
    if not in_hours(profile, now):
        return []
    rows = session.execute(
        select(WaitingPatient)
        .where(WaitingPatient.status == WAITING)
        .order_by(WaitingPatient.joined_at, WaitingPatient.id)
        .with_for_update(skip_locked=True)
    ).scalars()
    made = [_offer(session, profile, row, now, texts) for row in rows.all()]
    return [number for number in made if number is not None]


def in_hours(profile: Profile, now: datetime) -> bool:
    """Whether it is a time of the day at which patients are asked (`booking.waitlist_hours`)."""
    hours = profile.booking.waitlist_hours
    return bool(hours.opens <= now.astimezone(ZoneInfo(profile.time_zone)).time() < hours.closes)


def keys_asked(session: Session, waiting_id: int) -> Set[str]:
    """The keys of the slots that this place in the list was ever asked about."""
    keys = select(SlotOffer.slot_key).where(SlotOffer.waiting_id == waiting_id)
    return set(session.execute(keys).scalars())


def _offer(
    session: Session, profile: Profile, row: WaitingPatient, now: datetime, texts: OfferTexts
) -> Optional[int]:
    # asked for behind the lock of the row: another process may just have made one
    if has_open_offer(session, int(row.id)) or not _can_be_asked(session, row.contact, now):
        return None
    asked = keys_asked(session, int(row.id))
    for slot in _fitting(session, profile, row, now):
        if slot.key in asked:
            continue
        try:
            return make_offer(session, profile, row, slot, now, texts, by_staff=False)
        except SchedulingError:
            continue
    return None


def make_offer(
    session: Session,
    profile: Profile,
    row: WaitingPatient,
    slot: Slot,
    now: datetime,
    texts: OfferTexts,
    by_staff: bool,
) -> int:
    """Keep the slot for who waits and ask them; the offer's id."""
    kept = _keep(session, slot, row, profile, now, by_staff)
    offer = SlotOffer(waiting_id=row.id, slot_key=slot.key, appointment_id=kept.id, offered_at=now)
    session.add(offer)
    session.flush()
    _write(session, profile, offer, kept, texts)
    return int(offer.id)


def _fitting(session: Session, profile: Profile, row: WaitingPatient, now: datetime) -> List[Slot]:
    # the lead time is counted from when the answer may come
    answered = now + timedelta(minutes=profile.booking.waitlist_minutes)
    return wished_slots(session, row, now=answered, limit=LOOKED_AT)


def wished_slots(
    session: Session,
    row: WaitingPatient,
    *,
    now: datetime,
    limit: int,
    day: Optional[date] = None,
    clinician: Optional[str] = None,
    beyond_horizon: bool = False,
) -> List[Slot]:
    """Free slots as somebody waits for them, soonest first; on one day, or at one clinician where
    they would come to any. The other arguments are those of `free_slots`.
    """
    try:
        return free_slots(
            session,
            service=str(row.service),
            start=day or row.day_from,
            end=day or row.day_to,
            clinician=row.clinician or clinician,
            gender=row.gender,
            after=row.after,
            before=row.before,
            beyond_horizon=beyond_horizon,
            limit=limit,
            now=now,
        )
    except SchedulingError:
        # a service or clinician that the clinic has no more, or not together
        return []


def _keep(
    session: Session,
    slot: Slot,
    row: WaitingPatient,
    profile: Profile,
    now: datetime,
    by_staff: bool,
) -> Appointment:
    calendar = check_slot(session, slot, now, by_staff=by_staff)
    with session.begin_nested():
        clinician_id = int(calendar.clinicians[slot.clinician].id)
        kept = new_appointment(session, slot, int(row.contact_id), clinician_id, now)
        kept.status, kept.held_for, kept.category = HELD, HELD_FOR, row.category
        kept.held_until = now + timedelta(minutes=profile.booking.waitlist_minutes)
        session.flush()
        take(session, kept, now)
    return kept


def _write(
    session: Session, profile: Profile, offer: SlotOffer, kept: Appointment, texts: OfferTexts
) -> None:
    contact = offer.waiting.contact
    language = str(contact.language)
    facts = offer_facts(offer, kept, profile, language)
    announce(
        session,
        contact,
        OFFER,
        int(offer.id),
        Choices(
            text=texts.say("utter_waitlist_offer", language, **facts),
            choices=texts.buttons("utter_waitlist_offer", language, **facts),
        ),
        cause=f"waitlist:{offer.id}",
        due_at=offer.offered_at,
        not_after=kept.held_until,
    )


def offer_facts(
    offer: SlotOffer, kept: Appointment, profile: Profile, language: str
) -> Dict[str, str]:
    """What a text can say of a slot that is kept for who waits, and for which offer."""
    zone = ZoneInfo(profile.time_zone)
    return {
        "offer": str(offer.id),
        "visit_words": say_moment(kept.starts_at, language, zone),
        "until_words": say_moment(kept.held_until, language, zone),
        "clinician": profile.clinician(kept.clinician.code).name.said_in(language),
        "service": profile.service(kept.service.code).name.said_in(language),
    }


def _end_offers(session: Session, now: datetime) -> None:
    """Offers whose slot is not kept any more are over."""
    rows = session.execute(
        select(SlotOffer)
        .where(SlotOffer.status == OPEN)
        .order_by(SlotOffer.id)
        .with_for_update(skip_locked=True)
    ).scalars()
    for offer in rows.all():
        end_if_over(session, offer, now)
    session.flush()


def end_if_over(session: Session, offer: SlotOffer, now: datetime) -> bool:
    """End a locked open offer whose time is over; whether it is over."""
    kept = session.get(
        Appointment, offer.appointment_id, with_for_update=True, populate_existing=True
    )
    if kept is not None and kept.status == HELD and kept.held_until <= now:
        expire(session, [kept])
    over = kept is None or kept.status == CANCELLED
    if over:
        offer.status, offer.answered_at = OVER, now
    return over


def _end_waiting(session: Session, profile: Profile, now: datetime) -> None:
    """Who booked such a visit since waits no longer, nor who waited for days that are over."""
    today = now.astimezone(ZoneInfo(profile.time_zone)).date()
    rows = session.execute(
        select(WaitingPatient)
        .where(WaitingPatient.status == WAITING)
        .with_for_update(skip_locked=True)
    ).scalars()
    for row in rows.all():
        if row.day_to < today:
            row.status, row.ended_at = LAPSED, now
        elif _has_booked_since(session, row):
            offers = open_offers_at_hand(session, int(row.id))
            if offers is None:
                continue
            for offer in offers:
                give_back(session, offer, OVER, now)
            row.status, row.ended_at = SERVED, now
    session.flush()


def _has_booked_since(session: Session, row: WaitingPatient) -> bool:
    booked = session.execute(
        select(Appointment)
        .where(
            Appointment.contact_id == row.contact_id,
            Appointment.status.not_in((HELD, CANCELLED)),
            Appointment.id > row.seen_appointment_id,
        )
        .order_by(Appointment.id)
    ).scalars()
    return any(visit.service.code == row.service for visit in booked)


def _can_be_asked(session: Session, contact: Contact, now: datetime) -> bool:
    contact_id = int(contact.id)
    return (
        can_reach(session, contact, OFFER, now)
        and obstacle(session, contact_id, CARE) is None
        and unresolved_handoff(session, contact_id) is None
    )
