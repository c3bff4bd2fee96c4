"""Invented patients and visits, so that a fresh demo has something to show."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Dict, List, Optional

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.calendar_words import word_table
from clinic.consent import mark_notice_given, record
from clinic.contacts import ensure_contact, find_contact
from clinic.course_plans import Plan, author
from clinic.database import Database
from clinic.demo_bills import seed_bill
from clinic.exercises import Draft, DraftExercise
from clinic.exercises.programmes import write
from clinic.models import Appointment, Contact, Course, Patient, Service
from clinic.models.consent import CARE, EXERCISES, STAFF
from clinic.models.schedule import COMPLETED
from clinic.profile import Profile
from clinic.scheduling.booking import book
from clinic.scheduling.rules import Calendar, read_calendar
from clinic.scheduling.slots import free_slots

ASSESSMENT, SESSION = "assessment", "session"
DAYS_BETWEEN_SESSIONS = 2


class DemoError(Exception):
    """The profile has no service `assessment` or `session` that the demo could book."""


def seed_demo(db: Database, now: datetime) -> int:
    """Add the invented patients that are not there yet; how many were added.

    Args:
        now: the moment around which the visits lie, aware.

    Raises:
        clinic.setup.NoProfile: if no profile was written yet.
        DemoError: if the profile is not one the demo fits.
    """
    added = 0
    for person in word_table("demo_people"):
        # a transaction for each, so that a demo stopped half-way is completed by the next
        with db.transaction() as session:
            if find_contact(session, phone=person["phone"]) is None:
                _add(session, person, now)
                added += 1
    return added


def _add(session: Session, person: Dict[str, Any], now: datetime) -> None:
    today = read_calendar(session, now.date(), now.date()).local_day(now)
    calendar = read_calendar(session, today - timedelta(days=30), today)
    codes = {service.code for service in calendar.profile.services}
    if not {ASSESSMENT, SESSION} <= codes:
        raise DemoError("the demo needs the services 'assessment' and 'session' in the profile")
    contact = ensure_contact(session, person["phone"], None, profile_name=person["name"])
    contact.language, contact.language_chosen = person["language"], True
    patient = Patient(contact_id=contact.id, name=person["name"])
    session.add(patient)
    session.flush()
    _agreed(session, contact, calendar.profile)
    preferred = calendar.profile.category(person["category"]).clinicians
    course = _course(session, calendar, patient, person.get("course"), preferred, now)
    _past_visits(session, calendar, patient, course, person, now)
    _exercises(session, calendar, patient, course, person.get("exercises"), now)
    if "bill" in person:
        seed_bill(session, patient, course, now, paid=person["bill"] == "paid")
    known = person["past"] > 0 or course is not None
    service = SESSION if known else ASSESSMENT
    for number in range(person["ahead"]):
        slots = free_slots(
            session,
            service=service,
            start=today + timedelta(days=1 + DAYS_BETWEEN_SESSIONS * number),
            end=today + timedelta(days=14),
            preferred=preferred,
            limit=5,
            now=now,
        )
        if slots:
            book(
                session,
                slots[-1],
                contact.id,
                person["name"],
                f"demo:{contact.id}:{number}",
                now=now,
                category=person["category"],
                course_id=course.id if course is not None else None,
            )


def _agreed(session: Session, contact: Contact, profile: Profile) -> None:
    """The front desk gave them the notice, and they agreed to care messages."""
    language = str(contact.language)
    mark_notice_given(session, contact.id, profile.privacy.notice_version, language)
    record(session, contact.id, CARE, True, how=STAFF, language=language, recorded_by="front desk")


def _course(
    session: Session,
    calendar: Calendar,
    patient: Patient,
    plan: Optional[Dict[str, Any]],
    preferred: List[str],
    now: datetime,
) -> Optional[Course]:
    """The course that a physiotherapist planned two weeks ago, with their own words."""
    if plan is None:
        return None
    clinician = _who(calendar, preferred)
    written = Plan(
        contact_id=int(patient.contact_id),
        patient=str(patient.name),
        clinician=clinician,
        authored_by=clinician,
        service=SESSION,
        **plan,
    )
    course = session.get(Course, author(session, written, now))
    if course is not None:
        course.started_at = course.authored_at = now - timedelta(days=14)
    return course


def _exercises(
    session: Session,
    calendar: Calendar,
    patient: Patient,
    course: Optional[Course],
    given: Optional[Dict[str, Any]],
    now: datetime,
) -> None:
    """What their physiotherapist gave them to do at home; they agreed to be reminded of it."""
    if given is None:
        return
    language, today = str(patient.contact.language), calendar.local_day(now)
    record(
        session,
        int(patient.contact_id),
        EXERCISES,
        True,
        how=STAFF,
        language=language,
        recorded_by="front desk",
    )
    draft = Draft(
        patient=str(patient.name),
        first_day=today,
        last_day=today + timedelta(weeks=4) - timedelta(days=1),
        times=given["times"],
        weekdays=given["weekdays"],
        exercises=[DraftExercise(**one) for one in given["exercises"]],
        course_id=int(course.id) if course is not None else None,
    )
    by = str(course.authored_by) if course is not None else "system"
    write(session, int(patient.contact_id), draft, by, now)


def _past_visits(
    session: Session,
    calendar: Calendar,
    patient: Patient,
    course: Optional[Course],
    person: Dict[str, Any],
    now: datetime,
) -> None:
    preferred = calendar.profile.category(person["category"]).clinicians
    who = calendar.clinicians[_who(calendar, preferred)]
    minutes = timedelta(minutes=calendar.profile.service(SESSION).minutes)
    day = calendar.local_day(now) - timedelta(days=person.get("days_since", 1))
    left = person["past"]
    # finished visits need no cells: nobody can book the past
    while left and day > calendar.local_day(now) - timedelta(days=30):
        spans = calendar.spans(who.id, day)
        if spans and not calendar.is_closed(day):
            starts_at = spans[0][0]
            session.add(
                Appointment(
                    contact_id=patient.contact_id,
                    patient_id=patient.id,
                    clinician_id=who.id,
                    service_id=_service_id(session, SESSION),
                    course_id=course.id if course is not None else None,
                    category=person["category"],
                    starts_at=starts_at,
                    ends_at=starts_at + minutes,
                    status=COMPLETED,
                    version=2,
                )
            )
            left -= 1
            day -= timedelta(days=DAYS_BETWEEN_SESSIONS - 1)
        day -= timedelta(days=1)


def _who(calendar: Calendar, preferred: List[str]) -> str:
    offering = [one.code for one in calendar.profile.clinicians if SESSION in one.services]
    return next((code for code in preferred if code in offering), offering[0])


def _service_id(session: Session, code: str) -> int:
    return int(session.execute(select(Service.id).where(Service.code == code)).scalar_one())
