"""N-gram weights at eight bits say nearly what they say at full precision."""

from __future__ import annotations

import numpy as np
import scipy.sparse

from safety.ngram_weights import NgramWeights


def test_a_messages_sum_is_what_full_precision_gives() -> None:
    chance = np.random.default_rng(1)
    weights = chance.normal(size=(500, 66)).astype(np.float32)
    found = scipy.sparse.random(20, 500, 0.1, "csr", dtype=np.float32, random_state=1)
    stored = NgramWeights.of(weights)
    assert stored.codes.dtype == np.int8
    exact = found @ weights
    assert np.abs(stored.sums(found) - exact).max() < 0.02 * np.abs(exact).max()


def test_an_ngram_that_says_nothing_adds_nothing() -> None:
    stored = NgramWeights.of(np.zeros((3, 2), dtype=np.float32))
    found = scipy.sparse.csr_matrix(np.ones((1, 3), dtype=np.float32))
    assert stored.sums(found).tolist() == [[0.0, 0.0]]


def test_a_message_without_a_known_ngram_has_a_sum_of_nothing() -> None:
    stored = NgramWeights.of(np.ones((3, 2), dtype=np.float32))
    assert stored.sums(scipy.sparse.csr_matrix((1, 3), dtype=np.float32)).tolist() == [[0.0, 0.0]]
