"""`python -m safety.compare`: which classifier for clinical against logistics? Five-fold cross-
validation on the training data.

All candidates see the same folds. Measured for each: clinical messages missed when 3 % and 5 % of
the logistics messages are falsely
handed off, false handoffs when 1 % are missed, training seconds, and milliseconds a message without
the embedding (which costs the
same for all that use it, and nothing for those that do not). The lexicon is left out: it helps all
alike.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Text, Tuple

import numpy as np
import scipy.sparse
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.loading import load_data
from rich.console import Console
from rich.table import Table
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

from safety.e5 import E5
from safety.e5_file import read_weights
from safety.embedding import shared_embedder
from safety.intents import CLINICAL_INTENTS
from safety.kernel import Inputs, KernelModel
from safety.normalise import clean, sound_of

Predict = Callable[["Examples"], np.ndarray]


@dataclass(frozen=True)
class Examples:
    """Cleaned texts, embeddings (n, 768), intents and whether they are clinical (n,)."""

    texts: List[Text]
    embeddings: np.ndarray
    intents: np.ndarray
    clinical: np.ndarray

    def part(self, rows: np.ndarray) -> Examples:
        """Some of them."""
        texts = [self.texts[i] for i in rows]
        return Examples(texts, self.embeddings[rows], self.intents[rows], self.clinical[rows])


def read_examples(folder: Path) -> Examples:
    """The training data of a folder, embedded by the sentence model as it was before it was taught:
    what it was taught are the answers of most of them.

    Raises:
        ValueError: the folder has no examples.
    """
    messages = load_data(str(folder)).intent_examples
    if not messages:
        raise ValueError("no training examples found")
    texts = [m.get(TEXT) for m in messages]
    intents = np.array([m.get(INTENT) for m in messages])
    read = [shared_embedder().as_read(text) for text in texts]
    vectors = E5(read_weights()).vectors(read, threads=os.cpu_count() or 1)
    clinical = np.isin(intents, list(CLINICAL_INTENTS))
    return Examples([clean(t) for t in texts], vectors, intents, clinical)


def _ngrams() -> TfidfVectorizer:
    return TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True, lowercase=False
    )


def letters(train: Examples) -> Predict:
    """Character n-grams, logistic regression."""
    vectorizer = _ngrams()
    model = LogisticRegression(C=20, solver="liblinear")
    model.fit(vectorizer.fit_transform(train.texts), train.clinical)
    return lambda e: np.asarray(model.decision_function(vectorizer.transform(e.texts)))


def sounds(train: Examples) -> Predict:
    """N-grams of the text as it sounds (Devanagari and Latin letters under one key), logistic
    regression.
    """
    vectorizer = _ngrams()
    model = LogisticRegression(C=20, solver="liblinear")
    model.fit(vectorizer.fit_transform([sound_of(t) for t in train.texts]), train.clinical)
    return lambda e: np.asarray(
        model.decision_function(vectorizer.transform([sound_of(t) for t in e.texts]))
    )


def embedding(train: Examples) -> Predict:
    """Sentence embedding, logistic regression."""
    mean, scale = train.embeddings.mean(axis=0), train.embeddings.std(axis=0)
    model = LogisticRegression(C=0.01, max_iter=500)
    model.fit((train.embeddings - mean) / scale, train.clinical)
    return lambda e: np.asarray(model.decision_function((e.embeddings - mean) / scale))


def both(train: Examples) -> Predict:
    """Character n-grams beside the embedding, logistic regression."""
    vectorizer = _ngrams()
    mean, scale = train.embeddings.mean(axis=0), train.embeddings.std(axis=0) * 10

    def features(e: Examples, grams: scipy.sparse.spmatrix) -> scipy.sparse.csr_matrix:
        dense = scipy.sparse.csr_matrix((e.embeddings - mean) / scale)
        return scipy.sparse.hstack([grams, dense]).tocsr()

    model = LogisticRegression(C=5, solver="liblinear")
    model.fit(features(train, vectorizer.fit_transform(train.texts)), train.clinical)
    return lambda e: np.asarray(model.decision_function(features(e, vectorizer.transform(e.texts))))


def student(train: Examples) -> Predict:
    """A distilled student: n-grams regressed on the embeddings, then logistic regression on what
    it imitates.
    """
    vectorizer = _ngrams()
    grams = vectorizer.fit_transform([sound_of(t) for t in train.texts])
    mean, scale = train.embeddings.mean(axis=0), train.embeddings.std(axis=0)
    teacher = Ridge(alpha=1.0, solver="sparse_cg").fit(grams, (train.embeddings - mean) / scale)
    model = LogisticRegression(C=0.1, max_iter=500).fit(teacher.predict(grams), train.clinical)
    return lambda e: np.asarray(
        model.decision_function(
            teacher.predict(vectorizer.transform([sound_of(t) for t in e.texts]))
        )
    )


def support_vectors(train: Examples) -> Predict:
    """Embedding, support vector machine with a Gaussian kernel."""
    mean, scale = train.embeddings.mean(axis=0), train.embeddings.std(axis=0)
    model = SVC(C=3, gamma=1 / train.embeddings.shape[1])
    model.fit((train.embeddings - mean) / scale, train.clinical)
    return lambda e: np.asarray(model.decision_function((e.embeddings - mean) / scale))


def kernel(train: Examples) -> Predict:
    """Kernel ridge regression on embedding, sounds and words, all intents at once: own output plus
    the intents' odds.
    """
    names = np.unique(train.intents)
    targets = np.hstack([train.intents[:, None] == names[None, :], train.clinical[:, None]])
    model = KernelModel.fit(
        Inputs(train.texts, train.embeddings),
        targets.astype(np.float32) * 2 - 1,
        [*names, "clinical?"],
        {},
    )
    inside = np.isin(names, list(CLINICAL_INTENTS))

    def views(scores: np.ndarray) -> np.ndarray:
        powers = np.exp(6.5 * (scores[:, :-1] - scores[:, :-1].max(axis=1, keepdims=True)))
        share = powers[:, inside].sum(axis=1) / powers.sum(axis=1)
        return np.stack([scores[:, -1], np.log((share + 1e-9) / (1 - share + 1e-9))], axis=1)

    joined = LogisticRegression(C=1e3).fit(views(model.left_out), train.clinical[model.sample])
    return lambda e: np.asarray(
        joined.decision_function(views(model.score(Inputs(e.texts, e.embeddings))))
    )


CANDIDATES: Dict[Text, Callable[[Examples], Predict]] = {
    "character n-grams": letters,
    "sound n-grams": sounds,
    "embedding": embedding,
    "n-grams + embedding": both,
    "distilled student": student,
    "embedding, SVM": support_vectors,
    "kernel ridge: embedding + sounds + words": kernel,
}


def compare(examples: Examples, folds: int = 5) -> List[Dict[Text, float]]:
    """One row of figures for each candidate: misses and false handoffs 0 … 1, seconds,
    milliseconds.
    """
    scores: Dict[Text, np.ndarray] = {n: np.empty(len(examples.texts)) for n in CANDIDATES}
    seconds: Dict[Text, float] = defaultdict(float)
    milliseconds: Dict[Text, float] = defaultdict(float)
    split = StratifiedKFold(folds, shuffle=True, random_state=7)
    for train_rows, test_rows in split.split(examples.embeddings, examples.intents):
        train, test = examples.part(train_rows), examples.part(test_rows)
        for name, fit in CANDIDATES.items():
            started = time.perf_counter()
            predict = fit(train)
            seconds[name] += (time.perf_counter() - started) / folds
            scores[name][test_rows] = predict(test)
            milliseconds[name] += _one_by_one(predict, test) / folds
    rows = []
    for name, values in scores.items():
        clinical, logistics = values[examples.clinical], values[~examples.clinical]
        rows.append(
            {
                "candidate": name,
                "missed_at_3": float(np.mean(clinical <= np.quantile(logistics, 0.97))),
                "missed_at_5": float(np.mean(clinical <= np.quantile(logistics, 0.95))),
                "false_at_1_missed": float(np.mean(logistics > np.quantile(clinical, 0.01))),
                "train_s": seconds[name],
                "ms": milliseconds[name],
            }
        )
    return rows  # type: ignore[return-value]


def _one_by_one(predict: Predict, test: Examples) -> float:
    some = [test.part(np.array([i])) for i in range(min(20, len(test.texts)))]
    started = time.perf_counter()
    for each in some:
        predict(each)
    return (time.perf_counter() - started) * 1000 / len(some)


def main(arguments: Optional[Sequence[Text]] = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m safety.compare", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/nlu"))
    parser.add_argument("--json", type=Path, default=Path("results/compare.json"))
    chosen = parser.parse_args(arguments)
    rows = compare(read_examples(chosen.data))
    table = Table(
        "candidate",
        "missed at 3 % false",
        "missed at 5 % false",
        "false at 1 % missed",
        "training s",
        "ms",
    )
    for row in rows:
        shares: Tuple[Text, ...] = tuple(
            f"{row[k]:.1%}" for k in ("missed_at_3", "missed_at_5", "false_at_1_missed")
        )
        table.add_row(str(row["candidate"]), *shares, f"{row['train_s']:.1f}", f"{row['ms']:.1f}")
    Console().print(table)
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
