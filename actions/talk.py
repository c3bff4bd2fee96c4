"""What a custom action works with: whose turn it is, what was said, and a way to say something.

An action changes the clinic database under a cause made of the id of the message it answers, so
that an action repeated after a crash finds its own work done. It blocks (the database), so it runs
in a thread.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Optional
from zoneinfo import ZoneInfo

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from clinic.database import Database, database
from clinic.profile import Profile
from clinic.setup import current_profile
from clinic.texts import Texts

Events = List[Dict[str, Any]]

DOMAIN = Path(__file__).resolve().parent.parent / "domain"


@lru_cache(maxsize=1)
def texts() -> Texts:
    """The domain's responses, for the words on buttons."""
    return Texts.load(DOMAIN)


class Talk:
    """One run of an action."""

    def __init__(self, dispatcher: CollectingDispatcher, tracker: Tracker, db: Database) -> None:
        self._dispatcher = dispatcher
        self._tracker = tracker
        self.db = db

    @property
    def contact_id(self) -> int:
        return int(self._tracker.sender_id)

    @property
    def language(self) -> str:
        return str(self.slot("language") or "en")

    @property
    def profile(self) -> Profile:
        return current_profile(self.db)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.profile.time_zone)

    @property
    def intent(self) -> str:
        return str((self._tracker.latest_message.get("intent") or {}).get("name") or "")

    @property
    def confidence(self) -> float:
        """How sure the intent is, 0 … 1."""
        return float((self._tracker.latest_message.get("intent") or {}).get("confidence") or 0.0)

    @property
    def is_tap(self) -> bool:
        """Whether the patient tapped a button of ours."""
        return bool(self._tracker.latest_message.get("tap"))

    @property
    def is_unsure(self) -> bool:
        """Whether the message is harmless, but nobody knows what it means."""
        gate = self._tracker.latest_message.get("gate") or {}
        return gate.get("route") == "unsure"

    @property
    def text(self) -> str:
        """What the patient wrote."""
        return str(self._tracker.latest_message.get("text") or "")

    def cause(self, work: str) -> str:
        """What makes `work` of this turn unique: the message's id, and the name of the work."""
        for event in reversed(self._tracker.events):
            if event.get("event") == "user":
                return f"{event.get('message_id')}:{work}"
        raise ValueError("an action ran without a message")

    @property
    def message_id(self) -> int:
        """The id of the message that this turn answers."""
        return int(self.cause("").split(":")[0])

    def slot(self, name: str) -> Any:
        return self._tracker.get_slot(name)

    @property
    def requested(self) -> Optional[str]:
        """The slot that the active form asks for."""
        value = self.slot("requested_slot")
        return None if value is None else str(value)

    def has_done(self, action: str) -> bool:
        """Whether this action has run since the latest message."""
        for event in reversed(self._tracker.events):
            if event.get("event") == "user":
                return False
            if event.get("event") == "action" and event.get("name") == action:
                return True
        return False

    def has_done_something(self, besides: str) -> bool:
        """Whether any action but this one has run since the latest message."""
        for event in reversed(self._tracker.events):
            if event.get("event") == "user":
                return False
            if event.get("event") == "action" and event.get("name") != besides:
                return True
        return False

    def has_just_said(self, response: str) -> bool:
        """Whether the answer before the latest message said this response."""
        messages = 0
        for event in reversed(self._tracker.events):
            messages += event.get("event") == "user"
            said = (event.get("metadata") or {}).get("utter_action")
            if messages == 1 and event.get("event") == "bot" and said == response:
                return True
            if messages == 2:
                return False
        return False

    @property
    def form(self) -> Optional[str]:
        """The active form, if one is."""
        return self._tracker.active_loop_name

    def heard(self) -> Dict[str, Any]:
        """The slots that the patient's latest message set."""
        heard: Dict[str, Any] = {}
        for event in self._tracker.events:
            if event.get("event") == "user":
                heard = {}
            elif event.get("event") == "slot" and event.get("name") != "requested_slot":
                heard[str(event["name"])] = event.get("value")
        return {name: value for name, value in heard.items() if value is not None}

    def entity(self, name: str) -> Optional[Any]:
        """An entity of the latest message."""
        return next(self._tracker.get_latest_entity_values(name), None)

    def say(
        self, response: str, buttons: Optional[List[Dict[str, Any]]] = None, **values: Any
    ) -> None:
        """Say a response of the domain, with its placeholders filled and buttons added."""
        self._dispatcher.utter_message(response=response, buttons=buttons, **values)

    def word(self, name: str, **values: Any) -> str:
        """A short text of the domain, such as the title of a button."""
        return texts().say(name, self.language, **values)


class ClinicAction(Action, ABC):
    """An action of the clinic: `act` runs in a thread and returns Rasa events."""

    action_name = ""

    def name(self) -> str:
        return self.action_name

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> Events:
        talk = Talk(dispatcher, tracker, database())
        return await asyncio.to_thread(self.act, talk)

    @abstractmethod
    def act(self, talk: Talk) -> Events:
        """Do the work of this action."""


def forget(*slots: str) -> Events:
    """Events that empty slots."""
    return [SlotSet(slot, None) for slot in slots]


BOOKING_SLOTS = (
    "category",
    "day",
    "slot",
    "wish",
    "when",
    "gender",
    "indifferent",
    "held",
    "patient_name",
    "booking_confirm",
    "appointment",
    "move_confirm",
    "cancel_reason",
    "cancel_confirm",
    # whoever leaves one form leaves them all
    "guardian_name",
    "guardian_relation",
    "guardian_consent",
    "course",
    "series",
    "series_days",
    "series_at",
    "series_weeks",
    "series_slots",
    "series_confirm",
)
