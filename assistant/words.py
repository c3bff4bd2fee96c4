"""Rasa's responses with the clinic's facts in them."""

from __future__ import annotations

import asyncio
from typing import Any, Dict, Optional

from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from clinic.database import database
from clinic.facts import Facts


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
        """One response, its `_closed` form while the clinic is closed."""
        slots = tracker.current_slot_values()
        language = slots.get("language") or "en"
        facts = await asyncio.to_thread(self._facts.of, language)
        name = await asyncio.to_thread(self._name, utter_action)
        return self.generate_from_slots(name, {**facts, **slots}, output_channel, **kwargs)

    def _name(self, utter_action: str) -> str:
        closed = f"{utter_action}_closed"
        if closed in self.responses and not self._facts.is_open():
            return closed
        return utter_action
