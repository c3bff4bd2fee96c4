"""A clinician's leave and the clinic's own closures: whom they affect, and telling them.

Entering an absence changes no visit: it lists those that cannot take place, with alternatives.
Announcing it is one confirmation by staff, which writes to each patient, once, with what they can
do. Patients whom WhatsApp would not let us write to now are named for staff to telephone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Dict, List, Optional, Tuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.affected import Affected, affected_between
from clinic.announcing import announce, can_reach, has_not_gone
from clinic.bubbles import Choice, Choices
from clinic.calendar_words import say_moment, say_moment_in_a_row
from clinic.delivery import window_open
from clinic.models import Appointment, Clinician, Closure, Contact, Leave
from clinic.models.announcement import CLOSURE, LEAVE
from clinic.reminders.times import quiet_span
from clinic.scheduling.errors import UnknownClinician
from clinic.setup import profile_in
from clinic.texts import Texts

LONGEST_LEAVE = timedelta(days=366)
RESPONSES = {LEAVE: "utter_leave_clinician", CLOSURE: "utter_leave_clinic"}


class AbsenceRefused(Exception):
    """The absence cannot be entered; the message is a plain sentence for staff."""


@dataclass(frozen=True)
class Announced:
    """Messages planned, and the visits whose patients have to be telephoned instead."""

    message_ids: List[int]
    by_phone: List[Affected]


def add_leave(
    session: Session,
    clinician: str,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    note: Optional[str] = None,
) -> Tuple[int, List[Affected]]:
    """Enter a leave, [starts_at, ends_at), aware; its id, and the visits it affects.

    The very same leave entered again is not doubled.

    Raises:
        AbsenceRefused: if it ends before it begins, is over, or is longer than a year.
        UnknownClinician.
    """
    if ends_at <= starts_at:
        raise AbsenceRefused("The leave ends before it begins.")
    if ends_at <= now:
        raise AbsenceRefused("The leave is over already.")
    if ends_at - starts_at > LONGEST_LEAVE:
        raise AbsenceRefused("The leave is longer than a year: enter it in parts.")
    person = session.execute(
        select(Clinician).where(Clinician.code == clinician, Clinician.active.is_(True))
    ).scalar_one_or_none()
    if person is None:
        raise UnknownClinician(f"clinician {clinician}")
    leave = session.execute(
        select(Leave).where(
            Leave.clinician_id == person.id, Leave.starts_at == starts_at, Leave.ends_at == ends_at
        )
    ).scalar_one_or_none()
    if leave is None:
        leave = Leave(clinician_id=person.id, starts_at=starts_at, ends_at=ends_at, note=note)
        session.add(leave)
        session.flush()
    return int(leave.id), affected_by_leave(session, int(leave.id), now)


def remove_leave(session: Session, leave_id: int) -> bool:
    """Take a leave back; its slots are free again, for who waits too. Whether there was one."""
    leave = session.get(Leave, leave_id)
    if leave is None:
        return False
    session.delete(leave)
    session.flush()
    return True


def leaves(session: Session, now: datetime) -> List[Leave]:
    """Every leave that is not over, soonest first."""
    rows = session.execute(
        select(Leave).where(Leave.ends_at > now).order_by(Leave.starts_at, Leave.id)
    ).scalars()
    return list(rows)


def affected_by_leave(session: Session, leave_id: int, now: datetime) -> List[Affected]:
    """The standing visits that a leave touches, with alternatives.

    Raises:
        AbsenceRefused: if there is no such leave.
    """
    leave = session.get(Leave, leave_id)
    if leave is None:
        raise AbsenceRefused(f"There is no leave {leave_id}.")
    touched = (Appointment.clinician_id == leave.clinician_id,)
    return affected_between(session, leave.starts_at, leave.ends_at, touched, now)


def add_closure(
    session: Session, day: date, reason: Optional[str], now: datetime
) -> List[Affected]:
    """Close the clinic on a local day of its own; the visits it affects.

    Raises:
        AbsenceRefused: if the day is over.
    """
    if day < now.astimezone(_zone(session)).date():
        raise AbsenceRefused("That day is over already.")
    closure = session.get(Closure, day)
    if closure is None:
        session.add(Closure(day=day, reason=reason))
        session.flush()
    return affected_by_closure(session, day, now)


def affected_by_closure(session: Session, day: date, now: datetime) -> List[Affected]:
    """The standing visits of a local day on which the clinic is closed, with alternatives."""
    begins = datetime.combine(day, time.min, _zone(session))
    return affected_between(session, begins, begins + timedelta(days=1), (), now)


def announce_leave(
    session: Session, leave_id: int, by: str, texts: Texts, now: datetime
) -> Announced:
    """Write to everybody whom a leave affects; announced again, only to those not told yet.

    Args:
        by: who of the staff confirmed it; the author of the messages.

    Raises:
        AbsenceRefused: if there is no such leave.
    """
    found = affected_by_leave(session, leave_id, now)
    return _announce(session, found, f"leave:{leave_id}", LEAVE, by, texts, now)


def announce_closure(
    session: Session, day: date, by: str, texts: Texts, now: datetime
) -> Announced:
    """Write to everybody with a visit on a day on which the clinic is closed; as `announce_leave`.

    Raises:
        AbsenceRefused: if the clinic is not closed on that day.
    """
    if session.get(Closure, day) is None:
        raise AbsenceRefused(f"The clinic has no closure on {day}.")
    found = affected_by_closure(session, day, now)
    cause = f"closure:{day.isoformat()}"
    return _announce(session, found, cause, CLOSURE, by, texts, now)


def _zone(session: Session) -> ZoneInfo:
    return ZoneInfo(profile_in(session).time_zone)


def is_affected(session: Session, visit: Appointment, about: str) -> bool:
    """Whether a visit still lies in a leave of its clinician, or on a day of closure."""
    if about == CLOSURE:
        day = visit.starts_at.astimezone(_zone(session)).date()
        return session.get(Closure, day) is not None
    found = session.execute(
        select(Leave.id).where(
            Leave.clinician_id == visit.clinician_id,
            Leave.starts_at < visit.ends_at,
            Leave.ends_at > visit.starts_at,
        )
    )
    return found.first() is not None


def absence_facts(session: Session, one: Affected, language: str) -> Dict[str, str]:
    """What a text can say of a visit that cannot take place."""
    profile = profile_in(session)
    return {
        "visit_words": say_moment(one.starts_at, language, ZoneInfo(profile.time_zone)),
        "clinician": profile.clinician(one.clinician).name.said_in(language),
    }


def ways_out(one: Affected, texts: Texts, language: str) -> List[Choice]:
    """The two buttons under any message about it: another time, or none."""
    key = f"{one.appointment_id}:{one.version}"
    return [
        Choice(title=texts.say(name, language), payload=f'/{intent}{{"appointment": "{key}"}}')
        for name, intent in (
            ("utter_word_other_time", "reschedule"),
            ("utter_word_cancel_visit", "cancel"),
        )
    ]


def _announce(
    session: Session,
    found: List[Affected],
    cause: str,
    about: str,
    by: str,
    texts: Texts,
    now: datetime,
) -> Announced:
    messages: List[int] = []
    by_phone: List[Affected] = []
    for one in found:
        contact = session.get(Contact, one.contact_id)
        if contact is None or not _reads_in_time(session, contact, one, about, now):
            by_phone.append(one)
            continue
        told_by = f"{cause}:appointment:{one.appointment_id}:{one.version}"
        message = announce(
            session,
            contact,
            about,
            one.appointment_id,
            _bubble(session, one, RESPONSES[about], texts, str(contact.language)),
            cause=told_by,
            author=by,
            due_at=now,
            not_after=one.starts_at,
            version=one.version,
        )
        if message is not None:
            messages.append(message)
        elif has_not_gone(session, told_by):
            by_phone.append(one)
    return Announced(messages, by_phone)


def _reads_in_time(
    session: Session, contact: Contact, one: Affected, about: str, now: datetime
) -> bool:
    """Whether WhatsApp carries it before the visit; a template waits for the quiet hours' end."""
    if not can_reach(session, contact, about, now):
        return False
    quiet = quiet_span(now, profile_in(session).reminders.quiet, _zone(session))
    return window_open(contact, now) or quiet is None or quiet[1] < one.starts_at


def _bubble(session: Session, one: Affected, response: str, texts: Texts, language: str) -> Choices:
    profile = profile_in(session)
    zone = ZoneInfo(profile.time_zone)
    key = f"{one.appointment_id}:{one.version}"
    choices = [
        Choice(
            title=say_moment_in_a_row(slot.starts_at, language, zone),
            description=profile.clinician(slot.clinician).name.said_in(language),
            payload=f'/reschedule{{"appointment": "{key}", "slot": "{slot.key}"}}',
        )
        for slot in one.alternatives
    ]
    choices += ways_out(one, texts, language)
    opener = texts.custom(response, language).get("opener")
    text = texts.say(response, language, **absence_facts(session, one, language))
    return Choices(text=text, choices=choices, opener=opener)
