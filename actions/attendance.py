"""Saying that one comes, or comes late."""

from __future__ import annotations

from typing import Optional

from actions.talk import ClinicAction, Events, Talk
from actions.visit_words import numbered_facts, visit_facts
from actions.which_visit import (
    chosen_visit,
    say_visit,
    upcoming_visits,
    version_of,
    visit_today,
)
from clinic.database import now
from clinic.models import Appointment
from clinic.scheduling.booking import confirm_attendance
from clinic.scheduling.errors import Moved, SchedulingError
from clinic.scheduling.visit import Visit

LATE_NOTE = "running late"


def _meant(talk: Talk) -> Optional[Visit]:
    """The visit a button names, else the next one."""
    asked = talk.entity("appointment")
    if asked is not None:
        return chosen_visit(talk, asked)
    return next(iter(upcoming_visits(talk)), None)


class ConfirmAttendance(ClinicAction):
    """Notes that the patient comes."""

    action_name = "action_confirm_attendance"

    def act(self, talk: Talk) -> Events:
        visit = _meant(talk)
        if visit is None:
            talk.say("utter_no_visits")
            return []
        try:
            with talk.db.transaction() as session:
                visit = confirm_attendance(
                    session,
                    visit.appointment_id,
                    talk.contact_id,
                    talk.cause("attendance"),
                    now=now(),
                    version=version_of(talk.entity("appointment")),
                )
        except Moved:
            talk.say("utter_visit_changed")
            say_visit(talk, visit)
        except SchedulingError:
            talk.say("utter_visit_over")
        else:
            talk.say("utter_attendance_confirmed", **numbered_facts(talk, visit))
        return []


class RunningLate(ClinicAction):
    """Notes on today's visit that the patient is late, where the front desk sees it."""

    action_name = "action_running_late"

    def act(self, talk: Talk) -> Events:
        visit = visit_today(talk)
        if visit is None:
            later = next(iter(upcoming_visits(talk)), None)
            if later is None:
                talk.say("utter_no_visits")
            else:
                talk.say("utter_no_visit_today")
                say_visit(talk, later)
            return []
        with talk.db.transaction() as session:
            appointment = session.get(Appointment, visit.appointment_id)
            if appointment is not None:
                appointment.note = LATE_NOTE
        talk.say("utter_late_noted", **visit_facts(visit, talk.profile, talk.language))
        return []
