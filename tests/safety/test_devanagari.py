"""Hinglish is read as the Hindi it is; everything else as it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.embedding import shared_embedder
from safety.normalise import clean

READ = shared_embedder().as_read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("kal shaam ko aana hai", "कल शाम को आना है"),
        ("kl shaam ko aana h", "कल शाम को आना है"),
        ("ghutne mein dard hai", "घुटने में दर्द है"),
        ("gutne me drd he", "घुटने में दर्द है"),
        ("mera slot 5 baje se 6:30 kar do!", "मेरा slot 5 बजे से 6:30 कर दो!"),
        ("session late ho gaya", "session लेट हो गया"),
        ("2baje aau?", "2बजे आऊं?"),
    ],
)
def test_hinglish_is_read_in_devanagari(written: str, read: str) -> None:
    assert READ(written) == read


@pytest.mark.parametrize(
    "text",
    [
        "can I come in the morning",
        "the pain is in my knee, is it bad",
        "कल शाम को आना है",
        "Ravi Kumar",
        "ok",
        "5 pm",
        "",
    ],
)
def test_what_is_not_hinglish_is_read_as_it_stands(text: str) -> None:
    assert READ(text) == clean(text)


@given(st.text(max_size=60))
def test_reading_twice_changes_nothing_more(text: str) -> None:
    once = READ(text)
    assert READ(once) == once


def test_hinglish_means_what_its_hindi_means() -> None:
    hinglish, hindi, other = shared_embedder().embed(
        ["mujhe kal aana hai", "मुझे कल आना है", "आपकी फीस कितनी है"]
    )
    assert hinglish @ hindi > 1.9 > hinglish @ other
