"""The age in years that a message says of a patient ("my son is 9 years old", "12 saal ka beta").

Only what is said as a person's age: "8 saal ka dard" is a duration. A school class says an age
under 18, too, but not which one, and is not read.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, List, NamedTuple, Optional

import regex
from ruamel.yaml import YAML

WORDS_FILE = Path(__file__).with_name("age_words.yml")
OLDEST = 120
LONGEST_READ = 1000  # characters

_DIGITS = str.maketrans("०१२३४५६७८९", "0123456789")


class Age(NamedTuple):
    """Whole years, and the characters (start, end) that say them."""

    years: int
    start: int
    end: int


@lru_cache(maxsize=1)
def _patterns() -> List[Any]:
    """Each pattern of the words file, its lists filled in."""
    content = YAML(typ="safe", pure=True).load(WORDS_FILE.read_text(encoding="utf-8"))
    lists = {
        name: "(?:" + "|".join(sorted(map(regex.escape, words), key=len, reverse=True)) + ")"
        for name, words in content["lists"].items()
    }
    return [
        regex.compile(pattern.format(n=r"(?P<years>\d{1,3})", **lists), regex.IGNORECASE)
        for pattern in content["patterns"]
    ]


def age(text: str) -> Optional[Age]:
    """The first age that a message says; None where it says none."""
    read = text[:LONGEST_READ].translate(_DIGITS)
    found = [match for pattern in _patterns() if (match := pattern.search(read)) is not None]
    plausible = [match for match in found if 0 < int(match["years"]) <= OLDEST]
    if not plausible:
        return None
    first = min(plausible, key=lambda match: int(match.start()))
    return Age(int(first["years"]), first.start(), first.end())
