"""How alike messages are in meaning: a Gaussian kernel over one view of their embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Mapping, Text

import numpy as np

VIEWS = 2
"""Of an embedding: after the model's last layer, and after one on the way (`safety.e5_graph`)."""


@dataclass
class Meaning:
    """The training messages in the directions in which they differ most, `rows` of shape (n,
    directions), and how a vector of one view, shape (384,), gets there.
    """

    mean: np.ndarray
    projection: np.ndarray
    rows: np.ndarray

    def __post_init__(self) -> None:
        """Keep what every message needs."""
        self._squares = (self.rows**2).sum(axis=1)

    @classmethod
    def fit(cls, vectors: np.ndarray, directions: int) -> Meaning:
        """Of training vectors of shape (n, 384)."""
        mean = vectors.mean(axis=0)
        projection = _projection(vectors - mean, directions)
        # as precise as they are stored
        rows = ((vectors - mean) @ projection).astype(np.float16).astype(np.float32)
        return cls(mean, projection, rows)

    def likeness(self, vectors: np.ndarray, width: float) -> np.ndarray:
        """Shape (m, n): of vectors of shape (m, 384) to every training message."""
        rows = ((vectors - self.mean) @ self.projection).astype(np.float32)
        return _rbf(rows, self.rows, width, self._squares)

    def among(self, start: int, end: int, width: float) -> np.ndarray:
        """Shape (end - start, end): of some training messages to those before and among them."""
        return _rbf(self.rows[start:end], self.rows[:end], width, self._squares[:end])

    def arrays(self) -> Dict[Text, np.ndarray]:
        """What `from_arrays` takes."""
        rows = self.rows.astype(np.float16)
        return {"mean": self.mean, "projection": self.projection, "rows": rows}

    @classmethod
    def from_arrays(cls, arrays: Mapping[Text, np.ndarray]) -> Meaning:
        """Undo `arrays`.

        Raises:
            KeyError: one is missing.
        """
        return cls(arrays["mean"], arrays["projection"], arrays["rows"].astype(np.float32))


def _projection(centred: np.ndarray, directions: int) -> np.ndarray:
    """Shape (384, directions): each dimension to unit spread, then the directions of most spread;
    all in units in which squared distances need no further scaling.
    """
    scale = centred.std(axis=0) + 1e-6
    spread = centred / scale
    _, vectors = np.linalg.eigh((spread.T @ spread) / len(spread))
    kept = vectors[:, ::-1][:, :directions] / np.sqrt(centred.shape[1])
    return np.asarray(kept / scale[:, None], dtype=np.float32)


def _rbf(a: np.ndarray, b: np.ndarray, width: float, b_squares: np.ndarray) -> np.ndarray:
    """exp(-width · squared distance) of every row of `a` to every row of `b`."""
    powers = a @ b.T
    powers *= 2
    powers -= (a**2).sum(axis=1)[:, None]
    powers -= b_squares[None, :]
    powers *= width
    return np.asarray(np.exp(np.minimum(powers, 0, out=powers), out=powers))
