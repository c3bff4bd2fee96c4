"""Labels and long texts are cut where a reader would cut them."""

from __future__ import annotations

import time

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.whatsapp.cutting import shorten, split_text

FAMILY = "👨‍👩‍👧‍👦"  # one character of seven code points
CONJUNCT = "क्ष"  # one character of three code points


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("Book", 20, "Book"),
        ("x" * 20, 20, "x" * 20),
        ("x" * 21, 20, "x" * 19 + "…"),
        ("Reschedule appointment", 20, "Reschedule…"),
        ("Book an appointment now", 20, "Book an appointment…"),
        ("Book an appointments", 20, "Book an appointments"),
        ("Tuesday, 4 March at 10", 20, "Tuesday, 4 March at…"),
        ("Knee, hip and ankle pain", 6, "Knee…"),
        ("A Thiruvananthapuram centre", 20, "A Thiruvananthapura…"),
        ("अपॉइंटमेंट बदलना चाहते हैं", 20, "अपॉइंटमेंट बदलना…"),
        # क्षत्रिय is क्ष + त्रि + य: three characters, eight code points
        ("क्षत्रियक्षत्रिय", 5, "क्ष…"),
        ("क्षत्रियक्षत्रिय", 8, "क्षत्रि…"),
        (CONJUNCT * 7, 20, CONJUNCT * 6 + "…"),
        ("ज्ञान" * 5, 20, "ज्ञान" * 3 + "ज्ञा…"),
        (FAMILY * 3, 20, FAMILY * 2 + "…"),
        (FAMILY + "x" * 20, 9, FAMILY + "x…"),
        ("🇮🇳" * 11, 20, "🇮🇳" * 9 + "…"),
        ("👍🏽" * 11, 20, "👍🏽" * 9 + "…"),
        ("e\u0301" * 11, 20, "e\u0301" * 9 + "…"),
        ("1️⃣" * 8, 20, "1️⃣" * 6 + "…"),
    ],
)
def test_labels(text: str, limit: int, expected: str) -> None:
    assert shorten(text, limit) == expected
    assert len(expected) <= limit


ALPHABET = "ab .\nकखषरि्ािंॉ़\u200d\u0301👨👩🏽🇮🇳"


@given(st.text(alphabet=ALPHABET, max_size=80), st.integers(min_value=8, max_value=40))
@settings(deadline=None)
def test_a_label_is_a_beginning_within_the_limit_of_whole_characters(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    if len(text) <= limit:
        assert short == text
        return
    kept = short.removesuffix("…")
    assert text.startswith(kept)
    characters = regex.findall(r"\X", text)
    if len(characters[0]) < limit and kept:
        whole = regex.findall(r"\X", kept)
        assert whole == characters[: len(whole)]


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("", 10, []),
        ("   \n ", 10, []),
        ("short", 10, ["short"]),
        ("x" * 10, 10, ["x" * 10]),
        ("x" * 11, 10, ["x" * 10, "x"]),
        ("first part\n\nsecond one", 15, ["first part", "second one"]),
        ("one two\nthree four", 12, ["one two", "three four"]),
        ("Come early. Bring papers.", 16, ["Come early.", "Bring papers."]),
        ("समय पर आएँ। रिपोर्ट लाएँ।", 16, ["समय पर आएँ।", "रिपोर्ट लाएँ।"]),
        ("seven words without any stop at all", 12, ["seven words", "without any", "stop at all"]),
        (CONJUNCT * 5, 10, [CONJUNCT * 3, CONJUNCT * 2]),
        (FAMILY * 3, 15, [FAMILY * 2, FAMILY]),
        ("a" + "\u0301" * 30, 10, ["a" + "\u0301" * 9, "\u0301" * 10, "\u0301" * 10, "\u0301"]),
    ],
)
def test_long_texts(text: str, limit: int, pieces: list[str]) -> None:
    assert split_text(text, limit) == pieces


@given(st.text(alphabet=ALPHABET + "cdefg,!?", max_size=400), st.integers(5, 60))
@settings(deadline=None)
def test_no_word_is_lost_between_the_pieces(text: str, limit: int) -> None:
    pieces = split_text(text, limit)
    assert all(0 < len(piece) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_a_text_of_marks_is_cut_as_fast_as_any_other() -> None:
    """20,000 viramas took ten seconds where every one of them was tried with every other."""
    started = time.process_time()
    split_text("क" + "्" * 20_000, 4096)
    shorten("क" + "्" * 20_000, 20)
    assert time.process_time() - started < 2
