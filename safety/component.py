"""The gate as a Rasa component, last of the NLU pipeline: marks every message with where it has to
go.

`message["gate"]` is {"clinical": bool, "red_flag": category or None, "score": 0 … 1, "why":
[codes], "route": None |
"red_flag" | "clinical" | "request" | "unsure", "may_clarify": bool, "trace": bool}. `safety.policy`
acts on it; while a person owns
the conversation the channel reads it from Rasa's parse of the text. Anything that goes wrong marks
the message unsure.
"""

from __future__ import annotations

import logging
import unicodedata
from dataclasses import fields
from typing import Any, Dict, FrozenSet, List, Mapping, Sequence, Text, Tuple, Type

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message

from safety.classifier import SCORES, MessageClassifier
from safety.decision import UNSURE, Gate, Seen, Thresholds, decide, intent_to_report
from safety.lexicon import Finding, fillers
from safety.lexicon_component import LEXICON
from safety.normalise import clean, script_of, tokens, word_count

logger = logging.getLogger(__name__)

GATE = "gate"
_POLITE = frozenset("🙏👍👌✅🙂😊👋")
"""Signs that say no more than "please"; a 😢 beside "back" is no choice from a list."""
ANSWER_ENTITIES = (
    "when",
    "day",
    "slot",
    "category",
    "clinician",
    "gender",
    "service",
    "indifferent",
)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class ClinicalGate(GraphComponent):
    """Decides, from lexicon, classifier and entities, whether the bot may answer a message."""

    @classmethod
    def required_components(cls) -> List[Type]:
        """The classifier must come earlier."""
        return [MessageClassifier]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """The thresholds (`safety.decision.Thresholds`) and the entities that are a whole answer
        by themselves.
        """
        limits = {f.name: f.default for f in fields(Thresholds)}
        return {**limits, "answer_entities": list(ANSWER_ENTITIES)}

    def __init__(self, config: Dict[Text, Any]) -> None:
        """Made by `create`."""
        config = {**self.get_default_config(), **config}
        self._limits = Thresholds(**{f.name: config[f.name] for f in fields(Thresholds)})
        self._answers = frozenset(config["answer_entities"])
        self._fillers = fillers()

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> ClinicalGate:
        """Creates the component (see parent class)."""
        return cls(config)

    @classmethod
    def validate_config(cls, config: Dict[Text, Any]) -> None:
        """Refuse thresholds that would let everything through.

        Raises:
            InvalidConfigException: a probability is outside 0 … 1.
        """
        for name in (
            "clinical",
            "doubt",
            "clause",
            "weak_sign",
            "emergency",
            "emergency_alone",
            "sure",
            "request",
        ):
            if name in config and not 0 < float(config[name]) < 1:
                raise InvalidConfigException(f"ClinicalGate: {name} must be between 0 and 1")

    def process(self, messages: List[Message]) -> List[Message]:
        """Mark every message and name its intent for staff; never raises."""
        for message in messages:
            try:
                gate = self._mark(message)
            except Exception as error:
                # whatever it is, the patient's message must reach a person; its words must not
                # reach the log
                logger.error(
                    "the gate failed (%s): the message goes to a person", type(error).__name__
                )
                gate = Gate(route=UNSURE, score=1.0, why=["gate:failed"])
            message.set(GATE, gate.as_dict(), add_to_output=True)
        return messages

    def _mark(self, message: Message) -> Gate:
        cleaned = clean(message.get(TEXT) or "")
        finding = message.get(LEXICON)
        is_answer = self.is_whole_answer(message.get(TEXT) or "", message.get(ENTITIES) or [])
        seen = Seen(
            finding=finding if isinstance(finding, Finding) else Finding(),
            scores=message.get(SCORES),
            script=script_of(cleaned),
            words=word_count(cleaned),
            is_answer=is_answer,
        )
        gate = decide(seen, self._limits)
        if not isinstance(finding, Finding) and seen.words and gate.route is None:
            gate = Gate(route=UNSURE, score=1.0, why=["list:missing"])
        if intent := intent_to_report(gate, seen.scores, is_answer):
            message.set(INTENT, intent, add_to_output=True)
        return gate

    def is_whole_answer(self, text: Text, entities: Sequence[Mapping[Text, Any]]) -> bool:
        """Whether dates, times, categories or names cover the text but for little words ("kal 5
        baje ka please").
        """
        return _is_whole_answer(text, entities, self._answers, self._fillers)


def _is_whole_answer(
    text: Text,
    entities: Sequence[Mapping[Text, Any]],
    answers: FrozenSet[Text],
    little: FrozenSet[Text],
) -> bool:
    kept, covered = list(text), False
    for entity in entities:
        if entity.get("entity") not in answers:
            continue
        for start, end in _places(entity):
            kept[start:end] = " " * (end - start)
            covered = covered or end > start
    rest = [t for t in tokens(clean("".join(kept))) if t[0].isalnum()]
    says_more = any(unicodedata.category(sign) == "So" and sign not in _POLITE for sign in kept)
    return covered and not says_more and all(token in little for token in rest)


def _places(entity: Mapping[Text, Any]) -> List[Tuple[int, int]]:
    """The characters that say an entity; between its first and its last there may be anything."""
    value = entity.get("value")
    spans = value.get("spans") if isinstance(value, Mapping) else None
    if spans is None:
        spans = [(entity.get("start"), entity.get("end"))]
    return [(a, b) for a, b in spans if isinstance(a, int) and isinstance(b, int)]
