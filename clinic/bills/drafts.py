"""What a bill for a visit or a course would say: proposed to whoever issues it, who may edit it."""

from __future__ import annotations

from typing import Dict, List

from sqlalchemy.orm import Session

from clinic.bills.issuing import day_words
from clinic.bills.terms import LANGUAGES, LONGEST_DESCRIPTION, NewLine
from clinic.calendar_words import word_table
from clinic.courses import local_day
from clinic.models import Appointment, Course
from clinic.models.care import PER_SESSION
from clinic.profile import Profile
from clinic.profile_billing import Billing
from clinic.setup import profile_in


def bill_words(language: str) -> Dict[str, str]:
    """The words of a bill in a language of `LANGUAGES`, English for any other."""
    table: Dict[str, Dict[str, str]] = word_table("bill")
    return table[language if language in LANGUAGES else "en"]


def for_visit(session: Session, visit: Appointment, language: str) -> List[NewLine]:
    """The line of a visit: its day, at its course's price for a session, else the service's fee."""
    profile = profile_in(session)
    words = bill_words(language)["visit_line"]
    course = session.get(Course, visit.course_id) if visit.course_id is not None else None
    price = int(visit.service.fee_paise)
    if course is not None and course.pricing == PER_SESSION and course.price_paise is not None:
        price = int(course.price_paise)
    said = words.format(
        service=_service(profile, str(visit.service.code), language),
        day=day_words(local_day(session, visit.starts_at)),
    )
    return [_line(profile, said, 1, price)]


def for_course(session: Session, course: Course, language: str) -> List[NewLine]:
    """The line of a course: the plan's price for all of it, or so many sessions at a price."""
    profile, words = profile_in(session), bill_words(language)
    service = _service(profile, str(course.service.code), language)
    sessions = int(course.sessions)
    if course.price_paise is not None and course.pricing != PER_SESSION:
        said = words["course_line"].format(service=service, sessions=sessions)
        return [_line(profile, said, 1, int(course.price_paise))]
    price = course.price_paise if course.price_paise is not None else course.service.fee_paise
    return [_line(profile, words["sessions_line"].format(service=service), sessions, int(price))]


def sac_of(profile: Profile) -> str:
    """The code that the clinic bills under; that of health services where it says nothing."""
    return profile.billing.sac if profile.billing is not None else Billing.__fields__["sac"].default


def _line(profile: Profile, words: str, quantity: int, paise: int) -> NewLine:
    return NewLine(words[:LONGEST_DESCRIPTION], quantity, paise, sac_of(profile))


def _service(profile: Profile, code: str, language: str) -> str:
    try:
        return str(profile.service(code).name.said_in(language if language in LANGUAGES else "en"))
    except KeyError:
        # the profile lost it since
        return code
