"""Saying that one comes, or comes late."""

from __future__ import annotations

from typing import List, Optional, Tuple

from actions.talk import ClinicAction, Events, Talk
from actions.visit_words import numbered_facts, visit_facts
from actions.which_visit import (
    chosen_visit,
    say_visit,
    upcoming_visits,
    version_of,
    visit_today,
)
from clinic.attendance import note_running_late
from clinic.database import now
from clinic.scheduling.booking import confirm_attendance
from clinic.scheduling.errors import Moved, SchedulingError
from clinic.scheduling.visit import Visit
from clinic.visit_keys import visit_keys


def _meant(talk: Talk) -> List[Tuple[Optional[Visit], Optional[int]]]:
    """The visits a button names and the version it knows of each, else the next visit."""
    asked = talk.entity("appointment")
    if asked is not None:
        return [(chosen_visit(talk, key), version_of(key)) for key in visit_keys(asked)]
    return [(next(iter(upcoming_visits(talk)), None), None)]


class ConfirmAttendance(ClinicAction):
    """Notes that the patient comes."""

    action_name = "action_confirm_attendance"

    def act(self, talk: Talk) -> Events:
        for number, (visit, version) in enumerate(_meant(talk)):
            self._confirm(talk, number, visit, version)
        return []

    def _confirm(
        self, talk: Talk, number: int, visit: Optional[Visit], version: Optional[int]
    ) -> None:
        if visit is None:
            talk.say("utter_no_visits")
            return
        # the first keeps the cause that one visit alone has
        cause = "attendance" if number == 0 else f"attendance:{number}"
        try:
            with talk.db.transaction() as session:
                visit = confirm_attendance(
                    session,
                    visit.appointment_id,
                    talk.contact_id,
                    talk.cause(cause),
                    now=now(),
                    version=version,
                )
        except Moved:
            talk.say("utter_visit_changed")
            say_visit(talk, visit)
        except SchedulingError:
            talk.say("utter_visit_over")
        else:
            talk.say("utter_attendance_confirmed", **numbered_facts(talk, visit))


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
            note_running_late(session, visit.appointment_id)
        talk.say("utter_late_noted", **visit_facts(visit, talk.profile, talk.language))
        return []
