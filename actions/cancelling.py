"""Cancelling a visit: which → why → sure?"""

from __future__ import annotations

from typing import Any, Dict

from rasa_sdk.events import SlotSet

from actions.asides import (
    forget_dropped,
    go_on,
    refuse_another_form,
    with_sure_answer,
)
from actions.talk import BOOKING_SLOTS, ClinicAction, Events, Talk, forget
from actions.visit_words import appointment_key, visit_facts
from actions.which_visit import chosen_visit, say_visit, settle_visit, version_of
from clinic.database import now
from clinic.scheduling.booking import PATIENT, cancel
from clinic.scheduling.errors import Moved, SchedulingError

REASONS = ("busy", "travel", "cost", "other", "none")


class ValidateCancelForm(ClinicAction):
    """Takes in which visit, why, and whether it is meant."""

    action_name = "validate_cancel_form"

    def act(self, talk: Talk) -> Events:
        refuse_another_form(talk)
        heard = with_sure_answer(talk, "cancel_confirm", same_as_yes="cancel")
        # a "yes" repeated after a crash finds its own work done, so it is not settled again
        sure = heard.get("cancel_confirm") is True
        events = [] if sure else settle_visit(talk, heard)
        if any(event.get("name") == "requested_slot" for event in events):
            return events
        events += self._reason(talk, heard)
        events += forget_dropped(talk, heard, "cancel_confirm")
        events += self._confirmation(talk, heard)
        return go_on(talk, heard, events)

    def _reason(self, talk: Talk, heard: Dict[str, Any]) -> Events:
        if "cancel_reason" in heard:
            known = heard["cancel_reason"] in REASONS
            return [SlotSet("cancel_reason", heard["cancel_reason"] if known else "other")]
        if "appointment" in heard and talk.requested is not None:
            # the button of another visit, in the midst of cancelling one
            return forget("cancel_reason")
        in_own_words = talk.is_unsure or talk.intent == "inform"
        if talk.requested == "cancel_reason" and in_own_words:
            # a reason of the patient's own; nobody needs to keep their words for it
            return [SlotSet("cancel_reason", "other")]
        return []

    def _confirmation(self, talk: Talk, heard: Dict[str, Any]) -> Events:
        if heard.get("cancel_confirm") is not True:
            # "no" ends the form: action_cancelled says that the visit stays
            return []
        key = str(talk.slot("appointment"))
        try:
            with talk.db.transaction() as session:
                cancel(
                    session,
                    int(key.split(":")[0]),
                    talk.contact_id,
                    PATIENT,
                    str(talk.slot("cancel_reason") or "none"),
                    talk.cause("cancel"),
                    now=now(),
                    version=version_of(key),
                )
        except Moved:
            talk.say("utter_visit_changed")
            visit = chosen_visit(talk, key)
            if visit is not None:
                say_visit(talk, visit)
        except SchedulingError:
            talk.say("utter_visit_over")
        else:
            return [SlotSet("cancel_confirm", True)]
        return [*forget("appointment"), SlotSet("requested_slot", None)]


class AskCancelReason(ClinicAction):
    """Asks why; nobody has to say."""

    action_name = "action_ask_cancel_form_cancel_reason"

    def act(self, talk: Talk) -> Events:
        key = talk.slot("appointment")
        rows = [
            {
                "title": talk.word(f"utter_word_reason_{code}"),
                # with its visit, so that a tap on the next day still says what is cancelled
                "payload": f'/cancel{{"reason": "{code}", "appointment": "{key}"}}',
            }
            for code in REASONS
        ]
        talk.say("utter_ask_cancel_reason", buttons=rows)
        return []


class AskCancelConfirm(ClinicAction):
    """Asks whether the cancellation is meant."""

    action_name = "action_ask_cancel_form_cancel_confirm"

    def act(self, talk: Talk) -> Events:
        visit = chosen_visit(talk, talk.slot("appointment"))
        if visit is None:
            talk.say("utter_visit_over")
            return []
        talk.say(
            "utter_confirm_cancel",
            appointment=appointment_key(visit),
            **visit_facts(visit, talk.profile, talk.language),
        )
        return []


class Cancelled(ClinicAction):
    """Says what became of it; silent where the form ended with something said already."""

    action_name = "action_cancelled"

    def act(self, talk: Talk) -> Events:
        visit = chosen_visit(talk, talk.slot("appointment"))
        confirmed = talk.slot("cancel_confirm")
        if visit is not None and confirmed is not None:
            response = "utter_cancelled" if confirmed else "utter_kept"
            talk.say(response, **visit_facts(visit, talk.profile, talk.language))
        return forget(*BOOKING_SLOTS)
