"""The language of a message among its entities."""

from __future__ import annotations

from typing import Any, Dict, List

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_NAME_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message

from safety.language import LANGUAGES, detect

SWITCH_INTENT = "language_switch"
DEFAULT_LANGUAGE = "en"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class LanguageDetector(GraphComponent, EntityExtractorMixin):
    """Adds one entity `language` (en, hi or hinglish) that covers no characters.

    Stands behind the intent classifier and `DetailsExtractor`. In this order: the language a
    language_switch asks for; the one the contact chose before; the one the words are in; the
    conversation's; English. The contact's come in the message's metadata as `language` and
    `language_chosen`.
    """

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> LanguageDetector:
        """A component; there is nothing to configure."""
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        """Adds the entity to each message."""
        for message in messages:
            entities = message.get(ENTITIES, [])
            entity = {
                "entity": "language",
                "value": _language(message, entities),
                "start": 0,
                "end": 0,
                "extractor": self.name,
                "confidence_entity": 1.0,
            }
            message.set(ENTITIES, [*entities, entity], add_to_output=True)
        return messages


def _language(message: Message, entities: List[Dict[str, Any]]) -> str:
    intent = message.get(INTENT)
    if isinstance(intent, dict) and intent.get(INTENT_NAME_KEY) == SWITCH_INTENT:
        for entity in entities:
            if entity.get("entity") == "language_choice" and entity.get("value") in LANGUAGES:
                return str(entity["value"])
    metadata = message.get("metadata") or {}
    known = metadata.get("language")
    known = known if known in LANGUAGES else None
    if known and metadata.get("language_chosen"):
        return str(known)
    return detect(message.get(TEXT) or "") or known or DEFAULT_LANGUAGE
