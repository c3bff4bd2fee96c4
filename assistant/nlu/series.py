"""A row of visits that a patient names in one message: weekdays, hour, number of weeks.

"Mon/Wed/Fri 6 pm for 4 weeks", "har mangal aur guru shaam 6 baje", "सोम बुध शुक्र शाम 6 बजे, 4 हफ्ते".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple
from zoneinfo import ZoneInfo

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.constants import INTENT
from rasa.shared.nlu.training_data.message import Message
from ruamel.yaml import YAML

from assistant.nlu.tokens import phrase, tokens
from assistant.nlu.when import LONGEST_READ, understand
from assistant.nlu.when_items import Item, items
from assistant.nlu.zoned import Reading, ZonedExtractor

WORDS_FILE = Path(__file__).with_name("series_words.yml")
WEEKS_OF = {"week": 1, "month": 4}
MOST_WEEKS = 26
ONE_VISIT, ROW_OF_VISITS = ("book", "inform"), "book_series"

Words = Tuple[str, ...]
# between two weekdays these make a range: "Mon to Thu", "som se guru"
THROUGH = (("join", "to"), ("se", None), ("before_it", "until"))
DAYS = ("weekday", "weekday_short")


@dataclass(frozen=True)
class Series:
    """What was said of a row of visits; what is None was not said.

    `days` are weekdays, 0 being Monday; `at` is local, `18:00`; `all_left` asks for everything
    that is left of the course.
    """

    days: Optional[List[int]] = None
    at: Optional[str] = None
    weeks: Optional[int] = None
    all_left: bool = False

    def to_json(self) -> Dict[str, Any]:
        """Plain values for the entity."""
        return {"days": self.days, "at": self.at, "weeks": self.weeks, "all": self.all_left}


def understand_series(text: str, now: datetime, zone: ZoneInfo) -> Optional[Series]:
    """The row of visits that a message names, or None where it names none.

    One weekday alone is a day, not a row of visits, unless "every" or a number of weeks goes with
    it. `now` is aware.
    """
    said = text[:LONGEST_READ]
    words = [token.text for token in tokens(said) if token.kind != "mark"]
    row = items(said)
    weeks = _weeks(row)
    days, sure = _listed_days(words), True
    if days is None:
        days = _named_days(row)
        sure = len(days) > 1 or weeks is not None or _has(words, "every")
    all_left = _has(words, "all")
    if not (days and sure) and weeks is None and not all_left:
        return None
    # "fri 11 am" is an hour of Fridays here, not Friday the 11th
    when = understand(_without_days(said, row), now, zone)
    at = when.at.isoformat(timespec="minutes") if when is not None and when.at else None
    return Series(days or None, at, weeks, all_left)


@lru_cache(maxsize=1)
def _words() -> Dict[str, Any]:
    listed = YAML(typ="safe").load(WORDS_FILE.read_text(encoding="utf-8"))
    return {
        "every": [phrase(str(words)) for words in listed["every"]],
        "all": [phrase(str(words)) for words in listed["all"]],
        "days": sorted(
            ((phrase(str(w)), code) for code, several in listed["days"].items() for w in several),
            key=lambda entry: -len(entry[0]),
        ),
    }


def _contains(words: List[str], wanted: Words) -> bool:
    plain = tuple(word for word in wanted if word != "-")
    size = len(plain)
    return any(tuple(words[at : at + size]) == plain for at in range(len(words) - size + 1))


def _has(words: List[str], name: str) -> bool:
    return any(_contains(words, one) for one in _words()[name])


def _listed_days(words: List[str]) -> Optional[List[int]]:
    for wanted, code in _words()["days"]:
        if _contains(words, wanted):
            return [int(day) for day in code.split(",")]
    return None


def _named_days(row: List[Item]) -> List[int]:
    """The weekdays of the message; a short name that is a word too counts beside another day."""
    sure = [int(item.value) for item in row if item.kind == "weekday"]
    short = [int(item.value) for item in row if item.kind == "weekday_short"]
    between = [day for at in _ranges(row) for day in _through(row[at].value, row[at + 2].value)]
    return sorted({*sure, *(short if len(short) + len(sure) > 1 else []), *between})


def _ranges(row: List[Item]) -> List[int]:
    """Where "Monday to Thursday" begins; "Mon-Wed-Fri" is a list and no range."""
    joins = [
        at
        for at in range(len(row) - 2)
        if row[at].kind in DAYS
        and (row[at + 1].kind, row[at + 1].value) in THROUGH
        and row[at + 2].kind in DAYS
    ]
    return [at for at in joins if at - 2 not in joins and at + 2 not in joins]


def _through(first: int, last: int) -> List[int]:
    """The weekdays from one to the other, around the end of the week where it must be."""
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


def _without_days(text: str, row: List[Item]) -> str:
    """The text with a comma in place of each weekday, and of what makes a range of two."""
    joins = {at + 1 for at in _ranges(row)}
    for at in reversed(range(len(row))):
        if row[at].kind in DAYS or at in joins:
            text = f"{text[: row[at].start]} , {text[row[at].end :]}"
    return text


def _weeks(row: List[Item]) -> Optional[int]:
    """The number before "weeks" or "months"; "after two weeks" is a time, not a length."""
    for at, item in enumerate(row):
        if item.kind != "unit" or item.value not in WEEKS_OF or at == 0:
            continue
        behind = row[at + 1] if at + 1 < len(row) else None
        if behind is not None and _is_distance(behind):
            continue
        if at > 1 and _is_distance(row[at - 2]):
            continue
        number = _number(row[at - 1])
        if number is not None and 1 <= number * WEEKS_OF[item.value] <= MOST_WEEKS:
            return number * WEEKS_OF[item.value]
    return None


def _is_distance(item: Item) -> bool:
    """Whether the word beside a number of weeks makes it a time from now."""
    if item.kind in ("later", "ago", "in"):
        return True
    return item.kind in ("before_it", "behind_it") and item.value != "until"


def _number(item: Item) -> Optional[int]:
    if item.kind == "num" and str(item.value).isdigit():
        return int(item.value)
    return 1 if item.kind == "one" else None


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class SeriesExtractor(ZonedExtractor):
    """Adds one entity `series` whose value is `Series.to_json()`."""

    entity = "series"

    def read(self, text: str, now: datetime, zone: ZoneInfo) -> Optional[Reading]:
        """What `understand_series` finds; the whole message says it."""
        series = understand_series(text, now, zone)
        return None if series is None else Reading(series.to_json(), 0, len(text))

    def follow(self, message: Message, reading: Reading) -> None:
        """Days of the week for a number of weeks are a row of visits, however "book" it sounds."""
        intent: Dict[str, Any] = message.get(INTENT) or {}
        is_row = reading.value["days"] and reading.value["weeks"]
        if is_row and intent.get("name") in ONE_VISIT:
            message.set(INTENT, {**intent, "name": ROW_OF_VISITS}, add_to_output=True)
