"""Kernel ridge regression over a message's meaning (in two views), its sound and its words.

One model gives every output (each intent, clinical, emergency), trains in closed form, and gives
the exact score that a training message would get from a model trained without it (leave one out),
so its chances are calibrated honestly without training many times. The lexicon is kept out: it was
written with the training data in sight, so the model would trust it more than it deserves; both
meet in `safety.decision`. The linear kernels are kept as weights; only the embedding kernel needs
the training rows.
Compared with logistic regression, SVM, a neural net and a distilled student in `docs/safety.md`
(`python -m safety.compare`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Text

import numpy as np
import scipy.sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from safety.halves import HalvedMatrix
from safety.meaning import STORED, VIEWS, Meaning
from safety.ngram_weights import NgramWeights
from safety.normalise import sound_of
from safety.packed_vocabulary import hashes_of, pack
from safety.shared_ngrams import SharedNgrams

DEFAULTS: Dict[Text, float] = {
    "embedding": 0.75,
    "letters": 0.0,
    "sounds": 0.4,
    "words": 0.3,
    "bias": 0.05,
    "embedding_width": 1.0,
    "embedding_directions": 256,
    "ridge": 0.2,
}
_NGRAM_VIEWS = ("letters", "sounds", "words")
_BLOCK = 1024
# of so many messages at most the score without them is computed: three weights are fitted to them,
# and of all of them it would cost as much as the training itself
_LEFT_OUT = 10_000
# below that many, what the embedding was taught counts less than having few
_FEWEST_LEFT_OUT = 500


def _vectorizer(view: Text) -> TfidfVectorizer:
    words = view == "words"
    return TfidfVectorizer(
        analyzer="word" if words else "char_wb",
        token_pattern=r"\S+",  # noqa: S106 (words are already cut)
        ngram_range=(1, 2) if words else (2, 5),
        min_df=2,
        sublinear_tf=True,
        lowercase=False,
        dtype=np.float32,
    )


@dataclass
class Inputs:
    """Messages as the model reads them: n cleaned texts and their embeddings, float32 of shape (n,
    768): two views of 384 (`safety.e5_graph`).
    """

    texts: Sequence[Text]
    embeddings: np.ndarray

    def meanings(self) -> List[np.ndarray]:
        """The views of the embeddings, each of shape (n, 384)."""
        return np.split(self.embeddings, VIEWS, axis=1)

    def view(self, name: Text) -> List[Text]:
        """The texts of one n-gram view."""
        return list(self.texts) if name == "letters" else [sound_of(t) for t in self.texts]


@dataclass
class KernelModel:
    """Fitted weights; make it with `KernelModel.fit` or `KernelModel.load`."""

    labels: List[Text]
    config: Dict[Text, float]
    meanings: List[Meaning]
    alpha: np.ndarray
    weights: Dict[Text, NgramWeights]
    vectorizers: Dict[Text, TfidfVectorizer]
    sample: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    """Which training messages were left out once each, drawn by chance; empty after loading."""
    left_out: np.ndarray = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))
    """Their leave-one-out scores, shape (len(sample), labels)."""

    @classmethod
    def fit(
        cls,
        inputs: Inputs,
        targets: np.ndarray,
        labels: Sequence[Text],
        config: Dict[Text, float],
        new: Optional[np.ndarray] = None,
    ) -> KernelModel:
        """Train on targets of shape (n, labels), +1 where a label holds and -1 where not.

        `new` says of each message, shape (n,), whether it is new to the embedding, as a patient's
        is: only those are left out once each, where there are enough.

        Raises:
            ValueError: shapes differ, or there is nothing to learn from.
        """
        if targets.shape != (len(inputs.texts), len(labels)) or not len(inputs.texts):
            raise ValueError("targets must have one row per message and one column per label")
        config = {**DEFAULTS, **config}
        # those that are left out come last, for there they cost least
        order = np.random.default_rng(0).permutation(len(inputs.texts))
        candidates = len(order)
        if new is not None and new.sum() >= _FEWEST_LEFT_OUT:
            order = order[np.argsort(new[order], kind="stable")]
            candidates = int(new.sum())
        inputs = Inputs([inputs.texts[i] for i in order], inputs.embeddings[order])
        targets = targets[order]
        tail = min(candidates, _LEFT_OUT)
        directions = int(config["embedding_directions"])
        meanings = [Meaning.fit(vectors, directions) for vectors in inputs.meanings()]
        vectorizers = {view: _vectorizer(view) for view in _NGRAM_VIEWS if config[view]}
        matrices = {v: z.fit_transform(inputs.view(v)) for v, z in vectorizers.items()}
        gram = _gram(meanings, matrices, config, tail)
        try:
            alpha, inverse_diagonal = gram.solve(targets, tail)
        except ValueError:
            raise ValueError("the kernel matrix cannot be solved: raise the ridge") from None
        left_out = targets[-tail:] - alpha[-tail:] / inverse_diagonal[:, None]
        weights = {v: NgramWeights.of(config[v] * (m.T @ alpha)) for v, m in matrices.items()}
        return cls(
            list(labels),
            config,
            meanings,
            alpha,
            weights,
            vectorizers,
            order[-tail:],
            left_out.astype(np.float32),
        )

    def score(self, inputs: Inputs) -> np.ndarray:
        """Scores of shape (n, labels), about -1 … 1."""
        width = self.config["embedding_width"]
        gram = np.full((len(inputs.texts), len(self.alpha)), self.config["bias"], dtype=np.float32)
        for meaning, vectors in zip(self.meanings, inputs.meanings(), strict=True):
            gram += self.config["embedding"] * meaning.likeness(vectors, width)
        # row by row: numpy is slow with few rows at once, and one message has few clauses
        scores = np.stack([row @ self.alpha for row in gram])
        sounds = None
        for view, vectorizer in self.vectorizers.items():
            if view == "letters":
                texts = inputs.view(view)
            else:
                texts = sounds = sounds or inputs.view(view)
            scores += self.weights[view].sums(vectorizer.transform(texts))
        return np.asarray(scores)

    def save(self, folder: Path) -> None:
        """Write plain arrays and JSON: no pickles, nothing that runs when it is read."""
        arrays = {"alpha": self.alpha}
        for number, meaning in enumerate(self.meanings):
            arrays.update({f"{name}_{number}": a for name, a in meaning.arrays().items()})
        for view, weights in self.weights.items():
            arrays[f"codes_{view}"], arrays[f"scales_{view}"] = weights.codes, weights.scales
        arrays.update({f"idf_{v}": z.idf_.astype(np.float64) for v, z in self.vectorizers.items()})
        for view, vectorizer in self.vectorizers.items():
            places = vectorizer.vocabulary_
            arrays[f"ngrams_{view}"] = hashes_of(sorted(places, key=places.__getitem__))
        np.savez(folder / "kernel.npz", **arrays)
        views = list(self.vectorizers)
        facts = {"labels": self.labels, "config": self.config, "views": views}
        (folder / "kernel.json").write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> KernelModel:
        """Read what `save` wrote.

        Raises:
            OSError: a file is missing.
            ValueError, KeyError: a file is damaged.
        """
        facts = json.loads((folder / "kernel.json").read_text(encoding="utf-8"))
        with np.load(folder / "kernel.npz", allow_pickle=False) as arrays:
            vectorizers, weights = {}, {}
            for view in facts["views"]:
                vectorizers[view] = _vectorizer(view)
                pack(vectorizers[view], arrays[f"ngrams_{view}"])
                vectorizers[view].idf_ = arrays[f"idf_{view}"]
                weights[view] = NgramWeights(arrays[f"codes_{view}"], arrays[f"scales_{view}"])
            return cls(
                facts["labels"],
                facts["config"],
                [
                    Meaning.from_arrays({name: arrays[f"{name}_{n}"] for name in STORED})
                    for n in range(VIEWS)
                ],
                arrays["alpha"],
                weights,
                vectorizers,
            )


def _gram(
    meanings: Sequence[Meaning],
    matrices: Mapping[Text, scipy.sparse.csr_matrix],
    config: Mapping[Text, float],
    tail: int,
) -> HalvedMatrix:
    """The kernel matrix with the ridge on its diagonal; the last `tail` messages are left out
    once each.

    Made in blocks: with 40,000 messages it takes 4.8 GB, and nothing else may take as much.
    """
    n = len(meanings[0].squares)
    alike = [meaning.among(config["embedding_width"]) for meaning in meanings]
    shared = {view: SharedNgrams(matrix) for view, matrix in matrices.items()}
    gram = HalvedMatrix(n, tail)
    for begin, stop in ((0, gram.first), (gram.first, n)):
        for start in range(begin, stop, _BLOCK):
            end = min(stop, start + _BLOCK)
            block = np.full((end - start, end), config["bias"], dtype=np.float32)
            for likeness in alike:
                block += config["embedding"] * likeness(start, end)
            for view, ngrams in shared.items():
                block += config[view] * ngrams.block(start, end)
            gram.put(start, block)
    gram.add_to_diagonal(config["ridge"])
    return gram
