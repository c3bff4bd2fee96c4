"""Which of the three languages a message is written in.

English and Hinglish share an alphabet and often a sentence, so the common words of each decide
(`language_words.yml`). Hindi borrows English nouns freely ("slot book kardo"): borrowed words speak
for English only where three of them stand and no other word tells. A message that says nothing
about its language ("ok", "6 pm", a name) leaves the conversation in the one it was in.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import FrozenSet, Optional, Tuple

from ruamel.yaml import YAML

LANGUAGES = ("en", "hi", "hinglish")
WORDS_FILE = Path(__file__).with_name("language_words.yml")

SCRIPT_TELLS = 2  # letters: "appointment cancel करना है" has few, and is Hindi all the same
ENOUGH_BORROWED = 3  # "lady doctor" and "Monday evening" are said in Hinglish too

_DEVANAGARI = re.compile(r"[\u0900-\u097F]")
_LATIN_WORD = re.compile(r"[a-z']+")


@lru_cache(maxsize=1)
def _words() -> Tuple[FrozenSet[str], FrozenSet[str], FrozenSet[str]]:
    listed = YAML(typ="safe").load(WORDS_FILE.read_text(encoding="utf-8"))
    hinglish, english, borrowed = (
        frozenset(listed[name]) for name in ("hinglish", "english", "borrowed")
    )
    return hinglish, english, borrowed


def english_words() -> FrozenSet[str]:
    """Words that are English wherever they stand, those among them that Hindi borrows too."""
    hinglish, english, borrowed = _words()
    return (english | borrowed) - hinglish


def detect(text: str) -> Optional[str]:
    """`en`, `hi` or `hinglish`, or None where the words do not tell."""
    devanagari = len(_DEVANAGARI.findall(text))
    latin = _LATIN_WORD.findall(text.lower().replace("’", "'"))
    if devanagari and devanagari >= sum(map(len, latin)) / 2:
        return "hi"
    hinglish, english, borrowed = _words()
    hindi_words = sum(word in hinglish for word in latin)
    english_words = sum(word in english for word in latin)
    if devanagari >= SCRIPT_TELLS and not english_words:
        return "hi"
    if not hindi_words and not english_words:
        loans = sum(word in borrowed for word in latin)
        return "en" if loans >= ENOUGH_BORROWED else None
    if hindi_words == english_words:
        return None
    return "hinglish" if hindi_words > english_words else "en"
