"""A programme as the patient reads it: the clinician's own words, and fixed ones around them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, List, Optional

from clinic.bubbles import Choices, Media, Text
from clinic.canned import living_media_id
from clinic.delivery import window_open
from clinic.models import Exercise, ExerciseProgramme
from clinic.reminders.writing import Words
from clinic.texts import Texts

# what WhatsApp carries under buttons
BODY = 1024
TEMPLATE = "home_exercises"
RESPONSE = "utter_home_exercises"


def occasion_bubble(
    words: Words, contact: Any, programme: ExerciseProgramme, key: str, moment: datetime
) -> Optional[Any]:
    """What goes at an occasion, its buttons naming it by `key`; None without a template.

    Within the 24-hour window the exercises in full, or where they are too long their names;
    outside of it a template, which says nothing of them.
    """
    language = str(contact.language)
    facts: Dict[str, Any] = {
        **words.clinic_facts(language),
        "patient": str(programme.patient.name),
        "occasion": key,
        "exercises": in_full(programme),
    }
    choices = words.texts.buttons(RESPONSE, language, **facts)
    if not window_open(contact, moment):
        return words.template(contact, TEMPLATE, facts, choices)
    text = words.texts.say(RESPONSE, language, **facts)
    if len(text) > BODY:
        text = words.texts.say(RESPONSE, language, **{**facts, "exercises": in_short(programme)})
    return Choices(text=text, choices=choices)


def shown_bubbles(
    texts: Texts, programme: ExerciseProgramme, language: str, moment: datetime
) -> List[Any]:
    """The programme as it is shown on demand: all its words, then the files WhatsApp has."""
    facts = {"patient": str(programme.patient.name), "exercises": in_full(programme)}
    bubbles: List[Any] = [Text(text=texts.say("utter_my_exercises", language, **facts))]
    for one in programme.exercises:
        media_id = living_media_id(one.file, moment) if one.file is not None else None
        if media_id is not None:
            bubbles.append(_media(one, media_id))
    return bubbles


def in_full(programme: ExerciseProgramme) -> str:
    """Names, doses and instructions, numbered, one paragraph for each exercise."""
    return "\n\n".join(f"{_line(one)}\n{one.instructions}" for one in programme.exercises)


def in_short(programme: ExerciseProgramme) -> str:
    """Names and doses, numbered, one line for each exercise."""
    return "\n".join(_line(one) for one in programme.exercises)


def _line(one: Exercise) -> str:
    return f"{one.position}. {one.title}" + (f" ({one.dose})" if one.dose else "")


def _media(one: Exercise, media_id: str) -> Media:
    mime_type = str(one.file.mime_type)
    family = mime_type.split("/", 1)[0]
    kind: Any = family if family in ("image", "video") else "document"
    named = str(one.file.filename) if kind == "document" else None
    return Media(media=kind, id=media_id, caption=_line(one), filename=named)
