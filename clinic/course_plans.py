"""A clinician's plan of a course: writing it down, and giving it to the patient to read."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Dict, Iterator, List, Optional, Protocol

import regex
from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.announcing import NOT_GONE, announce, can_reach
from clinic.bubbles import Choice, Choices
from clinic.calendar_words import say_day, say_rupees, word_table
from clinic.courses import local_day, own_course
from clinic.models import Clinician, Contact, Course, Message, Service
from clinic.models.announcement import PLAN
from clinic.models.care import ACTIVE, PACKAGE, PER_SESSION, PRICINGS
from clinic.profile import Profile
from clinic.scheduling.rows import patient_named
from clinic.setup import profile_in

MOST_SESSIONS = 60
MOST_PER_WEEK = 7
# both texts, with what stands around them, fit into one message with a button (1,024 characters)
LONGEST_WORDS = 350
# with the template around it, it stays within WhatsApp's 1,024 characters
LONGEST_LINE = 850
LARGEST_PRICE_PAISE = 50_000_000
PRICE_TEXTS = {
    PACKAGE: "utter_course_price_package",
    PER_SESSION: "utter_course_price_session",
}


class PlanTexts(Protocol):
    """The fixed words around a plan (`clinic.texts.Texts`)."""

    def say(self, name: str, language: str, **slots: Any) -> str:
        """The words of the response `name` in `language`."""

    def buttons(self, name: str, language: str, **slots: Any) -> List[Choice]:
        """The buttons of the response `name`."""


class PlanRefused(Exception):
    """The plan cannot be; `problems` are plain sentences for whoever wrote it."""

    def __init__(self, problems: List[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Plan:
    """What a clinician prescribes. `expect` and `why_finish` are their own words.

    `pricing` is `package` (the price is of the whole course) or `session`; `service` None is
    the clinic's first service for known patients; `expires_on` is a local day, None for no end.
    """

    contact_id: int
    patient: str
    clinician: str
    sessions: int
    authored_by: str
    service: Optional[str] = None
    per_week: Optional[int] = None
    expect: Optional[str] = None
    why_finish: Optional[str] = None
    price_paise: Optional[int] = None
    pricing: Optional[str] = None
    expires_on: Optional[date] = None


def author(session: Session, written: Plan, now: datetime) -> int:
    """Write a course down; its id.

    Raises:
        PlanRefused: naming everything that is wrong with it.
    """
    profile = profile_in(session)
    service = written.service or _usual_service(profile)
    problems = [
        *_unknown(session, profile, written, service),
        *_wrong_numbers(written),
        *_wrong_price(written),
        *_wrong_end(written, local_day(session, now)),
        *_wrong_words(written),
    ]
    if problems:
        raise PlanRefused(problems)
    course = Course(
        patient_id=patient_named(session, written.contact_id, written.patient).id,
        clinician_id=_id_of(session, Clinician, written.clinician),
        service_id=_id_of(session, Service, service),
        sessions=written.sessions,
        per_week=written.per_week,
        expect=_words(written.expect),
        why_finish=_words(written.why_finish),
        price_paise=written.price_paise,
        pricing=written.pricing,
        expires_on=written.expires_on,
        authored_by=written.authored_by,
        authored_at=now,
        status=ACTIVE,
        started_at=now,
    )
    session.add(course)
    session.flush()
    return int(course.id)


def deliver(session: Session, course_id: int, texts: PlanTexts, now: datetime) -> Optional[int]:
    """Plan the message by which the patient reads the plan, with a button to book.

    Returns:
        The message's id; None where the plan is on its way or has arrived already. One that did
        not go is planned anew.

    Raises:
        PlanRefused: if the course has ended, or WhatsApp would not carry the message now.
        clinic.scheduling.errors.UnknownCourse.
    """
    course = own_course(session, course_id, None)
    contact = course.patient.contact
    if course.status != ACTIVE:
        raise PlanRefused([f"The course is {course.status}: only an active one is delivered."])
    earlier = (
        session.execute(
            select(Message.state).where(Message.cause.like(f"course:{course_id}:plan%"))
        )
        .scalars()
        .all()
    )
    if any(state not in NOT_GONE for state in earlier):
        return None
    _refuse_unreachable(session, contact, now)
    suffix = f":{len(earlier) + 1}" if earlier else ""
    message_id = announce(
        session,
        contact,
        PLAN,
        course_id,
        plan_bubble(session, course, texts, str(contact.language)),
        cause=f"course:{course_id}:plan{suffix}",
        due_at=now,
    )
    course.delivered_at = now
    return message_id


def plan_bubble(session: Session, course: Course, texts: PlanTexts, language: str) -> Choices:
    """The plan as the patient reads it: the clinician's words, and the clinic's around them."""
    facts = course_facts(course, profile_in(session), language)
    lines = [texts.say("utter_course_plan", language, **facts)]
    lines += _details(course, texts, language, facts)
    text = "\n".join(lines)
    return Choices(text=text, choices=texts.buttons("utter_course_plan", language, **facts))


def plan_in_a_line(course: Course, texts: PlanTexts, language: str, facts: Dict[str, str]) -> str:
    """What the plan says beside its number of sessions, without line breaks, for a template."""
    details = _details(course, texts, language, facts)
    details = details or [texts.say("utter_word_plan_open", language)]
    said = " • ".join(part.strip() for part in details)
    return textwrap.shorten(said, LONGEST_LINE, placeholder="…")


def _details(course: Course, texts: PlanTexts, language: str, facts: Dict[str, str]) -> List[str]:
    names = ["utter_course_per_week"] if course.per_week else []
    names += ["utter_course_expect"] if course.expect else []
    names += ["utter_course_why_finish"] if course.why_finish else []
    names += [PRICE_TEXTS[str(course.pricing)]] if course.pricing else []
    names += ["utter_course_until"] if course.expires_on else []
    return [texts.say(name, language, **facts) for name in names]


def course_facts(course: Course, profile: Profile, language: str) -> Dict[str, str]:
    """What a text can say of a course: its placeholders, filled for `language`."""
    return {
        "course": str(course.id),
        "patient": str(course.patient.name),
        "clinician": profile.clinician(course.clinician.code).name.said_in(language),
        "service": profile.service(course.service.code).name.said_in(language),
        "total": str(course.sessions),
        "per_week": str(course.per_week or ""),
        "expect": str(course.expect or ""),
        "why_finish": str(course.why_finish or ""),
        "price": say_rupees(course.price_paise) if course.price_paise is not None else "",
        "last_day": say_day(course.expires_on, language) if course.expires_on else "",
    }


def _refuse_unreachable(session: Session, contact: Contact, now: datetime) -> None:
    if contact.opted_out_at is not None:
        raise PlanRefused(["The patient has asked for no messages: give them the plan in person."])
    if contact.unreachable_at is not None:
        raise PlanRefused(["WhatsApp cannot reach this number: give them the plan in person."])
    if not can_reach(session, contact, PLAN, now):
        raise PlanRefused(
            [
                "WhatsApp carries the plan only within 24 hours of the patient's last message: ask "
                "them to write, then deliver it."
            ]
        )


def _unknown(session: Session, profile: Profile, written: Plan, service: str) -> Iterator[str]:
    if session.get(Contact, written.contact_id) is None:
        yield "There is no such contact."
    if not written.patient.strip():
        yield "The plan needs the patient's name."
    if not written.authored_by.strip():
        yield "The plan needs the name of whoever writes it."
    services = {item.code: item for item in profile.services}
    if service not in services:
        yield f"'{service}' is no service of the clinic; it has {', '.join(services)}."
    clinicians = {person.code: person for person in profile.clinicians}
    if written.clinician not in clinicians:
        yield f"'{written.clinician}' is no clinician here; there are {', '.join(clinicians)}."
    elif service in services and service not in clinicians[written.clinician].services:
        yield f"'{written.clinician}' does not offer '{service}'."


def _wrong_numbers(written: Plan) -> Iterator[str]:
    if not 1 <= written.sessions <= MOST_SESSIONS:
        yield f"A course has 1 to {MOST_SESSIONS} sessions, not {written.sessions}."
    if written.per_week is not None and not 1 <= written.per_week <= MOST_PER_WEEK:
        yield f"A week has 1 to {MOST_PER_WEEK} sessions, not {written.per_week}."


def _wrong_price(written: Plan) -> Iterator[str]:
    if (written.price_paise is None) != (written.pricing is None):
        yield "A price goes with how it is meant: for the package, or for each session."
    if written.pricing is not None and written.pricing not in PRICINGS:
        yield f"A price is for the '{PACKAGE}' or for each '{PER_SESSION}'."
    if written.price_paise is not None and not 0 <= written.price_paise <= LARGEST_PRICE_PAISE:
        yield f"A price lies between ₹0 and {say_rupees(LARGEST_PRICE_PAISE)}."


def _wrong_end(written: Plan, today: date) -> Iterator[str]:
    if written.expires_on is None:
        return
    if written.expires_on <= today:
        yield f"The course would end on {written.expires_on}, which is not in the future."
    elif written.per_week and 0 < written.sessions <= MOST_SESSIONS:
        # the last week needs no whole week
        weeks, rest = divmod(written.sessions - 1, max(1, written.per_week))
        if written.expires_on < today + timedelta(days=7 * weeks + rest):
            yield (
                f"{written.sessions} sessions at {written.per_week} a week do not fit before "
                f"{written.expires_on}."
            )


def _wrong_words(written: Plan) -> Iterator[str]:
    for name, words in (("expect", written.expect), ("why-finish", written.why_finish)):
        said = " ".join((words or "").split())
        if words is not None and not said:
            yield f"'{name}' is empty: leave it out, or write something."
        if len(said) > LONGEST_WORDS:
            yield f"'{name}' has {len(said)} characters; at most {LONGEST_WORDS} fit."
        for promise in promises_in(said):
            yield f"'{name}' says '{promise}': no text may promise an outcome."


def promises_in(words: str) -> Iterator[str]:
    """What of a clinician's words promises an outcome, which no text to a patient may."""
    listed: List[str] = word_table("promises")
    for promise in listed:
        # whole words of any script: "secure" promises nothing
        pattern = rf"(?<![\p{{L}}\p{{M}}]){regex.escape(promise)}(?![\p{{L}}\p{{M}}])"
        if regex.search(pattern, words, regex.IGNORECASE):
            yield promise


def _words(written: Optional[str]) -> Optional[str]:
    return written.strip() if written is not None else None


def _usual_service(profile: Profile) -> str:
    at_clinic = [item for item in profile.services if not item.home_visit]
    known = [item.code for item in at_clinic if not item.new_patients]
    return known[0] if known else profile.services[0].code


def _id_of(session: Session, model: type, code: str) -> int:
    return int(session.execute(select(model.id).where(model.code == code)).scalar_one())  # type: ignore[attr-defined]
