"""Booking a visit: category → day → time → name → confirm."""

from __future__ import annotations

from typing import Any, Dict, Optional

import regex
from rasa_sdk.events import SlotSet
from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.asides import (
    NEWS,
    NOTHING_NEW,
    forget_dropped,
    go_on,
    refuse_another_form,
    with_sure_answer,
    without_answer_to_change,
)
from actions.clinicians import named_clinician
from actions.talk import BOOKING_SLOTS, ClinicAction, Events, Talk, forget
from actions.times import checked_day, hear_times, said_time
from actions.visit_words import numbered_facts, say_calendar_link, visit_facts
from clinic.database import now
from clinic.models import Appointment, Patient
from clinic.scheduling.booking import confirm, hold
from clinic.scheduling.errors import HoldExpired, SchedulingError, SlotTaken
from clinic.scheduling.grid import Slot
from clinic.scheduling.visit import Visit, visit_of

SURE_OF_NO_NAME = 0.7
BEFORE_THE_NAME = frozenset({"category", "day", "slot"})

# letters and marks of any script, with what names have between them
_NAME = regex.compile(r"^[\p{L}\p{M}][\p{L}\p{M}.'’\- ]{0,58}[\p{L}\p{M}.]$")
_LEAD = regex.compile(
    r"^(?:(?:my|the|patient'?s?) )?(?:name'?s?|naam|nam|नाम)(?: (?:is|hai|है|h))?[ :\-]+"
    r"|^(?:i am|i'm|this is|main|mera naam|meraa naam|मेरा नाम|मैं)(?: (?:hoon|hai|है))? +"
    r"|^(?:for|ke liye) +(?:my +)?(?:son|daughter|mother|father|wife|husband)? *",
    regex.IGNORECASE,
)
_TAIL = regex.compile(r"(?:\s+(?:hai|h|hoon|hu|है|हूँ|here|ke liye|के लिए))+$", regex.IGNORECASE)


def clean_name(said: str) -> Optional[str]:
    """The name in an answer to "who is the visit for?"; None where it is none."""
    name = " ".join(said.split()).strip(" .,!:;\"'")
    name = _LEAD.sub("", name).strip()
    name = _TAIL.sub("", name).strip(" .,!")
    if len(name.split()) > 5 or not _NAME.match(name):
        return None
    return name


class ValidateBookingForm(ClinicAction):
    """Takes in what the patient said, in whatever order they say it."""

    action_name = "validate_booking_form"

    def act(self, talk: Talk) -> Events:
        named = self._name(talk)
        if named:
            return named
        refuse_another_form(talk)
        heard = with_sure_answer(talk, "booking_confirm", same_as_yes="book")
        events = hear_times(talk, heard)
        events += self._category(talk, heard)
        events += self._day(talk, heard, events)
        events += self._slot(talk, {**heard, **said_time(talk, heard, events)})
        heard = without_answer_to_change(heard, "booking_confirm", events)
        events += forget_dropped(talk, heard, "booking_confirm")
        events += self._confirmation(talk, heard)
        _say_what_is_kept(talk, events)
        return go_on(talk, heard, events)

    def _category(self, talk: Talk, heard: Dict[str, Any]) -> Events:
        known = {item.code for item in talk.profile.categories}
        if "category" in heard and heard["category"] not in known:
            return forget("category")
        if "category" in heard:
            return [SlotSet("category", heard["category"])]
        if talk.requested == "category" and heard.get("indifferent"):
            return [SlotSet("category", "other")]
        return []

    def _day(self, talk: Talk, heard: Dict[str, Any], events: Events) -> Events:
        said = [event["value"] for event in events if event.get("name") == "day"]
        day = heard.get("day") or (said[-1] if said else None)
        if day is None:
            return []
        checked = checked_day(talk, day)
        return [SlotSet("day", checked)] + ([] if checked else forget("slot", "wish"))

    def _slot(self, talk: Talk, heard: Dict[str, Any]) -> Events:
        if "slot" not in heard:
            return []
        moment = now()
        try:
            slot = Slot.from_key(str(heard["slot"]))
            with talk.db.transaction() as session:
                visit = hold(
                    session,
                    slot,
                    talk.contact_id,
                    now=moment,
                    category=heard.get("category") or talk.slot("category"),
                )
        except SlotTaken:
            talk.say("utter_slot_taken")
            return forget("slot", "held")
        except (SchedulingError, ValueError):
            talk.say("utter_slot_gone")
            return forget("slot", "held")
        day = slot.starts_at.astimezone(talk.zone).date().isoformat()
        return [
            SlotSet("slot", slot.key),
            SlotSet("held", visit.appointment_id),
            SlotSet("day", day),
            *_known_name(talk),
        ]

    def _name(self, talk: Talk) -> Events:
        """The name where it was asked for, or given before, or another than what was read out."""
        if talk.requested == "booking_confirm" and talk.intent == "inform_name":
            name = clean_name(talk.text) if _LEAD.search(talk.text) else None
            return [SlotSet("patient_name", name)] if name else []
        if talk.requested in BEFORE_THE_NAME:
            return _name_given_early(talk)
        if talk.requested != "patient_name" or talk.is_tap or NEWS & set(talk.heard()):
            return []
        name = clean_name(talk.text)
        if is_something_else(talk):
            if talk.intent not in NOTHING_NEW:
                return []
            # Jaya, Ram and Sandhya are a "yes" and greetings, too: asked once more, they count
            name = name if talk.has_just_said("utter_name_unclear") else None
        if name is None:
            talk.say("utter_name_unclear")
        return [SlotSet("patient_name", name)]

    def _confirmation(self, talk: Talk, heard: Dict[str, Any]) -> Events:
        if heard.get("booking_confirm") is False:
            talk.say("utter_what_to_change")
            return forget("booking_confirm")
        if heard.get("booking_confirm") is not True or talk.slot("held") is None:
            return []
        try:
            with talk.db.transaction() as session:
                visit = _booked(talk, session)
        except (SlotTaken, HoldExpired):
            talk.say("utter_slot_taken")
        except (SchedulingError, ValueError):
            talk.say("utter_slot_gone")
        else:
            return [SlotSet("held", visit.appointment_id), SlotSet("booking_confirm", True)]
        return forget("booking_confirm", "slot", "held")


def _name_given_early(talk: Talk) -> Events:
    """A whole name that came while something else was asked; it is read out before booking."""
    if talk.intent != "inform_name" or talk.is_unsure or talk.is_tap or NEWS & set(talk.heard()):
        return []
    name = clean_name(talk.text)
    if name is None or " " not in name or named_clinician(talk.text, talk.profile) is not None:
        return []
    talk.say("utter_name_kept", patient_name=name)
    return [SlotSet("patient_name", name)]


def _say_what_is_kept(talk: Talk, events: Events) -> None:
    """A wish that came before its question is kept; unsaid, it would look unheard."""
    kept = {event["name"]: event["value"] for event in events if event.get("event") == "slot"}
    if talk.requested != "category" or talk.is_tap or kept.get("category"):
        return
    if kept.get("day") or (kept.get("wish") and "day" not in kept):
        talk.say("utter_wish_kept")


def is_something_else(talk: Talk) -> bool:
    """Whether words that came when a name was asked for surely mean something else.

    One word alone says little: many a name is read as some intent or other, but not surely.
    """
    if talk.is_unsure or talk.intent in {"inform_name", "inform", "off_topic"}:
        return False
    return talk.confidence >= SURE_OF_NO_NAME


def _booked(talk: Talk, session: Session) -> Visit:
    """The visit, booked; a hold that ran out is taken anew while nobody else has the slot."""
    name, cause, moment = str(talk.slot("patient_name")), talk.cause("book"), now()
    try:
        held = int(talk.slot("held"))
        return confirm(session, held, talk.contact_id, name, cause, now=moment)
    except HoldExpired:
        slot = Slot.from_key(str(talk.slot("slot")))
        category = talk.slot("category")
        anew = hold(session, slot, talk.contact_id, now=moment, category=category)
        return confirm(session, anew.appointment_id, talk.contact_id, name, cause, now=moment)


def _known_name(talk: Talk) -> Events:
    """The patient's name where the contact has just one patient, so that nobody asks again."""
    if talk.slot("patient_name"):
        return []
    with talk.db.reading() as session:
        rows = session.execute(
            select(Patient).where(Patient.contact_id == talk.contact_id).limit(2)
        ).scalars()
        names = [row.name for row in rows]
    return [SlotSet("patient_name", names[0])] if len(names) == 1 else []


class AskCategory(ClinicAction):
    """Asks what the visit is about; a category is not a diagnosis."""

    action_name = "action_ask_category"

    def act(self, talk: Talk) -> Events:
        rows = [
            {
                "title": item.name.said_in(talk.language),
                "payload": f'/inform{{"category": "{item.code}"}}',
            }
            for item in talk.profile.categories
        ]
        talk.say("utter_ask_category", buttons=rows)
        return []


class AskBookingConfirm(ClinicAction):
    """Says what would be booked, and asks."""

    action_name = "action_ask_booking_form_booking_confirm"

    def act(self, talk: Talk) -> Events:
        if talk.intent == "deny" and not talk.is_unsure:
            # "what would you like to change?" has just been asked
            return []
        slot = Slot.from_key(str(talk.slot("slot")))
        facts = visit_facts(slot, talk.profile, talk.language)
        talk.say("utter_confirm_booking", patient_name=talk.slot("patient_name"), **facts)
        return []


class Booked(ClinicAction):
    """Says what was booked."""

    action_name = "action_booked"

    def act(self, talk: Talk) -> Events:
        held = talk.slot("held")
        with talk.db.reading() as session:
            appointment = session.get(Appointment, int(held)) if held is not None else None
            visit = visit_of(appointment) if appointment is not None else None
        if visit is None or visit.contact_id != talk.contact_id:
            raise LookupError("a finished booking without its appointment")
        talk.say("utter_booked", **numbered_facts(talk, visit))
        say_calendar_link(talk, visit)
        return forget(*BOOKING_SLOTS)
