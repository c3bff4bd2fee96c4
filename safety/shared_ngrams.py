"""How many weighed n-grams messages share: the inner products of sparse rows, in blocks."""

from __future__ import annotations

import numpy as np
import scipy.sparse

# a few n-grams are in so many messages that most of the work of a sparse product is theirs: nine
# tenths of it for the hundreds that are commonest, which a dense product does far sooner
_COMMONEST = 300


class SharedNgrams:
    """Inner products of the rows of one matrix of shape (messages, n-grams), float32."""

    def __init__(self, matrix: scipy.sparse.csr_matrix) -> None:
        counts = np.bincount(matrix.indices, minlength=matrix.shape[1])
        order = np.argsort(-counts, kind="stable")
        self._common = matrix[:, order[:_COMMONEST]].toarray()
        self._rest = matrix[:, order[_COMMONEST:]].tocsr()

    def block(self, start: int, end: int) -> np.ndarray:
        """Shape (end - start, end): the messages from `start` with all of those before `end`."""
        shared = self._common[start:end] @ self._common[:end].T
        rest = (self._rest[start:end] @ self._rest[:end].T).tocoo()
        # a sparse product names each place once
        shared[rest.row, rest.col] += rest.data
        return np.asarray(shared)
