"""Rasa's responses with the clinic's facts in them."""

from __future__ import annotations

from typing import Any, Dict, Optional

from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from channels.turn import current_turn
from clinic.database import database
from clinic.facts import Facts
from clinic.logs import logger
from clinic.texts import PLACEHOLDER

log = logger("assistant.words")


class ClinicWords(TemplatedNaturalLanguageGenerator):
    """Chooses a response by language and opening hours, and fills in the clinic's facts."""

    def __init__(
        self,
        endpoint_config: Optional[EndpointConfig] = None,
        domain: Optional[Domain] = None,
        facts: Optional[Facts] = None,
    ) -> None:
        super().__init__(domain.responses if domain else {})
        self._facts = facts or Facts(database())

    async def generate(
        self,
        utter_action: str,
        tracker: DialogueStateTracker,
        output_channel: str,
        **kwargs: Any,
    ) -> Optional[Dict[str, Any]]:
        """One response, its `_closed` form while the clinic is closed.

        Rasa swallows what fails here and would say half of a turn, or a text with its
        placeholders still in it; so a failure marks the turn, and a person answers.
        """
        # a slot that is not set must not be read out as "None"
        known = {n: v for n, v in tracker.current_slot_values().items() if v is not None}
        language = known.get("language") or "en"
        try:
            facts = await self._facts.database.aside(self._facts.of, language)
            name = await self._facts.database.aside(self._name, utter_action)
            response = self.generate_from_slots(name, {**facts, **known}, output_channel, **kwargs)
        except Exception:
            self._failed(utter_action, "facts")
            raise
        if response is None or not _is_filled(response):
            self._failed(utter_action, "text" if response is None else "placeholder")
        return response

    @staticmethod
    def _failed(utter_action: str, why: str) -> None:
        log.error("response failed", response=utter_action, why=why)
        turn = current_turn.get()
        if turn is not None:
            turn.fail("words")

    def _name(self, utter_action: str) -> str:
        closed = f"{utter_action}_closed"
        if closed in self.responses and not self._facts.is_open():
            return closed
        return utter_action


def _is_filled(response: Dict[str, Any]) -> bool:
    """Whether no placeholder is left in what the patient would read."""
    titles = [str(button.get("title")) for button in response.get("buttons") or []]
    return not any(PLACEHOLDER.search(words) for words in [response.get("text") or "", *titles])
