"""Visits as staff change them: book, move, cancel, say what became of one; one transaction each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Callable, Dict, List, NoReturn, Optional, Type
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.attendance import TRANSITIONS, mark
from clinic.audit import record
from clinic.bubbles import Text
from clinic.calendar_words import say_moment
from clinic.contacts import ensure_contact
from clinic.database import now
from clinic.delivery import window_open
from clinic.logs import logger
from clinic.models import Appointment, Contact, Patient
from clinic.models.schedule import ARRIVED, CANCELLED, COMPLETED, HELD, NO_SHOW
from clinic.outbox import plan
from clinic.scheduling import booking, errors
from clinic.scheduling.errors import SchedulingError
from clinic.scheduling.grid import Slot
from clinic.scheduling.visit import Visit
from clinic.setup import profile_in
from inbox.errors import Refusal
from inbox.house import house

log = logger("inbox")

BOOKED, MOVED, CALLED_OFF = "utter_staff_booked", "utter_staff_moved", "utter_staff_cancelled"
CANCEL_REASONS = {
    "asked": "The patient asked",
    "unwell": "The patient is unwell",
    "clinic": "The clinic cannot keep the time",
    "wrong": "Booked by mistake",
    "other": "Something else",
}
# in the order in which a visit goes
MARKS = (ARRIVED, COMPLETED, NO_SHOW)

WHY: Dict[Type[SchedulingError], str] = {
    errors.SlotTaken: "Somebody else has just taken this time. Choose another.",
    errors.SlotPast: "This time has passed. Choose a later one.",
    errors.ClosedDay: "The clinic is closed on that day.",
    errors.OutsideHours: "The visit does not fit this physiotherapist's hours.",
    errors.ClinicianAway: "The physiotherapist is on leave at that time.",
    errors.UnknownService: "The clinic does not offer this service any more.",
    errors.UnknownClinician: "This physiotherapist does not offer this service.",
    errors.UnknownAppointment: "There is no such visit.",
    errors.NotStanding: "This visit is over or was cancelled meanwhile.",
    errors.AppointmentPast: "This visit has already begun.",
    errors.Moved: "This visit was moved meanwhile. Look at its new time first.",
    errors.DifferentService: "A visit can only be moved to a time of the same service.",
    errors.NoSuchChange: "A visit in this state cannot become that.",
    errors.NotYetBegun: "This can be said only once the visit has begun.",
    errors.CourseFull: "Every session of this course is used or booked.",
    errors.CourseOver: "The course ends before that day.",
}


def find_visit(session: Session, appointment_id: int) -> Appointment:
    """The visit of that id.

    Raises:
        Refusal: 404.
    """
    found = session.get(Appointment, appointment_id)
    if found is None or found.status == HELD:
        raise Refusal(404, "not_found", WHY[errors.UnknownAppointment])
    return found


def names_of(session: Session, contact: Contact) -> List[str]:
    """Whom this contact books for: its patients, else its own name."""
    rows = session.execute(
        select(Patient).where(Patient.contact_id == contact.id).order_by(Patient.id)
    ).scalars()
    names = [str(row.name) for row in rows]
    return names or ([str(contact.profile_name)] if contact.profile_name else [])


def may_become(row: Appointment) -> List[str]:
    """What can be said of a visit at this moment, in the order in which a visit goes."""
    moment, zone = now(), house().zone()
    if row.starts_at.astimezone(zone).date() > moment.astimezone(zone).date():
        return []
    # who comes early has arrived; treated or missed is said once it has begun
    known = MARKS if row.starts_at <= moment else (ARRIVED,)
    return [status for status in known if status in TRANSITIONS[row.status]]


def contact_of_phone(phone: str) -> int:
    """The id of whoever has that number, made where nobody is known yet."""
    with house().database.transaction() as session:
        contact = ensure_contact(session, phone, None)
        session.flush()
        return int(contact.id)


def slot_at(session: Session, clinician: str, service: str, starts_at: datetime) -> Slot:
    """The slot of a service that begins then.

    Raises:
        Refusal: 422 if there is no such service.
    """
    try:
        minutes = profile_in(session).service(service).minutes
    except KeyError:
        raise Refusal(422, "not_bookable", WHY[errors.UnknownService]) from None
    return Slot(clinician, service, starts_at, starts_at + timedelta(minutes=minutes))


def book(contact_id: int, slot: Slot, name: str, key: str, by: str, tell: bool) -> Visit:
    """Book a visit; with `tell` the patient is told while WhatsApp carries it.

    Raises:
        Refusal: 409 or 422, with the reason as a sentence.
    """

    def work(session: Session) -> Visit:
        return booking.book(session, slot, contact_id, name, f"desk:{key}:book", now=now())

    return _change(work, "book", by, BOOKED if tell else None)


def move(appointment_id: int, version: int, slot: Slot, key: str, by: str, tell: bool) -> Visit:
    """Move a visit; refusals as `book`, and where it changed since the page showed it."""

    def work(session: Session) -> Visit:
        return booking.reschedule(
            session,
            appointment_id,
            None,
            slot,
            f"desk:{key}:move",
            now=now(),
            version=version,
        )

    return _change(work, "move", by, MOVED if tell else None)


def call_off(
    appointment_id: int, version: int, reason: str, key: str, by: str, tell: bool
) -> Visit:
    """Cancel a visit for one of `CANCEL_REASONS`; refusals as `move`."""
    if reason not in CANCEL_REASONS:
        raise Refusal(422, "reason", "Choose why it is cancelled.")

    def work(session: Session) -> Visit:
        return booking.cancel(
            session,
            appointment_id,
            None,
            by[:40],
            reason,
            f"desk:{key}:cancel",
            now=now(),
            version=version,
        )

    return _change(work, "cancel", by, CALLED_OFF if tell else None)


def say_what_became(appointment_id: int, status: str, by: str) -> Visit:
    """Mark a visit as arrived, completed or missed.

    Raises:
        Refusal: 422 if it cannot become that, 404 if there is none.
    """
    if status not in MARKS or status == CANCELLED:
        raise Refusal(422, "status", WHY[errors.NoSuchChange])

    def work(session: Session) -> Visit:
        return mark(session, appointment_id, status, by, now=now())

    return _change(work, f"mark_{status}", by, None)


def _change(work: Callable[[Session], Visit], what: str, by: str, told: Optional[str]) -> Visit:
    try:
        with house().database.transaction() as session:
            visit = work(session)
            if told is not None:
                _tell(session, visit, told)
            record(session, by, what, f"appointment:{visit.appointment_id}")
    except SchedulingError as error:
        _refuse(error)
    log.info("visit changed", appointment=visit.appointment_id, what=what)
    return visit


def _tell(session: Session, visit: Visit, response: str) -> None:
    contact = session.get(Contact, visit.contact_id)
    if contact is None or not window_open(contact):
        return
    profile = profile_in(session)
    language = str(contact.language)
    facts = {
        "visit_words": say_moment(visit.starts_at, language, ZoneInfo(profile.time_zone)),
        "service": profile.service(visit.service).name.said_in(language),
        "clinician": profile.clinician(visit.clinician).name.said_in(language),
    }
    try:
        words = house().texts.say(response, language, **facts)
    except KeyError:
        # the change itself counts; a missing text is the designers' to mend
        log.error("fixed text missing", text=response)
        return
    cause = f"appointment:{visit.appointment_id}:{response}:{visit.version}"
    plan(session, visit.contact_id, Text(text=words), cause=cause)


def _refuse(error: SchedulingError) -> NoReturn:
    status = 404 if isinstance(error, errors.UnknownAppointment) else 409
    raise Refusal(status, "not_bookable", WHY.get(type(error), "That cannot be done.")) from None
