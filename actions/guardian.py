"""Who decides for a patient under 18: name → relation → agreement."""

from __future__ import annotations

from typing import Any, Dict

from rasa_sdk.events import FollowupAction, SlotSet

from actions.asides import (
    NOTHING_NEW,
    forget_dropped,
    go_on,
    refuse_another_form,
    with_sure_answer,
)
from actions.booking import clean_name, is_something_else
from actions.consent import evidence
from actions.talk import ClinicAction, Events, Talk, forget
from clinic.guardians import record_adult, record_guardian
from clinic.once import once

RELATIONS = ("mother", "father", "guardian")
SLOTS = ("guardian_name", "guardian_relation", "guardian_consent")


class GuardianBegin(ClinicAction):
    """Begins the guardian's questions; in the midst of another form, after it."""

    action_name = "action_guardian_begin"

    def act(self, talk: Talk) -> Events:
        if talk.form is None:
            return [*forget(*SLOTS), FollowupAction("guardian_form")]
        if talk.form != "guardian_form":
            talk.say("utter_guardian_later")
        return []


class GuardianAdult(ClinicAction):
    """The patient is 18 or over after all."""

    action_name = "action_guardian_adult"

    def act(self, talk: Talk) -> Events:
        with talk.db.transaction() as session:

            def note() -> Dict[str, Any]:
                record_adult(session, talk.contact_id, evidence(session, talk)["wamid"])
                return {}

            once(session, talk.cause("adult"), note)
        talk.say("utter_guardian_adult")
        return []


class ValidateGuardianForm(ClinicAction):
    """Takes in the guardian's name, relation and answer."""

    action_name = "validate_guardian_form"

    def act(self, talk: Talk) -> Events:
        refuse_another_form(talk)
        # no intent stands for "yes" here but a yes
        heard = with_sure_answer(talk, "guardian_consent", same_as_yes="")
        events = self._name(talk)
        if events:
            return events
        if "guardian_relation" in heard:
            relation = heard["guardian_relation"]
            events += [SlotSet("guardian_relation", relation if relation in RELATIONS else None)]
        events += forget_dropped(talk, heard, "guardian_consent")
        if "guardian_consent" in heard:
            events += [SlotSet("guardian_consent", heard["guardian_consent"])]
        return go_on(talk, heard, events)

    @staticmethod
    def _name(talk: Talk) -> Events:
        if talk.requested != "guardian_name" or talk.is_tap:
            return []
        name = clean_name(talk.text)
        if is_something_else(talk):
            if talk.intent not in NOTHING_NEW:
                return []
            name = None
        if name is None:
            talk.say("utter_name_unclear")
        return [SlotSet("guardian_name", name)]


class GuardianDecided(ClinicAction):
    """Writes down what the guardian decided, once, and says so."""

    action_name = "action_guardian_decided"

    def act(self, talk: Talk) -> Events:
        agreed = talk.slot("guardian_consent") is True
        with talk.db.transaction() as session:

            def note() -> Dict[str, Any]:
                record_guardian(
                    session,
                    talk.contact_id,
                    str(talk.slot("guardian_name")),
                    str(talk.slot("guardian_relation")),
                    agreed,
                    evidence(session, talk)["wamid"],
                )
                return {}

            once(session, talk.cause("guardian"), note)
        talk.say("utter_guardian_agreed" if agreed else "utter_guardian_declined")
        return forget(*SLOTS)
