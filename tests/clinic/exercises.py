"""A programme of home exercises to begin a test with."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Callable, List, Optional, Sequence

from sqlalchemy import select

from clinic import consent
from clinic.database import Database
from clinic.exercises import Draft, DraftExercise
from clinic.exercises.programmes import change, end, write
from clinic.models import ExerciseOccasion, ExerciseProgramme
from tests.reminding import why

BRIDGE = DraftExercise("Bridge", "Lie on your back and lift the hips slowly.", "10 times, twice")
STEPS = DraftExercise("Small steps", "Walk on the spot beside a table.")


def draft(
    first_day: date = date(2026, 11, 23),
    last_day: date = date(2026, 12, 20),
    times: Sequence[str] = ("09:00", "18:00"),
    weekdays: Sequence[int] = range(7),
    exercises: Sequence[DraftExercise] = (BRIDGE, STEPS),
    patient: str = "Meena Joshi",
    course_id: Optional[int] = None,
) -> Draft:
    return Draft(patient, first_day, last_day, times, weekdays, exercises, course_id)


def a_programme(db: Database, contact_id: int, now: datetime, **more: Any) -> int:
    """The contact agreed to be reminded of exercises, and has a programme; its id."""
    with db.transaction() as session:
        consent.record(session, contact_id, "exercises", True, how="staff")
        return write(session, contact_id, draft(**more), "staff:1", now)


def programme(db: Database, programme_id: int) -> ExerciseProgramme:
    with db.reading() as session:
        return session.get(ExerciseProgramme, programme_id)


def occasions(db: Database) -> List[ExerciseOccasion]:
    """Every occasion that was planned, in order."""
    with db.reading() as session:
        rows = session.execute(
            select(ExerciseOccasion).order_by(ExerciseOccasion.day, ExerciseOccasion.at)
        )
        return list(rows.scalars())


def first(db: Database) -> int:
    """The id of the first programme there is."""
    with db.reading() as session:
        return int(session.query(ExerciseProgramme.id).order_by(ExerciseProgramme.id).first()[0])


def fate(db: Database, at: str = "09:00") -> str:
    """What became of Monday's message of that time."""
    return why(db, f"programme:{first(db)}:2026-11-23:{at}")


def acts(db: Database, act: Callable[..., Any], *args: Any, **more: Any) -> Any:
    with db.transaction() as session:
        return act(session, *args, **more)


def ended(db: Database, contact: int, at: datetime) -> None:
    acts(db, end, first(db), contact)


def set_to_other_times(db: Database, contact: int, at: datetime) -> None:
    acts(db, change, first(db), contact, draft(times=["12:00"]), "staff:1", at)
