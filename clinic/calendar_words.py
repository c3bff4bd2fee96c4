"""Dates, times and rupees as people read them, in English, Hindi and Hinglish.

English and Hindi come from CLDR by way of babel; Hinglish, which CLDR does not know, from the
authored table `words/hinglish_dates.yml`. Figures are Western digits in all three, as phones
and bills in India have them.
"""

from __future__ import annotations

from datetime import date, datetime, time, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date, format_time, get_period_id, get_period_names
from babel.numbers import format_currency
from ruamel.yaml import YAML

from clinic.bubbles import LIST_ROW_TITLE

WORDS = Path(__file__).parent / "words"
_LOCALES = {"en": Locale("en", "IN"), "hi": Locale("hi", "IN")}


@lru_cache(maxsize=8)
def word_table(name: str) -> Any:
    """The authored table `words/<name>.yml`."""
    return YAML(typ="safe", pure=True).load(WORDS / f"{name}.yml")


def say_weekday(weekday: int, language: str) -> str:
    """A weekday, 0 being Monday: 'Tue', 'मंगल', 'Mangal'."""
    if language == "hinglish":
        return str(word_table("hinglish_dates")["weekdays"][weekday])
    return str(_locale(language).days["format"]["abbreviated"][weekday])


@lru_cache(maxsize=1024)
def say_day(day: date, language: str) -> str:
    """A day: 'Tue 24 Nov', 'मंगल 24 नव॰', 'Mangal 24 Nov'."""
    if language == "hinglish":
        month = word_table("hinglish_dates")["months"][day.month - 1]
        return f"{say_weekday(day.weekday(), language)} {day.day} {month}"
    return str(format_date(day, "EEE d MMM", locale=_locale(language)))


@lru_cache(maxsize=1024)
def say_time(moment: time, language: str) -> str:
    """A time of day: '5:30 pm', 'शाम 5:30', 'shaam 5:30'."""
    if language not in ("hi", "hinglish"):
        return str(format_time(moment, "h:mm a", locale=_locale("en")))
    clock = format_time(moment, "h:mm", locale=_LOCALES["hi"])
    # type="selection" has no special words for noon and midnight, which people do not use here
    period = get_period_id(moment, type="selection", locale=_LOCALES["hi"])
    if language == "hinglish":
        return f"{word_table('hinglish_dates')['parts_of_day'][period]} {clock}"
    names = get_period_names("abbreviated", "format", _LOCALES["hi"])
    return f"{names[period]} {clock}"


def say_moment(moment: datetime, language: str, zone: tzinfo) -> str:
    """An aware moment in the clinic's zone: 'Tue 24 Nov, 5:30 pm'."""
    local = moment.astimezone(zone)
    return f"{say_day(local.date(), language)}, {say_time(local.time(), language)}"


def say_moment_in_a_row(moment: datetime, language: str, zone: tzinfo) -> str:
    """The same for a row of a list, which shows 24 characters: without the month where that is too
    long ('Mangal 24, subah 8:00'), for cut at its end it would be another time or none.
    """
    said = say_moment(moment, language, zone)
    if len(said) <= LIST_ROW_TITLE:
        return said
    local = moment.astimezone(zone)
    weekday = say_weekday(local.weekday(), language)
    return f"{weekday} {local.day}, {say_time(local.time(), language)}"


def say_rupees(paise: int) -> str:
    """An amount of paise: '₹600', '₹1,12,500', '₹600.50'."""
    rupees, rest = divmod(paise, 100)
    if rest:
        return str(format_currency(paise / 100, "INR", "¤#,##,##0.00", locale=_LOCALES["en"]))
    pattern = "¤#,##,##0"
    return str(
        format_currency(rupees, "INR", pattern, locale=_LOCALES["en"], currency_digits=False)
    )


def _locale(language: str) -> Locale:
    return _LOCALES.get(language, _LOCALES["en"])
