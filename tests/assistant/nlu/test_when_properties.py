"""What holds of `understand` for any text at any moment."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assistant.nlu import when_days
from assistant.nlu.when import understand
from assistant.nlu.when_value import When
from assistant.nlu.when_words import tables

INDIA = ZoneInfo("Asia/Kolkata")

moments = st.datetimes(
    datetime(2024, 1, 1), datetime(2035, 12, 31), timezones=st.just(timezone.utc)
)
known = sorted({" ".join(one.words) for row in tables().phrases.values() for one in row})
pieces = st.one_of(
    st.sampled_from(known),
    st.integers(0, 40).map(str),
    st.sampled_from(["24/11", "31/2", "5:30", "24th", "2026-11-24", "1/1/30", ",", ".", "-", "२४"]),
    st.text(max_size=4),
)
messages = st.one_of(st.text(max_size=200), st.lists(pieces, max_size=9).map(" ".join))


@settings(max_examples=1500, deadline=None)
@given(messages, moments)
@example("0001-1-1 FIRDAY1KE BEACH", datetime(2027, 1, 1, tzinfo=timezone.utc))
def test_any_text_is_understood_or_not_without_a_stumble(text, now):
    when = understand(text, now, INDIA)
    if when is None:
        return
    today = now.astimezone(INDIA).date()
    if when.date_from is not None and not when.past:
        assert when.date_from >= today
    if when.date_to is not None:
        assert when.date_from is not None
        assert when.date_from <= when.date_to
    assert when.part in (None, "morning", "afternoon", "evening")
    assert when.spans, "what was understood stands somewhere"
    ends = [0]
    for start, end in when.spans:
        assert ends[-1] <= start < end <= len(text)
        ends.append(end)
    assert When.from_json(json.loads(json.dumps(when.to_json()))) == when


def test_the_clinics_day_counts_not_the_servers():
    late_in_london = datetime(2026, 11, 22, 20, 0, tzinfo=timezone.utc)
    when = understand("kal", late_in_london, INDIA)
    assert when is not None
    assert when.date_from == (late_in_london + timedelta(days=2)).date()


def test_spans_are_places_in_the_text_as_written():
    text = "Mujhe KAL  शाम को  5:30 ke baad aana hai"
    when = understand(text, datetime(2026, 11, 22, 12, 0, tzinfo=INDIA), INDIA)
    assert when is not None
    assert [text[start:end] for start, end in when.spans] == ["KAL", "शाम", "5:30 ke baad"]


@pytest.mark.parametrize("field", ["date_from", "at", "part"])
def test_a_spoilt_value_is_refused(field):
    written = When().to_json()
    written[field] = "never"
    with pytest.raises(ValueError):
        When.from_json(written)


def test_only_a_written_date_wakes_dateparser(monkeypatch):
    def asleep(piece):
        raise AssertionError("dateparser was asked")

    monkeypatch.setattr(when_days, "written_date", asleep)
    now = datetime(2026, 11, 22, 12, 0, tzinfo=INDIA)
    for text in ("kal shaam 5 ke baad", "next tuesday 5-6 pm", "14 tareekh", "my knee hurts"):
        understand(text, now, INDIA)
    with pytest.raises(AssertionError, match="dateparser"):
        understand("24 nov", now, INDIA)


def test_a_very_long_message_is_read_at_its_beginning():
    now = datetime(2026, 11, 22, 12, 0, tzinfo=INDIA)
    assert understand("bla " * 5000 + "kal", now, INDIA) is None
    assert understand("kal " + "bla " * 5000, now, INDIA) is not None
