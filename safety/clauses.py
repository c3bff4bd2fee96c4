"""Cuts a message into the clauses it is made of, so that a clinical half beside a logistics one is
read by itself ("cancel and rebook, can't get down the stairs today").

Cuts at signs, line ends, emoji and at little words that join clauses in the three languages. Where
a word may also stand inside a clause ("ghutne par", "this or that"), a wrong cut costs nothing but
a fragment that says little.
"""

from __future__ import annotations

import re
from typing import List, Text

import regex

from safety.normalise import clean, tokens, word_count

MOST_CLAUSES = 6
"""A message with more is cut no further: the rest stays together."""

_JOINING = (
    "and but also because coz cuz bcoz though although however plus while since so then btw "
    "aur lekin magar par kyunki kyuki kyonki phir fir isliye islie warna waise "
    "और लेकिन मगर पर क्योंकि क्यूंकि फिर इसलिए वरना वैसे तथा परंतु"
)
_SIGNS = re.compile(
    r"\n|[!?;|…।॥()\[\]—–]"
    r"|(?<!\d),|,(?!\d)"  # 1,500 stays whole
    r"|[.:](?=\s|$)|(?<=\w{3})\.(?=\w{3})"  # so do 5.30, p.a.i.n and 10:30
    r"|\s[-/&+]+\s"
)
_EMOJI = regex.compile(r"[\p{So}\p{Sk}\u200d\ufe0f]+")
_WORDS = regex.compile(
    r"(?<![\p{L}\p{M}])(?:" + "|".join(_JOINING.split()) + r")(?![\p{L}\p{M}])", regex.IGNORECASE
)
_CUT = "\n"


def clauses_of(text: Text) -> List[Text]:
    """The clauses of at least two words, cleaned, in order; empty when the message is only one.

    Of "hi, where are you" the second half is a clause: a greeting changes how the whole is read.
    """
    marked = _WORDS.sub(_CUT, _EMOJI.sub(_CUT, _SIGNS.sub(_CUT, text)))
    parts = [clean(part) for part in marked.split(_CUT)]
    parts = [part for part in parts if word_count(part) > 1]
    if len(parts) > MOST_CLAUSES:
        parts[MOST_CLAUSES - 1 :] = [" ".join(parts[MOST_CLAUSES - 1 :])]
    whole = _words(clean(text))
    return [part for part in dict.fromkeys(parts) if _words(part) != whole]


def _words(cleaned: Text) -> List[Text]:
    return [token for token in tokens(cleaned) if token[0].isalnum()]
