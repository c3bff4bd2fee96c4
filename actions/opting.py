"""Stopping and starting what the clinic sends on its own."""

from __future__ import annotations

from actions.talk import ClinicAction, Events, Talk
from clinic.database import now
from clinic.models import Contact


class OptOut(ClinicAction):
    """No message of our own accord from now on; answers to the patient still go."""

    action_name = "action_opt_out"

    def act(self, talk: Talk) -> Events:
        with talk.db.transaction() as session:
            contact = session.get(Contact, talk.contact_id)
            if contact is not None and contact.opted_out_at is None:
                contact.opted_out_at = now()
        talk.say("utter_opted_out")
        return []


class OptIn(ClinicAction):
    """Reminders may go again."""

    action_name = "action_opt_in"

    def act(self, talk: Talk) -> Events:
        with talk.db.transaction() as session:
            contact = session.get(Contact, talk.contact_id)
            if contact is not None:
                contact.opted_out_at = None
        talk.say("utter_opted_in")
        return []
