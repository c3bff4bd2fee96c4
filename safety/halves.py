"""Solving with a symmetric matrix that is kept and factored in halves.

OpenBLAS gives every thread 32 MB to multiply a matrix with itself in, and writes beyond them where
the matrix is too wide: a Cholesky factor of more than some 37,000 rows at once ends the process on
two processors. Half as many at once are far from that, and three parts below the diagonal take
less memory than the whole square.
"""

from __future__ import annotations

from typing import Tuple

import numpy as np
from scipy.linalg import blas, lapack

# columns of the last part that are worked on at once
_PANEL = 2048


class HalvedMatrix:
    """A symmetric matrix of shape (n, n), float32, below its diagonal: what the first rows have
    among themselves (`above`), what the others have with them (`below`), and what the others have
    among themselves (`right`).
    """

    def __init__(self, n: int, last: int) -> None:
        """Nothing but zeros; at least the `last` rows are of the second half."""
        self.first = min(n // 2, n - last)
        others = n - self.first
        self.above = np.zeros((self.first, self.first), dtype=np.float32)
        self.below = np.zeros((others, self.first), dtype=np.float32)
        self.right = np.zeros((others, others), dtype=np.float32)

    def __len__(self) -> int:
        return self.first + len(self.right)

    def put(self, start: int, block: np.ndarray) -> None:
        """Rows from `start` on, up to the diagonal: shape (rows, start + rows). All are of one
        half.
        """
        end, first = start + len(block), self.first
        if end <= first:
            self.above[start:end, :end] = block
        else:
            self.below[start - first : end - first] = block[:, :first]
            self.right[start - first : end - first, : end - first] = block[:, first:]

    def add_to_diagonal(self, number: float) -> None:
        for part in (self.above, self.right):
            part[np.diag_indices(len(part))] += number

    def solve(self, targets: np.ndarray, last: int) -> Tuple[np.ndarray, np.ndarray]:
        """The solution for targets of shape (n, k), and the last `last` numbers on the diagonal of
        the inverse. Overwrites the matrix.

        The inverse itself is not needed: with the Cholesky factor U (matrix = U'U), its last block
        is the product of the inverse of U's last block with itself.

        Raises:
            ValueError: the matrix is not positive definite.
        """
        first = self.first
        # LAPACK counts columns first: what is below the diagonal here is above it there
        upper = _factor(self.above.T) if first else self.above.T
        beside = blas.strsm(1.0, upper, self.below.T, trans_a=1, overwrite_b=1) if first else None
        lower = self.right.T
        if beside is not None:
            _take_away(lower, beside)
        lower = _factor(lower)
        inverse, info = lapack.strtri(lower[-last:, -last:], lower=0)
        if info != 0:
            raise ValueError("a factor of the matrix cannot be inverted")
        diagonal = np.einsum("ij,ij->i", inverse, inverse)
        targets = np.asfortranarray(targets, dtype=np.float32)
        if beside is None:
            return _through(lower, targets), diagonal
        ahead = blas.strsm(1.0, upper, targets[:first], trans_a=1)
        solved = _through(lower, targets[first:] - beside.T @ ahead)
        return np.concatenate([blas.strsm(1.0, upper, ahead - beside @ solved), solved]), diagonal


def _factor(matrix: np.ndarray) -> np.ndarray:
    """The Cholesky factor above the diagonal, in place."""
    factor, info = lapack.spotrf(matrix, lower=0, overwrite_a=True)
    if info != 0:
        raise ValueError("the matrix is not positive definite")
    return np.asarray(factor)


def _take_away(matrix: np.ndarray, beside: np.ndarray) -> None:
    """Take the product of `beside` with itself from what is above the diagonal."""
    for start in range(0, len(matrix), _PANEL):
        end = min(len(matrix), start + _PANEL)
        panel = matrix[:end, start:end]
        matrix[:end, start:end] = blas.sgemm(
            -1.0, beside[:, :end], beside[:, start:end], beta=1.0, c=panel, trans_a=1
        )


def _through(factor: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The solution for targets, with the factor of a matrix."""
    return np.asarray(blas.strsm(1.0, factor, blas.strsm(1.0, factor, targets, trans_a=1)))
