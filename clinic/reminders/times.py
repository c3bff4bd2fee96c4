"""When reminders of a visit go: pure arithmetic of its start, the clinic's rules and its zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone, tzinfo
from typing import List, Optional, Tuple

from clinic.profile import Reminders

DAY, HOUR = "day", "hour"
DAY_BEFORE = timedelta(hours=24)
# what moves before the quiet hours goes so long before they begin, for a queue takes its time
BEFORE_QUIET = timedelta(minutes=30)


@dataclass(frozen=True)
class Due:
    """One reminder: when it is due, and when it would be too late."""

    kind: str
    due_at: datetime
    not_after: datetime


def quiet_span(
    moment: datetime, quiet: Tuple[time, time], zone: tzinfo
) -> Optional[Tuple[datetime, datetime]]:
    """The quiet hours around `moment`, [from, until) in UTC; None where it is in none."""
    begins, ends = quiet
    local = moment.astimezone(zone)
    for back in (0, 1):
        day = local.date() - timedelta(days=back)
        start = datetime.combine(day, begins, zone)
        over_midnight = timedelta(days=1) if ends <= begins else timedelta(0)
        end = datetime.combine(day + over_midnight, ends, zone)
        if start <= local < end:
            return start.astimezone(timezone.utc), end.astimezone(timezone.utc)
    return None


def moved_earlier(moment: datetime, quiet: Tuple[time, time], zone: tzinfo) -> datetime:
    """`moment`, or where that is in the quiet hours, shortly before they begin."""
    span = quiet_span(moment, quiet, zone)
    return moment if span is None else span[0] - BEFORE_QUIET


def moved_later(moment: datetime, quiet: Tuple[time, time], zone: tzinfo) -> datetime:
    """`moment`, or where that is in the quiet hours, their end."""
    span = quiet_span(moment, quiet, zone)
    return moment if span is None else span[1]


def reminders_of(starts_at: datetime, rules: Reminders, zone: tzinfo) -> List[Due]:
    """The reminders of a visit that starts then, also those whose time has passed.

    One the day before and one the hour before. Where the quiet hours move the second to the
    evening before, the two are one, and that evening is its time. The first is too late once
    the second is due, the second once the visit begins.
    """
    start = starts_at.astimezone(timezone.utc)
    hour = moved_earlier(start - timedelta(minutes=rules.hour_before_minutes), rules.quiet, zone)
    if hour.astimezone(zone).date() < start.astimezone(zone).date():
        return [Due(DAY, hour, start)]
    day = moved_earlier(start - DAY_BEFORE, rules.quiet, zone)
    return [Due(DAY, day, hour), Due(HOUR, hour, start)]
