"""Rasa's tracker store in the clinic database, encrypted, and the place where a turn commits.

Rasa saves the tracker once, as the last step of a turn. Here that step writes the whole turn:
the tracker, the replies the turn collected, the handoff it asked for, and that the message is
handled, in one transaction (`clinic.turns`).
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Optional

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy import bindparam, select

from assistant.memory import recalled, remembered
from assistant.nlu.ages import MINOR
from channels.bubbling import joined
from channels.decisions import tapped_hurts
from channels.turn import Turn, current_turn
from clinic.crypto import encrypted_json
from clinic.database import Database, database, now
from clinic.logs import logger
from clinic.models import Tracker
from clinic.texts import Texts
from clinic.turns import TurnResult, commit_turn
from safety.routes import ROUTES

log = logger("assistant.tracker_store")

LANGUAGE_SWITCH = "language_switch"
MORE_ROW = "utter_more_row"
AGE = "age"

# the column alone: as an object of the session it would cost twice as much
_REMEMBERED = select(Tracker.events).where(Tracker.sender_id == bindparam("sender"))


class ClinicTrackerStore(TrackerStore):
    """Keeps trackers in the table `trackers`, one encrypted row per conversation."""

    def __init__(
        self,
        domain: Optional[Domain] = None,
        event_broker: Optional[EventBroker] = None,
        host: Optional[str] = None,
        clinic_database: Optional[Database] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(domain, event_broker)
        self._database = clinic_database or database()

    async def create_tracker(
        self, sender_id: str, append_action_listen: bool = True
    ) -> DialogueStateTracker:
        """A new tracker; it enters the database with the first turn's commit."""
        tracker = self.init_tracker(sender_id)
        if append_action_listen:
            tracker.update(ActionExecuted(ACTION_LISTEN_NAME))
        return tracker

    async def retrieve(self, sender_id: str) -> Optional[DialogueStateTracker]:
        """The tracker as stored, or None."""
        stored = await self._database.aside(self._read, sender_id)
        if stored is None:
            return None
        events = recalled(stored)
        return DialogueStateTracker.from_events(sender_id, events, self.domain.slots)

    def _read(self, sender_id: str) -> Optional[List[Dict[str, Any]]]:
        with self._database.reading() as session:
            row = session.execute(_REMEMBERED, {"sender": sender_id}).one_or_none()
            return None if row is None else row.events

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Commit the current turn, or outside of one just the tracker.

        A turn that failed is not committed: whoever runs the turn hands it to a person.
        """
        turn = current_turn.get()
        if turn is None:
            await self._database.aside(self._write, tracker)
            return
        result = self._result_of(turn, tracker)
        if not result.bubbles and result.handoff is None:
            turn.fail("silence")
        if tracker.latest_action_name != ACTION_LISTEN_NAME and not tracker.is_paused():
            # Rasa stops after so many actions, and forgets that it has not come to an end
            turn.fail("endless")
        if turn.failure is not None:
            return
        if turn.afterwords is not None and result.bubbles:
            language = tracker.get_slot("language") or turn.language
            result.afterwords = await self._database.aside(turn.afterwords, language)
        await self._database.write(lambda session: commit_turn(session, result))
        turn.committed = True

    def _write(self, tracker: DialogueStateTracker) -> None:
        with self._database.transaction() as session:
            row = session.get(Tracker, tracker.sender_id)
            if row is None:
                row = Tracker(sender_id=tracker.sender_id)
                session.add(row)
            row.events, row.updated_at = remembered(tracker, self.domain), now()

    def _result_of(self, turn: Turn, tracker: DialogueStateTracker) -> TurnResult:
        message = tracker.latest_message or UserUttered.empty()
        ages = [e["value"] for e in message.entities if e["entity"] == AGE]
        gate = (message.parse_data or {}).get("gate") or {}
        intent = (message.intent or {}).get("name")
        language = tracker.get_slot("language") or turn.language
        handoff = self._handoff_of(tracker)
        tapped = (message.parse_data or {}).get("tap")
        named = {entity["entity"]: entity["value"] for entity in message.entities}
        chosen = turn.language_chosen or intent == LANGUAGE_SWITCH
        news = (language, chosen) != (turn.language, turn.language_chosen)
        return TurnResult(
            message_id=turn.message_id,
            contact_id=turn.contact_id,
            bubbles=joined(turn.bubbles),
            tracker_events=encrypted_json(remembered(tracker, self.domain)),
            handoff=handoff,
            red_flag=gate.get("red_flag") if handoff == "red_flag" else None,
            intent=intent,
            marks=gate or None,
            language=language if news else None,
            language_chosen=chosen,
            more_title=Texts(self.domain.responses).say(MORE_ROW, language),
            age=next((age for age in ages if age != MINOR), None),
            minor=MINOR in ages,
            hurts=tapped_hurts(str(intent), named) if tapped else None,
        )

    @staticmethod
    def _handoff_of(tracker: DialogueStateTracker) -> Optional[str]:
        """The reason of the handoff whose text was said in this turn, if one was."""
        for event in reversed(tracker.events):
            if isinstance(event, UserUttered):
                return None
            if isinstance(event, ActionExecuted):
                route = ROUTES.get(event.action_name or "")
                if route is not None and route.needs_handoff:
                    return route.reason
        return None

    async def keys(self) -> Iterable[str]:
        """The conversation ids with a stored tracker."""

        def read() -> List[str]:
            with self._database.reading() as session:
                return [row[0] for row in session.query(Tracker.sender_id)]

        return await self._database.aside(read)
