"""Whom a patient names as the one to be treated by: "with Neha", "Dr Mehta se"."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, FrozenSet, Optional

import regex
from ruamel.yaml import YAML

from clinic.profile import Profile

WORDS_FILE = Path(__file__).with_name("clinician_words.yml")
_WORD = r"(?P<name>[\p{L}\p{M}]{3,})"


@dataclass(frozen=True)
class Named:
    """A clinician's code, or the name of somebody who does not work here."""

    code: Optional[str] = None
    unknown: Optional[str] = None


def named_clinician(text: str, profile: Profile) -> Optional[Named]:
    """Whom the message names, None where it names nobody.

    A bare name is no wish (patients have names too): a title or "with" has to stand by it. Only
    a title makes an unknown name one: "with my mother" asks for nobody.
    """
    codes = _codes(profile)
    titled = _patterns()["titled"]
    for match in titled.finditer(text):
        word = match["name"].casefold()
        if word in codes:
            return Named(code=codes[word])
        if word not in _not_names():
            return Named(unknown=match["name"])
    for match in _patterns()["beside"].finditer(text, overlapped=True):
        code = codes.get((match["before"] or match["behind"]).casefold())
        if code is not None:
            return Named(code=code)
    return None


def _codes(profile: Profile) -> Dict[str, str]:
    """Every part of a clinician's name in every language, where it is one clinician's only."""
    found: Dict[str, Optional[str]] = {}
    for person in profile.clinicians:
        for language in ("en", "hi", "hinglish"):
            for part in person.name.said_in(language).split():
                known = found.setdefault(part.casefold(), person.code)
                if known != person.code:
                    found[part.casefold()] = None
    return {part: code for part, code in found.items() if code is not None}


@lru_cache(maxsize=1)
def _listed() -> Dict[str, Any]:
    return dict(YAML(typ="safe", pure=True).load(WORDS_FILE.read_text(encoding="utf-8")))


def _not_names() -> FrozenSet[str]:
    return frozenset(str(word).casefold() for word in _listed()["not_names"])


@lru_cache(maxsize=1)
def _patterns() -> Dict[str, Any]:
    def one_of(name: str) -> str:
        return "|".join(regex.escape(str(word)) for word in _listed()[name])

    edge, end = r"(?<![\p{L}\p{M}])", r"(?![\p{L}\p{M}])"
    titled = rf"{edge}(?:{one_of('titles')}){end}\.?\s*{_WORD}{end}"
    before = rf"{edge}(?:{one_of('before')})\s+(?P<before>[\p{{L}}\p{{M}}]{{3,}}){end}"
    behind = rf"{edge}(?P<behind>[\p{{L}}\p{{M}}]{{3,}})\s+(?:{one_of('behind')}){end}"
    return {
        "titled": regex.compile(titled, regex.IGNORECASE),
        "beside": regex.compile(f"{before}|{behind}", regex.IGNORECASE),
    }
