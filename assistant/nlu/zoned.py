"""What the components that read days and hours share: the clinic's zone, and their one entity."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Optional
from zoneinfo import ZoneInfo

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message


@dataclass(frozen=True)
class Reading:
    """What was understood, as the entity's plain value, and the characters that say it."""

    value: Dict[str, Any]
    start: int
    end: int


class ZonedExtractor(GraphComponent, EntityExtractorMixin, ABC):
    """Adds one entity, named `entity`, to each message that `read` understands."""

    entity: str

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
    ) -> ZonedExtractor:
        """A component for the zone of its configuration."""
        return cls(config)

    def __init__(self, config: Dict[str, Any]) -> None:
        self._zone = ZoneInfo({**self.get_default_config(), **config}["time_zone"])

    @abstractmethod
    def read(self, text: str, now: datetime, zone: ZoneInfo) -> Optional[Reading]:
        """What a message says; None where it says nothing of the kind. `now` is aware."""

    def follow(self, message: Message, reading: Reading) -> None:
        """Whatever else follows from it for the message."""
        return

    def process(self, messages: List[Message]) -> List[Message]:
        """Adds the entity to each message that has it."""
        for message in messages:
            reading = self.read(message.get(TEXT) or "", datetime.now(self._zone), self._zone)
            if reading is None:
                continue
            entity = {
                "entity": self.entity,
                "value": reading.value,
                "start": reading.start,
                "end": reading.end,
                "extractor": self.name,
                "confidence_entity": 1.0,
            }
            entities = [*message.get(ENTITIES, []), entity]
            message.set(ENTITIES, entities, add_to_output=True)
            self.follow(message, reading)
        return messages
