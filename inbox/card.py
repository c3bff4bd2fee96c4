"""What the patient card shows beside a conversation: visits, courses, what may be sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Optional, Tuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.attendance import is_running_late
from clinic.calendar_words import say_day, say_moment, say_rupees
from clinic.consent import of_contact
from clinic.courses import Balance, active_courses, balance, number_of
from clinic.database import now
from clinic.guardians import guardian_of
from clinic.models import Appointment, Contact, Course, Guardian, Message, Patient, WaitingPatient
from clinic.models.consent import ADULT, CARE
from clinic.models.message import OUT, PLANNED
from clinic.models.schedule import BOOKED, CANCELLED, CONFIRMED, HELD
from clinic.models.waiting import WAITING
from clinic.profile import Profile
from clinic.setup import NoProfile, profile_in
from inbox.house import house
from inbox.language import ui_language
from inbox.visits import may_become

VISITS_SHOWN = 4
PAST_SHOWN = 2
REMINDERS_SHOWN = 3
# reminders of a visit (`clinic.reminders.planning.cause_of`)
OF_A_VISIT = "appointment:%"


@dataclass(frozen=True)
class VisitLine:
    """One visit: when, what, with whom, for whom, which of its course, and what can be said."""

    id: int
    when: str
    service: str
    clinician: str
    patient: str
    status: str
    number: Optional[Tuple[int, int]]
    may_become: List[str]
    standing: bool
    late: bool


@dataclass(frozen=True)
class CourseLine:
    """One course of sessions and how it stands; the clinician's words are on the plans' page.

    `price` and `pricing` (a key of `inbox.words.PRICINGS`) are as the plan says, None where it
    says nothing.
    """

    id: int
    patient: str
    service: str
    balance: Balance
    ends: Optional[str]
    price: Optional[str]
    pricing: Optional[str]


@dataclass(frozen=True)
class WaitingLine:
    """What the contact waits for: a service in some days, with anybody or one clinician."""

    service: str
    clinician: Optional[str]
    first: str
    last: str


@dataclass(frozen=True)
class ReminderLine:
    """A reminder and its fate; `at` is when it went, or is to go."""

    at: datetime
    state: str
    detail: Optional[str]


@dataclass(frozen=True)
class Card:
    """Everything the card shows."""

    patients: List[str]
    ahead: List[VisitLine]
    today: List[VisitLine]
    past: List[VisitLine]
    courses: List[CourseLine]
    consents: Dict[str, bool]
    guardian: Optional[Guardian]
    waiting: Optional[WaitingLine]
    reminders: List[ReminderLine]


def read_card(session: Session, contact: Contact) -> Optional[Card]:
    """The card of a contact; None until a profile was written."""
    try:
        profile = profile_in(session)
    except NoProfile:
        return None
    ahead, today, past = _visits(session, contact)
    guardian = guardian_of(session, int(contact.id))
    return Card(
        patients=[str(one.name) for one in _patients(session, contact)],
        ahead=[line_of(session, row, profile) for row in ahead[::-1][:VISITS_SHOWN]],
        today=[line_of(session, row, profile) for row in today[::-1]],
        past=[line_of(session, row, profile) for row in past[:PAST_SHOWN]],
        courses=[
            _course_line(session, course, profile)
            for course in active_courses(session, int(contact.id), now())
        ],
        consents=_consents(session, contact),
        guardian=guardian if guardian is not None and guardian.state != ADULT else None,
        waiting=_waiting(session, contact, profile),
        reminders=_reminders(session, contact),
    )


def line_of(session: Session, row: Appointment, profile: Profile) -> VisitLine:
    """A visit as the card, its own page and the search show it."""
    return VisitLine(
        id=int(row.id),
        when=say_moment(row.starts_at, ui_language(), house().zone()),
        service=service_name(profile, row.service.code),
        clinician=clinician_name(profile, row.clinician.code),
        patient=str(row.patient.name) if row.patient is not None else "",
        status=row.status,
        number=number_of(session, row),
        may_become=may_become(row),
        standing=row.status in (BOOKED, CONFIRMED) and row.starts_at > now(),
        late=is_running_late(row),
    )


def service_name(profile: Profile, code: str) -> str:
    """The service's name in the interface's language; its code where the profile lost it."""
    try:
        return str(profile.service(code).name.said_in(ui_language()))
    except KeyError:
        return code


def clinician_name(profile: Profile, code: str) -> str:
    """The clinician's name in the interface's language; the code where the profile lost it."""
    try:
        return str(profile.clinician(code).name.said_in(ui_language()))
    except KeyError:
        return code


def _visits(session: Session, contact: Contact) -> Tuple[List[Any], List[Any], List[Any]]:
    """Visits ahead, today's and past ones, each latest first."""
    moment, zone = now(), house().zone()
    rows = session.execute(
        select(Appointment)
        .where(Appointment.contact_id == contact.id, Appointment.status != HELD)
        .order_by(Appointment.starts_at.desc(), Appointment.id.desc())
        .limit(60)
    ).scalars()
    today = moment.astimezone(zone).date()
    ahead: List[Any] = []
    now_on: List[Any] = []
    past: List[Any] = []
    for row in rows:
        if row.starts_at.astimezone(zone).date() == today and row.status != CANCELLED:
            now_on.append(row)
        elif row.starts_at > moment and row.status in (BOOKED, CONFIRMED):
            ahead.append(row)
        elif row.starts_at <= moment:
            past.append(row)
    return ahead, now_on, past


def _patients(session: Session, contact: Contact) -> List[Patient]:
    rows = select(Patient).where(Patient.contact_id == contact.id).order_by(Patient.id)
    return list(session.execute(rows).scalars())


def _course_line(session: Session, course: Course, profile: Profile) -> CourseLine:
    return CourseLine(
        id=int(course.id),
        patient=str(course.patient.name),
        service=service_name(profile, str(course.service.code)),
        balance=balance(session, int(course.id)),
        ends=say_day(course.expires_on, ui_language()) if course.expires_on else None,
        price=say_rupees(course.price_paise) if course.price_paise is not None else None,
        pricing=course.pricing,
    )


def _consents(session: Session, contact: Contact) -> Dict[str, bool]:
    """Which kinds of messages this contact allows, by purpose."""
    if contact.opted_out_at is not None:
        return {"all": False}
    stands = of_contact(session, int(contact.id))
    return {purpose: state.granted for purpose, state in stands.items()}


def _waiting(session: Session, contact: Contact, profile: Profile) -> Optional[WaitingLine]:
    # not `clinic.waitlist.waiting_of`: looking takes no lock
    row = session.execute(
        select(WaitingPatient)
        .where(WaitingPatient.contact_id == contact.id, WaitingPatient.status == WAITING)
        .order_by(WaitingPatient.id)
        .limit(1)
    ).scalar_one_or_none()
    if row is None:
        return None
    return WaitingLine(
        service=service_name(profile, str(row.service)),
        clinician=clinician_name(profile, str(row.clinician)) if row.clinician else None,
        first=say_day(row.day_from, ui_language()),
        last=say_day(row.day_to, ui_language()),
    )


def _reminders(session: Session, contact: Contact) -> List[ReminderLine]:
    """The last reminders of visits, for the sake of their fate."""
    rows = session.execute(
        select(Message.state, Message.detail, Message.due_at, Message.occurred_at)
        .where(
            Message.contact_id == contact.id,
            Message.direction == OUT,
            Message.purpose == CARE,
            Message.cause.like(OF_A_VISIT),
        )
        .order_by(Message.id.desc())
        .limit(REMINDERS_SHOWN)
    )
    return [
        ReminderLine(
            at=(row.due_at if row.state == PLANNED else None) or row.occurred_at,
            state=str(row.state),
            detail=row.detail,
        )
        for row in rows
    ]
