"""The language of the staff's interface: English, or Hindi from `hindi.yml`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Dict

from flask import has_request_context, request, session
from ruamel.yaml import YAML

LANGUAGES = {"en": "English", "hi": "हिन्दी"}
CHOSEN = "ui_language"
_HINDI = Path(__file__).with_name("hindi.yml")


@lru_cache(maxsize=1)
def hindi() -> Dict[str, str]:
    """The Hindi of every English phrase of the interface."""
    return dict(YAML(typ="safe", pure=True).load(_HINDI))


def ui_language() -> str:
    """What whoever is signed in chose, else the browser's wish, else English."""
    if not has_request_context():
        return "en"
    chosen = session.get(CHOSEN)
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(list(LANGUAGES), "en") or "en"


def t(phrase: str, **values: object) -> str:
    """The phrase in the language of the interface, its {gaps} filled."""
    said = hindi().get(phrase, phrase) if ui_language() == "hi" else phrase
    return said.format(**values) if values else said
