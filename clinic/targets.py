"""Response targets: how much opening time is left before a handoff has waited too long.

The clinic promises itself minutes of opening time by priority (`response_targets` in
clinic.yml); a night or a holiday between a message and now counts for nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Dict, List, Optional, Tuple

from sqlalchemy.orm import Session

from clinic.scheduling.rules import read_calendar
from clinic.setup import NoProfile

# nothing waits longer than this without being late, whatever the hours
LOOK_BACK = timedelta(days=30)
Span = Tuple[datetime, datetime]


@dataclass(frozen=True)
class Targets:
    """Minutes by priority, and the clinic's opening spans of the last thirty days up to now."""

    minutes: Dict[str, int]
    spans: List[Span]
    moment: datetime

    def waited_minutes(self, since: datetime) -> float:
        """Minutes of opening time from `since` to now."""
        seconds = 0.0
        for opens, closes in self.spans:
            begins, ends = max(opens, since), min(closes, self.moment)
            if begins < ends:
                seconds += (ends - begins).total_seconds()
        return seconds / 60

    def left(self, priority: str, since: datetime) -> int:
        """Whole minutes of opening time left; below zero is how late it is, at least one."""
        left = self.minutes[priority] - self.waited_minutes(since)
        return math.floor(left) if left >= 0 else min(-1, math.ceil(left))

    def late_before(self, priority: str) -> datetime:
        """Whatever was opened before this moment is late by now."""
        wanted = timedelta(minutes=self.minutes[priority])
        for opens, closes in reversed(self.spans):
            ends = min(closes, self.moment)
            if ends <= opens:
                continue
            if ends - opens > wanted:
                return ends - wanted
            wanted -= ends - opens
        return self.moment - LOOK_BACK


def read_targets(session: Session, moment: datetime) -> Optional[Targets]:
    """The targets as they stand at `moment`; None until a profile was written."""
    try:
        calendar = read_calendar(session, (moment - LOOK_BACK).date(), moment.date())
    except NoProfile:
        return None
    spans: List[Span] = []
    day = calendar.local_day(moment - LOOK_BACK)
    while day <= calendar.local_day(moment):
        if not calendar.is_closed(day):
            for span in calendar.profile.hours.on(day.weekday()):
                spans.append((calendar.utc(day, span.opens), calendar.utc(day, span.closes)))
        day += timedelta(days=1)
    targets = calendar.profile.response_targets
    minutes = {
        "urgent": targets.urgent_minutes,
        "high": targets.high_minutes,
        "normal": targets.normal_minutes,
    }
    return Targets(minutes, spans, moment)
