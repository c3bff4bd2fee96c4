"""Home exercises: when they go, and by which facts of that moment."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Callable

import pytest

from clinic import consent
from clinic.bubbles import Choices, Template
from clinic.database import Database
from clinic.exercises import DraftExercise
from clinic.exercises.programmes import change, pause, resume
from clinic.exercises.schedule import next_moment
from clinic.exercises.writing import shown_bubbles
from clinic.handoffs import open_handoff
from clinic.models import Contact, ExerciseProgramme
from clinic.setup import write_profile
from clinic.texts import domain_texts
from tests.clinic.conftest import PUNE
from tests.clinic.exercises import (
    STEPS,
    a_programme,
    acts,
    draft,
    ended,
    fate,
    first,
    occasions,
    programme,
    set_to_other_times,
)
from tests.reminding import approve_templates, begun, claimed, send_due, wrote
from worker.planning import plan_ahead

Local = Callable[..., datetime]


def test_it_goes_at_its_times_with_the_clinicians_words(
    clinic: Database, meena: int, local: Local
) -> None:
    assert send_due(clinic, local(23, 8, 59)) == []
    [bubble] = send_due(clinic, local(23, 9))
    assert isinstance(bubble, Choices)
    assert "1. Bridge (10 times, twice)\nLie on your back and lift" in bubble.text
    assert [choice.title for choice in bubble.choices] == ["Done", "Partly", "It hurts"]
    assert len(send_due(clinic, local(23, 18))) == 1
    assert len(occasions(clinic)) == 4, "of today and tomorrow"


def test_outside_the_window_a_template_says_nothing_of_the_exercises(
    clinic: Database, meena: int, local: Local
) -> None:
    approve_templates(clinic)
    wrote(clinic, meena, local(20, 8), "hi")
    [bubble] = send_due(clinic, local(23, 9))
    assert isinstance(bubble, Template) and (bubble.name, bubble.language) == (
        "home_exercises",
        "hi",
    )
    assert bubble.body == ["छोटा क्लिनिक"] and len(bubble.buttons) == 3


def test_without_an_approved_template_it_is_left(
    clinic: Database, meena: int, local: Local
) -> None:
    wrote(clinic, meena, local(20, 8))
    assert send_due(clinic, local(23, 9)) == []
    assert fate(clinic) == "skipped: no approved template"


def test_long_words_become_their_names(clinic: Database, patient: Any, local: Local) -> None:
    wrote(clinic, patient(1), local(23, 8))
    long = [DraftExercise(f"Number {n}", "slowly " * 70, "x" * 60) for n in range(6)]
    a_programme(clinic, patient(1), local(23, 8), exercises=long)
    [bubble] = send_due(clinic, local(23, 9))
    assert len(bubble.text) <= 1024 and "6. Number 5 (" in bubble.text
    with clinic.reading() as session:
        one = session.get(ExerciseProgramme, first(clinic))
        [shown] = shown_bubbles(domain_texts(), one, "hi", local(23, 9))
    assert len(shown.text) <= 4096 and shown.text.count("slowly") == 420


def _paused(db: Database, contact: int, at: datetime) -> None:
    acts(db, pause, first(db), contact, at)


def _handed_over(db: Database, contact: int, at: datetime) -> None:
    acts(db, open_handoff, contact, "request")


def _opted_out(db: Database, contact: int, at: datetime) -> None:
    with db.transaction() as session:
        session.get(Contact, contact).opted_out_at = at


def _withdrawn(db: Database, contact: int, at: datetime) -> None:
    acts(db, consent.record, contact, "exercises", False, how="staff")


@pytest.mark.parametrize(
    ("happens", "ends"),
    [
        (ended, "cancelled: programme ended"),
        (_paused, "skipped: programme paused"),
        (set_to_other_times, "cancelled: programme changed"),
        (_handed_over, "skipped: open handoff"),
        (_opted_out, "skipped: opted out"),
        (_withdrawn, "skipped: no consent: exercises"),
    ],
)
def test_what_happened_meanwhile_counts(
    clinic: Database, meena: int, local: Local, happens: Any, ends: str
) -> None:
    ids = claimed(clinic, local(23, 9))
    happens(clinic, meena, local(23, 9))
    assert begun(clinic, ids, local(23, 9)) == []
    assert fate(clinic) == ends


def test_an_hour_later_is_too_late(clinic: Database, meena: int, local: Local) -> None:
    assert send_due(clinic, local(23, 10)) == []
    assert fate(clinic) == "skipped: too late"


def test_quiet_hours_that_came_meanwhile_count(
    clinic: Database, meena: int, local: Local, small_profile: Any
) -> None:
    quiet = small_profile.reminders.copy(update={"quiet_from": "17:45"})
    write_profile(clinic, small_profile.copy(update={"reminders": quiet}))
    send_due(clinic, local(23, 9))
    assert send_due(clinic, local(23, 18)) == []
    assert fate(clinic, "18:00") == "skipped: quiet hours"


def test_resumed_it_goes_on_and_nothing_missed_is_made_up_for(
    clinic: Database, meena: int, local: Local
) -> None:
    acts(clinic, pause, first(clinic), meena, local(23, 8, 30))
    assert send_due(clinic, local(23, 9)) == []
    acts(clinic, resume, first(clinic), meena, local(23, 10))
    assert send_due(clinic, local(23, 10)) == []
    assert len(send_due(clinic, local(23, 18))) == 1


def test_written_anew_and_back_it_still_goes_once_with_the_newest_words(
    clinic: Database, meena: int, local: Local
) -> None:
    acts(clinic, change, first(clinic), meena, draft(times=["12:00"]), "staff:1", local(23, 8))
    acts(clinic, change, first(clinic), meena, draft(exercises=[STEPS]), "staff:1", local(23, 8))
    [bubble] = send_due(clinic, local(23, 9))
    assert "Bridge" not in bubble.text and "1. Small steps" in bubble.text
    assert programme(clinic, first(clinic)).version == 3
    acts(clinic, change, first(clinic), meena, draft(), "staff:1", local(23, 9))
    assert send_due(clinic, local(23, 9, 1)) == []


def test_the_worker_plans_what_comes_and_stops_at_the_last_day(
    clinic: Database, patient: Any, local: Local
) -> None:
    approve_templates(clinic)
    a_programme(clinic, patient(1), local(23, 8), last_day=date(2026, 11, 29), weekdays=[0, 2, 6])
    sent = 0
    for hour in range(24 * 9):
        moment = local(23, 8) + timedelta(hours=hour)
        plan_ahead(clinic, moment)
        sent += len(send_due(clinic, moment))
    assert sent == 6, "Monday, Wednesday and Sunday, twice each"
    assert {one.day.weekday() for one in occasions(clinic)} == {0, 2, 6}


def test_the_next_time_is_known_weeks_ahead(clinic: Database, patient: Any, local: Local) -> None:
    a_programme(
        clinic,
        patient(1),
        local(23, 8),
        first_day=date(2026, 12, 10),
        weekdays=[2],
        times=["18:00", "09:30"],
    )
    one = programme(clinic, first(clinic))
    assert next_moment(one, local(23, 8), PUNE) == local(16, 9, 30, month=12)
    assert next_moment(one, local(16, 9, 30, month=12), PUNE) == local(16, 18, month=12)
    assert next_moment(one, local(20, 8, month=12), PUNE) is None
