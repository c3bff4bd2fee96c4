"""When reminders are due: quiet hours move them earlier, never later, never past the start."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, List, Tuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clinic.profile import Reminders
from clinic.reminders.times import moved_later, quiet_span, reminders_of

PUNE = ZoneInfo("Asia/Kolkata")
RULES = Reminders.parse_obj({})


def at(day: int, clock: str) -> datetime:
    return datetime.combine(datetime(2026, 11, day), time.fromisoformat(clock), PUNE)


def due(starts_at: datetime, rules: Reminders = RULES) -> List[Tuple[str, str]]:
    return [
        (each.kind, each.due_at.astimezone(PUNE).strftime("%d %H:%M"))
        for each in reminders_of(starts_at, rules, PUNE)
    ]


def test_an_afternoon_visit_is_reminded_of_the_day_before_and_the_hour_before() -> None:
    assert due(at(25, "17:30")) == [("day", "24 17:30"), ("hour", "25 16:30")]


@pytest.mark.parametrize("clock", ["07:30", "08:00", "08:59"])
def test_an_early_visit_has_one_reminder_on_the_evening_before(clock: str) -> None:
    assert due(at(25, clock)) == [("day", "24 20:30")]


def test_the_first_visit_after_the_quiet_hours_has_both() -> None:
    assert due(at(25, "09:00")) == [("day", "24 09:00"), ("hour", "25 08:00")]


def test_a_late_visit_is_reminded_of_before_the_quiet_hours() -> None:
    assert due(at(25, "22:30")) == [("day", "24 20:30"), ("hour", "25 20:30")]


def test_quiet_hours_need_not_go_over_midnight() -> None:
    rules = Reminders.parse_obj({"quiet_from": "13:00", "quiet_until": "16:00"})
    assert due(at(25, "16:30"), rules) == [("day", "24 16:30"), ("hour", "25 12:30")]


quiet_hours = st.tuples(st.integers(0, 23), st.integers(1, 16)).map(
    lambda pair: {
        "quiet_from": f"{pair[0]:02}:00",
        "quiet_until": f"{(pair[0] + pair[1]) % 24:02}:00",
    }
)


@given(quiet_hours, st.integers(0, 24 * 60 * 3), st.integers(15, 360))
def test_no_reminder_is_ever_in_the_quiet_hours_or_after_the_start(
    quiet: Any, minutes: int, before: int
) -> None:
    rules = Reminders.parse_obj({**quiet, "hour_before_minutes": before})
    starts_at = at(24, "00:00") + timedelta(minutes=minutes)
    found = reminders_of(starts_at, rules, PUNE)
    assert 1 <= len(found) <= 2
    for each in found:
        assert quiet_span(each.due_at, rules.quiet, PUNE) is None
        assert each.due_at < each.not_after <= starts_at
        assert each.due_at >= starts_at - timedelta(hours=24 + 17)
    assert [each.kind for each in found] in (["day"], ["day", "hour"])


@given(quiet_hours, st.integers(0, 24 * 60))
def test_what_waits_for_the_end_of_the_quiet_hours_is_out_of_them(quiet: Any, minutes: int) -> None:
    rules = Reminders.parse_obj(quiet)
    moment = at(24, "00:00") + timedelta(minutes=minutes)
    later = moved_later(moment, rules.quiet, PUNE)
    assert later >= moment
    assert quiet_span(later, rules.quiet, PUNE) is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"quiet_from": "9 pm"}, "regex"),
        ({"quiet_from": "25:00"}, "regex"),
        ({"quiet_from": "21:00", "quiet_until": "21:00"}, "hardly"),
        ({"quiet_from": "08:00", "quiet_until": "07:00"}, "hardly"),
        ({"nudges_per_course": 99}, "less than or equal"),
    ],
)
def test_rules_that_leave_no_time_to_write_are_refused(values: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Reminders.parse_obj(values)
