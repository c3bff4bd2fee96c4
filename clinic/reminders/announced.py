"""Deciding about an announcement at the moment of sending: is it still so, and how does it go?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Dict, List, Optional, Tuple, Union

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.absence import absence_facts, is_affected, ways_out
from clinic.affected import as_affected
from clinic.announcing import TEMPLATES
from clinic.bubbles import Choice
from clinic.course_plans import course_facts, plan_in_a_line
from clinic.decision import AsWritten, Decision, Go, Later, Stop
from clinic.delivery import window_open
from clinic.handoffs import unresolved_handoff
from clinic.models import Announcement, Appointment, Course, SlotOffer
from clinic.models.announcement import OFFER, PLAN
from clinic.models.message import CANCELLED, SKIPPED
from clinic.models.schedule import HELD, STANDING
from clinic.models.waiting import OPEN
from clinic.reminders.writing import Words
from clinic.waitlist_offers import offer_facts

WHILE_CHANGED = timedelta(seconds=2)

# what a template says, and what its buttons mean
Filling = Tuple[Dict[str, Any], List[Choice]]


def decide_announcement(
    session: Session, words: Words, message: Any, contact: Any, moment: datetime
) -> Decision:
    """Whether an announcement goes now, and as what."""
    row = session.get(Announcement, int(message.id))
    if row is None:
        return Stop(CANCELLED, "nobody announced it")
    found = _filling(session, words, row, contact, moment)
    if isinstance(found, (Stop, Later)):
        return found
    if message.content is not None and window_open(contact, moment):
        return AsWritten()
    facts, choices = found
    facts = {**words.clinic_facts(str(contact.language)), **facts}
    return Go(words.template(contact, TEMPLATES[str(row.about)], facts, choices))


def _filling(
    session: Session, words: Words, row: Announcement, contact: Any, moment: datetime
) -> Union[Filling, Stop, Later]:
    language = str(contact.language)
    if row.about == OFFER:
        return _offer(session, words, int(row.subject_id), language, moment)
    if row.about == PLAN:
        return _plan(session, words, int(row.subject_id), language)
    return _absence(session, words, row, language, moment)


def _offer(
    session: Session, words: Words, offer_id: int, language: str, moment: datetime
) -> Union[Filling, Stop]:
    offer = session.get(SlotOffer, offer_id, populate_existing=True)
    kept = None if offer is None else offer.appointment
    if offer is None or kept is None or offer.status != OPEN or kept.status != HELD:
        return Stop(CANCELLED, "offer over")
    if unresolved_handoff(session, int(kept.contact_id)) is not None:
        return Stop(SKIPPED, "open handoff")
    facts = offer_facts(offer, kept, words.profile, language)
    return facts, words.texts.buttons("utter_waitlist_offer", language, **facts)


def _plan(session: Session, words: Words, course_id: int, language: str) -> Union[Filling, Stop]:
    course = session.get(Course, course_id)
    if course is None or course.status != "active":
        return Stop(CANCELLED, "course over")
    facts = course_facts(course, words.profile, language)
    choices = words.texts.buttons("utter_course_plan", language, **facts)
    return {**facts, "details": plan_in_a_line(course, words.texts, language, facts)}, choices


def _absence(
    session: Session, words: Words, row: Announcement, language: str, moment: datetime
) -> Union[Filling, Stop, Later]:
    visit = _visit_as_it_is(session, int(row.subject_id))
    if visit is None:
        return Later(moment + WHILE_CHANGED, "visit is being changed")
    if visit.status not in STANDING:
        return Stop(CANCELLED, f"visit {visit.status}")
    if visit.time_version > row.version:
        return Stop(CANCELLED, "visit moved")
    if not is_affected(session, visit, str(row.about)):
        return Stop(CANCELLED, "visit can take place")
    one = as_affected(session, visit, moment)
    facts = absence_facts(session, one, language)
    facts["slots"] = words.free_times(one.alternatives, language, "utter_word_none_near")
    return facts, ways_out(one, words.texts, language)


def _visit_as_it_is(session: Session, appointment_id: int) -> Optional[Appointment]:
    """The visit, which stays so until this transaction ends; None while it is being changed."""
    return session.execute(
        select(Appointment)
        .where(Appointment.id == appointment_id)
        .with_for_update(read=True, of=Appointment, skip_locked=True)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
