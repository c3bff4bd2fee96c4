"""A message as a row of items: phrases of the tables, numbers, and the words between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, List, Optional

from assistant.nlu.tokens import Token, tokens
from assistant.nlu.when_words import tables

_LONGEST_USEFUL_NUMBER = 2
_ORDINALS = frozenset({"st", "nd", "rd", "th"})


@dataclass(frozen=True)
class Item:
    """One phrase, number or word. `kind` is its table, or num, ordinal, hhmm, date, word, mark;
    days and clocks are put in later. `start` and `end` are characters of the message."""

    kind: str
    value: Any
    start: int
    end: int
    text: str = ""
    spelled_out: bool = False
    glued: bool = False


Row = List[Item]


def items(text: str) -> Row:
    """The message as items; numbers that count or name something else come out as words."""
    found = tokens(text)
    row: Row = []
    at = 0
    while at < len(found):
        taken = _phrase(found, at, row) or _number(found, at) or [_plain(found[at])]
        row.extend(taken[:1])
        at += _length(found, at, row[-1].end)
    return [_as_word(item) if _counts_or_names(row, i) else item for i, item in enumerate(row)]


def skip(row: Row, at: int, step: int, passes: Callable[[Item], bool]) -> int:
    """The next place from `at` in direction `step` whose item does not pass (may lie outside)."""
    at += step
    while 0 <= at < len(row) and passes(row[at]):
        at += step
    return at


def item_at(row: Row, at: int) -> Optional[Item]:
    """The item there, or None beyond either end."""
    return row[at] if 0 <= at < len(row) else None


def kind_at(row: Row, at: int) -> str:
    """Its kind, or `end` beyond either end."""
    return row[at].kind if 0 <= at < len(row) else "end"


def _length(found: List[Token], at: int, end: int) -> int:
    length = 1
    while at + length < len(found) and found[at + length].start < end:
        length += 1
    return length


def _phrase(found: List[Token], at: int, row: Row) -> List[Item]:
    first = found[at]
    if first.glued and first.kind == "word" and row and row[-1].kind == "word":
        return []
    for entry in tables().phrases.get(first.text, ()):
        last = at + len(entry.words) - 1
        if last < len(found) and all(
            found[at + i].text == word for i, word in enumerate(entry.words)
        ):
            kind, value = entry.kind, entry.value
            said_out = kind == "number"
            if kind == "number":
                kind = "num"
            end = found[last].end
            if kind == "day_ending" and not _clause_ends(found, last + 1):
                continue
            return [
                Item(kind, value, first.start, end, " ".join(entry.words), said_out, first.glued)
            ]
    return []


def _clause_ends(found: List[Token], at: int) -> bool:
    return at >= len(found) or found[at].kind == "mark" or found[at].text in tables().sets["polite"]


def _number(found: List[Token], at: int) -> List[Item]:
    one = found[at]
    if one.kind == "hhmm":
        hour, minute = (int(part) for part in one.text.replace(".", ":").split(":"))
        good = hour < 24 and minute < 60 and (":" in one.text or minute % 5 == 0)
        return [Item("hhmm" if good else "word", (hour, minute), one.start, one.end, one.text)]
    if one.kind == "date":
        return [Item("date", one.text, one.start, one.end, one.text)]
    if one.kind != "num":
        return []
    following = found[at + 1] if at + 1 < len(found) else None
    if following and following.glued and following.text in _ORDINALS:
        return [Item("ordinal", int(one.text), one.start, following.end, one.text)]
    if len(one.text) > _LONGEST_USEFUL_NUMBER:
        return [Item("long_number", one.text, one.start, one.end, one.text, False, one.glued)]
    return [Item("num", int(one.text), one.start, one.end, one.text, False, one.glued)]


def _plain(one: Token) -> Item:
    kind = "mark" if one.kind == "mark" else "word"
    return Item(kind, one.text, one.start, one.end, one.text, False, one.glued)


def _as_word(item: Item) -> Item:
    return Item("word", item.text, item.start, item.end, item.text, item.spelled_out, item.glued)


def _counts_or_names(row: Row, at: int) -> bool:
    """Whether the number there is an amount, a price, a place in a list or part of a code."""
    item = row[at]
    if item.kind not in ("num", "hhmm", "ordinal", "date"):
        return False
    before, behind = item_at(row, at - 1), item_at(row, at + 1)
    sets = tables().sets
    if item.kind == "ordinal":
        return behind is not None and behind.text in sets["ordinal_counts"]
    if before is not None:
        if before.text in sets["number_follows"]:
            return True
        if (
            before.text == "."
            and kind_at(row, at - 2) == "word"
            and row[at - 2].text in ("rs", "no")
        ):
            return True
        if item.glued and before.kind in ("word", "num", "long_number"):
            return True
        if item.glued and before.text in (".", ",", ":", "*", "+") and _is_number(row, at - 2):
            return True
    if behind is not None:
        if behind.text in sets["number_leads"] and not _is_clock_word(behind):
            return True
        if behind.glued and behind.kind == "word" and not item.spelled_out:
            return True
        if behind.glued and behind.text in (".", ",", "*", "+") and _glued_number(row, at + 2):
            return True
        if behind.text == "-" and _is_number(row, at + 2) and row[at + 2].kind == "long_number":
            return True
        if _is_number(row, at + 1) and not _is_small(behind) and item.kind == "num":
            return True
        if behind.text in ("-", "to", "se", "–", "or", "ya") and _counted(row, at + 2):
            return True
    return False


def _is_number(row: Row, at: int) -> bool:
    return kind_at(row, at) in ("num", "long_number", "hhmm")


def _is_small(item: Item) -> bool:
    return item.kind != "long_number" or (len(item.text) == 4 and item.text.startswith("20"))


def _glued_number(row: Row, at: int) -> bool:
    return _is_number(row, at) and row[at].glued


def _counted(row: Row, at: int) -> bool:
    """`2-3 sessions`: the second number counts, so the first does."""
    after = item_at(row, at + 1)
    return _is_number(row, at) and after is not None and after.text in tables().sets["number_leads"]


def _is_clock_word(item: Item) -> bool:
    return item.kind in ("clock", "meridiem")
