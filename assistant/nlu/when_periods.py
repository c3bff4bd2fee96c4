"""Weeks, months and so many days or hours from now among the items."""

from __future__ import annotations

import calendar
from datetime import date, datetime, timedelta
from typing import Dict, Optional, Tuple, Union

from assistant.nlu.when_days import Days, month_number
from assistant.nlu.when_items import Row, item_at, kind_at
from assistant.nlu.when_words import tables

DAYS_OF_AN_END = 3  # "start of next week" is its first three days, "end" its last three
Found = Optional[Tuple[Union[Days, datetime], int]]

_DAY = timedelta(days=1)
_LONGEST = 400  # days, and minutes of a day-long wait: more is no booking


def _monday(today: date, weeks: int = 0) -> date:
    return today + timedelta(days=7 * weeks - today.weekday())


def _month(year: int, month: int) -> Tuple[date, date]:
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])


def period(name: str, today: date) -> Days:
    """The days of a week, weekend or month by its name in the tables; weeks begin on Monday.

    A bare `weekend` on a Sunday is the next one, on a Saturday the one that has begun.
    """
    monday, sunday = _monday(today), _monday(today) + 6 * _DAY
    saturday = sunday - _DAY
    month, weekend_is_over = today.month, today == sunday
    spans: Dict[str, Tuple[date, date]] = {
        "this_week": (monday, sunday),
        "next_week": (monday + 7 * _DAY, sunday + 7 * _DAY),
        "week_after_next": (monday + 14 * _DAY, sunday + 14 * _DAY),
        "last_week": (monday - 7 * _DAY, sunday - 7 * _DAY),
        "weekend": (saturday + 7 * weekend_is_over * _DAY, sunday + 7 * weekend_is_over * _DAY),
        "this_weekend": (saturday, sunday),
        "next_weekend": (saturday + 7 * _DAY, sunday + 7 * _DAY),
        "last_weekend": (saturday - 7 * _DAY, sunday - 7 * _DAY),
        "weekdays": (monday, monday + 4 * _DAY)
        if today.weekday() < 5
        else (monday + 7 * _DAY, monday + 11 * _DAY),
        "this_month": _month(today.year, month),
        "next_month": _month(today.year, month + 1),
        "last_month": _month(today.year, month + 11)
        if month == 1
        else _month(today.year, month - 1),
        "month_end": (_month(today.year, month)[1] - 6 * _DAY, _month(today.year, month)[1]),
    }
    if name == "last_month" and month == 1:
        spans[name] = _month(today.year - 1, 12)
    first, last = spans[name]
    return clipped(first, last, today, name)


def clipped(first: date, last: date, today: date, word: str = "") -> Days:
    """A period without its days that are over; wholly over, it is past."""
    if last < today:
        return Days("period", first, last, True, word)
    return Days("period", max(first, today), last, False, word)


def _whole_month(row: Row, at: int, today: date) -> Optional[Days]:
    item = row[at]
    if item.kind != "month" or item.text not in tables().sets["month_alone"]:
        return None
    if kind_at(row, at - 1) in ("num", "ordinal") or kind_at(row, at + 1) == "ordinal":
        return None  # "31 june" is no day, and not all of June either
    number = month_number(item.value)
    year = today.year if number >= today.month else today.year + 1
    return clipped(*_month(year, number), today, "month")


def _named(row: Row, at: int, today: date) -> Optional[Days]:
    if kind_at(row, at) == "period":
        return period(row[at].value, today)
    return _whole_month(row, at, today) if at < len(row) else None


def find(row: Row, at: int, now: datetime) -> Found:
    """The days or the moment said from that item on and how many items say it, or None."""
    today = now.date()
    kind = row[at].kind
    if kind in ("early", "late", "first_week", "first_of_month") or row[at].text == "later":
        named = _named(row, at + 1, today)
        return (
            (_piece(named, "late" if row[at].text == "later" else kind, today), 2)
            if named
            else None
        )
    named = _named(row, at, today)
    if named:
        behind = kind_at(row, at + 1)
        if behind in ("early", "late", "first_week", "first_of_month"):
            return _piece(named, behind, today), 2
        return named, 1
    return _counted(row, at, now)


def _piece(whole: Days, which: str, today: date) -> Days:
    last = whole.last or whole.first
    if which == "first_of_month":
        return Days("date", whole.first, whole.first, whole.first < today)
    if which == "first_week":
        return clipped(whole.first, min(whole.first + 6 * _DAY, last), today)
    length = (DAYS_OF_AN_END if (last - whole.first).days < 7 else 7) - 1
    if which == "early":
        return clipped(whole.first, min(whole.first + length * _DAY, last), today)
    return clipped(max(last - length * _DAY, whole.first), last, today)


def _amount(row: Row, at: int) -> Optional[Tuple[float, float, int]]:
    """Least, most and how many items: `3`, `2-3`, `do teen`, `a`, `half an`."""
    kind = kind_at(row, at)
    if kind == "one":
        return 1, 1, 1
    if kind == "half":
        return 0.5, 0.5, 1
    if kind != "num":
        return None
    if kind_at(row, at + 1) in ("join", "se") and kind_at(row, at + 2) == "num":
        return row[at].value, row[at + 2].value, 3
    if kind_at(row, at + 1) == "num" and row[at].spelled_out:
        return row[at].value, row[at + 1].value, 2
    return row[at].value, row[at].value, 1


def _counted(row: Row, at: int, now: datetime) -> Found:
    head = row[at]
    lead = ""
    if head.kind == "in":
        lead = "in"
    elif head.kind == "within" or (head.kind == "which" and head.value == "next"):
        lead = "within"
    elif head.kind == "before_it" and head.value == "after":
        lead = "in"
    start = at + 1 if lead else at
    amount = _amount(row, start)
    if amount is None and (lead or kind_at(row, at) != "unit"):
        return None
    least, most, taken = amount or (1, 1, 0)
    unit = item_at(row, start + taken)
    if unit is None or unit.kind != "unit" or unit.value == "other":
        return None
    if head.kind == "in" and kind_at(row, start) == "one" and unit.value == "day":
        return None  # "how many times in a day"
    end = start + taken + 1
    behind = item_at(row, end)
    if lead:
        return _from_now(least, most, unit.value, lead, now, end - at)
    if behind is None:
        return None
    if not taken and (unit.value == "day" or kind_at(row, at - 1) == "word"):
        return None  # "kitne din baad"
    if behind.text in tables().sets["later"]:
        return _from_now(least, most, unit.value, "in", now, end + 1 - at)
    if taken and behind.text in tables().sets["within_behind"] and unit.value == "day":
        return _from_now(least, most, unit.value, "within", now, end + 1 - at)
    over = behind.text in tables().sets["ago"] or (
        behind.text in tables().sets["earlier"] and _is_told(row, end + 1)
    )
    if taken and over and unit.value in ("day", "week", "month"):
        return _ago(most, unit.value, now, end + 1 - at)
    return None


def _is_told(row: Row, at: int) -> bool:
    return any(item.text in ("tha", "thi", "the", "था", "थी", "थे") for item in row[at:])


def _from_now(least: float, most: float, unit: str, how: str, now: datetime, length: int) -> Found:
    least, most = min(least, most), max(least, most)
    if unit in ("minute", "hour"):
        minutes = least * (60 if unit == "hour" else 1)
        return (now + timedelta(minutes=minutes), length) if minutes <= 24 * 60 else None
    size = {"day": 1, "week": 7, "month": 30}[unit]
    if most * size > _LONGEST:
        return None
    first = now.date() + timedelta(days=int(least * size))
    last = now.date() + timedelta(
        days=int(most * size) + (6 if unit == "week" and how == "in" else 0)
    )
    if how == "within":
        return Days("period", now.date(), last, False, unit), length
    return Days("date" if unit == "day" else "period", first, last, False, unit), length


def _ago(amount: float, unit: str, now: datetime, length: int) -> Found:
    days = int(amount * {"day": 1, "week": 7, "month": 30}[unit])
    if not 0 < days <= _LONGEST:
        return None
    day = now.date() - timedelta(days=days)
    return Days("date", day, day, True, unit), length
