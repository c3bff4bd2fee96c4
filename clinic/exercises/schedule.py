"""When a programme is to be done: pure arithmetic of its days, its times and the clinic's zone."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Any, Iterator, List, Optional, Tuple

# an occasion: the local day, and the local time as it is stored
When = Tuple[date, str]


def times_of(programme: Any) -> List[str]:
    """The times of day, `["07:00", "19:00"]`."""
    return str(programme.times).split(",")


def weekdays_of(programme: Any) -> List[int]:
    """The days of the week, 0 for Monday."""
    return [int(digit) for digit in str(programme.weekdays)]


def is_set(programme: Any, day: date, at: str) -> bool:
    """Whether the programme, as it now stands, has an occasion then."""
    runs = programme.first_day <= day <= programme.last_day
    return runs and day.weekday() in weekdays_of(programme) and at in times_of(programme)


def occasions(programme: Any, first: date, last: date) -> Iterator[When]:
    """Its occasions from one day to another, both included, soonest first."""
    day = max(first, programme.first_day)
    while day <= min(last, programme.last_day):
        if day.weekday() in weekdays_of(programme):
            for at in times_of(programme):
                yield day, at
        day += timedelta(days=1)


def moment_of(day: date, at: str, zone: tzinfo) -> datetime:
    """The moment of an occasion, UTC."""
    return datetime.combine(day, time.fromisoformat(at), zone).astimezone(timezone.utc)


def next_moment(programme: Any, after: datetime, zone: tzinfo) -> Optional[datetime]:
    """The first occasion after a moment; None where there is none any more."""
    today = after.astimezone(zone).date()
    # of any days of the week, one comes within a week of the first that counts
    last = max(today, programme.first_day) + timedelta(days=7)
    moments = (moment_of(day, at, zone) for day, at in occasions(programme, today, last))
    return next((moment for moment in moments if moment > after), None)
