"""A visit in words: facts for the placeholders of responses, never sentences."""

from __future__ import annotations

from typing import Any, Dict, List, Optional
from zoneinfo import ZoneInfo

from sqlalchemy import select

from actions.talk import Talk
from clinic.calendar_words import say_moment, say_moment_in_a_row, say_rupees, say_time
from clinic.courses import number_of
from clinic.icalendars import visit_link_key
from clinic.models import Appointment, Patient
from clinic.profile import Profile
from clinic.scheduling.grid import Slot
from clinic.scheduling.visit import Visit
from clinic.settings import settings
from clinic.visit_keys import visit_key


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


def say_calendar_link(talk: Talk, visit: Visit) -> None:
    """A button that puts the visit into the patient's own calendar, where the clinic has a public
    address for it: WhatsApp opens https pages only."""
    public = settings().inbox_public_url
    if public is not None:
        url = f"{public}/calendar/visit/{visit_link_key(visit.appointment_id)}.ics"
        talk.say("utter_calendar_link", calendar_url=url)


def appointment_key(visit: Visit) -> str:
    """What a button says of a visit: its id and version, so that a stale one is known."""
    return visit_key(visit.appointment_id, visit.version)


def slot_row(
    slot: Slot, profile: Profile, language: str, with_day: bool, payload: str
) -> Dict[str, str]:
    """A list row for a free slot."""
    zone = ZoneInfo(profile.time_zone)
    name = profile.clinician(slot.clinician).name.said_in(language)
    if with_day:
        title = say_moment_in_a_row(slot.starts_at, language, zone)
    else:
        title = say_time(slot.starts_at.astimezone(zone).time(), language)
    return {"title": title, "description": name, "payload": payload}


def visit_rows(talk: Talk, visits: List[Visit], intent: str) -> List[Any]:
    """List rows for visits; a tap means `intent` for that visit.

    Where they are of several patients each row begins with whose visit it is.
    """
    names = _patients(talk, visits)
    rows = []
    for visit in visits:
        facts = visit_facts(visit, talk.profile, talk.language)
        parts = [session_number(talk, visit) or facts["service"], facts["clinician"]]
        if len(names) > 1 and visit.patient_id in names:
            parts.insert(0, names[visit.patient_id])
        rows.append(
            {
                "title": facts["visit_words"],
                "description": ", ".join(parts),
                "payload": f'/{intent}{{"appointment": "{appointment_key(visit)}"}}',
            }
        )
    return rows


def _patients(talk: Talk, visits: List[Visit]) -> Dict[Optional[int], str]:
    """The names of the patients of these visits, by their ids."""
    wanted = {visit.patient_id for visit in visits if visit.patient_id is not None}
    with talk.db.reading() as session:
        found = session.execute(select(Patient).where(Patient.id.in_(wanted))).scalars()
        return {int(patient.id): str(patient.name) for patient in found}
