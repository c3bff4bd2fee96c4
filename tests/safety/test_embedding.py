"""The embedder: a known vector, meaning across languages, and what happens when it fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasa.shared.nlu.training_data.message import Message

from safety import embedding
from safety.embedding import (
    EMBEDDING,
    EmbeddingCache,
    EmbeddingUnavailable,
    SentenceEmbedder,
    SentenceEmbeddingFeaturizer,
    shared_embedder,
)


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
    assert np.linalg.norm(knee_en) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("text", ["", " ", "\x00", "😀", "x" * 5000, "வணக்கம்"])
def test_any_text_has_a_vector(text: str) -> None:
    assert shared_embedder().embed([text]).shape == (1, 384)


def test_the_cache_gives_the_same_vectors(tmp_path: Path) -> None:
    class Counting:
        calls = 0

        def embed(self, texts: Any) -> Any:
            Counting.calls += len(texts)
            return shared_embedder().embed(texts)

    cache = EmbeddingCache(tmp_path / "v.sqlite", Counting())  # type: ignore[arg-type]
    first = cache.embed(["book", "cancel", "book"])
    second = cache.embed(["book", "cancel", "book"])
    assert np.allclose(first, second)
    assert Counting.calls == 2


class Broken:
    def embed(self, texts: Any, limit: int = 0) -> Any:
        raise EmbeddingUnavailable("broken")


def test_a_failure_leaves_the_message_without_a_vector() -> None:
    featurizer = SentenceEmbeddingFeaturizer(SentenceEmbeddingFeaturizer.get_default_config(), "e")
    featurizer._embedder = Broken()  # type: ignore[assignment]
    message = Message({"text": "book"})
    featurizer.process([message])
    assert message.get(EMBEDDING) is None
