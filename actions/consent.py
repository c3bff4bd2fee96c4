"""What may be sent, chosen per purpose by buttons, and what is kept of a patient."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from sqlalchemy.orm import Session

from actions.talk import ClinicAction, Events, Talk
from clinic import consent
from clinic.calendar_words import say_day
from clinic.guardians import is_minor, lacks_guardian
from clinic.models import Message
from clinic.models.consent import BUTTON, MARKETING, PURPOSES, WORDS
from clinic.once import once

NAMES = {
    "care": "utter_word_purpose_care",
    "exercises": "utter_word_purpose_exercises",
    "follow_up": "utter_word_purpose_follow_up",
    "marketing": "utter_word_purpose_marketing",
}


def evidence(session: Session, talk: Talk) -> Dict[str, Any]:
    """Which message decided, how, and in which language: what a consent keeps as proof."""
    message = session.get(Message, talk.message_id)
    return {
        "how": BUTTON if talk.is_tap and message is not None and message.kind == "tap" else WORDS,
        "language": talk.language,
        "wamid": message.wamid if message is not None else None,
    }


def names_of(talk: Talk, purposes: List[str]) -> str:
    """Purposes in the patient's language, one after the other."""
    return ", ".join(talk.word(NAMES[purpose]) for purpose in purposes)


def _offered(session: Session, talk: Talk) -> Dict[str, consent.State]:
    """Where each purpose stands that this contact may choose; no marketing for a minor."""
    states = consent.of_contact(session, talk.contact_id)
    if is_minor(session, talk.contact_id):
        states.pop(MARKETING)
    return states


def say_choices(talk: Talk) -> None:
    """Each purpose as a row: whether it is on, and a tap changes it."""
    with talk.db.reading() as session:
        states = _offered(session, talk)
    rows = []
    for purpose, state in states.items():
        intent = "consent_withdraw" if state.granted else "consent_give"
        word = "utter_word_consent_on" if state.granted else "utter_word_consent_off"
        rows.append(
            {
                "title": talk.word(NAMES[purpose]),
                "description": talk.word(word),
                "payload": f'/{intent}{{"purpose": "{purpose}"}}',
            }
        )
    talk.say("utter_consent_choices", buttons=rows)


class GiveConsent(ClinicAction):
    """Turns one purpose on, and offers those that nobody has decided about yet."""

    action_name = "action_consent_give"

    def act(self, talk: Talk) -> Events:
        purpose = str(talk.entity("purpose"))
        with talk.db.transaction() as session:
            may_choose = purpose in _offered(session, talk)
            if may_choose:
                once(session, talk.cause("consent"), lambda: self._grant(session, talk, purpose))
            states = _offered(session, talk)
            waits = lacks_guardian(session, talk.contact_id)
        if not may_choose:
            # a button that names nothing, or marketing for a minor
            say_choices(talk)
            return []
        talk.say("utter_consent_given", purposes=names_of(talk, [purpose]))
        if waits:
            talk.say("utter_consent_needs_guardian")
        self._offer_more(talk, [name for name, state in states.items() if state.since is None])
        return []

    @staticmethod
    def _grant(session: Session, talk: Talk, purpose: str) -> Dict[str, Any]:
        consent.record(session, talk.contact_id, purpose, True, **evidence(session, talk))
        return {}

    @staticmethod
    def _offer_more(talk: Talk, undecided: List[str]) -> None:
        if undecided:
            rows = [
                {
                    "title": talk.word(NAMES[purpose]),
                    "payload": f'/consent_give{{"purpose": "{purpose}"}}',
                }
                for purpose in undecided
            ]
            talk.say("utter_consent_more", buttons=rows)


class WithdrawConsent(ClinicAction):
    """Turns one purpose off, or refuses them all where the button names none."""

    action_name = "action_consent_withdraw"

    def act(self, talk: Talk) -> Events:
        named = talk.entity("purpose")
        purposes = [named] if named in PURPOSES else list(PURPOSES)
        with talk.db.transaction() as session:
            once(session, talk.cause("consent"), lambda: self._withdraw(session, talk, purposes))
        talk.say("utter_consent_withdrawn", purposes=names_of(talk, purposes))
        return []

    @staticmethod
    def _withdraw(session: Session, talk: Talk, purposes: List[str]) -> Dict[str, Any]:
        for purpose in purposes:
            consent.record(session, talk.contact_id, purpose, False, **evidence(session, talk))
        return {}


class ChooseConsent(ClinicAction):
    """Shows what may be sent, each purpose by itself."""

    action_name = "action_consent_choose"

    def act(self, talk: Talk) -> Events:
        say_choices(talk)
        return []


class MyData(ClinicAction):
    """Says what is kept, what was agreed to, and how to change, see, erase or complain."""

    action_name = "action_my_data"

    def act(self, talk: Talk) -> Events:
        with talk.db.reading() as session:
            states = consent.of_contact(session, talk.contact_id)
        lines = [self._line(talk, purpose, state) for purpose, state in states.items()]
        talk.say("utter_my_data", consents="\n".join(lines))
        return []

    @staticmethod
    def _line(talk: Talk, purpose: str, state: consent.State) -> str:
        name = talk.word(NAMES[purpose])
        if not state.granted or state.since is None:
            not_given = talk.word("utter_word_not_given")
            return f"• {name}: {not_given}"
        day = say_day(state.since.astimezone(talk.zone).date(), talk.language)
        since = talk.word("utter_word_since")
        return f"• {name}: {since} {day}"


def stop_all(talk: Talk) -> None:
    """Withdraw every consent at once."""
    with talk.db.transaction() as session:
        consent.withdraw_all(session, talk.contact_id, **evidence(session, talk))


def start_again(talk: Talk) -> Tuple[str, ...]:
    """Undo `stop_all`; the purposes that are on now, in order."""
    with talk.db.transaction() as session:
        consent.restore_all(session, talk.contact_id, **evidence(session, talk))
        states = consent.of_contact(session, talk.contact_id)
    return tuple(purpose for purpose, state in states.items() if state.granted)
