"""The pieces of a message that say when, each with its relation (after, until) and negation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import List, Optional, Tuple

from assistant.nlu import when_days, when_periods
from assistant.nlu.when_clock import with_hours
from assistant.nlu.when_days import Days
from assistant.nlu.when_items import Item, Row, item_at, items, kind_at
from assistant.nlu.when_words import tables

PIECES = frozenset({"days", "moment", "hour", "part", "tonight", "hours", "soonest", "any_day"})
_DAY = timedelta(days=1)
_OPPOSITE = {"after": "before", "from": "before", "before": "after", "until": "after"}


@dataclass(frozen=True)
class Piece:
    """`place` is where in the row it stands; `start` and `end` include its relation words.

    `unwelcome`: its clause says no ("aaj nahi aa paunga"), so that another is meant if there is
    one. `target`: the words name it as the new one ("shift … to Friday", "Friday ko kar do").
    """

    item: Item
    relation: Optional[str]
    start: int
    end: int
    place: int
    unwelcome: bool = False
    target: bool = False


@dataclass(frozen=True)
class Reading:
    """The row and its pieces that were not ruled out ("not Monday", "5 ki jagah")."""

    row: Row
    pieces: List[Piece]
    changes: bool


def pieces(text: str, now: datetime) -> Reading:
    """What the text says about when; `now` is local time without its zone."""
    row = items(text)
    changes = any(item.text in tables().sets["change"] for item in row)
    row = _with_days(row, now)
    row = _joined(with_hours(row, _is_only_a_number(row)), changes)
    found = []
    for at, item in enumerate(row):
        if item.kind in PIECES:
            piece = _piece(row, at)
            if piece is not None:
                found.append(piece)
    kinds = [piece.item.kind for piece in found]
    found = [
        replace(piece, unwelcome=_is_unwelcome(row, piece), target=_is_target(row, piece))
        if kinds.count(piece.item.kind) > 1
        else piece
        for piece in found
    ]
    return Reading(row, found, changes or any(piece.target for piece in found[1:]))


def _is_unwelcome(row: Row, piece: Piece) -> bool:
    refusing, ends = tables().sets["refusing"], tables().sets["clause_ends"]
    for step in (-1, 1):
        at = piece.place + step
        while 0 <= at < len(row):
            item = row[at]
            if item.kind in ("mark", piece.item.kind) or item.text in ends or item.text == ",":
                break
            if item.text in refusing and not (step < 0 and _is_hindi_no(row, at)):
                return True
            at += step
    return False


def _is_hindi_no(row: Row, at: int) -> bool:
    """A Hindi "no" stands behind what it refuses."""
    return row[at].kind == "not_behind_alone"


def _is_target(row: Row, piece: Piece) -> bool:
    before = item_at(row, _over(row, piece.place, -1))
    if before is not None and before.kind == "join" and before.text == "to":
        return True
    if kind_at(row, piece.place - 1) == "at" and row[piece.place - 1].text == "make it":
        return True
    at = piece.place + 1
    while at < len(row) and (
        row[at].kind == "ko" or row[at].text in tables().sets["within_behind"]
    ):
        at += 1
    words = [item.text for item in row[at : at + 2]]
    behind = tables().sets["change_behind"]
    return " ".join(words) in behind or (
        bool(words) and (words[0] in behind or words[0] in tables().sets["change"])
    )


def _with_days(row: Row, now: datetime) -> Row:
    told = f" {' '.join(item.text for item in row)} "
    finished = any(f" {words} " in told for words in tables().sets["finished"])
    done: Row = []
    at = 0
    while at < len(row):
        found = when_days.find(row, at, now) or when_periods.find(row, at, now)
        if not found:
            done.append(row[at])
            at += 1
            continue
        value, length = found
        if finished and isinstance(value, Days) and _looks_back(row, at):
            value = _mirrored(value, now)
        kind = "days" if isinstance(value, Days) else "moment"
        done.append(Item(kind, value, row[at].start, row[at + length - 1].end, row[at].text))
        at += length
    return done


def _looks_back(row: Row, at: int) -> bool:
    named_thing = kind_at(row, at + 1) in ("filler", "ko")
    return row[at].text in tables().sets["both_ways"] and not named_thing


def _mirrored(days: Days, now: datetime) -> Days:
    day = now.date() - (days.first - now.date())
    return replace(days, first=day, last=day, past=True)


def _is_only_a_number(row: Row) -> bool:
    polite = tables().sets["polite"]
    numbers = sum(item.kind == "num" for item in row)
    return 1 <= numbers <= 2 and all(
        item.kind in ("num", "hour", "join", "se", "mark", "clock") or item.text in polite
        for item in row
    )


def _joined(row: Row, changes: bool) -> Row:
    """`monday to friday`, `aaj ya kal`, `friday the 19th` as one piece each."""
    done: Row = []
    for at, item in enumerate(row):
        if item.kind == "days" and done:
            link, before = _link(done)
            if before is not None:
                between = kind_at(done, before - 1) == "between" or (
                    kind_at(row, at + 1) == "between_behind"
                )
                both = _both(done[before], item, "to" if between else link, changes)
                if both is not None:
                    del done[before:]
                    item = both
        done.append(item)
    return done


def _link(done: Row) -> Tuple[str, Optional[int]]:
    """How the row's end links to a following day: the link and the place of the day before it."""
    at = len(done) - 1
    if done[at].kind == "days":
        return "", at
    if done[at].kind in ("of", "filler") and kind_at(done, at - 1) == "days":
        return "", at - 1
    if done[at].kind in ("join", "se", "behind_it") and kind_at(done, at - 1) == "days":
        if done[at].kind == "behind_it":
            return "", None
        if done[at].text == ",":
            return "", at - 1
        return ("to" if done[at].kind == "se" else done[at].value), at - 1
    return "", None


def _both(first: Item, second: Item, link: str, changes: bool) -> Optional[Item]:
    one, other = first.value, second.value
    whole = Item("days", other, first.start, second.end, second.text)
    if not link:
        kinds = {one.kind, other.kind}
        if "weekday" in kinds and kinds & {"date", "day"}:
            dated = one if one.kind != "weekday" else other
            return replace(whole, value=dated)
        return None
    if link == "to" and changes:
        return replace(whole, value=replace(other, word="span"))
    last = other.last or other.first
    if link == "to":
        if last < one.first and other.kind == "weekday":
            last += 7 * _DAY
        if last < one.first:
            return None
        return replace(
            whole, value=Days("period", one.first, last, one.past and other.past, "span")
        )
    low, high = sorted((one, other), key=lambda days: days.first)
    if low.last and high.last and high.first - low.last <= _DAY:
        joined = Days("period", low.first, max(low.last, high.last), low.past and high.past, "span")
        return replace(whole, value=joined)
    return replace(whole, value=other if changes else one)


def _piece(row: Row, at: int) -> Optional[Piece]:
    """The piece there with its relation, or None where the message rules it out."""
    first, last = at, at
    relation: Optional[str] = None
    before_at = _over(row, at, -1)
    if row[at].kind in ("days", "hour") and kind_at(row, before_at) == "before_it":
        relation, first = row[before_at].value, before_at
    behind = item_at(row, at + 1)
    if behind is not None and row[at].kind in ("days", "hour"):
        if behind.kind == "behind_it":
            relation, last = behind.value, at + 1
        elif behind.kind == "se" and kind_at(row, at + 2) not in ("num", "hour", "days"):
            relation, last = "from", at + 1
    if kind_at(row, _over(row, first, -1)) == "not_before":
        return None
    refused = _refused(row, last)
    if refused and relation in _OPPOSITE and row[at].kind == "hour":
        relation = _OPPOSITE[relation]
    elif refused:
        return None
    return Piece(row[at], relation, row[first].start, row[last].end, at)


def _over(row: Row, at: int, step: int) -> int:
    at += step
    while (
        0 <= at < len(row)
        and row[at].kind in ("filler", "ko", "in", "of", "at")
        and row[at].text != ","
    ):
        at += step
    return at


def _refused(row: Row, last: int) -> bool:
    """`budh chhod ke`, `raat ko nahi`; but "kal nahi aa paunga" is about tomorrow."""
    at = _over(row, last, 1)
    kind = kind_at(row, at)
    if kind == "not_behind":
        return True
    if kind != "not_behind_alone":
        return False
    following = item_at(row, at + 1)
    return (
        following is None
        or following.kind in PIECES | {"mark", "join", "before_it"}
        or len(row[at].text.split()) > 1
        or following.text in tables().sets["polite"]
    )
