"""How alike messages are in meaning: a Gaussian kernel over one view of their embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, Mapping, Optional, Text

import numpy as np

from safety.eight_bits import EightBits, Products

VIEWS = 2
"""Of an embedding: after the model's last layer, and after one on the way (`safety.e5_graph`)."""

STORED = ("mean", "projection", "squares", "codes", "scales")


@dataclass
class Meaning:
    """The training messages in the directions in which they differ most, and how a vector of one
    view, shape (384,), gets there. `stored` is there after training and not after loading: nobody
    needs it then.
    """

    mean: np.ndarray
    projection: np.ndarray
    squares: np.ndarray
    products: Products
    stored: Optional[EightBits] = None

    @classmethod
    def fit(cls, vectors: np.ndarray, directions: int) -> Meaning:
        """Of training vectors of shape (n, 384).

        Raises:
            ValueError: `directions` is no multiple of 32.
        """
        mean = vectors.mean(axis=0)
        projection = _projection(vectors - mean, directions)
        stored = EightBits.of((vectors - mean) @ projection)
        squares = (stored.rows() ** 2).sum(axis=1)
        return cls(mean, projection, squares, Products(stored), stored)

    def likeness(self, vectors: np.ndarray, width: float) -> np.ndarray:
        """Shape (m, n): of vectors of shape (m, 384) to every training message."""
        own = ((vectors - self.mean) @ self.projection).astype(np.float32)
        return _rbf(self.products.of(own), (own**2).sum(axis=1), self.squares, width)

    def among(self, width: float) -> Callable[[int, int], np.ndarray]:
        """A function of (start, end), shape (end - start, end): some training messages to those
        before and among them, taken as they are stored.
        """
        rows, squares = self._kept().rows(), self.squares

        def block(start: int, end: int) -> np.ndarray:
            products = rows[start:end] @ rows[:end].T
            return _rbf(products, squares[start:end], squares[:end], width)

        return block

    def arrays(self) -> Dict[Text, np.ndarray]:
        """What `from_arrays` takes."""
        kept = self._kept()
        arrays = (self.mean, self.projection, self.squares, kept.codes, kept.scales)
        return dict(zip(STORED, arrays, strict=True))

    @classmethod
    def from_arrays(cls, arrays: Mapping[Text, np.ndarray]) -> Meaning:
        """Undo `arrays`.

        Raises:
            KeyError: one is missing.
        """
        mean, projection, squares, codes, scales = (arrays[name] for name in STORED)
        return cls(mean, projection, squares, Products(EightBits(codes, scales)))

    def _kept(self) -> EightBits:
        if self.stored is None:
            raise ValueError("only right after training")
        return self.stored


def _projection(centred: np.ndarray, directions: int) -> np.ndarray:
    """Shape (384, directions): each dimension to unit spread, then the directions of most spread;
    all in units in which squared distances need no further scaling.
    """
    scale = centred.std(axis=0) + 1e-6
    spread = centred / scale
    _, vectors = np.linalg.eigh((spread.T @ spread) / len(spread))
    kept = vectors[:, ::-1][:, :directions] / np.sqrt(centred.shape[1])
    return np.asarray(kept / scale[:, None], dtype=np.float32)


def _rbf(
    products: np.ndarray, a_squares: np.ndarray, b_squares: np.ndarray, width: float
) -> np.ndarray:
    """exp(-width · squared distance) from inner products of shape (m, n), which are overwritten,
    and the squared lengths of both sides.
    """
    powers = products
    powers *= 2
    powers -= a_squares[:, None]
    powers -= b_squares[None, :]
    powers *= width
    return np.asarray(np.exp(np.minimum(powers, 0, out=powers), out=powers))
