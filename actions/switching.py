"""Leaving one form for another, and what is left when no form is open."""

from __future__ import annotations

from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet

from actions.asides import FORM_OF
from actions.talk import BOOKING_SLOTS, ClinicAction, Events, Talk, forget
from actions.times import give_back_hold
from actions.which_visit import upcoming_visits

CLARIFY = "utter_clarify"
ABOUT_A_VISIT = frozenset({"reschedule_form", "cancel_form"})


class SwitchFlow(ClinicAction):
    """In one form the patient asks for another: leave this one, with its hold, and begin that.

    "Cancel" in the midst of a booking means the booking, unless a button names a visit; and "change
    it" means the booking where there is no visit to move.
    """

    action_name = "action_switch_flow"

    def act(self, talk: Talk) -> Events:
        wanted = FORM_OF[talk.intent]
        names_visit = talk.entity("appointment") is not None
        booking = talk.form == "booking_form" and not names_visit
        if booking and wanted == "cancel_form":
            return stop(talk)
        if booking and wanted == "reschedule_form" and not upcoming_visits(talk):
            # nothing to move but the time that is being booked
            return [
                *give_back_hold(talk),
                *forget("slot", "booking_confirm"),
                FollowupAction("booking_form"),
            ]
        kept = set(talk.heard())
        if {str(talk.form), wanted} <= ABOUT_A_VISIT:
            kept.add("appointment")
        gone = [slot for slot in BOOKING_SLOTS if slot not in kept]
        return [
            *give_back_hold(talk),
            *forget(*gone),
            ActiveLoop(None),
            SlotSet("requested_slot", None),
            FollowupAction(wanted),
        ]


class StopFlow(ClinicAction):
    """Leaves whatever form is open and gives back what it held."""

    action_name = "action_stop_flow"

    def act(self, talk: Talk) -> Events:
        return stop(talk)


def stop(talk: Talk) -> Events:
    """Say that it stopped; events that leave every form."""
    talk.say("utter_stopped")
    return [
        *give_back_hold(talk),
        *forget(*BOOKING_SLOTS),
        ActiveLoop(None),
        SlotSet("requested_slot", None),
        # whichever rule came here: nothing follows
        FollowupAction("action_listen"),
    ]


class NothingAsked(ClinicAction):
    """A "yes" or "no" where nothing is asked: to a question of an earlier day, or to nobody's."""

    action_name = "action_nothing_asked"

    def act(self, talk: Talk) -> Events:
        talk.say("utter_question_over" if talk.is_tap else "utter_menu")
        return []


class NothingFits(ClinicAction):
    """No rule says what comes next: one clarifying answer, then a person; never twice the same.

    RulePolicy asks this again after whatever came of it, since no rule says what follows either.
    """

    action_name = "action_nothing_fits"

    def act(self, talk: Talk) -> Events:
        if talk.has_done_something(besides=self.action_name):
            return [FollowupAction("action_listen")]
        if talk.has_just_said(CLARIFY):
            return [FollowupAction("utter_handoff_unsure")]
        talk.say(CLARIFY)
        return [FollowupAction("action_listen")]
