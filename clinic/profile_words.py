"""What stands in place of `{hours}`, `{fees}` and the like in an answer of the profile."""

from __future__ import annotations

import re
from typing import Callable, Dict, List, Tuple

import phonenumbers

from clinic.calendar_words import say_rupees, say_time, say_weekday, word_table
from clinic.profile import Profile, Service

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def faq_answer(profile: Profile, topic: str, language: str) -> str:
    """The clinic's answer on a topic of `Faq`, filled.

    Raises:
        KeyError: if there is no such topic.
    """
    if topic not in profile.faq.__fields__:
        raise KeyError(topic)
    return fill(getattr(profile.faq, topic).said_in(language), profile, language)


def fill(text: str, profile: Profile, language: str) -> str:
    """`text` with every placeholder filled from the profile.

    Raises:
        KeyError: if a placeholder is not one of `PLACEHOLDERS`.
    """
    return PLACEHOLDER.sub(lambda found: PLACEHOLDERS[found[1]](profile, language), text).strip()


def map_link(profile: Profile, language: str = "en") -> str:
    """An https address that opens the clinic's pin in whatever maps app the phone has.

    The form is Google's documented Maps URL, which needs no key.
    """
    return f"https://www.google.com/maps/search/?api=1&query={profile.pin.lat},{profile.pin.lon}"


def _hours(profile: Profile, language: str) -> str:
    # neighbouring days with the same hours are said together: 'Mon–Fri 9:00 am – 1:00 pm'
    runs: List[Tuple[int, int, str]] = []
    for weekday in range(7):
        spans = ", ".join(
            f"{say_time(span.opens, language)} – {say_time(span.closes, language)}"
            for span in profile.hours.on(weekday)
        )
        said = spans or _word("closed", language)
        if runs and runs[-1][2] == said:
            runs[-1] = (runs[-1][0], weekday, said)
        else:
            runs.append((weekday, weekday, said))
    return "\n".join(f"{_days(first, last, language)}: {said}" for first, last, said in runs)


def _days(first: int, last: int, language: str) -> str:
    begins = say_weekday(first, language)
    return begins if first == last else f"{begins}–{say_weekday(last, language)}"


def _word(name: str, language: str) -> str:
    return str(word_table("profile")[name][language])


def _fee_lines(services: List[Service], language: str) -> str:
    return "\n".join(
        f"• {service.name.said_in(language)} ({service.minutes} {_word('minutes', language)}): "
        f"{say_rupees(service.fee_paise)}"
        for service in services
    )


def _durations(profile: Profile, language: str) -> str:
    return "\n".join(
        f"• {service.name.said_in(language)}: {service.minutes} {_word('minutes', language)}"
        for service in profile.services
    )


def _clinicians(profile: Profile, language: str) -> str:
    return "\n".join(
        f"• {person.name.said_in(language)}, {person.title.said_in(language)} "
        f"({person.qualification})"
        for person in profile.clinicians
    )


def _phone(profile: Profile, language: str) -> str:
    number = phonenumbers.parse(profile.phone)
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL))


def _home_visit_fees(profile: Profile, language: str) -> str:
    return _fee_lines([service for service in profile.services if service.home_visit], language)


def _first_visit(profile: Profile, language: str) -> str:
    return _fee_lines(profile.services_for(new_patient=True)[:1], language)


def _cancel_notice(profile: Profile, language: str) -> str:
    return f"{profile.booking.cancel_notice_hours} {_word('hours', language)}"


PLACEHOLDERS: Dict[str, Callable[[Profile, str], str]] = {
    "clinic": lambda profile, language: profile.name.said_in(language),
    "address": lambda profile, language: profile.address.said_in(language),
    "map_link": map_link,
    "phone": _phone,
    "hours": _hours,
    "fees": lambda profile, language: _fee_lines(profile.services, language),
    "home_visit_fees": _home_visit_fees,
    "durations": _durations,
    "first_visit": _first_visit,
    "clinicians": _clinicians,
    "cancel_notice": _cancel_notice,
}
