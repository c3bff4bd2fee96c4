"""Faults between the values of a profile: codes that name nothing, hours that do not fit.

Each check looks only at the sections it needs, so that one faulty section does not hide what
is wrong in another.
"""

from __future__ import annotations

import difflib
import itertools
import zoneinfo
from datetime import date
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple, Union

from babel import Locale

from clinic.bubbles import LIST_ROW_TITLE
from clinic.profile import CATEGORY_CODES, Profile
from clinic.profile_values import LANGUAGES, WEEKDAYS, Week
from clinic.profile_words import PLACEHOLDER, PLACEHOLDERS, faq_answer
from clinic.public_holidays import known_names

# https://developers.facebook.com/docs/whatsapp/cloud-api/messages/interactive-reply-buttons-messages
BODY_WITH_BUTTONS = 1024

Path = Tuple[Union[str, int], ...]
Fault = Tuple[Path, str]
Sections = Dict[str, Any]


def did_you_mean(word: str, known: Iterable[str], shape: str = "'{}'") -> str:
    """A hint such as "; did you mean 'minutes'?", empty where nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {shape.format(near[0])}?" if near else ""


def cross_faults(sections: Sections) -> List[Fault]:
    """The faults between sections; `sections` holds those that are sound in themselves."""
    return [fault for check in _CHECKS for fault in check(sections)]


def _unknown(path: Path, what: str, word: str, known: Iterable[str]) -> Fault:
    return path, f"no {what} is called '{word}'{did_you_mean(word, known)}"


def _duplicates(sections: Sections) -> Iterator[Fault]:
    for section in ("services", "clinicians", "categories"):
        seen: Dict[str, int] = {}
        for position, item in enumerate(sections.get(section, [])):
            if item.code in seen:
                yield (
                    (section, position, "code"),
                    f"'{item.code}' is already used by {section}[{seen[item.code]}]",
                )
            seen.setdefault(item.code, position)
    days = [closure.day for closure in sections.get("closures", [])]
    for position, day in enumerate(days):
        if day in days[:position]:
            yield ("closures", position, "day"), f"{day} is listed twice"


def _codes(sections: Sections) -> Iterator[Fault]:
    services = [service.code for service in sections.get("services", [])]
    clinicians = [person.code for person in sections.get("clinicians", [])]
    for position, person in enumerate(sections.get("clinicians", [])):
        for place, code in enumerate(person.services):
            if services and code not in services:
                where: Path = ("clinicians", position, "services", place)
                yield _unknown(where, "service", code, services)
    for position, category in enumerate(sections.get("categories", [])):
        if category.code not in CATEGORY_CODES:
            where = ("categories", position, "code")
            yield _unknown(where, "category", category.code, CATEGORY_CODES)
        for place, code in enumerate(category.clinicians):
            if clinicians and code not in clinicians:
                where = ("categories", position, "clinicians", place)
                yield _unknown(where, "clinician", code, clinicians)


def _bookable(sections: Sections) -> Iterator[Fault]:
    if "services" not in sections or "clinicians" not in sections:
        return
    offered = {code for person in sections["clinicians"] for code in person.services}
    for position, service in enumerate(sections["services"]):
        if service.code not in offered:
            yield ("services", position, "code"), f"no clinician offers '{service.code}'"
    if not any(service.new_patients for service in sections["services"]):
        yield ("services",), "no service has new_patients: true, so a new patient can book nothing"


def _week_overlaps(week: Week, path: Path) -> Iterator[Fault]:
    for weekday in range(7):
        spans = week.on(weekday)
        for earlier, later in itertools.pairwise(spans):
            if earlier.overlaps(later):
                yield (*path, WEEKDAYS[weekday]), f"{earlier} and {later} overlap"


def _hours(sections: Sections) -> Iterator[Fault]:
    hours: Optional[Week] = sections.get("hours")
    if hours is not None:
        yield from _week_overlaps(hours, ("hours",))
    for position, person in enumerate(sections.get("clinicians", [])):
        path: Path = ("clinicians", position, "availability")
        yield from _week_overlaps(person.availability, path)
        if hours is not None:
            yield from _outside(hours, person.availability, path)


def _outside(hours: Week, availability: Week, path: Path) -> Iterator[Fault]:
    for weekday, name in enumerate(WEEKDAYS):
        opening = hours.on(weekday)
        for span in availability.on(weekday):
            if not any(whole.holds(span) for whole in opening):
                said = ", ".join(opening) or "closed"
                yield (*path, name), f"{span} is outside the opening hours ({said})"


def _lengths(sections: Sections) -> Iterator[Fault]:
    for section in ("services", "clinicians", "categories"):
        for position, item in enumerate(sections.get(section, [])):
            for language in LANGUAGES:
                length = len(item.name.said_in(language))
                written = getattr(item.name, language) is not None
                if written and length > LIST_ROW_TITLE:
                    yield (
                        (section, position, "name", language),
                        f"has {length} characters; WhatsApp shows at most {LIST_ROW_TITLE} "
                        "in a list",
                    )


def _languages(sections: Sections) -> Iterator[Fault]:
    for position, language in enumerate(sections.get("languages", [])):
        if language not in LANGUAGES:
            yield _unknown(("languages", position), "language", language, LANGUAGES)
    known = Locale("en").languages
    for position, person in enumerate(sections.get("clinicians", [])):
        for place, language in enumerate(person.languages):
            if language not in known:
                yield (
                    ("clinicians", position, "languages", place),
                    f"'{language}' is not a language code such as 'en', 'hi' or 'mr'",
                )


def _placeholders(sections: Sections) -> Iterator[Fault]:
    faq = sections.get("faq")
    if faq is None:
        return
    for topic in faq.__fields__:
        for language in LANGUAGES:
            text = getattr(faq, topic).said_in(language)
            names = PLACEHOLDER.findall(text)
            for name in names:
                if name not in PLACEHOLDERS:
                    hint = did_you_mean(name, PLACEHOLDERS, "{{{}}}")
                    yield ("faq", topic, language), f"unknown placeholder {{{name}}}{hint}"
            if "{" in PLACEHOLDER.sub("", text) or "}" in PLACEHOLDER.sub("", text):
                yield ("faq", topic, language), "has a brace that is not part of a {placeholder}"
            services = sections.get("services", [])
            if "home_visit_fees" in names and not any(item.home_visit for item in services):
                yield (
                    ("faq", topic, language),
                    "says {home_visit_fees}, but no service has home_visit: true",
                )


def _zone_and_holidays(sections: Sections) -> Iterator[Fault]:
    zone = sections.get("time_zone")
    if zone is not None:
        try:
            zoneinfo.ZoneInfo(zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            hint = did_you_mean(zone, zoneinfo.available_timezones())
            yield ("time_zone",), f"'{zone}' is not a time zone{hint}"
    rules = sections.get("holidays")
    if rules is None:
        return
    this_year = date.today().year
    try:
        names = known_names(
            rules.country, rules.subdivision, tuple(range(this_year, this_year + 3))
        )
    except NotImplementedError:
        where = f"{rules.country}/{rules.subdivision}" if rules.subdivision else rules.country
        yield ("holidays", "country"), f"no holidays are known for {where}"
        return
    for position, name in enumerate(rules.open_on):
        if name not in names:
            yield _unknown(("holidays", "open_on", position), "public holiday", name, names)


def length_faults(profile: Profile) -> List[Fault]:
    """Answers that are too long for WhatsApp once their placeholders are filled."""
    faults: List[Fault] = []
    for topic in profile.faq.__fields__:
        for language in LANGUAGES:
            length = len(faq_answer(profile, topic, language))
            if length > BODY_WITH_BUTTONS:
                what = f"is {length} characters long once filled; at most {BODY_WITH_BUTTONS} fit"
                faults.append((("faq", topic, language), what))
    return faults


_CHECKS: Tuple[Callable[[Sections], Iterator[Fault]], ...] = (
    _duplicates,
    _codes,
    _bookable,
    _hours,
    _lengths,
    _languages,
    _placeholders,
    _zone_and_holidays,
)
