"""Asking for a physiotherapist by name."""

from __future__ import annotations

import pytest

from actions.clinicians import Named, named_clinician
from clinic.profile import Profile
from tests.conversations.chat import Patient


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("book with Neha tomorrow", Named(code="neha")),
        ("appointment with dr. kulkarni", Named(code="neha")),
        ("arjun sir ke paas appointment chahiye", Named(code="arjun")),
        ("farah ma'am se milna hai", Named(code="farah")),
        ("डॉ नेहा से अपॉइंटमेंट", Named(code="neha")),
        ("अर्जुन के साथ बुक करें", Named(code="arjun")),
        ("book with Dr Mehta", Named(unknown="Mehta")),
        ("Dr. Sharma se appointment", Named(unknown="Sharma")),
        ("डॉ मेहता से मिलना है", Named(unknown="मेहता")),
        ("dr available hai kya", None),
        ("dr kab milenge", None),
        ("with my mother", None),
        ("book for my daughter Neha Sharma", None),
        ("doctor chahiye kal", None),
        ("", None),
    ],
)
def test_who_is_named(demo_profile: Profile, text: str, named: Named | None) -> None:
    assert named_clinician(text, demo_profile) == named


def test_a_name_narrows_the_times(riya: Patient) -> None:
    riya.writes("I want an appointment with Dr Arjun")
    riya.taps("Knee")
    shown = riya.taps("Soonest")
    people = {choice.description for bubble in shown.bubbles for choice in bubble.choices}
    assert "Arjun Deshmukh" in people and "Neha Kulkarni" not in people


def test_a_name_nobody_has_here_is_said(riya: Patient) -> None:
    answer = riya.writes("I want to book an appointment with Dr Mehta")
    assert "Nobody of that name works here." in answer and "Neha Kulkarni" in answer
    assert "What is the visit about?" in answer
