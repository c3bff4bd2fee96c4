"""Shortening and splitting text for people's eyes: at word ends, never inside a character.

Lengths are in code points, as Meta counts them. A "character" is what a reader sees as one:
an extended grapheme cluster (Unicode UAX #29), with the consonants that Indic scripts join by
a virama kept together (rule GB9c, which the installed `regex` does not know yet).
"""

from __future__ import annotations

import regex

ELLIPSIS = "…"

# The marks are counted so that a text of nothing but viramas costs no more than any other.
_CHARACTER = regex.compile(
    r"(?:\p{InSC=Consonant}\p{M}{0,6}\p{InSC=Virama}[\p{M}\u200c\u200d]{0,6}"
    r"(?=\p{InSC=Consonant}))*\X"
)
# Where a reader pauses, best first; a piece ends before what the group `gap` matches.
_BREAKS = (
    regex.compile(r"(?P<gap>\s*\n\s*\n\s*)"),
    regex.compile(r"(?P<gap>\s*\n\s*)"),
    regex.compile(r"[.!?…।॥][\"'”’)\]]*(?P<gap>\s+)"),
    regex.compile(r"(?P<gap>\s+)"),
)
# A break earlier than this part of the room makes a piece too short to be worth it.
_EARLIEST = 1 / 3


def one_line(text: str) -> str:
    """`text` with every run of white space, line breaks too, as one blank."""
    return " ".join(text.split())


def shorten(text: str, limit: int) -> str:
    """`text` in at most `limit` code points, ending in `…` where something was left out.

    Cut at a word end; inside a word only where the words that fit would fill less than a third.
    """
    if len(text) <= limit:
        return text
    room = limit - len(ELLIPSIS)
    end = _word_end(text, room) or _character_end(text, room)
    return text[:end].rstrip(" ,;:-–—/") + ELLIPSIS


def split_text(text: str, limit: int) -> list[str]:
    """`text` in pieces of at most `limit` code points; only white space between them is lost.

    Pieces end at a paragraph, else a line, a sentence, a word, a character.
    """
    pieces = []
    rest = text.strip()
    while len(rest) > limit:
        end = _piece_end(rest, limit)
        pieces.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [piece for piece in (*pieces, rest) if piece]


def _word_end(text: str, room: int) -> int | None:
    gaps = [gap.start() for gap in regex.finditer(r"\s+", text) if gap.start() <= room]
    return gaps[-1] if gaps and gaps[-1] >= room * _EARLIEST else None


def _piece_end(text: str, limit: int) -> int:
    window = text[: limit + 1]
    for pause in _BREAKS:
        ends = [match.start("gap") for match in pause.finditer(window)]
        fitting = [end for end in ends if limit * _EARLIEST <= end <= limit]
        if fitting:
            return int(fitting[-1])
    return _character_end(text, limit)


def _character_end(text: str, room: int) -> int:
    """The last end of a character within `room`; `room` itself if the first one is longer."""
    end = 0
    for character in _CHARACTER.finditer(text):
        if character.end() > room:
            break
        end = character.end()
    return end or room
