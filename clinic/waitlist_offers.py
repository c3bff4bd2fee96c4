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
from clinic.database import Database
from clinic.handoffs import unresolved_handoff
from clinic.models import Appointment, Contact, SlotOffer, WaitingPatient
from clinic.models.announcement import OFFER
from clinic.models.consent import CARE
from clinic.models.schedule import HELD
from clinic.profile import Profile
from clinic.scheduling.errors import SchedulingError
from clinic.scheduling.grid import Slot
from clinic.scheduling.rows import new_appointment
from clinic.scheduling.rules import check_slot
from clinic.scheduling.slots import free_slots
from clinic.scheduling.taking import take
from clinic.setup import profile_in
from clinic.waitlist import has_open_offer
from clinic.waitlist_ending import WHO_WAITS, anything_over, end_offers, end_waiting

HELD_FOR = "waitlist"
LOOKED_AT = 40
_LONGEST_FIRST = WHO_WAITS.order_by(WaitingPatient.joined_at, WaitingPatient.id)


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
    end_offers(session, now)
    end_waiting(session, profile, now)
    if not in_hours(profile, now):
        return []
    rows = session.execute(_LONGEST_FIRST.with_for_update(skip_locked=True)).scalars()
    made = [_offer(session, profile, row, now, texts) for row in rows.all()]
    return [number for number in made if number is not None]


def offer_where_due(database: Database, now: datetime, texts: OfferTexts) -> List[int]:
    """`offer_freed_slots` where it has anything to do; the ids of the new offers.

    Looking for slots takes long, and a writer keeps everybody else waiting: so it only reads
    until there is something to write.
    """
    with database.reading() as session:
        if not _anything_to_do(session, now):
            return []
    with database.transaction() as session:
        return offer_freed_slots(session, now, texts)


def _anything_to_do(session: Session, now: datetime) -> bool:
    """It may say yes in vain, where a slot that looks free cannot be kept; never no."""
    profile = profile_in(session)
    if anything_over(session, profile, now):
        return True
    rows = session.execute(WHO_WAITS)
    return in_hours(profile, now) and any(
        _to_ask_about(session, profile, row, now) for row in rows.scalars()
    )


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
    for slot in _to_ask_about(session, profile, row, now):
        try:
            return make_offer(session, profile, row, slot, now, texts, by_staff=False)
        except SchedulingError:
            continue
    return None


def _to_ask_about(
    session: Session, profile: Profile, row: WaitingPatient, now: datetime
) -> List[Slot]:
    """The free slots about which who waits can be asked now, and was not yet."""
    if has_open_offer(session, int(row.id)) or not _can_be_asked(session, row.contact, now):
        return []
    asked = keys_asked(session, int(row.id))
    return [slot for slot in _fitting(session, profile, row, now) if slot.key not in asked]


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


def _can_be_asked(session: Session, contact: Contact, now: datetime) -> bool:
    contact_id = int(contact.id)
    return (
        can_reach(session, contact, OFFER, now)
        and obstacle(session, contact_id, CARE) is None
        and unresolved_handoff(session, contact_id) is None
    )
