"""What counts whoever answers: STOP, a tapped yes or no, "I am coming", and "It hurts".

While a person has the conversation, or the assistant fails, Rasa is not asked; what a patient
decides about our messages holds all the same. So does, while a person has it, the fact that they
come to a visit; cancelling and moving are not facts but wishes, which that person sees. "It hurts"
under home exercises counts in every state, and of an old or used button too.
`stop_words.yml` lists the whole messages that mean stop and start.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, FrozenSet, List, Optional, Tuple

from ruamel.yaml import YAML

from clinic.models.consent import PURPOSES
from clinic.visit_keys import read_visit_key, visit_keys

WORDS_FILE = Path(__file__).with_name("stop_words.yml")
STOP, START = "stop", "start"
INTENT_OF = {STOP: "opt_out", START: "opt_in"}
DECIDING = {"consent_give": True, "consent_withdraw": False}
COMING = "confirm_attendance"
HURTS = "exercise_hurts"

# what people put around the word: marks, emoji, joiners
_AROUND = re.compile(r"[^\w\u0900-\u0963\u0966-\u097F]+")


@lru_cache(maxsize=1)
def _listed() -> Dict[str, FrozenSet[str]]:
    content = YAML(typ="safe", pure=True).load(WORDS_FILE.read_text(encoding="utf-8"))
    return {name: frozenset(_plain(str(words)) for words in content[name]) for name in content}


def _plain(text: str) -> str:
    return _AROUND.sub(" ", text.casefold()).strip()


def stop_or_start(text: Optional[str]) -> Optional[str]:
    """`stop` or `start` where that is all a message says; None for any other."""
    plain = _plain(text or "")
    for meaning, listed in _listed().items():
        if plain in listed:
            return meaning
    return None


def tapped_decision(intent: str, entities: Dict[str, Any]) -> Optional[Tuple[str, bool]]:
    """Purpose and answer of a tapped consent button; None for any other button."""
    purpose = entities.get("purpose")
    if intent not in DECIDING or purpose not in PURPOSES:
        return None
    return str(purpose), DECIDING[intent]


def tapped_coming(intent: str, entities: Dict[str, Any]) -> List[Tuple[int, int]]:
    """The visits, by id and version of their time, to which a tapped button says they come."""
    if intent != COMING:
        return []
    named = [read_visit_key(key) for key in visit_keys(entities.get("appointment"))]
    return [(one[0], one[1]) for one in named if one is not None and one[1] is not None]


def tapped_hurts(intent: str, entities: Dict[str, Any]) -> Optional[str]:
    """Of a tapped "It hurts" which occasion it was about, "" for none; None of any other button."""
    return str(entities.get("occasion") or "") if intent == HURTS else None
