"""Moving a visit: which → day → time → confirm."""

from __future__ import annotations

from typing import Any, Dict

from rasa_sdk.events import SlotSet

from actions.asides import (
    forget_dropped,
    go_on,
    refuse_another_form,
    with_sure_answer,
    without_answer_to_change,
)
from actions.talk import BOOKING_SLOTS, ClinicAction, Events, Talk, forget
from actions.times import checked_day, hear_times, said_time
from actions.visit_words import numbered_facts, visit_facts
from actions.which_visit import chosen_visit, say_visit, settle_visit, version_of
from clinic.calendar_words import say_day
from clinic.database import now
from clinic.models import Course
from clinic.scheduling.booking import reschedule
from clinic.scheduling.errors import CourseOver, Moved, SchedulingError, SlotTaken
from clinic.scheduling.grid import Slot


class ValidateRescheduleForm(ClinicAction):
    """Takes in which visit, and where to."""

    action_name = "validate_reschedule_form"

    def act(self, talk: Talk) -> Events:
        refuse_another_form(talk)
        heard = with_sure_answer(talk, "move_confirm", same_as_yes="reschedule")
        # a "yes" repeated after a crash finds its own work done, so it is not settled again
        sure = heard.get("move_confirm") is True
        events = [] if sure else settle_visit(talk, heard)
        if any(event.get("name") == "requested_slot" for event in events):
            return events
        events += hear_times(talk, heard)
        said = [event["value"] for event in events if event.get("name") == "day"]
        day = heard.get("day") or (said[-1] if said else None)
        if day is not None:
            events.append(SlotSet("day", checked_day(talk, day)))
        events += self._slot(talk, {**heard, **said_time(talk, heard, events)})
        heard = without_answer_to_change(heard, "move_confirm", events)
        events += forget_dropped(talk, heard, "move_confirm")
        events += self._confirmation(talk, heard)
        return go_on(talk, heard, events)

    def _slot(self, talk: Talk, heard: Dict[str, Any]) -> Events:
        if "slot" not in heard:
            return []
        try:
            slot = Slot.from_key(str(heard["slot"]))
        except ValueError:
            talk.say("utter_slot_gone")
            return forget("slot")
        day = slot.starts_at.astimezone(talk.zone).date().isoformat()
        return [SlotSet("slot", slot.key), SlotSet("day", day)]

    def _confirmation(self, talk: Talk, heard: Dict[str, Any]) -> Events:
        if heard.get("move_confirm") is False:
            talk.say("utter_what_to_move")
            return forget("move_confirm")
        if heard.get("move_confirm") is not True or talk.slot("slot") is None:
            return []
        key = str(talk.slot("appointment"))
        try:
            with talk.db.transaction() as session:
                reschedule(
                    session,
                    int(key.split(":")[0]),
                    talk.contact_id,
                    Slot.from_key(str(talk.slot("slot"))),
                    talk.cause("move"),
                    now=now(),
                    version=version_of(key),
                )
        except SlotTaken:
            talk.say("utter_slot_taken")
        except Moved:
            talk.say("utter_visit_changed")
            visit = chosen_visit(talk, key)
            if visit is not None:
                say_visit(talk, visit)
            return [*forget("move_confirm", "appointment"), SlotSet("requested_slot", None)]
        except CourseOver:
            talk.say("utter_after_course", **self._last_day(talk, key))
        except SchedulingError:
            talk.say("utter_slot_gone")
        else:
            return [SlotSet("move_confirm", True)]
        return forget("move_confirm", "slot")

    def _last_day(self, talk: Talk, key: str) -> Dict[str, str]:
        """`last_day` of the course that the visit is a session of."""
        visit = chosen_visit(talk, key)
        with talk.db.reading() as session:
            course = session.get(Course, visit.course_id) if visit is not None else None
            last = course.expires_on if course is not None else None
        return {"last_day": say_day(last, talk.language) if last is not None else ""}


class AskMoveConfirm(ClinicAction):
    """Says where the visit would be moved to, and asks."""

    action_name = "action_ask_reschedule_form_move_confirm"

    def act(self, talk: Talk) -> Events:
        if talk.intent == "deny" and not talk.is_unsure:
            # "what would you like to change?" has just been asked
            return []
        slot = Slot.from_key(str(talk.slot("slot")))
        talk.say("utter_confirm_move", **visit_facts(slot, talk.profile, talk.language))
        return []


class MovedVisit(ClinicAction):
    """Says where the visit is now; silent where the form ended with something said already."""

    action_name = "action_moved"

    def act(self, talk: Talk) -> Events:
        visit = chosen_visit(talk, talk.slot("appointment"))
        if visit is not None and talk.slot("move_confirm"):
            talk.say("utter_moved", **numbered_facts(talk, visit))
        return forget(*BOOKING_SLOTS)
