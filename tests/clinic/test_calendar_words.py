"""Dates, times, rupees and filled answers as patients read them."""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from clinic.calendar_words import say_moment, say_moment_in_a_row, say_rupees, say_time
from clinic.profile import Profile
from clinic.profile_file import load_profile
from clinic.profile_values import LANGUAGES
from clinic.profile_words import faq_answer

PUNE = ZoneInfo("Asia/Kolkata")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Tue 24 Nov, 5:30 pm"),
        ("hi", "मंगल 24 नव॰, शाम 5:30"),
        ("hinglish", "Mangal 24 Nov, shaam 5:30"),
        ("mr", "Tue 24 Nov, 5:30 pm"),
    ],
)
def test_a_moment_in_each_language(language: str, said: str) -> None:
    assert say_moment(datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc), language, PUNE) == said


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Tue 24 Nov, 8:00 am"),
        ("hi", "मंगल 24 नव॰, सुबह 8:00"),
        ("hinglish", "Mangal 24, subah 8:00"),
    ],
)
def test_a_moment_in_a_row_is_whole(language: str, said: str) -> None:
    moment = datetime(2026, 11, 24, 2, 30, tzinfo=timezone.utc)
    assert say_moment_in_a_row(moment, language, PUNE) == said


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_moment_of_a_year_is_too_long_for_a_row(language: str) -> None:
    first = datetime(2026, 12, 1, tzinfo=timezone.utc)
    for half_hours in range(0, 2 * 24 * 366, 7):
        moment = first + timedelta(minutes=30 * half_hours)
        said = say_moment_in_a_row(moment, language, PUNE)
        assert len(said) <= 24, said
        assert said.endswith(say_time(moment.astimezone(PUNE).time(), language))


@pytest.mark.parametrize(
    ("moment", "en", "hi", "hinglish"),
    [
        (time(0, 15), "12:15 am", "रात 12:15", "raat 12:15"),
        (time(8), "8:00 am", "सुबह 8:00", "subah 8:00"),
        (time(12), "12:00 pm", "दोपहर 12:00", "dopahar 12:00"),
        (time(15, 45), "3:45 pm", "दोपहर 3:45", "dopahar 3:45"),
        (time(16), "4:00 pm", "शाम 4:00", "shaam 4:00"),
        (time(20, 30), "8:30 pm", "रात 8:30", "raat 8:30"),
    ],
)
def test_parts_of_the_day(moment: time, en: str, hi: str, hinglish: str) -> None:
    assert [say_time(moment, language) for language in LANGUAGES] == [en, hi, hinglish]


@pytest.mark.parametrize(
    ("paise", "said"),
    [(60000, "₹600"), (0, "₹0"), (11250000, "₹1,12,500"), (60050, "₹600.50"), (5, "₹0.05")],
)
def test_rupees_are_grouped_the_indian_way(paise: int, said: str) -> None:
    assert say_rupees(paise) == said


def test_answers_take_their_figures_from_the_profile(small_profile: Profile) -> None:
    assert faq_answer(small_profile, "price", "en") == (
        "• First assessment (45 min): ₹800\n• Session (40 min): ₹600.50"
    )
    assert faq_answer(small_profile, "timings", "hi") == (
        "सोम–गुरु: सुबह 9:00 – दोपहर 1:00, दोपहर 2:00 – शाम 6:00\n"
        "शुक्र: सुबह 9:00 – दोपहर 1:00\n"
        "शनि–रवि: बंद"
    )


def test_a_topic_that_does_not_exist_is_named(small_profile: Profile) -> None:
    with pytest.raises(KeyError, match="weather"):
        faq_answer(small_profile, "weather", "en")


def test_every_demo_answer_can_be_said_in_every_language() -> None:
    profile = load_profile(Path(__file__).parents[2] / "clinic.yml")
    for topic in profile.faq.__fields__:
        for language in LANGUAGES:
            said = faq_answer(profile, topic, language)
            assert said
            assert "{" not in said, (topic, language)
