"""Choices among the words of a message: clinician's gender, category, language, "any will do".

A category word names a list entry, not a diagnosis; whether the message is clinical is decided
elsewhere. The words live in `details_words.yml`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterator, List, Optional, Tuple

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message
from ruamel.yaml import YAML

from assistant.nlu.ages import MINOR, age, may_be_minor
from assistant.nlu.tokens import Token, phrase, tokens

WORDS_FILE = Path(__file__).with_name("details_words.yml")
LONGEST_READ = 1000  # characters
PHRASE_LENGTHS = (1, 2, 3, 4)  # words beside a choice: "don't reply in" English
SHORT_MESSAGE = 3  # words: a gender or language named in so few is a choice

Words = Tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """A choice and the characters (start, end) that say it."""

    entity: str
    value: Any
    start: int
    end: int


class _Tables:
    def __init__(self, listed: Dict[str, Any]) -> None:
        self.phrases: Dict[str, List[Tuple[Words, str, Any]]] = {}
        self.sets: Dict[str, FrozenSet[Words]] = {}
        for name, content in listed.items():
            if isinstance(content, dict):
                for value, several in content.items():
                    self._add(name, value, several)
            else:
                self.sets[name] = frozenset(phrase(str(words)) for words in content)
        for name in ("indifferent", "indifferent_alone", "idioms"):
            self._add(name, True, listed[name])
        for entries in self.phrases.values():
            entries.sort(key=lambda entry: -len(entry[0]))

    def _add(self, name: str, value: Any, several: List[Any]) -> None:
        for words in several:
            key = phrase(str(words))
            self.phrases.setdefault(key[0], []).append((key, name, value))


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    return _Tables(YAML(typ="safe").load(WORDS_FILE.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class _Place:
    """A phrase in the message: its first token and the one behind its last."""

    words: List[Token]
    first: int
    end: int

    def behind(self, name: str) -> bool:
        """Whether a phrase of that list stands right behind."""
        listed = _tables().sets[name]
        return any(self._texts(self.end, self.end + n) in listed for n in PHRASE_LENGTHS)

    def before(self, name: str) -> bool:
        """Whether a phrase of that list stands right before."""
        listed = _tables().sets[name]
        return any(self._texts(self.first - n, self.first) in listed for n in PHRASE_LENGTHS)

    def anywhere(self, name: str) -> bool:
        """Whether a word of that list stands anywhere in the message."""
        return any((token.text,) in _tables().sets[name] for token in self.words)

    def is_all(self) -> bool:
        """Whether the message says nothing else, politeness aside."""
        polite = _tables().sets["polite"]
        others = self.words[: self.first] + self.words[self.end :]
        return all(token.kind == "mark" or (token.text,) in polite for token in others)

    def is_most(self) -> bool:
        """Whether the message is short."""
        return sum(token.kind == "word" for token in self.words) <= SHORT_MESSAGE

    def _texts(self, first: int, end: int) -> Words:
        if first < 0:
            return ()
        return tuple(token.text for token in self.words[first:end])


def details(text: str) -> List[Found]:
    """The choices a message names, in order of place; no two of one kind and value."""
    found: List[Found] = []
    for name, value, place in _listed(tokens(text[:LONGEST_READ])):
        one = _choice(name, value, place)
        if one and not any((f.entity, f.value) == (one.entity, one.value) for f in found):
            found.append(one)
    said = age(text)
    if said is not None:
        found.append(Found("age", said.years, said.start, said.end))
    elif (child := may_be_minor(text)) is not None:
        found.append(Found("age", MINOR, *child))
    return _without_contradiction(found)


def _without_contradiction(found: List[Found]) -> List[Found]:
    """Both genders named is no wish: "male female koi bhi"."""
    genders = [one for one in found if one.entity == "gender"]
    if len(genders) < 2:
        return found
    kept = [one for one in found if one.entity != "gender"]
    if not any(one.entity == "indifferent" for one in kept):
        # each where it stands: what is between them is not said by them
        kept += [Found("indifferent", True, one.start, one.end) for one in genders]
    return kept


def _listed(words: List[Token]) -> Iterator[Tuple[str, Any, _Place]]:
    at = 0
    while at < len(words):
        length = 1
        for key, name, value in _tables().phrases.get(words[at].text, ()):
            if tuple(token.text for token in words[at : at + len(key)]) == key:
                yield name, value, _Place(words, at, at + len(key))
                length = len(key)
                if name != "indifferent_alone":
                    break
        at += length


def _choice(name: str, value: Any, place: _Place) -> Optional[Found]:
    entity, holds = {
        "gender": ("gender", _is_wish),
        "gender_with_belonging": ("gender", _belongs),
        "category": ("category", _is_category),
        "category_alone": ("category", lambda p: p.is_all() or p.behind("category_word")),
        "language": ("language_choice", _is_asked_for),
        "indifferent": ("indifferent", lambda p: True),
        "indifferent_alone": ("indifferent", _Place.is_all),
        "relation": ("relation", _Place.is_most),
    }.get(name, ("", lambda p: False))
    if not holds(place):
        return None
    first, last = place.words[place.first], place.words[place.end - 1]
    return Found(entity, value, first.start, last.end)


def _is_wish(place: _Place) -> bool:
    if place.behind("clinician"):
        return not _refused(place, 1)
    if place.anywhere("patient"):
        return False
    return (place.behind("wish") or place.is_most()) and not _refused(place, 0)


def _belongs(place: _Place) -> bool:
    return place.behind("belonging") and not _refused(place, 1)


def _refused(place: _Place, further: int) -> bool:
    """`lady doctor nahi`, `not a male physio`."""
    behind = {("nahi",), ("nhi",), ("nahin",), ("नहीं",), ("mat",)}
    before = {("not",), ("no",)}
    at = place.end + further
    is_behind = tuple(token.text for token in place.words[at : at + 1]) in behind
    near = place.words[max(0, place.first - 2) : place.first]
    return is_behind or any((token.text,) in before for token in near)


def _is_category(place: _Place) -> bool:
    if (place.words[place.first].text,) not in _tables().sets["back_words"]:
        return True
    if place.end - place.first > 1:
        return True
    return not place.before("not_back_behind") and not place.behind("not_back_before")


def _is_asked_for(place: _Place) -> bool:
    if place.behind("language_refused_behind") or place.before("language_refused_before"):
        return False
    return (
        place.is_most()
        or place.behind("language_asked_behind")
        or place.before("language_asked_before")
    )


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class DetailsExtractor(GraphComponent, EntityExtractorMixin):
    """Adds entities `gender`, `category`, `language_choice`, `indifferent`, `age`, `relation`.

    An `age` is a number of years, or `minor` where a patient seems to be under 18.
    """

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> DetailsExtractor:
        """A component; there is nothing to configure."""
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        """Adds the entities to each message."""
        for message in messages:
            entities = [
                {
                    "entity": one.entity,
                    "value": one.value,
                    "start": one.start,
                    "end": one.end,
                    "extractor": self.name,
                    "confidence_entity": 1.0,
                }
                for one in details(message.get(TEXT) or "")
            ]
            if entities:
                message.set(ENTITIES, [*message.get(ENTITIES, []), *entities], add_to_output=True)
        return messages
