"""What each n-gram says of each label, at eight bits a number.

Seventy thousand n-grams times some sixty labels are most of what the linear kernels need; at eight
bits they take half of what half precision takes, and a message has some dozens of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse

from safety.eight_bits import rounded


@dataclass(frozen=True)
class NgramWeights:
    """`codes`, int8 of shape (ngrams, labels), and the `scales` of their rows, float32 of shape
    (ngrams,).
    """

    codes: np.ndarray
    scales: np.ndarray

    @classmethod
    def of(cls, weights: np.ndarray) -> NgramWeights:
        """The nearest to weights of shape (ngrams, labels)."""
        whole, scales = rounded(weights)
        return cls(whole.astype(np.int8), scales.astype(np.float32))

    def sums(self, found: scipy.sparse.csr_matrix) -> np.ndarray:
        """Weights of the n-grams of each message, summed: shape (messages, labels), of n-grams
        found in messages of shape (messages, ngrams).
        """
        messages = zip(found.indptr, found.indptr[1:], strict=False)
        return np.stack([self._sum(found.data[a:b], found.indices[a:b]) for a, b in messages])

    def _sum(self, counts: np.ndarray, ngrams: np.ndarray) -> np.ndarray:
        weighed = (counts * self.scales[ngrams]).astype(np.float32)
        return np.asarray(weighed @ self.codes[ngrams].astype(np.float32))
