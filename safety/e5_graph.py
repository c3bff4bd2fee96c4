"""multilingual-e5-small as an ONNX graph: a BERT encoder, pooled to the mean of its tokens.

Pooled twice, after the last layer and after one on the way there, which knows more of how
something is said and less of what it is about; together they tell more than either.

Matrices stay at four bits a weight (`MatMulNBits` of ONNX Runtime): what is computed is what the
weights' own engine computes, and each text alone, whatever is in a batch beside it.
"""

from __future__ import annotations

from typing import Any, List, Sequence, Text

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from safety.e5_file import BLOCK, Weights, unpacked
from safety.meaning import VIEWS

INPUT, OUTPUT = "tokens", "vectors"
_RUNTIME = "com.microsoft"
_OPSET = 17
ON_THE_WAY = 8
"""After which layer the earlier view is taken."""
# activations are read at eight bits, in blocks of 32 like the weights
_EIGHT_BITS = 4


def graph_of(weights: Weights) -> bytes:
    """A serialised model: `tokens`, float32 of shape (texts, tokens, width), embedded and with
    their places; to `vectors`, float32 of shape (texts, 2 · width): first after the last layer,
    then after the eighth, each of length 1.
    """
    return _Graph(weights).serialised()


class _Graph:
    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._width = weights.shape.width
        self._nodes: List[Any] = []
        self._constants: List[Any] = []

    def serialised(self) -> bytes:
        x = on_the_way = self._norm(INPUT, "emb.ln")
        for number in range(self._weights.shape.layers):
            x = self._layer(x, f"l{number}.")
            if number + 1 == ON_THE_WAY:
                on_the_way = x
        self._node("Concat", [self._pooled(x), self._pooled(on_the_way)], output=OUTPUT, axis=1)
        graph = helper.make_graph(
            self._nodes,
            "multilingual-e5-small",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", "m", self._width])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", VIEWS * self._width])],
            self._constants,
        )
        versions = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_RUNTIME, 1)]
        model = helper.make_model(graph, opset_imports=versions, ir_version=8)
        return bytes(model.SerializeToString())

    def _pooled(self, x: Text) -> Text:
        mean = self._node("ReduceMean", [x], axes=[1], keepdims=0)
        return self._node("LpNormalization", [mean], axis=1, p=2)

    def _layer(self, x: Text, name: Text) -> Text:
        asks, keys, values = (self._linear(x, name + part, self._width) for part in "qkv")
        heads = self._weights.shape.heads
        seen = self._node(
            "MultiHeadAttention", [asks, keys, values], domain=_RUNTIME, num_heads=heads
        )
        seen = self._linear(seen, f"{name}ao", self._width)
        x = self._norm(self._node("Add", [x, seen]), f"{name}aln")
        inner = self._node("Gelu", [self._linear(x, f"{name}fi", self._width)], domain=_RUNTIME)
        wide = len(self._weights.numbers(f"{name}fi.b"))
        return self._norm(
            self._node("Add", [x, self._linear(inner, f"{name}fo", wide)]), f"{name}oln"
        )

    def _linear(self, x: Text, name: Text, row: int) -> Text:
        packed, scales = self._weights.blocks(f"{name}.w", row)
        product = self._node(
            "MatMulNBits",
            [
                x,
                self._constant(f"{name}.w", _in_pairs(packed)),
                self._constant(f"{name}.s", scales.astype(np.float32).ravel()),
            ],
            domain=_RUNTIME,
            K=row,
            N=len(packed),
            bits=4,
            block_size=BLOCK,
            accuracy_level=_EIGHT_BITS,
        )
        return self._node("Add", [product, self._numbers(f"{name}.b")])

    def _norm(self, x: Text, name: Text) -> Text:
        inputs = [x, self._numbers(f"{name}.w"), self._numbers(f"{name}.b")]
        epsilon = self._weights.shape.epsilon
        return self._node("LayerNormalization", inputs, axis=-1, epsilon=epsilon)

    def _numbers(self, name: Text) -> Text:
        return self._constant(name, self._weights.numbers(name))

    def _constant(self, name: Text, values: np.ndarray) -> Text:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _node(
        self, kind: Text, inputs: Sequence[Text], domain: Text = "", output: Text = "", **more: Any
    ) -> Text:
        output = output or f"{kind}{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **more))
        return output


def _in_pairs(packed: np.ndarray) -> np.ndarray:
    """From a byte that holds the weights j and j + 16 to one that holds 2j and 2j + 1."""
    whole = unpacked(packed)
    return np.asarray(whole[:, :, 0::2] | (whole[:, :, 1::2] << 4))
