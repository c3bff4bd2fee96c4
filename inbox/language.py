"""The language of the staff's interface: English, or Hindi from `inbox/hindi/`."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, Pattern, Tuple

from flask import g, has_request_context, request, session
from ruamel.yaml import YAML

LANGUAGES = {"en": "English", "hi": "हिन्दी"}
CHOSEN = "ui_language"
_HINDI = Path(__file__).with_name("hindi")
# sentences whose gaps are filled where they are made, beyond the reach of `t`
FILLED = "filled.yml"
_GAP = re.compile(r"\\\{(\w+)\\\}")


@lru_cache(maxsize=1)
def hindi() -> Dict[str, str]:
    """The Hindi of every English phrase of the interface."""
    found: Dict[str, str] = {}
    for file in sorted(_HINDI.glob("*.yml")):
        found.update(_read(file))
    return found


@lru_cache(maxsize=1)
def filled() -> List[Tuple[Pattern[str], str]]:
    """Sentences with gaps as they are recognised once filled, and their Hindi."""
    return [
        (re.compile(_GAP.sub(r"(?P<\1>.+)", re.escape(english)), re.DOTALL), said)
        for english, said in _read(_HINDI / FILLED).items()
    ]


def _read(file: Path) -> Dict[str, str]:
    return dict(YAML(typ="safe", pure=True).load(file))


def ui_language() -> str:
    """What whoever is signed in chose, else the browser's wish, else English."""
    if not has_request_context():
        return "en"
    # a page asks hundreds of times
    if "language_of_request" not in g:
        g.language_of_request = _wished()
    return str(g.language_of_request)


def _wished() -> str:
    chosen = session.get(CHOSEN)
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(list(LANGUAGES), "en") or "en"


def t(phrase: str, **values: object) -> str:
    """The phrase in the language of the interface, its {gaps} filled."""
    said = hindi().get(phrase, phrase) if ui_language() == "hi" else phrase
    return said.format(**values) if values else said


def said(sentence: str) -> str:
    """A whole sentence of another room of the house, its gaps filled already, in our language.

    What fills a gap is translated too where it is a phrase of the interface.
    """
    if ui_language() != "hi":
        return sentence
    known = hindi()
    if sentence in known:
        return known[sentence]
    for pattern, words in filled():
        found = pattern.fullmatch(sentence)
        if found is not None:
            return words.format(**{gap: known.get(v, v) for gap, v in found.groupdict().items()})
    return sentence
