"""Whether anybody is at the clinic now, and if not, when somebody will be."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Iterator, Optional, Tuple

from sqlalchemy.orm import Session

from clinic.scheduling.rules import Calendar, read_calendar

# the longest closure that is looked past for the next opening
LOOK_AHEAD = timedelta(days=60)


def is_open(session: Session, moment: datetime) -> bool:
    """Whether the clinic is open at an aware moment."""
    return any(opens <= moment < closes for opens, closes in _spans(session, moment, timedelta(0)))


def next_opening(session: Session, moment: datetime) -> Optional[datetime]:
    """When the clinic is open next, UTC: `moment` itself if it is open now.

    None where it does not open in the next sixty days.
    """
    for opens, closes in _spans(session, moment, LOOK_AHEAD):
        if moment < closes:
            return max(opens, moment)
    return None


def _spans(
    session: Session, moment: datetime, ahead: timedelta
) -> Iterator[Tuple[datetime, datetime]]:
    # a day more on each side: the local day is not known before the profile is read
    day = timedelta(days=1)
    calendar: Calendar = read_calendar(
        session, (moment - day).date(), (moment + ahead + day).date()
    )
    today = calendar.local_day(moment)
    for count in range(ahead.days + 1):
        local = today + day * count
        if not calendar.is_closed(local):
            for span in calendar.profile.hours.on(local.weekday()):
                yield calendar.utc(local, span.opens), calendar.utc(local, span.closes)
