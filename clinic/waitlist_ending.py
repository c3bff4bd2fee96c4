"""What ends waiting for a free time by itself: offers nobody answered, days that are over, and
visits that were booked otherwise.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm import Session

from clinic.database import UtcDateTime
from clinic.models import Appointment, SlotOffer, WaitingPatient
from clinic.models.schedule import CANCELLED, HELD
from clinic.models.waiting import LAPSED, OPEN, OVER, SERVED, WAITING
from clinic.profile import Profile
from clinic.scheduling.taking import expire
from clinic.waitlist import give_back, open_offers_at_hand

WHO_WAITS = select(WaitingPatient).where(WaitingPatient.status == WAITING)

_OFFER_OVER = (
    select(SlotOffer.id)
    .outerjoin(Appointment, Appointment.id == SlotOffer.appointment_id)
    .where(
        SlotOffer.status == OPEN,
        or_(
            Appointment.id.is_(None),
            Appointment.status == CANCELLED,
            and_(
                Appointment.status == HELD,
                Appointment.held_until <= bindparam("now", type_=UtcDateTime()),
            ),
        ),
    )
    .limit(1)
)


def anything_over(session: Session, profile: Profile, now: datetime) -> bool:
    """Whether `end_offers` or `end_waiting` has anything to do; this only reads."""
    if session.execute(_OFFER_OVER, {"now": now}).first() is not None:
        return True
    today = _today(profile, now)
    rows = session.execute(WHO_WAITS)
    return any(row.day_to < today or _has_booked_since(session, row) for row in rows.scalars())


def end_offers(session: Session, now: datetime) -> None:
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


def end_waiting(session: Session, profile: Profile, now: datetime) -> None:
    """Who booked such a visit since waits no longer, nor who waited for days that are over."""
    today = _today(profile, now)
    rows = session.execute(WHO_WAITS.with_for_update(skip_locked=True)).scalars()
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


def _today(profile: Profile, now: datetime) -> date:
    return now.astimezone(ZoneInfo(profile.time_zone)).date()


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
