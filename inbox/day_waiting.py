"""Who waits for a time on a day, and what they were offered, as the day's page shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Dict, List, Optional

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.calendar_words import say_day, say_moment, say_time
from clinic.models import Appointment, Contact, SlotOffer, WaitingPatient
from clinic.models.schedule import HELD
from clinic.models.waiting import DECLINED, OPEN, WAITING
from clinic.profile import Clinician, Profile
from clinic.scheduling.grid import Slot
from clinic.setup import profile_in
from clinic.waitlist_offers import keys_asked, wished_slots
from inbox.card import clinician_name, service_name
from inbox.house import house
from inbox.language import t, ui_language
from inbox.words import person, when_within

GENDERS = {"female": "a woman", "male": "a man"}
MOST_TIMES = 60


@dataclass(frozen=True)
class Waiting:
    """One who waits: for what, since when, and how it stands with them (`asked`: by an offer).

    `times` are the free ones of the day that they wished for and were not asked about; none while
    an offer waits for their answer.
    """

    id: int
    contact_id: int
    name: str
    service: str
    service_code: str
    clinician_code: Optional[str]
    gender: Optional[str]
    after: Optional[time]
    before: Optional[time]
    wishes: List[str]
    since: datetime
    asked: bool
    state: str
    times: List[Slot]

    def wished_for(self, clinician: Clinician, begins: time) -> bool:
        """Whether a visit to this physiotherapist at that local time is what they wait for."""
        return (
            self.clinician_code in (None, clinician.code)
            and self.gender in (None, clinician.gender)
            and (self.after is None or begins >= self.after)
            and (self.before is None or begins < self.before)
        )


def read_waiting(
    session: Session, day: date, moment: datetime, clinician: Optional[str] = None
) -> List[Waiting]:
    """Everybody who waits for a time on `day` (and would come to `clinician`), longest first.

    Looking takes no lock and ends no offer: one whose time is over is said to be none.
    """
    profile = profile_in(session)
    query = (
        select(WaitingPatient)
        .where(
            WaitingPatient.status == WAITING,
            WaitingPatient.day_from <= day,
            WaitingPatient.day_to >= day,
        )
        .order_by(WaitingPatient.joined_at, WaitingPatient.id)
    )
    rows = [
        row
        for row in session.execute(query).scalars()
        if clinician is None or row.clinician in (None, clinician)
    ]
    offers = _newest_offers(session, [int(row.id) for row in rows])
    shown = [_shown(session, row, profile, offers.get(int(row.id)), moment) for row in rows]
    return [
        one
        if one.asked
        else replace(one, times=_times(session, row, profile, day, moment, clinician))
        for one, row in zip(shown, rows, strict=True)
    ]


def _times(
    session: Session,
    row: WaitingPatient,
    profile: Profile,
    day: date,
    moment: datetime,
    clinician: Optional[str],
) -> List[Slot]:
    """The free times of that day that staff can offer to who waits, and that they wished for."""
    rules = profile.booking
    # staff are not bound by the lead time, but the answer has to come before the visit
    answered = moment + timedelta(minutes=rules.waitlist_minutes - rules.lead_minutes)
    free = wished_slots(
        session,
        row,
        now=answered,
        limit=MOST_TIMES,
        day=day,
        clinician=clinician,
        beyond_horizon=True,
    )
    asked = keys_asked(session, int(row.id))
    return [slot for slot in free if slot.key not in asked]


def _newest_offers(session: Session, ids: List[int]) -> Dict[int, SlotOffer]:
    found = session.execute(
        select(SlotOffer).where(SlotOffer.waiting_id.in_(ids)).order_by(SlotOffer.id)
    ).scalars()
    return {int(offer.waiting_id): offer for offer in found}


def _shown(
    session: Session,
    row: WaitingPatient,
    profile: Profile,
    offer: Optional[SlotOffer],
    moment: datetime,
) -> Waiting:
    contact = session.get(Contact, row.contact_id)
    kept = session.get(Appointment, offer.appointment_id) if offer is not None else None
    asked = _stands(offer, kept, moment)
    return Waiting(
        id=int(row.id),
        contact_id=int(row.contact_id),
        name=person(contact.profile_name, contact.phone, contact.id),
        service=service_name(profile, str(row.service)),
        service_code=str(row.service),
        clinician_code=row.clinician,
        gender=row.gender,
        after=row.after,
        before=row.before,
        wishes=_wishes(row, profile),
        since=row.joined_at,
        asked=asked,
        state=_state(offer, kept, asked, moment),
        times=[],
    )


def _stands(offer: Optional[SlotOffer], kept: Optional[Appointment], moment: datetime) -> bool:
    return (
        offer is not None
        and offer.status == OPEN
        and kept is not None
        and kept.status == HELD
        and kept.held_until is not None
        and kept.held_until > moment
    )


def _wishes(row: WaitingPatient, profile: Profile) -> List[str]:
    language = ui_language()
    wishes = [clinician_name(profile, str(row.clinician)) if row.clinician else t("Anybody")]
    if row.gender in GENDERS:
        wishes.append(t(GENDERS[row.gender]))
    first, last = say_day(row.day_from, language), say_day(row.day_to, language)
    wishes.append(first if first == last else t("{first} to {last}", first=first, last=last))
    if row.after is not None:
        wishes.append(t("from {time} on", time=say_time(row.after, language)))
    if row.before is not None:
        wishes.append(t("before {time}", time=say_time(row.before, language)))
    return wishes


def _state(
    offer: Optional[SlotOffer], kept: Optional[Appointment], asked: bool, moment: datetime
) -> str:
    if offer is None or kept is None:
        return t("Nothing was offered yet")
    zone = house().zone()
    slot = say_moment(kept.starts_at, ui_language(), zone)
    if asked:
        until = when_within(kept.held_until, zone, moment)
        return t("Asked about {slot}; it is kept until {time}", slot=slot, time=until)
    if offer.status == DECLINED:
        return t("Said no to {slot}", slot=slot)
    return t("Did not answer about {slot}", slot=slot)
