"""What the sentence model is taught: which intent a message has, and whether it is clinical."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Sequence, Text

import numpy as np
import tensorflow as tf

from safety.e5 import Rows, Tokens, of_one_length
from safety.e5_file import Weights
from safety.intents import CLINICAL_INTENTS
from safety.meaning import VIEWS
from safety.tune.network import Network

_AT_ONCE = 64
_FASTEST = 1e-3
_WARM_UP = 100
_SLOWEST = 0.02
# what is asked of the vectors is learned anew, and may be learned faster
_QUESTIONS_FASTER = 3
_SEED = 1
_TAKEN = 0.75
_LONGEST_STEP = 5.0
_LOOKED_AT_FIRST = 20


class Lesson(NamedTuple):
    """A text as `safety.embedding.SentenceEmbedder.as_read` gives it, and its intent."""

    text: Text
    intent: Text


class Learner:
    """A network and what it is asked about each text, both learned together."""

    def __init__(self, weights: Weights, lessons: Sequence[Lesson], epochs: int) -> None:
        """Prepare to see each lesson `epochs` times."""
        # matrices are multiplied at 16 bits where the processor can; it takes a quarter off
        tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": True})
        tf.keras.utils.set_random_seed(_SEED)
        tokens = Tokens(weights.vocabulary, weights.shape.longest)
        self._rows = Rows(weights)
        self._ids = [tokens.ids(lesson.text) for lesson in lessons]
        names = sorted({lesson.intent for lesson in lessons})
        self._intents = np.array([names.index(lesson.intent) for lesson in lessons], np.int32)
        clinical = [lesson.intent in CLINICAL_INTENTS for lesson in lessons]
        self._clinical = np.array(clinical, np.float32)
        self._network = Network(weights)
        self._questions = _Questions(self._some_vectors(), len(names))
        steps = epochs * len(self._batches(0))
        self._optimizers = [
            tf.keras.optimizers.Adam(_Pace(fastest, steps), beta_2=0.98, epsilon=1e-6)
            for fastest in (_FASTEST, _FASTEST * _QUESTIONS_FASTER)
        ]
        self._step = tf.function(
            self._learn_from,
            autograph=False,
            input_signature=[
                tf.TensorSpec([None, None, weights.shape.width], tf.float32),
                tf.TensorSpec([None], tf.int32),
                tf.TensorSpec([None], tf.float32),
            ],
        )

    def learn(self, epoch: int) -> float:
        """See every lesson once, in an order of this epoch's own; the mean loss of a lesson."""
        total = 0.0
        for batch in self._batches(epoch):
            rows = self._rows.of(np.asarray([self._ids[number] for number in batch]))
            total += float(self._step(rows, self._intents[batch], self._clinical[batch]))
        return total / len(self._ids)

    def changes(self) -> Dict[Text, np.ndarray]:
        """What of the network is to be other than at the beginning: of what was learned so much
        that what it knew before still counts for messages unlike ours (Wortsman et al., "Robust
        fine-tuning of zero-shot models", 2022).
        """
        learned = self._network.changes()
        return {name: _TAKEN * change for name, change in learned.items()}

    def _batches(self, epoch: int) -> List[np.ndarray]:
        dice = np.random.default_rng(epoch)
        order = dice.permutation(len(self._ids))
        batches = of_one_length([self._ids[number] for number in order], _AT_ONCE)
        return [order[batches[number]] for number in dice.permutation(len(batches))]

    def _some_vectors(self) -> np.ndarray:
        """Float32 of shape (texts, 2 · width): of some hundreds, before anything is learned."""
        some = self._batches(0)[:_LOOKED_AT_FIRST]
        views = [
            self._network(self._rows.of(np.asarray([self._ids[n] for n in batch])), learning=False)
            for batch in some
        ]
        return np.concatenate([np.concatenate(pair, axis=1) for pair in views])

    def _learn_from(self, rows: tf.Tensor, intents: tf.Tensor, clinical: tf.Tensor) -> tf.Tensor:
        learned = [self._network.variables, self._questions.variables]
        with tf.GradientTape() as tape:
            loss = self._questions.loss(self._network(rows, learning=True), intents, clinical)
            gradients = tape.gradient(loss / _AT_ONCE, [*learned[0], *learned[1]])
        gradients, _ = tf.clip_by_global_norm(gradients, _LONGEST_STEP)
        parts = gradients[: len(learned[0])], gradients[len(learned[0]) :]
        for optimizer, part, variables in zip(self._optimizers, parts, learned, strict=True):
            optimizer.apply_gradients(zip(part, variables, strict=True))
        return loss


class _Questions:
    """Two linear answers to each view of a text: which intent, and whether it is clinical."""

    def __init__(self, vectors: np.ndarray, intents: int) -> None:
        """Of vectors that lie as these do."""
        self._mean, self._spread = vectors.mean(axis=0), vectors.std(axis=0) + 1e-6
        width = vectors.shape[1] // VIEWS
        self._weights = [
            tf.Variable(np.zeros((width, intents + 1), np.float32)) for _ in range(VIEWS)
        ]
        self._offsets = [tf.Variable(np.zeros(intents + 1, np.float32)) for _ in range(VIEWS)]

    @property
    def variables(self) -> List[tf.Variable]:
        return [*self._weights, *self._offsets]

    def loss(
        self, views: Sequence[tf.Tensor], intents: tf.Tensor, clinical: tf.Tensor
    ) -> tf.Tensor:
        """How wrong the answers are, the sum over texts and views."""
        means, spreads = np.split(self._mean, VIEWS), np.split(self._spread, VIEWS)
        loss = 0.0
        for number, view in enumerate(views):
            near = (view - means[number]) / spreads[number]
            answers = tf.matmul(near, self._weights[number]) + self._offsets[number]
            which = tf.nn.sparse_softmax_cross_entropy_with_logits(intents, answers[:, :-1])
            whether = tf.nn.sigmoid_cross_entropy_with_logits(clinical, answers[:, -1])
            loss += tf.reduce_sum(which) + tf.reduce_sum(whether)
        return loss


class _Pace(tf.keras.optimizers.schedules.LearningRateSchedule):
    """Faster step by step to the fastest, then evenly slower to nearly none."""

    def __init__(self, fastest: float, steps: int) -> None:
        self._fastest, self._steps = fastest, steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """The learning rate of a step."""
        step = tf.cast(step, tf.float32) + 1
        slower = tf.maximum(_SLOWEST, 1 - step / self._steps)
        return self._fastest * tf.minimum(1.0, step / _WARM_UP) * slower
