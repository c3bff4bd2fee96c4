"""The age in years that a message says of a patient ("my son is 9 years old", "12 saal ka beta").

Only what is said as a person's age: "8 saal ka dard" is a duration. What makes a patient under 18
likely without an age ("class 9 me hoon", "mummy ke phone se") is read apart: `may_be_minor`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import regex
from ruamel.yaml import YAML

WORDS_FILE = Path(__file__).with_name("age_words.yml")
OLDEST = 120
MINOR = "minor"
LONGEST_READ = 1000  # characters

# the edges of a word in any script
_BEGINS, _ENDS = r"(?<![\p{L}\p{M}\p{N}])", r"(?![\p{L}\p{M}\p{N}])"
_DIGITS = str.maketrans("०१२३४५६७८९", "0123456789")


class Age(NamedTuple):
    """Whole years, and the characters (start, end) that say them."""

    years: int
    start: int
    end: int


@lru_cache(maxsize=1)
def _words() -> Any:
    return YAML(typ="safe", pure=True).load(WORDS_FILE.read_text(encoding="utf-8"))


def _one_of(words: List[Any]) -> str:
    return "(?:" + "|".join(sorted((regex.escape(str(w)) for w in words), key=len)[::-1]) + ")"


def _compiled(patterns: List[str], lists: Dict[str, List[Any]], **more: str) -> List[Any]:
    """Each pattern with its lists filled in."""
    filled = {name: _one_of(words) for name, words in lists.items()}
    return [
        regex.compile(pattern.format(**{**filled, **more}), regex.IGNORECASE)
        for pattern in patterns
    ]


@lru_cache(maxsize=1)
def _patterns() -> List[Any]:
    return _compiled(_words()["patterns"], _words()["lists"], n=r"(?P<years>\d{1,3})")


@lru_cache(maxsize=1)
def _minor_patterns() -> List[Any]:
    lists = {**_words()["lists"], **_words()["minor_lists"]}
    return _compiled(_words()["minor"], lists, b=_BEGINS, e=_ENDS, no="(?:1[0-2]|[1-9])")


@lru_cache(maxsize=1)
def _grown() -> Any:
    return regex.compile(f"{_BEGINS}{_one_of(_words()['grown'])}{_ENDS}", regex.IGNORECASE)


def may_be_minor(text: str) -> Optional[Tuple[int, int]]:
    """The characters that make it likely that the patient is under 18, where no age is said."""
    read = text[:LONGEST_READ].translate(_DIGITS)
    if _grown().search(read):
        return None
    found = [match for pattern in _minor_patterns() if (match := pattern.search(read))]
    return min((match.span() for match in found), default=None)


def age(text: str) -> Optional[Age]:
    """The first age that a message says; None where it says none."""
    read = text[:LONGEST_READ].translate(_DIGITS)
    found = [match for pattern in _patterns() if (match := pattern.search(read)) is not None]
    plausible = [match for match in found if 0 < int(match["years"]) <= OLDEST]
    if not plausible:
        return None
    first = min(plausible, key=lambda match: int(match.start()))
    return Age(int(first["years"]), first.start(), first.end())
