"""multilingual-e5-small in TensorFlow, whose scales and offsets can be learned.

What `safety.e5_graph` computes, with gradients. The matrices stay as the package has them, four
bits a weight; learned is how much each of their rows counts, and what is added to it. That is a
hundredth of the network's numbers: enough to turn towards our messages, too little to learn them
by heart, and nothing that costs a message more time.
"""

from __future__ import annotations

from typing import Dict, Text, Tuple

import numpy as np
import tensorflow as tf

from safety.e5_file import Weights, unpacked
from safety.e5_graph import ON_THE_WAY

_MATRICES = ("q", "k", "v", "ao", "fi", "fo")
_NORMS = ("aln", "oln")
_DROPPED = 0.1


class Network:
    """The encoder; `changes` is what was learned so far."""

    def __init__(self, weights: Weights) -> None:
        """Begin where these weights are."""
        self._shape = weights.shape
        self._matrices: Dict[Text, tf.Tensor] = {}
        self._first: Dict[Text, np.ndarray] = {}
        self._learned: Dict[Text, tf.Variable] = {}
        self._begin(weights, "emb.ln.w", "emb.ln.b")
        for layer in range(weights.shape.layers):
            for part in _MATRICES:
                name = f"l{layer}.{part}"
                self._matrices[f"{name}.w"] = tf.constant(_matrix(weights, name).T)
                self._begin(weights, f"{name}.b")
                rows = self._matrices[f"{name}.w"].shape[1]
                self._learned[f"{name}.w"] = tf.Variable(np.zeros(rows, dtype=np.float32))
            for part in _NORMS:
                self._begin(weights, f"l{layer}.{part}.w", f"l{layer}.{part}.b")

    @property
    def variables(self) -> Tuple[tf.Variable, ...]:
        """What is learned."""
        return tuple(self._learned.values())

    def changes(self) -> Dict[Text, np.ndarray]:
        """By name, what `safety.e5_file.Weights.changed` takes."""
        return {
            name: variable.numpy() - self._first.get(name, np.float32(0))
            for name, variable in self._learned.items()
        }

    def __call__(self, rows: tf.Tensor, learning: bool) -> Tuple[tf.Tensor, tf.Tensor]:
        """Two views, each float32 of shape (texts, width) and of length 1, of tokens as they are
        before the first layer, float32 of shape (texts, tokens, width). While `learning`, a tenth
        of what is handed on is dropped by chance.
        """
        texts, tokens = tf.shape(rows)[0], tf.shape(rows)[1]
        x = on_the_way = self._dropped(self._norm(rows, "emb.ln"), learning)
        for layer in range(self._shape.layers):
            x = self._layer(x, f"l{layer}.", texts, tokens, learning)
            if layer + 1 == ON_THE_WAY:
                on_the_way = x
        last, earlier = (tf.reduce_mean(view, axis=1) for view in (x, on_the_way))
        return tf.math.l2_normalize(last, axis=-1), tf.math.l2_normalize(earlier, axis=-1)

    def _begin(self, weights: Weights, *names: Text) -> None:
        for name in names:
            self._first[name] = np.array(weights.numbers(name))
            self._learned[name] = tf.Variable(self._first[name])

    def _layer(
        self, x: tf.Tensor, name: Text, texts: tf.Tensor, tokens: tf.Tensor, learning: bool
    ) -> tf.Tensor:
        heads, width = self._shape.heads, self._shape.width
        asks, keys, values = (
            tf.transpose(
                tf.reshape(self._linear(x, name + part), [texts, tokens, heads, width // heads]),
                [0, 2, 1, 3],
            )
            for part in "qkv"
        )
        alike = tf.matmul(asks, keys, transpose_b=True) / (width // heads) ** 0.5
        seen = tf.matmul(self._dropped(tf.nn.softmax(alike), learning), values)
        seen = tf.reshape(tf.transpose(seen, [0, 2, 1, 3]), [texts, tokens, width])
        seen = self._dropped(self._linear(seen, f"{name}ao"), learning)
        x = self._norm(x + seen, f"{name}aln")
        inner = tf.nn.gelu(self._linear(x, f"{name}fi"), approximate=True)
        inner = self._dropped(self._linear(inner, f"{name}fo"), learning)
        return self._norm(x + inner, f"{name}oln")

    def _linear(self, x: tf.Tensor, name: Text) -> tf.Tensor:
        product = tf.matmul(tf.reshape(x, [-1, x.shape[-1]]), self._matrices[f"{name}.w"])
        product = product * (1 + self._learned[f"{name}.w"]) + self._learned[f"{name}.b"]
        return tf.reshape(product, tf.concat([tf.shape(x)[:-1], [product.shape[-1]]], axis=0))

    def _norm(self, x: tf.Tensor, name: Text) -> tf.Tensor:
        mean, variance = tf.nn.moments(x, -1, keepdims=True)
        x = (x - mean) * tf.math.rsqrt(variance + self._shape.epsilon)
        return x * self._learned[f"{name}.w"] + self._learned[f"{name}.b"]

    @staticmethod
    def _dropped(x: tf.Tensor, learning: bool) -> tf.Tensor:
        return tf.nn.dropout(x, _DROPPED) if learning else x


def _matrix(weights: Weights, name: Text) -> np.ndarray:
    """Float32 of shape (rows, columns)."""
    wide = weights.shape.width
    if name.endswith(".fo"):
        wide = len(weights.numbers(name.replace(".fo", ".fi") + ".b"))
    packed, scales = weights.blocks(f"{name}.w", wide)
    whole = (unpacked(packed).astype(np.float32) - 8) * scales.astype(np.float32)[..., None]
    return np.asarray(whole.reshape(len(packed), wide))
