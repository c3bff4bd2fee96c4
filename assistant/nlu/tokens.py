"""Words, numbers and marks of a message, each with its place, spelled one way for look-up."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import List, Tuple

_D = "[0-9०-९]"
_CLOCK_FOLLOWS = r"\s*(?:[ap]\.?m\b|b?a?je\b|बजे)"  # "5/6 pm" is a choice of hours, not a date
_TOKEN = re.compile(
    rf"(?P<date>(?<![\w/.:-])(?:{_D}{{4}}-{_D}{{1,2}}-{_D}{{1,2}}"
    rf"|{_D}{{1,2}}(?P<mark>[/.-]){_D}{{1,2}}(?P=mark){_D}{{2,4}}|{_D}{{1,2}}/{_D}{{1,2}})"
    rf"(?!{_CLOCK_FOLLOWS})(?![\w/]|[.:-]\d))"
    rf"|(?P<hhmm>(?<![\w.:,]){_D}{{1,2}}[:.]{_D}{{2}}(?!\d|[.:,]\d))"
    rf"|(?P<num>{_D}+)"
    r"|(?P<dotted>\b[apAP]\.\s?[mM]\b\.?)"
    r"|(?P<word>[^\W\d_][^\W\d_\u0900-\u097F]*(?:['’][a-zA-Z]+)?(?![\u0900-\u0963\u0970-\u097F])"
    r"|[\u0900-\u0963\u0970-\u097F\u200c\u200d]+)"
    r"|(?P<mark1>[^\s\w])|(?P<rest>\w)",
    re.UNICODE,
)
_NUKTA = "\u093c"
_CANDRABINDU, _ANUSVARA = "\u0901", "\u0902"
_JOINERS = "\u200c\u200d"
_DRAWN_OUT = re.compile(r"([^\W\d_])\1{2,}")


@dataclass(frozen=True)
class Token:
    """`kind` is word, num, hhmm, date or mark; `glued` says that no space stands before it."""

    text: str
    kind: str
    start: int
    end: int
    glued: bool


def spelled(word: str) -> str:
    """A word as the tables spell it: one case, no nukta, chandrabindu as anusvara, no "kalll"."""
    word = unicodedata.normalize("NFC", word).lower().replace("’", "'")
    word = word.replace(_NUKTA, "").replace(_CANDRABINDU, _ANUSVARA)
    for joiner in _JOINERS:
        word = word.replace(joiner, "")
    return _DRAWN_OUT.sub(r"\1", word)


def tokens(text: str) -> List[Token]:
    """Every token of the text, in order; Devanagari digits come out as 0–9."""
    found = []
    last_end = -1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "mark"
        if match.group("date"):
            kind = "date"
        kind = {"dotted": "word", "mark1": "mark", "rest": "mark", "mark": "date"}.get(kind, kind)
        word = match.group()
        if kind in ("num", "hhmm", "date"):
            value = "".join(str(int(c)) if c.isdigit() else c for c in word)
        else:
            value = spelled(word.replace(" ", "")) if kind == "word" else word
        found.append(Token(value, kind, match.start(), match.end(), match.start() == last_end))
        last_end = match.end()
    return found


@cache
def phrase(words: str) -> Tuple[str, ...]:
    """The token texts of a phrase from a word table."""
    return tuple(token.text for token in tokens(words))
