"""What the patient card shows beside a conversation: visits, courses, what may be sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from clinic.calendar_words import say_moment
from clinic.database import now
from clinic.models import Appointment, Contact, Course, Message, Patient, Service
from clinic.models.message import OUT
from clinic.models.schedule import (
    ARRIVED,
    BOOKED,
    CANCELLED,
    COMPLETED,
    CONFIRMED,
    HELD,
    NO_SHOW,
)
from clinic.profile import Profile
from clinic.setup import NoProfile, profile_in
from inbox.house import house
from inbox.language import ui_language
from inbox.visits import may_become

VISITS_SHOWN = 4
REMINDERS_SHOWN = 3
USED = (ARRIVED, COMPLETED)


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


@dataclass(frozen=True)
class CourseLine:
    """One course of sessions: how many were used, are booked, and are left to book."""

    patient: str
    service: str
    total: int
    used: int
    booked: int

    @property
    def left(self) -> int:
        """Sessions neither used nor booked."""
        return max(0, self.total - self.used - self.booked)


@dataclass(frozen=True)
class Card:
    """Everything the card shows."""

    patients: List[str]
    ahead: List[VisitLine]
    today: List[VisitLine]
    past: List[VisitLine]
    courses: List[CourseLine]
    consents: Dict[str, bool]
    reminders: List[Any] = field(default_factory=list)


def read_card(session: Session, contact: Contact) -> Optional[Card]:
    """The card of a contact; None until a profile was written."""
    try:
        profile = profile_in(session)
    except NoProfile:
        return None
    moment, zone = now(), house().zone()
    rows = list(
        session.execute(
            select(Appointment)
            .where(Appointment.contact_id == contact.id, Appointment.status != HELD)
            .order_by(Appointment.starts_at.desc(), Appointment.id.desc())
            .limit(60)
        ).scalars()
    )
    today = moment.astimezone(zone).date()
    ahead, now_on, past = [], [], []
    for row in rows:
        day = row.starts_at.astimezone(zone).date()
        if day == today and row.status != CANCELLED:
            now_on.append(row)
        elif row.starts_at > moment and row.status in (BOOKED, CONFIRMED):
            ahead.append(row)
        elif row.starts_at <= moment:
            past.append(row)
    return Card(
        patients=[str(one.name) for one in _patients(session, contact)],
        ahead=[line_of(session, row, profile) for row in ahead[::-1][:VISITS_SHOWN]],
        today=[line_of(session, row, profile) for row in now_on[::-1]],
        past=[line_of(session, row, profile) for row in past[:2]],
        courses=_courses(session, contact, profile),
        consents=_consents(session, contact),
        reminders=_reminders(session, contact),
    )


def line_of(session: Session, row: Appointment, profile: Profile) -> VisitLine:
    """A visit as the card, its own page and the search show it."""
    language = ui_language()
    return VisitLine(
        id=int(row.id),
        when=say_moment(row.starts_at, language, house().zone()),
        service=service_name(profile, row.service.code),
        clinician=clinician_name(profile, row.clinician.code),
        patient=str(row.patient.name) if row.patient is not None else "",
        status=row.status,
        number=_number_of(session, row),
        may_become=may_become(row),
        standing=row.status in (BOOKED, CONFIRMED) and row.starts_at > now(),
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


def _patients(session: Session, contact: Contact) -> List[Patient]:
    rows = select(Patient).where(Patient.contact_id == contact.id).order_by(Patient.id)
    return list(session.execute(rows).scalars())


def _courses(session: Session, contact: Contact, profile: Profile) -> List[CourseLine]:
    rows = session.execute(
        select(Course)
        .join(Patient, Patient.id == Course.patient_id)
        .where(Patient.contact_id == contact.id, Course.status == "active")
        .order_by(Course.id)
    ).scalars()
    return [_course_line(session, course, profile) for course in rows]


def _course_line(session: Session, course: Course, profile: Profile) -> CourseLine:
    counted = dict(
        session.execute(
            select(Appointment.status, func.count())
            .where(Appointment.course_id == course.id)
            .group_by(Appointment.status)
        ).all()
    )
    service = session.get(Service, course.service_id)
    return CourseLine(
        patient=str(course.patient.name),
        service=service_name(profile, str(service.code)),
        total=int(course.sessions),
        used=sum(counted.get(status, 0) for status in USED),
        booked=sum(counted.get(status, 0) for status in (BOOKED, CONFIRMED)),
    )


def _number_of(session: Session, row: Appointment) -> Optional[Tuple[int, int]]:
    """Which session of how many this visit is; None for one that counts for no course."""
    if row.course_id is None or row.status in (CANCELLED, NO_SHOW):
        return None
    course = session.get(Course, row.course_id)
    if course is None:
        return None
    earlier = session.execute(
        select(func.count()).where(
            Appointment.course_id == row.course_id,
            Appointment.status.in_((BOOKED, CONFIRMED, *USED)),
            Appointment.starts_at < row.starts_at,
        )
    ).scalar_one()
    return int(earlier) + 1, int(course.sessions)


def _consents(session: Session, contact: Contact) -> Dict[str, bool]:
    """Which kinds of messages this contact allows, by purpose."""
    return {} if contact.opted_out_at is None else {"all": False}


def _reminders(session: Session, contact: Contact) -> List[Any]:
    """The last messages sent by the clock, for the sake of their fate."""
    rows = session.execute(
        select(Message.id, Message.purpose, Message.state, Message.detail, Message.occurred_at)
        .where(
            Message.contact_id == contact.id,
            Message.direction == OUT,
            Message.purpose.not_in(("reply", "inbound")),
        )
        .order_by(Message.id.desc())
        .limit(REMINDERS_SHOWN)
    )
    return list(rows)
