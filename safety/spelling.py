"""Reads a written word as the lexicon's word it stands for: elongated, misspelt, joined or
inflected.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Iterable, List, Optional, Set, Text, Tuple

from safety.normalise import consonants, fold_devanagari, fold_latin, shorten_runs

_FUZZY_LENGTH = 5
_NO_VOWEL = re.compile(r"[^aeiou]+")


@dataclass(frozen=True)
class SpellingRules:
    """Little words with their spellings, endings that may be cut, and words that are never
    corrected.
    """

    same: Dict[Text, Text]
    latin_endings: Tuple[Text, ...]
    devanagari_endings: Tuple[Text, ...]
    never_fuzzy: FrozenSet[Text]

    @classmethod
    def from_data(cls, data: Dict[Text, Any], entries: Iterable[Dict[Text, Any]]) -> SpellingRules:
        """From `reading.yml` and the entries (`to`, `from`) of `lexicon/spellings.yml`, joined by
        shared words.

        Raises:
            KeyError: a part is missing.
        """
        same: Dict[Text, Text] = {}
        lines = [[str(w), *map(str, spellings)] for w, spellings in data["same"].items()]
        lines += [[str(e["to"]), *map(str, e["from"])] for e in entries]
        for line in lines:
            known = {same[w] for w in line if w in same}
            first = min(known, default=line[0])
            for word, target in list(same.items()):
                if target in known:
                    same[word] = first
            same.update((w, first) for w in line)
        return cls(
            same=same,
            latin_endings=tuple(sorted(data["inflections"]["latin"], key=len, reverse=True)),
            devanagari_endings=tuple(
                sorted(data["inflections"]["devanagari"], key=len, reverse=True)
            ),
            never_fuzzy=frozenset(map(str, data["never_fuzzy"])),
        )


@dataclass
class Speller:
    """Maps written words to words of a vocabulary.

    `vocabulary` holds every word of the lexicon; `content` those that are a term by themselves
    (only these are
    guessed at); `protected` are words of logistics messages, which are never taken for a
    misspelling.
    """

    rules: SpellingRules
    vocabulary: FrozenSet[Text]
    content: FrozenSet[Text]
    protected: FrozenSet[Text] = frozenset()
    _folds: Dict[Text, Text] = field(default_factory=dict, repr=False)
    _skeletons: Dict[Text, Text] = field(default_factory=dict, repr=False)
    _deletions: Dict[Text, Tuple[Text, ...]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Build the indexes."""
        deletions: Dict[Text, Set[Text]] = defaultdict(set)
        for word in sorted(self.content):
            if not word.isascii():
                self._folds.setdefault(fold_devanagari(word), word)
            elif len(word) >= 4 and word.isalpha():
                if len(fold_latin(word)) >= 4:
                    self._folds.setdefault(fold_latin(word), word)
                if len(consonants(word)) >= 3:
                    self._skeletons.setdefault(consonants(word), word)
                if len(word) >= _FUZZY_LENGTH:
                    for key in _with_one_deletion(word):
                        deletions[key].add(word)
        self._deletions = {key: tuple(words) for key, words in deletions.items()}
        # of thousands of words a few would be taken for another
        self.protected = frozenset(word for word in self.protected if self._guess(word))

    def read(self, words: Iterable[Text]) -> Tuple[List[Text], Set[int]]:
        """The words as the lexicon writes them (unknown ones as they stand, joined ones apart),
        and which are guesses.
        """
        result: List[Text] = []
        guesses: Set[int] = set()
        for word in words:
            read, guessed = self._read_word(word)
            if guessed:
                guesses.add(len(result))
            result.extend(read)
        return result, guesses

    def _read_word(self, word: Text) -> Tuple[Tuple[Text, ...], bool]:
        word = self.rules.same.get(word, word)
        if word in self.vocabulary:
            return (word,), False
        for length in (2, 1):
            short = shorten_runs(word, length)
            short = self.rules.same.get(short, short)
            if short in self.vocabulary:
                return (short,), False
        word = shorten_runs(word, 2)
        if word in self.protected or word in self.rules.never_fuzzy:
            return (word,), False
        return self._guess(word) or ((word,), False)

    def _guess(self, word: Text) -> Optional[Tuple[Tuple[Text, ...], bool]]:
        """What a word that no list holds may stand for, and whether that is a guess."""
        guess = self._stem(word) or self._sound(word) or self._one_slip(word)
        if guess:
            return (guess,), True
        apart = self._apart(word)
        return (apart, False) if apart else None

    def _stem(self, word: Text) -> Optional[Text]:
        latin = word.isascii()
        endings = self.rules.latin_endings if latin else self.rules.devanagari_endings
        for ending in endings:
            stem = word[: -len(ending)]
            if word.endswith(ending) and len(stem) >= (4 if latin else 3) and stem in self.content:
                return stem
        return None

    def _sound(self, word: Text) -> Optional[Text]:
        if not word.isascii():
            return self._folds.get(fold_devanagari(word)) if len(word) >= 3 else None
        if len(word) >= 4 and (found := self._folds.get(fold_latin(word))):
            return found
        if len(word) >= 3 and _NO_VOWEL.fullmatch(word):
            return self._skeletons.get(consonants(word))
        return None

    def _one_slip(self, word: Text) -> Optional[Text]:
        """One letter too many, too few, wrong or swapped, in a long word with the same first
        letter.
        """
        if not word.isascii() or len(word) < _FUZZY_LENGTH:
            return None
        near = set(self._deletions.get(word, ()))
        for key in _with_one_deletion(word):
            near.update(self._deletions.get(key, ()))
            if key in self.content and len(key) >= _FUZZY_LENGTH:
                near.add(key)
        near = {w for w in near if w[0] == word[0] and abs(len(w) - len(word)) <= 1}
        return min(near, default=None)

    def _apart(self, word: Text) -> Optional[Tuple[Text, ...]]:
        """`kneepain` → knee, pain; `ghutnemedard` → ghutne, me, dard."""
        if not word.isascii() or len(word) < 7 or not word.isalpha():
            return None
        for cut in range(3, len(word) - 2):
            left, rest = word[:cut], word[cut:]
            if left not in self.content:
                continue
            if rest in self.content and max(len(left), len(rest)) >= 4:
                return (left, rest)
            for little in ("me", "mein", "ka", "ki", "ke", "se", "in"):
                tail = rest[len(little) :]
                if rest.startswith(little) and len(tail) >= 4 and tail in self.content:
                    return (left, self.rules.same.get(little, little), tail)
        return None


def _with_one_deletion(word: Text) -> Set[Text]:
    return {word[:i] + word[i + 1 :] for i in range(len(word))}
