"""What Rasa is given to read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.whatsapp.commands import LONGEST_READ, harmless_text, parse_payload, tap_parse_data

FORBIDDEN = st.sampled_from(["/", "EXTERNAL:", "external :", " ", "\n", "\x00", "\u00a0", "a", "{"])


@given(st.one_of(st.text(), st.lists(FORBIDDEN).map("".join)))
def test_no_text_is_a_command_to_rasa(typed):
    read = harmless_text(typed)
    assert not read.startswith("/")
    assert not read.upper().startswith("EXTERNAL:")
    assert read == read.strip()
    assert len(read) <= LONGEST_READ
    assert "\x00" not in read


@given(st.text())
def test_a_harmless_text_is_read_as_it_is(typed):
    assert harmless_text(harmless_text(typed)) == harmless_text(typed)


def test_what_stands_at_the_end_of_a_long_text_is_read():
    assert harmless_text("where is it? " * 400 + "chest pain").endswith("chest pain")


@pytest.mark.parametrize("text", ["5/6", "and/or", "http://x.y", "नमस्ते", "my EXTERNAL: ear"])
def test_marks_inside_a_text_stay(text):
    assert harmless_text(text) == text


@pytest.mark.parametrize(
    ("payload", "meaning"),
    [
        ("/book", ("book", {})),
        ('/inform{"day": "2026-11-24"}', ("inform", {"day": "2026-11-24"})),
        ('/inform{"a": {"b": [1]}}', ("inform", {"a": {"b": [1]}})),
        ("/inform{}", ("inform", {})),
        ("/inform{broken", None),
        ("/inform{broken}", None),
        ("/inform[1]", None),
        ("book", None),
        ("more:{}", None),
        ("/Book me", None),
        ("", None),
    ],
)
def test_a_payload_means(payload, meaning):
    assert parse_payload(payload) == meaning


def test_a_tap_is_certain_and_marked():
    parse = tap_parse_data("Tuesday", "inform", {"day": "2026-11-24"})
    assert parse["intent"] == {"name": "inform", "confidence": 1.0}
    assert parse["tap"] is True
    assert [(e["entity"], e["value"]) for e in parse["entities"]] == [("day", "2026-11-24")]
