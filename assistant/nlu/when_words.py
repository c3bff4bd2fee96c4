"""The word tables of days and times, ready for look-up (`when_words.yml`).

The English and Devanagari names of the months are dateparser's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple

from dateparser.data.date_translation_data import en, hi
from ruamel.yaml import YAML

from assistant.nlu.tokens import phrase, spelled

WORDS_FILE = Path(__file__).with_name("when_words.yml")

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

# Where a phrase stands in two tables, the one named later here is taken.
_MAPPED = (
    "number", "unit", "weekday_short", "weekday", "month", "part", "meridiem", "which",
    "before_it", "behind_it", "join", "quarter", "named_hours", "period", "day", "day_ending",
)  # fmt: skip
_LISTED = (
    "filler", "in", "of", "one", "ko", "se", "at", "clock", "half", "date_word",
    "within", "early", "late", "first_week", "first_of_month", "between", "between_behind",
    "tonight", "soonest", "any_day", "not_before", "not_behind", "not_behind_alone", "ignore",
)  # fmt: skip
_SETS = (
    "hours_of_24", "makes_a_day", "day_before_ko", "month_alone", "within_behind", "later",
    "ago", "earlier", "on", "polite", "after_a_time", "number_follows", "number_leads",
    "ordinal_counts", "number_in_prose", "change", "change_behind", "finished", "both_ways",
    "this_part", "past", "refusing", "clause_ends", "suits",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A phrase of the tables: its tokens and what it stands for."""

    words: Tuple[str, ...]
    kind: str
    value: Any


@dataclass(frozen=True)
class Tables:
    """`phrases` by first token, longest first; `sets` are words known by their spelling alone."""

    phrases: Mapping[str, List[Entry]]
    sets: Mapping[str, FrozenSet[str]]


def _value(kind: str, key: Any) -> Any:
    if kind == "quarter":
        return int(str(key))
    if kind == "named_hours":
        hour, minute = str(key).split(":")
        return int(hour), int(minute)
    return key


def _month_names() -> Iterable[Tuple[str, str]]:
    for language in (en, hi):
        for month in MONTHS:
            for name in language.info[month]:
                if spelled(name).strip("॰."):
                    yield spelled(name).strip("॰."), month


def clock_time(written: Optional[str]) -> Optional[time]:
    """`18:00` as a time."""
    return time.fromisoformat(written) if written else None


@lru_cache(maxsize=1)
def tables() -> Tables:
    """The tables of `when_words.yml`, read once."""
    listed: Dict[str, Any] = YAML(typ="safe").load(WORDS_FILE.read_text(encoding="utf-8"))
    entries: Dict[Tuple[str, ...], Entry] = {}

    def add(words: str, kind: str, value: Any) -> None:
        entries[phrase(str(words))] = Entry(phrase(str(words)), kind, value)

    for kind in _LISTED:
        for words in listed[kind]:
            add(words, kind, None)
    for name, month in _month_names():
        add(name, "month", month)
    for kind in _MAPPED:
        for key, phrases in listed[kind].items():
            for words in phrases:
                add(words, kind, _value(kind, key))
    for row in listed["hours"]:
        bounds = (row.get("part"), *(clock_time(row.get(b)) for b in ("after", "before", "at")))
        for words in row["words"]:
            add(words, "hours", bounds)

    by_first: Dict[str, List[Entry]] = {}
    for entry in sorted(entries.values(), key=lambda one: -len(one.words)):
        if entry.words:
            by_first.setdefault(entry.words[0], []).append(entry)
    sets = {name: frozenset(" ".join(phrase(str(w))) for w in listed[name]) for name in _SETS}
    return Tables(by_first, sets)
