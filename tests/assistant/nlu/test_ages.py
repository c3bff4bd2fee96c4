"""Ages said of a patient, and numbers that are none."""

from __future__ import annotations

import pytest

from assistant.nlu.ages import age
from assistant.nlu.details import details


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("I am 15 years old", 15),
        ("i am 15", 15),
        ("my son is 9 years old", 9),
        ("book for my 10 year old daughter", 10),
        ("he is 16 and plays football", 16),
        ("age: 14", 14),
        ("patient aged 70", 70),
        ("mera beta 8 saal ka hai", 8),
        ("12 saal ki beti ke liye", 12),
        ("mera 9 saal ka beta", 9),
        ("umar 16", 16),
        ("मैं १५ साल का हूँ", 15),
        ("मेरी बेटी 7 साल की है", 7),
        ("उम्र 12 साल", 12),
    ],
)
def test_an_age_is_heard(text: str, years: int) -> None:
    found = age(text)
    assert found is not None and found.years == years
    assert text[found.start : found.end].strip()
    assert [one.value for one in details(text) if one.entity == "age"] == [years]


@pytest.mark.parametrize(
    "text",
    [
        "8 saal ka dard",
        "pain since 8 years",
        "8 saal ki problem",
        "I am 15 minutes late",
        "i am 2 km away",
        "appointment at 5",
        "10 years experience?",
        "age 200",
        "",
        "call me on 9000000123",
    ],
)
def test_another_number_is_no_age(text: str) -> None:
    assert age(text) is None


@pytest.mark.parametrize(
    ("text", "relation"), [("mother", "mother"), ("main papa hoon", "father"), ("दादी", "guardian")]
)
def test_a_relation_is_heard_where_it_is_the_answer(text: str, relation: str) -> None:
    assert [one.value for one in details(text) if one.entity == "relation"] == [relation]


def test_a_relation_in_a_longer_message_is_no_answer() -> None:
    assert not any(
        one.entity == "relation" for one in details("please call my mother about the booking")
    )
