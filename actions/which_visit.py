"""Which visit a patient means, and what is true of it now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Dict, List, Optional

from rasa_sdk.events import SlotSet

from actions.talk import ClinicAction, Events, Talk, forget
from actions.visit_words import appointment_key, numbered_facts, visit_rows
from clinic.database import now
from clinic.models import Appointment
from clinic.scheduling.booking import upcoming
from clinic.scheduling.visit import Visit, visit_of
from clinic.visit_keys import read_visit_key

# who comes later than this has missed the visit
LATEST = timedelta(hours=1)


def upcoming_visits(talk: Talk) -> List[Visit]:
    """The contact's visits that can still be changed, soonest first."""
    with talk.db.reading() as session:
        return upcoming(session, talk.contact_id, now())


def visit_today(talk: Talk) -> Optional[Visit]:
    """The contact's visit that begins today, or began within the hour."""
    moment = now()
    today = moment.astimezone(talk.zone).date()
    with talk.db.reading() as session:
        near = upcoming(session, talk.contact_id, moment - LATEST)
    return next((v for v in near if v.starts_at.astimezone(talk.zone).date() == today), None)


def chosen_visit(talk: Talk, key: Any) -> Optional[Visit]:
    """The contact's own visit that a key `id:version` names, as it stands now."""
    named = read_visit_key(key)
    if named is None:
        return None
    with talk.db.reading() as session:
        appointment = session.get(Appointment, named[0])
        if appointment is None or appointment.contact_id != talk.contact_id:
            return None
        return visit_of(appointment)


def version_of(key: Any) -> Optional[int]:
    """The version that a key `id:version` speaks of."""
    named = read_visit_key(key)
    return named[1] if named is not None else None


def settle_visit(talk: Talk, heard: Dict[str, Any]) -> Events:
    """Events for the slot `appointment` of a form: checked, or chosen where there is just one.

    Says what is true where the button is of an earlier time of the visit, and what is the matter
    where the visit cannot be changed.
    """
    standing = {visit.appointment_id: visit for visit in upcoming_visits(talk)}
    if not standing:
        talk.say("utter_no_visits")
        return [*forget("appointment"), SlotSet("requested_slot", None)]
    key = heard.get("appointment") or talk.slot("appointment")
    if key is None:
        if len(standing) > 1:
            return []
        return [SlotSet("appointment", appointment_key(next(iter(standing.values()))))]
    visit = chosen_visit(talk, key)
    if visit is None or visit.appointment_id not in standing:
        talk.say("utter_visit_over")
        return forget("appointment")
    version = version_of(key)
    if version is not None and version < visit.time_version:
        talk.say("utter_visit_changed")
        say_visit(talk, visit)
        return [*forget("appointment"), SlotSet("requested_slot", None)]
    key = appointment_key(visit)
    # nothing new is no event: a form that hears nothing lets a question be answered
    return [] if key == talk.slot("appointment") else [SlotSet("appointment", key)]


def say_visit(talk: Talk, visit: Visit) -> None:
    """One visit, with what can be done with it."""
    talk.say(
        "utter_one_visit",
        appointment=appointment_key(visit),
        **numbered_facts(talk, visit),
    )


class AskAppointment(ClinicAction):
    """Asks which of several visits is meant."""

    action_name = "action_ask_appointment"

    def act(self, talk: Talk) -> Events:
        intent = "cancel" if talk.form == "cancel_form" else "reschedule"
        rows = visit_rows(talk, upcoming_visits(talk), intent)
        talk.say("utter_ask_appointment", buttons=rows)
        return []


class MyAppointments(ClinicAction):
    """Shows the visits that are booked."""

    action_name = "action_my_appointments"

    def act(self, talk: Talk) -> Events:
        asked = talk.entity("appointment")
        visits = upcoming_visits(talk)
        if asked is not None:
            visits = [visit for visit in visits if visit == chosen_visit(talk, asked)] or visits
        if not visits:
            talk.say("utter_no_visits")
        elif len(visits) == 1:
            say_visit(talk, visits[0])
        else:
            rows = visit_rows(talk, visits, "my_appointments")
            talk.say("utter_your_visits", buttons=rows)
        return []
