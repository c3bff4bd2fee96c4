"""How the tables of examples write a When down."""

from __future__ import annotations

from datetime import datetime
from typing import Callable
from zoneinfo import ZoneInfo

import pytest

from assistant.nlu.when import understand

INDIA = ZoneInfo("Asia/Kolkata")


def notation(text: str, now: datetime) -> str:
    """`11-23..11-29 evening >17:00 <18:00 @17:30 soonest past`, or `-` for nothing.

    A single day stands alone, `11-23..` is from that day on; another year is written out.
    """
    when = understand(text, now.replace(tzinfo=INDIA), INDIA)
    if when is None:
        return "-"
    said = []
    if when.date_from:
        first = _day(when.date_from, now)
        last = _day(when.date_to, now) if when.date_to else ""
        said.append(first if first == last else f"{first}..{last}")
    if when.part:
        said.append(when.part)
    for sign, moment in ((">", when.after), ("<", when.before), ("@", when.at)):
        if moment:
            said.append(f"{sign}{moment:%H:%M}")
    said.extend(name for name in ("soonest", "past") if getattr(when, name))
    return " ".join(said)


def _day(day, now) -> str:
    return day.strftime("%m-%d" if day.year == now.year else "%Y-%m-%d")


@pytest.fixture
def said() -> Callable[[str, datetime], str]:
    return notation
