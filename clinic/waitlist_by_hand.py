"""Offering a free slot to somebody who waits, by the word of staff.

It is the offer that the worker makes (`clinic.waitlist_offers`), with the same answers to it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from clinic.announcing import can_reach
from clinic.consent import obstacle
from clinic.handoffs import unresolved_handoff
from clinic.models import Contact, WaitingPatient
from clinic.models.announcement import OFFER
from clinic.models.consent import CARE
from clinic.models.waiting import WAITING
from clinic.profile import Profile
from clinic.scheduling.errors import (
    AskedBefore,
    NoConsent,
    NotAtThisHour,
    NotReachable,
    NotWaiting,
    OfferStands,
    PersonAnswers,
    TooSoon,
    UnknownService,
)
from clinic.scheduling.grid import Slot
from clinic.setup import profile_in
from clinic.waitlist import open_offers
from clinic.waitlist_ending import end_if_over
from clinic.waitlist_offers import OfferTexts, in_hours, keys_asked, make_offer


def offer_slot(
    session: Session,
    waiting_id: int,
    clinician: str,
    starts_at: datetime,
    now: datetime,
    texts: OfferTexts,
) -> int:
    """Ask this waiting patient about this time, by the word of staff; the offer's id.

    Staff may offer what the patient did not wish for; what they cannot do is ask somebody whom
    the question would not reach, or about a time that begins before the answer may come. The
    same offer made again while it stands is the one that stands.

    Raises:
        NotWaiting, OfferStands, AskedBefore, PersonAnswers, NoConsent, NotReachable,
        NotAtThisHour, TooSoon, SlotTaken.
        SchedulingError: as `clinic.scheduling.rules.check_slot` for staff.
    """
    # the place in the list first, then the offers: the order in which everybody locks them
    row = session.get(WaitingPatient, waiting_id, with_for_update=True, populate_existing=True)
    profile = profile_in(session)
    today = now.astimezone(ZoneInfo(profile.time_zone)).date()
    if row is None or row.status != WAITING or row.day_to < today:
        raise NotWaiting(f"waiting {waiting_id}")
    slot = _slot_for(profile, row, clinician, starts_at)
    for offer in open_offers(session, waiting_id):
        if not end_if_over(session, offer, now):
            if offer.slot_key == slot.key:
                return int(offer.id)
            raise OfferStands(f"waiting {waiting_id}")
    session.flush()
    if slot.key in keys_asked(session, waiting_id):
        raise AskedBefore(f"waiting {waiting_id}")
    _refuse_to_ask(session, profile, row.contact, now)
    if now < slot.starts_at < now + timedelta(minutes=profile.booking.waitlist_minutes):
        raise TooSoon(f"slot {slot.key}")
    return make_offer(session, profile, row, slot, now, texts, by_staff=True)


def _slot_for(profile: Profile, row: WaitingPatient, clinician: str, starts_at: datetime) -> Slot:
    try:
        minutes = profile.service(str(row.service)).minutes
    except KeyError:
        raise UnknownService(f"service {row.service}") from None
    return Slot(clinician, str(row.service), starts_at, starts_at + timedelta(minutes=minutes))


def _refuse_to_ask(session: Session, profile: Profile, contact: Contact, now: datetime) -> None:
    contact_id = int(contact.id)
    if unresolved_handoff(session, contact_id) is not None:
        raise PersonAnswers(f"contact {contact_id}")
    if obstacle(session, contact_id, CARE) is not None:
        raise NoConsent(f"contact {contact_id}")
    if not can_reach(session, contact, OFFER, now):
        raise NotReachable(f"contact {contact_id}")
    if not in_hours(profile, now):
        raise NotAtThisHour(f"contact {contact_id}")
