"""The lexicon: lists that a clinician can read and edit, matched with spaCy.

`safety/lexicon/*.yml` hold, per group, entries with a term, its variants and a weight: `alone`
decides by itself,
`with_other` counts beside a match of another group. `red_flags.yml` holds, per category, phrases
and patterns
(one term of each list inside a window of words). `innocent.yml` hides what it covers, except from
the red flags.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterable, List, Optional, Sequence, Set, Text, Tuple

import yaml
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

from safety.normalise import clean, tokens
from safety.spelling import Speller, SpellingRules

FOLDER = Path(__file__).with_name("lexicon")
READING = Path(__file__).with_name("reading.yml")
INNOCENT, RED_FLAGS, SPELLINGS = "innocent", "red_flags", "spellings"
SELF_HARM = "self_harm"
_PAIR_WINDOW = 10
_PHRASE = "phrase"
_UNKNOWN = "\u25cc"

Span = Tuple[int, int]


@dataclass(frozen=True)
class Finding:
    """What the lexicon saw in one message: codes only, never the patient's words."""

    red_flags: Tuple[Text, ...] = ()
    """Categories of red flags."""
    guessed_flags: Tuple[Text, ...] = ()
    """The same, but only through a guess at a misspelling: counts when the classifier sees
    something clinical.
    """
    alone: FrozenSet[Text] = frozenset()
    """Groups with a term that decides by itself."""
    guessed: FrozenSet[Text] = frozenset()
    """The same, but only through a guess at a misspelling: counts when the classifier is not
    against it.
    """
    paired: FrozenSet[Text] = frozenset()
    """Groups whose terms count with another group and stand near one: counts like a guess."""
    traces: FrozenSet[Text] = frozenset()
    """Every group seen."""

    @property
    def decides(self) -> bool:
        """Clinical by the lists alone."""
        return bool(self.red_flags or self.alone)

    def fingerprint(self) -> Text:
        """What Rasa hashes when it hashes a message."""
        parts = (
            self.red_flags,
            self.guessed_flags,
            *(sorted(g) for g in (self.alone, self.guessed, self.paired, self.traces)),
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    @property
    def red_flag(self) -> Optional[Text]:
        """The category that decides the reply: self-harm before all others, else the first."""
        if SELF_HARM in self.red_flags:
            return SELF_HARM
        return self.red_flags[0] if self.red_flags else None


@dataclass(frozen=True)
class _Term:
    group: Text
    alone: bool
    not_with: FrozenSet[Text]


@dataclass
class _Pattern:
    category: Text
    lists: List[Text]
    within: int


class _WordsStayWords(yaml.CSafeLoader):
    """Everything is text: YAML 1.1 would read the term `no` as False and `40` as a number."""

    yaml_implicit_resolvers: Dict[Text, Any] = {}


def _read(path: Path) -> Any:
    with path.open(encoding="utf-8") as stream:
        return yaml.load(stream, Loader=_WordsStayWords)  # noqa: S506 (a safe loader)


def read_folder(folder: Path = FOLDER, reading: Path = READING) -> Dict[Text, Any]:
    """The lexicon as plain data, so that a trained model can carry exactly what it was measured
    with.

    Raises:
        OSError: a file cannot be read.
        yaml.YAMLError: a file is not YAML.
        ValueError: the folder has no lexicon.
    """
    files = sorted(folder.glob("*.yml"))
    if not files:
        raise ValueError("no lexicon files found")
    return {"groups": [_read(path) for path in files], "reading": _read(reading)}


def fillers(reading: Path = READING) -> FrozenSet[Text]:
    """Little words that may stand around an answer without changing what it is."""
    return frozenset(_read(reading)["fillers"])


def folder_hash(folder: Path = FOLDER, reading: Path = READING) -> Text:
    """A hash of the lexicon's files: when it changes, the model is trained anew."""
    digest = hashlib.sha256()
    for path in [*sorted(folder.glob("*.yml")), reading]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass
class Lexicon:
    """Finds lexicon terms in messages. Build it once (about a second), use it from any thread."""

    data: InitVar[Dict[Text, Any]]
    protected: FrozenSet[Text] = frozenset()
    _vocab: Vocab = field(default_factory=Vocab, repr=False)

    def __post_init__(self, data: Dict[Text, Any]) -> None:
        """Read the lists, build the speller and the matcher; the lists are not kept."""
        self._terms: Dict[Text, List[_Term]] = defaultdict(list)
        # what stands for what, in thousands of small tuples: sets would take four times as much
        self._phrases: Dict[Text, Tuple[Text, ...]] = {}
        self._patterns: List[_Pattern] = []
        spellings = [e for g in data["groups"] if g["group"] == SPELLINGS for e in g["entries"]]
        self._rules = SpellingRules.from_data(data["reading"], spellings)
        for group in data["groups"]:
            if group["group"] != SPELLINGS:
                self._read_group(group)
        vocabulary = {word for phrase in self._phrases for word in phrase.split()}
        content = {
            phrase
            for phrase, keys in self._phrases.items()
            if " " not in phrase and self._guessable(phrase)
        }
        self._speller = Speller(
            self._rules, frozenset(vocabulary), frozenset(content), self.protected - vocabulary
        )
        self.protected = self._speller.protected
        self._vocabulary = vocabulary
        self._matcher = PhraseMatcher(self._vocab, attr="ORTH")
        # under one key: with a key for each, the matcher keeps a table for each
        for phrase in self._phrases:
            self._matcher.add(_PHRASE, [Doc(self._vocab, words=phrase.split())])

    def find(self, text: Text) -> Finding:
        """What the lists find in a message as typed."""
        words, guessed = self._speller.read(t for t in tokens(clean(text)) if self._counts(t))
        if not words:
            return Finding()
        # unknown words become one sign: spaCy keeps every string it sees for ever, and patients'
        # words must not stay
        known = [w if w in self._vocabulary else _UNKNOWN for w in words]
        found: Dict[Text, List[Span]] = defaultdict(list)
        for _key, start, end in self._matcher(Doc(self._vocab, words=known)):
            for use in self._phrases[" ".join(known[start:end])]:
                found[use].append((start, end))
        return self._judge(found, guessed)

    def _judge(self, found: Dict[Text, List[Span]], guessed: Set[int]) -> Finding:
        hidden = found.get(INNOCENT, [])
        sure = {
            use: [(a, b) for a, b in spans if guessed.isdisjoint(range(a, b))]
            for use, spans in found.items()
        }
        red_flags = self._red_flags({use: spans for use, spans in sure.items() if spans})
        guessed_flags = [flag for flag in self._red_flags(found) if flag not in red_flags]
        seen: List[Tuple[Span, _Term]] = [
            (span, term)
            for use, spans in found.items()
            for term in self._terms.get(use, ())
            for span in spans
            if not any(a <= span[0] and span[1] <= b for a, b in hidden)
        ]
        alone = {
            term.group for (a, b), term in seen if term.alone and guessed.isdisjoint(range(a, b))
        }
        weak = [(span, term) for span, term in seen if not term.alone]
        paired: Set[Text] = set()
        for i, (span, term) in enumerate(weak):
            for other, partner in weak[i + 1 :]:
                if (
                    term.group != partner.group
                    and partner.group not in term.not_with
                    and term.group not in partner.not_with
                    and (span[1] <= other[0] or other[1] <= span[0])
                    and abs(span[0] - other[0]) <= _PAIR_WINDOW
                ):
                    paired |= {term.group, partner.group}
        return Finding(
            red_flags=tuple(red_flags),
            guessed_flags=tuple(guessed_flags),
            alone=frozenset(alone),
            guessed=frozenset(term.group for _, term in seen if term.alone) - alone,
            paired=frozenset(paired),
            traces=frozenset(term.group for _, term in seen),
        )

    def _red_flags(self, found: Dict[Text, List[Span]]) -> List[Text]:
        categories = [use[3:] for use, spans in found.items() if spans and use.startswith("rf:")]
        for pattern in self._patterns:
            if pattern.category not in categories:
                spans = [found.get(name, []) for name in pattern.lists]
                if all(spans) and _meet(spans, pattern.within):
                    categories.append(pattern.category)
        return categories

    def _counts(self, token: Text) -> bool:
        return token[0].isalnum() or token in self._phrases

    def _key(self, phrase: Any) -> Text:
        words = [t for t in tokens(clean(str(phrase))) if t[0].isalnum() or not t.isascii()]
        return " ".join(self._rules.same.get(w, w) for w in words)

    def _guessable(self, phrase: Text) -> bool:
        """A word that is a term of its own; short words of red-flag lists ("leak", "sun") are too
        common to guess at.
        """
        return len(phrase) >= 5 or any(use in self._terms for use in self._phrases[phrase])

    def _read_group(self, group: Dict[Text, Any]) -> None:
        name = group["group"]
        if name == RED_FLAGS:
            for entry in group["entries"]:
                self._read_red_flag(entry)
            return
        not_with = frozenset(group.get("not_with", ()))
        for number, entry in enumerate(group["entries"]):
            weight = entry.get("weight", group.get("weight", "alone"))
            use = INNOCENT if name == INNOCENT else f"{name}:{number}:{entry['term']}"
            if name != INNOCENT:
                self._terms[use].append(_Term(name, weight == "alone", not_with))
            self._add([entry["term"], *entry.get("variants", ())], use)

    def _read_red_flag(self, entry: Dict[Text, Any]) -> None:
        category = entry["category"]
        self._add(entry.get("phrases", ()), f"rf:{category}")
        for pattern in entry.get("patterns", ()):
            names = []
            for terms in pattern["all"]:
                name = (
                    "list:"
                    + hashlib.sha256(repr(sorted(map(str, terms))).encode()).hexdigest()[:16]
                )
                self._add(terms, name)
                names.append(name)
            self._patterns.append(_Pattern(category, names, int(pattern["within"])))

    def _add(self, phrases: Iterable[Any], use: Text) -> None:
        for phrase in phrases:
            key = self._key(phrase)
            uses = self._phrases.get(key, ())
            if key and use not in uses:
                self._phrases[key] = (*uses, use)


def _meet(lists: Sequence[Sequence[Span]], within: int) -> bool:
    """Whether one span of each list fits, without overlap, into a window of `within` words."""

    def extend(chosen: List[Span], rest: Sequence[Sequence[Span]]) -> bool:
        if not rest:
            return True
        for span in rest[0]:
            if any(span[0] < b and a < span[1] for a, b in chosen):
                continue
            every = [*chosen, span]
            if max(b for _, b in every) - min(a for a, _ in every) <= within and extend(
                every, rest[1:]
            ):
                return True
        return False

    return extend([], sorted(lists, key=len))
