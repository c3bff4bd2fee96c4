"""When a patient means: `understand`, and the Rasa component that puts it among the entities.

Read here as most patients in India write: `24/11` is day and month, `kal` is tomorrow, a bare
weekday is the coming one and never today, `next Tuesday` that of the next calendar week, an hour
without am or pm is a clinic's (1–7 pm, 8–11 am) unless a part of the day stands by it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Dict, List, Optional
from zoneinfo import ZoneInfo

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message

from assistant.nlu.when_pieces import pieces
from assistant.nlu.when_reading import read
from assistant.nlu.when_value import When

LONGEST_READ = 1000  # characters; beyond them nobody names an hour


def understand(text: str, now: datetime, zone: ZoneInfo) -> Optional[When]:
    """The days and hours a message asks for, in the clinic's local time, or None.

    `now` must be aware. Where several days or hours are named, the first counts; the last where
    the message changes something ("shift Monday to Friday").
    """
    local = now.astimezone(zone)
    local = local.replace(tzinfo=None)
    when = read(pieces(text[:LONGEST_READ], local), local)
    if when is not None and when.date_from is not None and when.date_from < local.date():
        # however the pieces were put together ("0001-1-1 friday"), a day gone by is gone
        return replace(when, past=True)
    return when


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class WhenExtractor(GraphComponent, EntityExtractorMixin):
    """Adds one entity `when` whose value is `When.to_json()`."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """`time_zone` is the clinic's, by its IANA name."""
        return {"time_zone": "Asia/Kolkata"}

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> WhenExtractor:
        """A component for the zone of its configuration."""
        return cls(config)

    def __init__(self, config: Dict[str, Any]) -> None:
        self._zone = ZoneInfo({**self.get_default_config(), **config}["time_zone"])

    def process(self, messages: List[Message]) -> List[Message]:
        """Adds the entity to each message that says when."""
        for message in messages:
            text = message.get(TEXT) or ""
            when = understand(text, datetime.now(self._zone), self._zone)
            if when is not None:
                entity = {
                    "entity": "when",
                    "value": when.to_json(),
                    "start": when.spans[0][0],
                    "end": when.spans[-1][1],
                    "extractor": self.name,
                    "confidence_entity": 1.0,
                }
                entities = [*message.get(ENTITIES, []), entity]
                message.set(ENTITIES, entities, add_to_output=True)
        return messages
