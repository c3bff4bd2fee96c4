"""A visit in words: facts for the placeholders of responses, never sentences."""

from __future__ import annotations

from typing import Any, Dict, List, Optional
from zoneinfo import ZoneInfo

from actions.talk import Talk
from clinic.calendar_words import say_day, say_moment, say_rupees, say_time
from clinic.courses import number_of
from clinic.models import Appointment
from clinic.profile import Profile
from clinic.scheduling.grid import Slot
from clinic.scheduling.visit import Visit


def visit_facts(visit: Any, profile: Profile, language: str) -> Dict[str, Any]:
    """`visit_words`, `clinician`, `service`, `minutes`, `fee` of a Visit or a Slot.

    `session_words` is empty here: `numbered_facts` says which session of a course a visit is.
    """
    service = profile.service(visit.service)
    return {
        "visit_words": say_moment(visit.starts_at, language, ZoneInfo(profile.time_zone)),
        "clinician": profile.clinician(visit.clinician).name.said_in(language),
        "service": service.name.said_in(language),
        "minutes": str(service.minutes),
        "fee": say_rupees(service.fee_paise),
        "session_words": "",
    }


def numbered_facts(talk: Talk, visit: Visit) -> Dict[str, Any]:
    """`visit_facts`, with `session_words` such as ` (session 4 of 12)`."""
    facts = visit_facts(visit, talk.profile, talk.language)
    number = session_number(talk, visit)
    return {**facts, "session_words": f" ({number})" if number else ""}


def session_number(talk: Talk, visit: Visit) -> Optional[str]:
    """`session 4 of 12`, or None for a visit of no course."""
    if visit.course_id is None:
        return None
    with talk.db.reading() as session:
        appointment = session.get(Appointment, visit.appointment_id)
        place = number_of(session, appointment) if appointment is not None else None
    if place is None:
        return None
    return talk.word("utter_word_session_number", number=place[0], total=place[1])


def appointment_key(visit: Visit) -> str:
    """What a button says of a visit: its id and version, so that a stale one is known."""
    return f"{visit.appointment_id}:{visit.version}"


def slot_row(
    slot: Slot, profile: Profile, language: str, with_day: bool, payload: str
) -> Dict[str, str]:
    """A list row for a free slot."""
    local = slot.starts_at.astimezone(ZoneInfo(profile.time_zone))
    said = say_time(local.time(), language)
    name = profile.clinician(slot.clinician).name.said_in(language)
    title = f"{say_day(local.date(), language)}, {said}" if with_day else said
    return {"title": title, "description": name, "payload": payload}


def visit_rows(talk: Talk, visits: List[Visit], intent: str) -> List[Any]:
    """List rows for visits; a tap means `intent` for that visit."""
    rows = []
    for visit in visits:
        facts = visit_facts(visit, talk.profile, talk.language)
        what = session_number(talk, visit) or facts["service"]
        rows.append(
            {
                "title": facts["visit_words"],
                "description": f"{what}, {facts['clinician']}",
                "payload": f'/{intent}{{"appointment": "{appointment_key(visit)}"}}',
            }
        )
    return rows
