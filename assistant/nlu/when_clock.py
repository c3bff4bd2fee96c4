"""Hours of the day among the items.

A number is an hour only with a reason: am or pm, baje, a colon, sadhe, a part of the day, "after",
"ke baad", a day before it, or being all that the message says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import time
from typing import Optional, Tuple

from assistant.nlu.when_items import Item, Row, item_at, kind_at
from assistant.nlu.when_words import tables

FURTHEST_CHOICE_MINUTES = 120  # "5 or 6" is a span of hours, "10 or 5" a choice


@dataclass(frozen=True)
class Hour:
    """As said: `half` is am, pm or None."""

    hour: int
    minute: int = 0
    half: Optional[str] = None


@dataclass(frozen=True)
class Hours:
    """One hour, or a span where `last` is set.

    `how` its ends are joined: `to` (a dash, between), `or`, or `from_to` (the words "to" and
    "se"), which in "shift 5 to 6" is no span but a change.
    """

    first: Hour
    last: Optional[Hour] = None
    how: str = "to"


def with_hours(row: Row, whole: bool) -> Row:
    """The row with `hour` items in place of what says an hour of the day.

    `whole`: the message holds nothing but numbers, so that they are hours.
    """
    return _single(_spans(_sure(row), whole), whole)


def _sure(row: Row) -> Row:
    done: Row = []
    at = 0
    while at < len(row):
        hour, length = _sure_hour(row, at)
        if hour is None:
            done.append(row[at])
            at += 1
        else:
            done.append(_hour_item(Hours(hour), row[at], row[at + length - 1]))
            at += length
    return done


def _hour_item(hours: Hours, first: Item, last: Item) -> Item:
    return Item("hour", hours, first.start, last.end)


def _sure_hour(row: Row, at: int) -> Tuple[Optional[Hour], int]:
    item, behind = row[at], item_at(row, at + 1)
    if (
        item.kind == "quarter"
        and behind is not None
        and behind.kind == "num"
        and 1 <= behind.value <= 12
    ):
        if kind_at(row, at + 2) == "unit":
            return None, 0
        minutes = behind.value * 60 + item.value
        return _with_half(Hour(minutes // 60 or 12, minutes % 60), row, at + 2, 2)
    if item.kind == "named_hours":
        if "baje" in item.text or kind_at(row, at + 1) == "clock" or kind_at(row, at - 1) == "part":
            return _with_half(Hour(*item.value), row, at + 1, 1)
        return None, 0
    if item.kind == "hhmm":
        return _with_half(Hour(*item.value), row, at + 1, 1)
    if item.kind == "long_number" and len(item.text) == 4 and behind and _says_24(behind):
        hour, minute = int(item.text[:2]), int(item.text[2:])
        return (Hour(hour, minute), 2) if hour < 24 and minute < 60 else (None, 0)
    if item.kind != "num" or item.value > 23 or behind is None:
        return None, 0
    if behind.text in tables().sets["past"] and kind_at(row, at + 2) == "num":
        if row[at + 2].value <= 12:
            return _with_half(Hour(row[at + 2].value, item.value), row, at + 3, 3)
        return None, 0
    if behind.kind == "num" and behind.value % 5 == 0 and 10 <= behind.value < 60:
        told = kind_at(row, at + 2) in ("meridiem", "clock") or len(row) == 2
        if told and 1 <= item.value <= 12:
            return _with_half(Hour(item.value, behind.value), row, at + 2, 2)
        return None, 0
    said = behind.kind == "clock" or (behind.kind == "meridiem" and not _is_verb(row, at + 1))
    if said and (item.value or behind.kind == "clock"):
        return _with_half(Hour(item.value), row, at + 1, 1)
    if _says_24(behind) and item.value > 12:
        return Hour(item.value), 2
    return None, 0


def _says_24(item: Item) -> bool:
    return item.text in tables().sets["hours_of_24"]


def _is_verb(row: Row, at: int) -> bool:
    """`am` of "i am"."""
    return (
        row[at].text == "am" and kind_at(row, at + 1) == "word" and row[at + 1].text in ("i", "not")
    )


def _with_half(hour: Hour, row: Row, at: int, length: int) -> Tuple[Hour, int]:
    """The hour with the am, pm or baje that stands behind it."""
    while kind_at(row, at) in ("meridiem", "clock"):
        if row[at].kind == "meridiem":
            hour = replace(hour, half=row[at].value)
        at, length = at + 1, length + 1
    return hour, length


def _possible(row: Row, at: int) -> Optional[Hour]:
    """An hour that is sure, or a number that could be one."""
    item = item_at(row, at)
    if item is None:
        return None
    if item.kind == "hour" and item.value.last is None:
        return item.value.first
    return Hour(item.value) if item.kind == "num" and 1 <= item.value <= 12 else None


def _spans(row: Row, whole: bool) -> Row:
    done: Row = []
    at = 0
    while at < len(row):
        span = _span(row, at, whole)
        if span is None:
            done.append(row[at])
            at += 1
        else:
            hours, first, last = span
            done.append(_hour_item(hours, row[first], row[last]))
            at = last + 1
    return done


def _span(row: Row, at: int, whole: bool) -> Optional[Tuple[Hours, int, int]]:
    asked = row[at].kind == "between"
    begin = at + 1 if asked else at
    if row[at].kind == "before_it" and row[at].value == "from":
        begin = at + 1
    first, joined, last = _possible(row, begin), kind_at(row, begin + 1), _possible(row, begin + 2)
    if first is None or last is None or joined not in ("join", "se"):
        return None
    end = begin + 2
    if kind_at(row, end + 1) in ("unit", "month", "date_word") or kind_at(row, end + 1) == "num":
        return None
    how = "or" if row[begin + 1].value == "or" and not asked else "to"
    if not asked and row[begin + 1].text in ("to", "se", "से"):
        how = "from_to"
    if kind_at(row, end + 1) == "between_behind":
        return Hours(first, last), at, end + 1
    sure = "hour" in (row[begin].kind, row[end].kind)
    if sure or asked or whole or _has_reason(row, begin, end):
        return Hours(first, last, how), at if begin > at else begin, end
    return None


def _single(row: Row, whole: bool) -> Row:
    done: Row = []
    for at, item in enumerate(row):
        number = item.kind == "num" and 1 <= item.value <= 12
        wordy = item.text in tables().sets["number_in_prose"]
        if number and not wordy and (whole or _has_reason(row, at, at)):
            item = _hour_item(Hours(Hour(item.value)), item, item)
        done.append(item)
    return done


def _passes(item: Item) -> bool:
    return (
        item.kind in ("filler", "ko", "in", "of")
        or item.text in tables().sets["within_behind"]
        or item.text == ","
    )


def _has_reason(row: Row, first: int, last: int) -> bool:
    """Whether what stands around the number or span makes it an hour."""
    behind_at = last + 1
    while kind_at(row, behind_at) in ("filler", "ko", "in", "of") and behind_at - last < 3:
        if row[behind_at].text == ",":
            break
        behind_at += 1
    behind = item_at(row, behind_at)
    next_to = item_at(row, last + 1)
    if next_to is not None and next_to.kind in ("unit", "num", "long_number", "month", "ordinal"):
        return False
    if behind is not None and behind.kind in ("part", "tonight"):
        return True
    if next_to is not None and next_to.kind in ("behind_it", "not_behind"):
        return next_to.kind == "behind_it"
    if next_to is not None and next_to.text in tables().sets["suits"]:
        return first == 0 or row[first - 1].kind == "mark" or row[first - 1].text == ","
    if _is_changed(row, first, next_to):
        return True
    if next_to is not None and next_to.kind == "days":
        return first == 0 or row[first - 1].kind == "mark"
    before_at = first - 1
    while before_at >= 0 and _passes(row[before_at]) and first - before_at < 4:
        before_at -= 1
    before = kind_at(row, before_at)
    if (
        before not in ("at", "before_it", "part", "tonight", "hours", "days", "not_before")
        or before_at < 0
    ):
        return False
    return (
        next_to is None or next_to.kind != "word" or next_to.text in tables().sets["after_a_time"]
    )


def _is_changed(row: Row, first: int, next_to: Optional[Item]) -> bool:
    """`5 se 6 shift karo`, `change it to 6`."""
    change = tables().sets["change"]
    if next_to is not None and next_to.text in change:
        return True
    ends = next_to is None or next_to.kind != "word"
    to_it = kind_at(row, first - 1) == "join" and row[first - 1].text == "to"
    return ends and to_it and any(item.text in change for item in row[:first])


def minutes_of(hour: Hour, part: Optional[str]) -> int:
    """Minutes after midnight. Without am or pm and without a part of the day (morning, afternoon,
    evening, night) 1–7 is pm, 8–11 am and 12 noon: a clinic's day."""
    return _hour_of_day(hour, part) * 60 + hour.minute


def _hour_of_day(said: Hour, part: Optional[str]) -> int:
    hour = said.hour
    if hour > 12 or hour == 0:
        return hour
    if said.half:
        return hour % 12 + (12 if said.half == "pm" else 0)
    if part == "night":
        return hour % 12 + (12 if 5 <= hour <= 11 else 0)
    if part == "morning" or hour == 12:
        return hour
    if part == "evening":
        return hour + 12
    if part == "afternoon":
        return hour + 12 if hour <= 6 else hour
    return hour + 12 if hour <= 7 else hour


def span_minutes(first: Hour, last: Hour, part: Optional[str]) -> Tuple[int, int]:
    """Both ends of a span, each half of the day chosen so that it runs forward where it can."""
    if last.half and not first.half and 1 <= first.hour <= 12:
        end = minutes_of(last, None)
        starts = [minutes_of(replace(first, half=half), None) for half in ("am", "pm")]
        fitting = [start for start in starts if start < end]
        return (max(fitting) if fitting else minutes_of(first, part)), end
    start = minutes_of(first, part)
    if last.half or last.hour > 12:
        return start, minutes_of(last, part)
    ends = [minutes_of(replace(last, half=half), None) for half in ("am", "pm")]
    return start, min((end for end in ends if end > start), default=minutes_of(last, part))


def clock(minutes: int) -> time:
    """Minutes after midnight as a time of day."""
    return time(minutes // 60 % 24, minutes % 60)
