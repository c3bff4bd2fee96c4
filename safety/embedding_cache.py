"""Vectors of training texts, kept between trainings (never of patients' messages)."""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Dict, List, Protocol, Sequence, Text

import numpy as np

from safety.e5_file import weights_hash
from safety.e5_tuning import tuning_hash

logger = logging.getLogger(__name__)

# another way of computing them has another name, so that a cache never mixes two
_ENGINE = "onnxruntime, two views"
_AT_ONCE = 1024
_ASKED_AT_ONCE = 500


def cache_file() -> Path:
    """Where it is by default: beside Rasa's own cache of trainings, and moved with it."""
    return Path(os.environ.get("RASA_CACHE_DIRECTORY", ".rasa/cache")).parent / "embeddings.sqlite"


class Embedder(Protocol):
    """What computes the vectors (`safety.embedding.SentenceEmbedder`)."""

    def as_read(self, text: Text) -> Text: ...

    def embed(self, texts: Sequence[Text], *, threads: int) -> np.ndarray: ...


class EmbeddingCache:
    """An SQLite file in front of an embedder."""

    def __init__(self, path: Path, embedder: Embedder) -> None:
        """`path` is made when missing.

        Raises:
            safety.e5_file.UnreadableWeights: there are no weights whose vectors could be kept.
        """
        self._path = path
        self._embedder = embedder
        self._model = f"{weights_hash()}\n{tuning_hash()}"

    def embed(self, texts: Sequence[Text]) -> np.ndarray:
        """Vectors of shape (texts, 768), computing only what the file does not hold yet."""
        if not texts:
            return self._compute([])
        keys = [self._key(text) for text in texts]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=30)) as file:
                found = self._completed(file, dict(zip(keys, texts, strict=True)))
        except (sqlite3.Error, OSError) as error:
            logger.warning("embedding cache not usable (%s): computing all", type(error).__name__)
            return self._compute(texts)
        return np.stack([found[key] for key in keys])

    def _key(self, text: Text) -> Text:
        whole = f"{self._model}\n{_ENGINE}\n{self._embedder.as_read(text)}"
        return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()

    def _compute(self, texts: Sequence[Text]) -> np.ndarray:
        return self._embedder.embed(texts, threads=os.cpu_count() or 1)

    def _completed(
        self, file: sqlite3.Connection, by_key: Dict[Text, Text]
    ) -> Dict[Text, np.ndarray]:
        file.execute(
            "CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB NOT NULL)"
        )
        found = _read(file, list(by_key))
        missing = [key for key in by_key if key not in found]
        for start in range(0, len(missing), _AT_ONCE):
            part = missing[start : start + _AT_ONCE]
            vectors = self._compute([by_key[key] for key in part])
            rows = [(key, vector.tobytes()) for key, vector in zip(part, vectors, strict=True)]
            file.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows)
            file.commit()
            found.update(zip(part, vectors, strict=True))
        return found


def _read(file: sqlite3.Connection, keys: List[Text]) -> Dict[Text, np.ndarray]:
    found: Dict[Text, np.ndarray] = {}
    for start in range(0, len(keys), _ASKED_AT_ONCE):
        part = keys[start : start + _ASKED_AT_ONCE]
        marks = ",".join("?" * len(part))
        query = f"SELECT key, vector FROM vectors WHERE key IN ({marks})"  # noqa: S608 (only marks)
        for key, blob in file.execute(query, part):
            found[key] = np.frombuffer(blob, dtype=np.float32)
    return found
