"""Public holidays of the clinic's country and state, by the `holidays` library.

Dates of the lunar calendars are the library's estimates; a clinic that hears otherwise writes
the day under `closures` or the holiday's name under `open_on`.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Dict, List, Optional, Tuple

import holidays

from clinic.profile import Holidays

ESTIMATED = " (estimated)"
# without it the library names them in the language of the machine's LANG, and a name that
# clinic.yml keeps open would be unknown on the next machine
LANGUAGE = "en_US"


@lru_cache(maxsize=64)
def holiday_names(country: str, subdivision: Optional[str], year: int) -> Dict[date, List[str]]:
    """The public holidays of one year; two may fall on one day.

    Raises:
        NotImplementedError: if the library knows no such country or subdivision.
    """
    calendar = holidays.country_holidays(country, subdiv=subdivision, years=year, language=LANGUAGE)
    return {
        day: [name.replace(ESTIMATED, "") for name in calendar.get_list(day)] for day in calendar
    }


def known_names(country: str, subdivision: Optional[str], years: Tuple[int, ...]) -> List[str]:
    """Every name a holiday has in those years, sorted.

    Raises:
        NotImplementedError: as `holiday_names`.
    """
    names = {
        name
        for year in years
        for on_one_day in holiday_names(country, subdivision, year).values()
        for name in on_one_day
    }
    return sorted(names)


def is_public_holiday(rules: Optional[Holidays], day: date) -> bool:
    """Whether the clinic is closed on `day` for a public holiday that it keeps."""
    if rules is None:
        return False
    names = holiday_names(rules.country, rules.subdivision, day.year).get(day, [])
    return any(name not in rules.open_on for name in names)
