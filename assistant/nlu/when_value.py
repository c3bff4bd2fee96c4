"""When a patient means, as far as the words of one message say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, Dict, List, Mapping, Optional, Tuple

PARTS = ("morning", "afternoon", "evening")

Span = Tuple[int, int]


@dataclass(frozen=True)
class When:
    """A day or days, a part of the day, bounds of the clock: what is None was not said.

    Dates and times are the clinic's local ones. `date_to` None beside a `date_from` means from
    that day on. `after` and `before` bound the start of the visit, both inclusive; `at` is the
    hour itself. `soonest` asks for the first free place. `past` says that the words name a day or
    a moment that is over. `spans` are the characters (start, end) of the message that say it.
    """

    date_from: Optional[date] = None
    date_to: Optional[date] = None
    part: Optional[str] = None
    after: Optional[time] = None
    before: Optional[time] = None
    at: Optional[time] = None
    soonest: bool = False
    past: bool = False
    spans: List[Span] = field(default_factory=list)

    def to_json(self) -> Dict[str, Any]:
        """Dates as `2026-11-24`, times as `17:30`, spans as lists."""
        return {
            "date_from": self.date_from.isoformat() if self.date_from else None,
            "date_to": self.date_to.isoformat() if self.date_to else None,
            "part": self.part,
            "after": _clock(self.after),
            "before": _clock(self.before),
            "at": _clock(self.at),
            "soonest": self.soonest,
            "past": self.past,
            "spans": [list(span) for span in self.spans],
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> When:
        """The value `to_json` wrote. Raises KeyError or ValueError on anything else."""
        part = written["part"]
        if part is not None and part not in PARTS:
            raise ValueError("not a part of the day")
        return cls(
            date_from=_date(written["date_from"]),
            date_to=_date(written["date_to"]),
            part=part,
            after=_time(written["after"]),
            before=_time(written["before"]),
            at=_time(written["at"]),
            soonest=bool(written["soonest"]),
            past=bool(written["past"]),
            spans=[(int(start), int(end)) for start, end in written["spans"]],
        )


def _clock(moment: Optional[time]) -> Optional[str]:
    return moment.isoformat(timespec="minutes") if moment else None


def _date(written: Optional[str]) -> Optional[date]:
    return date.fromisoformat(written) if written else None


def _time(written: Optional[str]) -> Optional[time]:
    return time.fromisoformat(written) if written else None
