"""The lexicon as a Rasa component: it runs before the embedding, so that what it decides need not
be embedded.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from safety.decision import CERTAIN_WORDS
from safety.embedding import GLANCE, NOT_NEEDED
from safety.intents import CLINICAL_INTENTS
from safety.lexicon import FOLDER, READING, Lexicon, folder_hash, read_folder
from safety.normalise import clean, tokens, word_count

LEXICON = "lexicon_finding"
"""Message property: `safety.lexicon.Finding`."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class ClinicalLexicon(GraphComponent):
    """Marks each message with what the lexicon finds.

    The trained model carries the lexicon it was measured with, and the words of the logistics
    examples, which are
    never taken for misspelt clinical words.
    """

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """`folder`: the lists; `reading`: how words are read."""
        return {"folder": str(FOLDER), "reading": str(READING)}

    @classmethod
    def fingerprint_addon(cls, config: Dict[Text, Any]) -> Optional[Text]:
        """Train anew when a list or the code that reads it changes."""
        config = {**cls.get_default_config(), **config}
        code = hashlib.sha256()
        for name in ("lexicon.py", "spelling.py", "normalise.py"):
            code.update(Path(__file__).with_name(name).read_bytes())
        return folder_hash(Path(config["folder"]), Path(config["reading"])) + code.hexdigest()

    def __init__(
        self, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource
    ) -> None:
        """Made by `create` or `load`."""
        self._config = {**self.get_default_config(), **config}
        self._storage = model_storage
        self._resource = resource
        self._lexicon: Optional[Lexicon] = None

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> ClinicalLexicon:
        """Creates an untrained component (see parent class)."""
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Read the lists and the words of the logistics examples.

        Raises:
            OSError, ValueError: the lists cannot be read.
        """
        data = read_folder(Path(self._config["folder"]), Path(self._config["reading"]))
        protected = {
            word
            for message in training_data.intent_examples
            if message.get(INTENT) not in CLINICAL_INTENTS
            for word in tokens(clean(message.get(TEXT) or ""))
        }
        self._lexicon = Lexicon(data, frozenset(protected))
        with self._storage.write_to(self._resource) as folder:
            facts = {"data": data, "protected": sorted(self._lexicon.protected)}
            (folder / "lexicon.json").write_text(
                json.dumps(facts, ensure_ascii=False), encoding="utf-8"
            )
        return self._resource

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> ClinicalLexicon:
        """Load the lexicon the model was trained with (see parent class).

        Raises:
            ValueError, OSError: it is missing or damaged; the assistant must not start without it.
        """
        component = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            facts = json.loads((folder / "lexicon.json").read_text(encoding="utf-8"))
        component._lexicon = Lexicon(facts["data"], frozenset(facts["protected"]))
        return component

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Mark the training messages; they are all embedded."""
        for message in training_data.training_examples:
            self._mark(message)
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Mark messages; a red flag needs no embedding, a long message that is clinical already
        only a glance.
        """
        for message in messages:
            self._mark(message)
            finding = message.get(LEXICON)
            if finding is not None and finding.red_flags:
                message.set(NOT_NEEDED, True)
            elif finding is not None and finding.alone:
                message.set(GLANCE, word_count(clean(message.get(TEXT))) > CERTAIN_WORDS)
        return messages

    def _mark(self, message: Message) -> None:
        if message.get(TEXT) and self._lexicon is not None:
            message.set(LEXICON, self._lexicon.find(message.get(TEXT)))
