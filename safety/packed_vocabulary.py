"""A vocabulary without its words: where an n-gram stands, by a hash of 64 bits.

As Python strings in a dictionary the n-grams of 30,000 messages take over 10 MB in every process;
as hashes in spaCy's own map they take two. Two n-grams of one hash would be read as one: with
70,000 of them that is not to be expected in a thousand million vocabularies.
"""

from __future__ import annotations

from typing import Sequence, Text

import numpy as np
from preshed.maps import PreshMap
from sklearn.feature_extraction.text import TfidfVectorizer
from spacy.strings import get_string_id


class PackedVocabulary:
    """What scikit-learn asks of `vocabulary_` when it transforms: a place by its n-gram."""

    def __init__(self, hashes: np.ndarray) -> None:
        """`hashes_of` the n-grams, each at its place."""
        self._places = PreshMap()
        for place, key in enumerate(hashes):
            self._places[int(key)] = place
        self._size = len(hashes)

    def __getitem__(self, ngram: Text) -> int:
        """Raises KeyError for an n-gram that is not in it."""
        place = self._places[get_string_id(ngram)]
        if place is None:
            raise KeyError(ngram)
        return int(place)

    def __len__(self) -> int:
        return self._size


def hashes_of(ngrams: Sequence[Text]) -> np.ndarray:
    """Shape (ngrams,), unsigned 64 bits."""
    return np.fromiter(map(get_string_id, ngrams), dtype=np.uint64, count=len(ngrams))


def pack(vectorizer: TfidfVectorizer, hashes: np.ndarray) -> None:
    """Give an unfitted vectorizer these n-grams; it can transform then, and not be fitted."""
    vectorizer.vocabulary_ = PackedVocabulary(hashes)
    vectorizer.fixed_vocabulary_ = True
