"""Ages said of a patient, and numbers that are none."""

from __future__ import annotations

import pytest

from assistant.nlu.ages import MINOR, age, may_be_minor
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
    "text",
    [
        "I am in class 9",
        "i m in class 9",
        "my daughter is in 8th standard, can she come?",
        "10th class student",
        "she is in 5th grade",
        "meri beti school me hai 8th me",
        "main 10vi me hoon",
        "main 10th me hoon",
        "mera beta 7th me hai",
        "class 9 ka student hoon",
        "mera bhai class 6 me padhta hai",
        "dasvi mein padhta hoon",
        "beta school jata hai",
        "school going child",
        "mummy ke phone se message kar raha hoon",
        "papa ke number se likh rahi hu",
        "I am writing from my mom's phone",
        "this is my father's number",
        "मैं दसवीं में हूँ",
        "मैं 9वीं कक्षा में पढ़ता हूँ",
        "मेरी बेटी स्कूल में है",
        "मम्मी के फ़ोन से लिख रहा हूँ",
    ],
)
def test_who_seems_to_be_a_child_without_an_age(text: str) -> None:
    place = may_be_minor(text)
    assert place is not None and text[slice(*place)].strip()
    assert [one.value for one in details(text) if one.entity == "age"] == [MINOR]


@pytest.mark.parametrize(
    "text",
    [
        "grade 2 sprain",
        "2nd grade tear",
        "I am a class 9 teacher",
        "main school me padhati hoon",
        "yoga class 6 pm",
        "the clinic is near the school",
        "main 10th ko aaunga",
        "5th floor",
        "appointment on the 9th",
        "first class treatment!",
        "my mother's phone is 9000000123",
        "mummy ke liye appointment",
        "papa ka number save kar lo",
        "second time in pain",
        "school ke paas clinic hai kya",
        "8 saal ka dard",
        "",
    ],
)
def test_what_does_not_make_a_child(text: str) -> None:
    assert may_be_minor(text) is None


def test_an_age_counts_more_than_a_class() -> None:
    text = "I am 19 years old, writing from my mom's phone"
    assert [one.value for one in details(text) if one.entity == "age"] == [19]


@pytest.mark.parametrize(
    ("text", "relation"), [("mother", "mother"), ("main papa hoon", "father"), ("दादी", "guardian")]
)
def test_a_relation_is_heard_where_it_is_the_answer(text: str, relation: str) -> None:
    assert [one.value for one in details(text) if one.entity == "relation"] == [relation]


def test_a_relation_in_a_longer_message_is_no_answer() -> None:
    assert not any(
        one.entity == "relation" for one in details("please call my mother about the booking")
    )
