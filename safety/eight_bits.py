"""Many stored vectors at eight bits a number, and how another vector lies to all of them.

The training messages of the classifier are read whole for every message that comes in: at eight
bits that is a quarter of the memory, and ONNX Runtime multiplies them some ten times as fast as
numpy multiplies floats (`make bench` and `docs/safety.md` have what the whole costs).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from safety.onnx_session import session_of

BLOCK = 32
"""Numbers of a vector that share a scale."""
_MIDDLE = 128
_LARGEST = 127
_INPUT, _OUTPUT = "vectors", "products"
_EIGHT_BITS = 4


def rounded(numbers: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Whole numbers from -127 to 127 (as floats) in the shape of `numbers`, and the scales that
    make these of them, one for each row along the last axis.
    """
    scales = np.abs(numbers).max(axis=-1) / _LARGEST
    return np.round(numbers / np.where(scales > 0, scales, 1)[..., None]), scales


@dataclass(frozen=True)
class EightBits:
    """`codes`, uint8 of shape (n, blocks, 32), 128 too large, and their `scales`, float32 of
    shape (n, blocks).
    """

    codes: np.ndarray
    scales: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> EightBits:
        """The nearest to rows of shape (n, directions).

        Raises:
            ValueError: `directions` is no multiple of 32.
        """
        if rows.shape[1] % BLOCK:
            raise ValueError(f"a row's length must be a multiple of {BLOCK}")
        whole, scales = rounded(rows.reshape(len(rows), -1, BLOCK))
        return cls((whole + _MIDDLE).astype(np.uint8), scales.astype(np.float32))

    def rows(self) -> np.ndarray:
        """Float32 of shape (n, directions), as they are stored."""
        whole = self.codes.astype(np.float32) - _MIDDLE
        return np.asarray((whole * self.scales[..., None]).reshape(len(whole), -1))


class Products:
    """Inner products with stored vectors; the runtime packs them in its own way, once."""

    def __init__(self, stored: EightBits) -> None:
        """Of the vectors of `stored`, which need not be kept beside it."""
        n, blocks, _ = stored.codes.shape
        multiply = helper.make_node(
            "MatMulNBits",
            [_INPUT, "codes", "scales"],
            [_OUTPUT],
            domain="com.microsoft",
            K=blocks * BLOCK,
            N=n,
            bits=8,
            block_size=BLOCK,
            accuracy_level=_EIGHT_BITS,
        )
        graph = helper.make_graph(
            [multiply],
            "products",
            [helper.make_tensor_value_info(_INPUT, TensorProto.FLOAT, ["m", blocks * BLOCK])],
            [helper.make_tensor_value_info(_OUTPUT, TensorProto.FLOAT, ["m", n])],
            [
                numpy_helper.from_array(stored.codes, "codes"),
                numpy_helper.from_array(stored.scales.ravel(), "scales"),
            ],
        )
        versions = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=versions, ir_version=8)
        self._session = session_of(model.SerializeToString())

    def of(self, vectors: np.ndarray) -> np.ndarray:
        """Float32 of shape (m, n), of float32 vectors of shape (m, directions)."""
        return np.asarray(self._session.run([_OUTPUT], {_INPUT: vectors})[0])
