"""Days among the items: dates, weekdays, weeks, and so many days from now."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Optional, Tuple

from dateparser import DateDataParser

from assistant.nlu.when_items import Item, Row, item_at, kind_at
from assistant.nlu.when_words import MONTHS, tables

# Patients book forward: a day and month that went by longer ago than this is next year's.
LONGEST_PAST = timedelta(days=180)
FIRST_SURE_ORDINAL = 6
_THREE_DAYS, _WEEK = timedelta(days=2), timedelta(days=6)


@dataclass(frozen=True)
class Days:
    """`kind`: date, day (today, kal), weekday, period. `last` None: from that day on."""

    kind: str
    first: date
    last: Optional[date]
    past: bool = False
    word: str = ""


_HOUR_BEHIND = ("meridiem", "clock", "behind_it")

Found = Optional[Tuple[Days, int]]


@lru_cache(maxsize=1)
def _parser() -> DateDataParser:
    settings = {
        "DATE_ORDER": "DMY",
        "REQUIRE_PARTS": ["day", "month", "year"],
        "STRICT_PARSING": True,
    }
    return DateDataParser(languages=["en", "hi"], settings=settings)


@lru_cache(maxsize=4096)
def written_date(piece: str) -> Optional[date]:
    """A date with its year, as `24 november 2026` or `24/11/26`; None if there is no such day."""
    parsed = _parser().get_date_data(piece).date_obj
    return parsed.date() if parsed else None


def _in_the_year(piece: str, today: date) -> Optional[date]:
    """The day and month of a piece without a year, near today."""
    this_year = written_date(f"{piece} {today.year}".replace("/ ", "/"))
    if this_year and this_year >= today - LONGEST_PAST:
        return this_year
    return written_date(f"{piece} {today.year + 1}".replace("/ ", "/")) or this_year


def _one(kind: str, day: Optional[date], today: date, word: str = "") -> Optional[Days]:
    return Days(kind, day, day, day < today, word) if day else None


def _numeric(item: Item, today: date) -> Optional[Days]:
    parts = item.value.replace(".", "/").replace("-", "/").split("/")
    if len(parts) == 2:
        return _one("date", _in_the_year(item.value + "/", today), today)
    if len(parts[0]) == 4:
        parts.reverse()
    return _one("date", written_date("/".join(parts)), today)


def _year(row: Row, at: int) -> Tuple[str, int]:
    """A year written there (behind a comma or not) and how many items it takes."""
    skipped = 1 if kind_at(row, at) in ("of", "join") and row[at].text == "," else 0
    item = item_at(row, at + skipped)
    if item and item.kind == "long_number" and len(item.text) == 4 and item.text.startswith("20"):
        return item.text, skipped + 1
    return "", 0


def _named(day: int, month: str, year: str, today: date) -> Optional[Days]:
    piece = f"{day} {month}"
    return _one(
        "date", written_date(f"{piece} {year}") if year else _in_the_year(piece, today), today
    )


def _days_and_month(row: Row, at: int, today: date) -> Found:
    """`24 to 26 november`."""
    if kind_at(row, at) not in ("num", "ordinal") or kind_at(row, at + 1) not in ("join", "se"):
        return None
    end = _day_and_month(row, at + 2, today) if at + 2 < len(row) else None
    if end is None or kind_at(row, at + 2) not in ("num", "ordinal") or end[0].past:
        return None
    last = end[0].first
    if not 1 <= row[at].value < last.day:
        return None
    first = max(last.replace(day=row[at].value), today)
    return Days("period", first, last, False, "span"), end[1] + 2


def _day_and_month(row: Row, at: int, today: date) -> Found:
    if kind_at(row, at) in ("num", "ordinal"):
        month_at = at + (2 if kind_at(row, at + 1) in ("of", "filler") else 1)
        if kind_at(row, month_at) == "month" and not _is_verb(row, month_at):
            year, length = _year(row, month_at + 1)
            days = _named(row[at].value, row[month_at].value, year, today)
            return (days, month_at + 1 + length - at) if days else None
    if kind_at(row, at) == "month":
        day_at = at + (2 if kind_at(row, at + 1) in ("of", "filler") else 1)
        if kind_at(row, day_at) in ("num", "ordinal") and not row[day_at].spelled_out:
            if kind_at(row, day_at + 1) in ("meridiem", "clock", "unit"):
                return None
            year, length = _year(row, day_at + 1)
            days = _named(row[day_at].value, row[at].value, year, today)
            return (days, day_at + 1 + length - at) if days else None
    if kind_at(row, at) == "num" and 12 < row[at].value <= 31 and _dashed_month(row, at + 1):
        days = _one("date", _in_the_year(f"{row[at].value}/{row[at + 2].value}/", today), today)
        return (days, 3) if days else None
    return None


def _dashed_month(row: Row, at: int) -> bool:
    """`24-11`; with a day up to 12, as in `10-12`, it is read as hours."""
    dash, month = item_at(row, at), item_at(row, at + 1)
    return (
        dash is not None and dash.text == "-" and dash.glued
        and month is not None and month.kind == "num" and month.glued and month.value <= 12
    )  # fmt: skip


def _is_verb(row: Row, at: int) -> bool:
    """`may` behind a number and before a plain word: "the slot at 5 may suit"."""
    return row[at].text == "may" and kind_at(row, at + 1) == "word"


def day_of_month(day: int, today: date) -> Optional[Days]:
    """The next day of that number, today included; months too short for it are passed over."""
    year, month = today.year, today.month
    for _ in range(3):
        if day <= calendar.monthrange(year, month)[1]:
            found = date(year, month, day) if day else None
            if found and found >= today:
                return Days("date", found, found)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return None


def _ordinal(row: Row, at: int, today: date) -> Found:
    item = row[at]
    if item.kind == "ordinal" and 1 <= item.value <= 31:
        if (
            kind_at(row, at + 1) in ("weekday", "weekday_short")
            and kind_at(row, at - 1) != "weekday"
        ):
            return None  # "2nd Saturday" counts Saturdays
        behind = kind_at(row, at + 1) in ("date_word", "ko", "behind_it", "se")
        before = item_at(row, at - 1)
        led = before is not None and (
            before.text in tables().sets["on"] or before.kind == "weekday"
        )
        if item.value >= FIRST_SURE_ORDINAL or behind or led:
            found = day_of_month(item.value, today)
            return (found, 2 if kind_at(row, at + 1) == "date_word" else 1) if found else None
        return None
    if item.kind == "date_word" and kind_at(row, at + 1) == "num" and not row[at + 1].spelled_out:
        found = day_of_month(row[at + 1].value, today)
        if kind_at(row, at + 2) in ("clock", "meridiem", "unit"):
            return None
        return (found, 2) if found else None
    if item.kind != "num" or not 1 <= item.value <= 31:
        return None
    behind_kind = kind_at(row, at + 1)
    if behind_kind == "date_word":
        found = day_of_month(item.value, today)
        return (found, 2) if found else None
    prose = item.text in tables().sets["number_in_prose"]
    spoken_of = behind_kind == "ko" or (behind_kind == "behind_it" and item.value > 12)
    if spoken_of and not prose and kind_at(row, at - 1) not in ("part", "at", "join"):
        found = day_of_month(item.value, today)
        return (found, 1) if found else None
    if kind_at(row, at - 1) == "weekday" and item.value > 0 and not item.spelled_out:
        found = day_of_month(item.value, today)
        if found and found.first.weekday() == row[at - 1].value:
            return found, 1
    return None


def weekday_after(today: date, weekday: int, weeks: int = 0) -> date:
    """The next such day after today, or with `weeks` that of the calendar week so many later."""
    if not weeks:
        return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    return today + timedelta(days=weekday - today.weekday() + 7 * weeks)


def _weekday(row: Row, at: int, today: date) -> Found:
    """A weekday is the coming one, never today. `next Tuesday` is that of the next calendar week
    (weeks begin on Monday), as most people in India mean it: on a Monday it is eight days off,
    on a Thursday five."""
    which = row[at].value if row[at].kind == "which" else None
    day_at = at + 1 if which else at
    length = day_at + 1 - at
    item = item_at(row, day_at)
    if item is None or not (
        item.kind == "weekday" or (item.kind == "weekday_short" and _short_is_a_day(row, day_at))
    ):
        return None
    weeks = {"next": 1, "next_but_one": 2}.get(which or "", 0)
    if which == "last":
        ahead = (today.weekday() - item.value - 1) % 7 + 1
        return Days(
            "date", today - timedelta(days=ahead), today - timedelta(days=ahead), True
        ), length
    day = weekday_after(today, item.value, weeks)
    return Days("weekday" if not weeks else "date", day, day, False, item.text), length


def _short_is_a_day(row: Row, at: int) -> bool:
    sets = tables().sets
    before, behind = item_at(row, at - 1), item_at(row, at + 1)
    following = " ".join(item.text for item in row[at + 1 : at + 3])
    if following in sets["makes_a_day"] or (
        before and before.kind == "which" and before.text != "is"
    ):
        return True
    if behind is None and before is None:
        return row[at].text in sets["day_before_ko"] or row[at].text == "sun"
    if behind is not None and behind.kind in ("ko", "behind_it", "se", "not_behind"):
        return row[at].text in sets["day_before_ko"]
    near = [behind] if behind else []
    if behind and behind.kind == "join":
        near = [one for one in (item_at(row, at + 2),) if one]
    if before and before.kind == "join":
        near += [one for one in (item_at(row, at - 2),) if one]
    if before:
        near.append(before)
    kinds = {"part", "weekday", "weekday_short", "hours", "clock", "tonight"}
    return any(one.kind in kinds for one in near) or (
        behind is not None and behind.kind == "num" and kind_at(row, at + 2) in _HOUR_BEHIND
    )


def _plain_day(row: Row, at: int, today: date) -> Found:
    item = row[at]
    if item.kind not in ("day", "day_ending"):
        return None
    day = today + timedelta(days=item.value)
    return Days("day", day, day, day < today, item.text), 1


def find(row: Row, at: int, now: datetime) -> Found:
    """The days said from that item on and how many items say it, or None."""
    today = now.date()
    item = row[at]
    if item.kind == "date":
        days = _numeric(item, today)
        return (days, 1) if days else None
    for rule in (_days_and_month, _day_and_month, _ordinal, _weekday, _plain_day):
        found = rule(row, at, today)
        if found:
            return found
    return None


def month_number(name: str) -> int:
    """1 for january."""
    return MONTHS.index(name) + 1
