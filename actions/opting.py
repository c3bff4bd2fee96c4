"""Stopping and starting what the clinic sends on its own."""

from __future__ import annotations

from actions.consent import names_of, say_choices, start_again, stop_all
from actions.talk import ClinicAction, Events, Talk


class OptOut(ClinicAction):
    """No message of our own accord from now on; answers to the patient still go."""

    action_name = "action_opt_out"

    def act(self, talk: Talk) -> Events:
        stop_all(talk)
        talk.say("utter_opted_out")
        return []


class OptIn(ClinicAction):
    """What a STOP withdrew is on again; who never agreed to anything is asked for what."""

    action_name = "action_opt_in"

    def act(self, talk: Talk) -> Events:
        purposes = start_again(talk)
        if purposes:
            talk.say("utter_opted_in", purposes=names_of(talk, list(purposes)))
        else:
            say_choices(talk)
        return []
