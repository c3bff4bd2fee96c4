"""A visit in words: facts for the placeholders of responses, never sentences."""

from __future__ import annotations

from typing import Any, Dict, List
from zoneinfo import ZoneInfo

from clinic.calendar_words import say_day, say_moment, say_rupees, say_time
from clinic.profile import Profile
from clinic.scheduling.grid import Slot
from clinic.scheduling.visit import Visit


def visit_facts(visit: Any, profile: Profile, language: str) -> Dict[str, Any]:
    """`visit_words`, `clinician`, `service`, `minutes`, `fee` of a Visit or a Slot."""
    service = profile.service(visit.service)
    return {
        "visit_words": say_moment(visit.starts_at, language, ZoneInfo(profile.time_zone)),
        "clinician": profile.clinician(visit.clinician).name.said_in(language),
        "service": service.name.said_in(language),
        "minutes": str(service.minutes),
        "fee": say_rupees(service.fee_paise),
    }


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


def visit_rows(visits: List[Visit], intent: str, profile: Profile, language: str) -> List[Any]:
    """List rows for visits; a tap means `intent` for that visit."""
    rows = []
    for visit in visits:
        facts = visit_facts(visit, profile, language)
        rows.append(
            {
                "title": facts["visit_words"],
                "description": f"{facts['service']}, {facts['clinician']}",
                "payload": f'/{intent}{{"appointment": "{appointment_key(visit)}"}}',
            }
        )
    return rows
