"""The one classifier behind intents and gate, as a Rasa component: intent, chance of clinical,
chance of an emergency.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Text, Type

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from safety.calibration import fit_sharpness, fit_sigmoid, log_odds, sigmoid, softmax
from safety.clauses import clauses_of
from safety.decision import CERTAIN, Scores
from safety.e5_tuning import kept_apart
from safety.embedding import (
    DIMENSIONS,
    EMBEDDING,
    EmbeddingUnavailable,
    SentenceEmbeddingFeaturizer,
    shared_embedder,
)
from safety.intents import CLINICAL_INTENTS, EMERGENCY
from safety.kernel import DEFAULTS, Inputs, KernelModel
from safety.lexicon import SELF_HARM, Finding
from safety.lexicon_component import LEXICON, ClinicalLexicon
from safety.normalise import clean
from safety.remembered import Remembered

logger = logging.getLogger(__name__)

SCORES = "classifier_scores"
"""Message property: `safety.decision.Scores`; absent when the message could not be embedded."""

_FEATURES = (
    *(
        "kernel.py",
        "halves.py",
        "meaning.py",
        "eight_bits.py",
        "ngram_weights.py",
        "shared_ngrams.py",
    ),
    *("packed_vocabulary.py", "normalise.py", "lexicon.py", "spelling.py"),
)
_CLINICAL, _EMERGENCY, _CATEGORY = "clinical?", "emergency?", "category:"
_SELF_HARM_FROM = -0.6
# some 200 bytes each
_REMEMBERED = 4096


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class MessageClassifier(IntentClassifier, GraphComponent):
    """Kernel ridge regression (`safety.kernel`) with probabilities calibrated on leave-one-out
    scores.
    """

    @classmethod
    def required_components(cls) -> List[Type]:
        """The lexicon and the embedding must come earlier."""
        return [ClinicalLexicon, SentenceEmbeddingFeaturizer]

    @staticmethod
    def required_packages() -> List[Text]:
        """Python packages this component needs."""
        return ["sklearn", "scipy"]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Kernel weights (see `safety.kernel.DEFAULTS`), how many intents the ranking shows, and
        below which chance of clinical a message's clauses are read too.
        """
        return {**DEFAULTS, "ranking_length": 10, "clauses_below": 0.5}

    @classmethod
    def fingerprint_addon(cls, config: Dict[Text, Any]) -> Optional[Text]:
        """Train anew when the code of the features changes."""
        digest = hashlib.sha256()
        for name in _FEATURES:
            digest.update(Path(__file__).with_name(name).read_bytes())
        return digest.hexdigest()

    def __init__(
        self, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource
    ) -> None:
        """Made by `create` or `load`."""
        self._config = {**self.get_default_config(), **config}
        self._storage = model_storage
        self._resource = resource
        self._model: Optional[KernelModel] = None
        self._facts: Dict[Text, Any] = {}
        self._recent = Remembered(_REMEMBERED)

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> MessageClassifier:
        """Creates an untrained component (see parent class)."""
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Fit the kernel model and calibrate it.

        Raises:
            ValueError: there are no examples with an intent.
        """
        examples = [m for m in training_data.intent_examples if m.get(TEXT) and m.get(INTENT)]
        if not examples:
            raise ValueError("no intent examples to train on")
        intents = np.array([m.get(INTENT) for m in examples])
        names = sorted(set(intents))
        columns = {name: intents == name for name in names}
        columns[_CLINICAL] = np.isin(intents, list(CLINICAL_INTENTS))
        columns[_EMERGENCY] = intents == EMERGENCY
        flags = [
            set(_finding(m).red_flags) if i == EMERGENCY else set()
            for m, i in zip(examples, intents, strict=True)
        ]
        for category in sorted(set().union(*flags)):
            columns[_CATEGORY + category] = np.array([category in f for f in flags])
        targets = np.stack(list(columns.values()), axis=1).astype(np.float32) * 2 - 1
        kernel = {k: float(self._config[k]) for k in DEFAULTS}
        new = np.array([kept_apart(m.get(TEXT)) for m in examples])
        self._model = KernelModel.fit(_inputs(examples), targets, list(columns), kernel, new)
        self._facts = {"intents": names, **self._calibrate(columns, names)}
        self.persist()
        return self._resource

    def _calibrate(self, columns: Dict[Text, np.ndarray], names: List[Text]) -> Dict[Text, Any]:
        model = self._trained()
        scores, columns = model.left_out, {n: c[model.sample] for n, c in columns.items()}
        position = {label: i for i, label in enumerate(model.labels)}
        truth = np.stack([columns[n] for n in names], axis=1).argmax(axis=1)
        sharpness = fit_sharpness(scores[:, : len(names)], truth)
        chances = softmax(sharpness * scores[:, : len(names)])
        clinical = np.isin(names, list(CLINICAL_INTENTS))
        emergency = np.array(names) == EMERGENCY
        return {
            "sharpness": sharpness,
            "clinical": fit_sigmoid(
                scores[:, position[_CLINICAL]], log_odds(chances, clinical), columns[_CLINICAL]
            ),
            "emergency": fit_sigmoid(
                scores[:, position[_EMERGENCY]], log_odds(chances, emergency), columns[_EMERGENCY]
            ),
        }

    def _trained(self) -> KernelModel:
        if self._model is None:
            raise ValueError("the classifier has not been trained")
        return self._model

    def process(self, messages: List[Message]) -> List[Message]:
        """Set `intent`, `intent_ranking` and the scores on every message that has an embedding."""
        ready = [m for m in messages if m.get(TEXT) and m.get(EMBEDDING) is not None]
        for message in messages:
            message.set(INTENT, {"name": None, "confidence": 0.0}, add_to_output=True)
            message.set("intent_ranking", [], add_to_output=True)
        if not ready or self._model is None:
            return messages
        try:
            judged = self._with_clauses(ready, self.scores(ready))
        except EmbeddingUnavailable as error:
            logger.error("clauses cannot be embedded, the message goes to a person: %s", error)
            return messages
        for message, scores in zip(ready, judged, strict=True):
            ranking = [dict(i) for i in scores.intents[: self._config["ranking_length"]]]
            message.set(SCORES, scores)
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages

    def scores(self, messages: Sequence[Message]) -> List[Scores]:
        """Calibrated scores of messages that carry an embedding."""
        return [self._calibrated(row) for row in self._scored(_inputs(messages))]

    def _scored(self, inputs: Inputs) -> np.ndarray:
        model = self._trained()
        if len(inputs.texts) > 1:
            return model.score(inputs)
        content = inputs.texts[0].encode("utf-8", "replace") + inputs.embeddings.tobytes()
        return self._recent.of(content, lambda: model.score(inputs))

    def _with_clauses(self, messages: Sequence[Message], scores: List[Scores]) -> List[Scores]:
        """The scores with those of the most clinical clause, where it could change anything: the
        whole does not look clinical, and not at all where the lists speak, and there are clauses.
        """
        below = float(self._config["clauses_below"])
        parts = [
            clauses_of(m.get(TEXT))
            if s.clinical < (CERTAIN if _finding(m).decides else below)
            else []
            for m, s in zip(messages, scores, strict=True)
        ]
        flat = list(dict.fromkeys(part for clauses in parts for part in clauses))
        if not flat:
            return scores
        raw = self._scored(Inputs(flat, shared_embedder().embed(flat)))
        of_part = dict(zip(flat, (self._calibrated(row) for row in raw), strict=True))
        joined = []
        for whole, clauses in zip(scores, parts, strict=True):
            each = [of_part[part] for part in clauses]
            if each:
                whole = replace(
                    whole,
                    clause_clinical=max(s.clinical for s in each),
                    clause_emergency=max(s.emergency for s in each),
                )
            joined.append(whole)
        return joined

    def _calibrated(self, row: np.ndarray) -> Scores:
        model = self._trained()
        names = self._facts["intents"]
        values = dict(zip(model.labels, row, strict=True))
        chances = softmax(self._facts["sharpness"] * row[None, : len(names)])
        clinical = log_odds(chances, np.isin(names, list(CLINICAL_INTENTS)))[0]
        emergency = log_odds(chances, np.array(names) == EMERGENCY)[0]
        chances = chances[0]
        order = np.argsort(-chances)
        categories = [label for label in model.labels if label.startswith(_CATEGORY)]
        if values.get(_CATEGORY + SELF_HARM, -1.0) < _SELF_HARM_FROM:
            # its text is for it alone; a doubtful one gets the text for all emergencies
            categories = [label for label in categories if label != _CATEGORY + SELF_HARM]
        best = max(categories, key=lambda label: values[label], default=None)
        return Scores(
            clinical=sigmoid(values[_CLINICAL], clinical, self._facts["clinical"]),
            emergency=sigmoid(values[_EMERGENCY], emergency, self._facts["emergency"]),
            intents=[{"name": names[i], "confidence": float(chances[i])} for i in order],
            category=best[len(_CATEGORY) :] if best else None,
        )

    def persist(self) -> None:
        """Write the model as arrays and JSON."""
        model = self._trained()
        with self._storage.write_to(self._resource) as folder:
            model.save(folder)
            (folder / "facts.json").write_text(json.dumps(self._facts), encoding="utf-8")

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> MessageClassifier:
        """Load a trained component (see parent class).

        Raises:
            ValueError, OSError: the stored model is missing or damaged; the assistant must not
            start without it.
        """
        component = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            component._model = KernelModel.load(folder)
            component._facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        return component


def _finding(message: Message) -> Finding:
    finding = message.get(LEXICON)
    return finding if isinstance(finding, Finding) else Finding()


def _inputs(messages: Sequence[Message]) -> Inputs:
    vectors = np.stack([m.get(EMBEDDING).values for m in messages])
    if vectors.shape[1] != DIMENSIONS:
        raise ValueError("an embedding has the wrong length")
    return Inputs([clean(m.get(TEXT)) for m in messages], vectors)
