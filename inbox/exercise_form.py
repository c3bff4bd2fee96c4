"""The form of a programme of home exercises: what was typed, and what it means."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import List, Optional, Set

from flask import request
from sqlalchemy.orm import Session

from clinic.canned import store_file
from clinic.database import now
from clinic.exercises import Draft, DraftExercise
from clinic.exercises.checking import MOST_EXERCISES, MOST_TIMES
from clinic.exercises.schedule import times_of, weekdays_of
from clinic.models import ExerciseProgramme
from inbox.attachments import uploaded_file
from inbox.house import house
from inbox.language import t

USUAL_DAYS = 28


class Garbled(Exception):
    """A field does not hold what it should; the message says which, in words."""


@dataclass
class Row:
    """One exercise of the form; `was` is its place in the programme that is being changed."""

    title: str = ""
    dose: str = ""
    instructions: str = ""
    was: str = ""
    drop_file: bool = False
    filename: str = ""

    @property
    def blank(self) -> bool:
        """Whether nothing was typed."""
        return not (self.title or self.dose or self.instructions)


@dataclass
class Typed:
    """The form as it was typed; `id` and `version` of the programme that is being changed."""

    id: Optional[int]
    patient: str
    first_day: str
    last_day: str
    version: str = ""
    course: str = ""
    times: List[str] = field(default_factory=list)
    weekdays: Set[int] = field(default_factory=set)
    rows: List[Row] = field(default_factory=list)

    def padded(self) -> "Typed":
        """With all the rows and times that a form has."""
        self.rows += [Row() for _ in range(MOST_EXERCISES - len(self.rows))]
        self.times += [""] * (MOST_TIMES - len(self.times))
        return self

    @property
    def open_rows(self) -> int:
        """How many rows are in sight at once: those that were filled, and one."""
        filled = [number for number, row in enumerate(self.rows, 1) if not row.blank]
        return min(MOST_EXERCISES, max([2, *(number + 1 for number in filled)]))


def empty(names: List[str]) -> Typed:
    """A form for a new programme: from today on, every day, for four weeks."""
    today = now().astimezone(house().zone()).date()
    last = today + timedelta(days=USUAL_DAYS - 1)
    patient = names[0] if names else ""
    return Typed(
        None, patient, today.isoformat(), last.isoformat(), weekdays=set(range(7))
    ).padded()


def of_programme(programme: ExerciseProgramme) -> Typed:
    """The form that would write this programme."""
    rows = [
        Row(
            title=str(one.title),
            dose=str(one.dose or ""),
            instructions=str(one.instructions),
            was=str(one.position),
            filename=str(one.file.filename) if one.file is not None else "",
        )
        for one in programme.exercises
    ]
    return Typed(
        id=int(programme.id),
        patient=str(programme.patient.name),
        first_day=programme.first_day.isoformat(),
        last_day=programme.last_day.isoformat(),
        version=str(programme.version),
        course=str(programme.course_id or ""),
        times=times_of(programme),
        weekdays=set(weekdays_of(programme)),
        rows=rows,
    ).padded()


def typed_in(programme_id: Optional[int]) -> Typed:
    """The form as this request brings it."""
    return Typed(
        id=programme_id,
        patient=_field("patient"),
        first_day=_field("first_day"),
        last_day=_field("last_day"),
        version=_field("version"),
        course=_field("course"),
        times=[_field(f"time_{number}") for number in range(1, MOST_TIMES + 1)],
        weekdays={int(day) for day in request.form.getlist("weekday") if day in list("0123456")},
        rows=[
            Row(
                title=_field(f"title_{number}"),
                dose=_field(f"dose_{number}"),
                instructions=_field(f"instructions_{number}"),
                was=_field(f"was_{number}"),
                filename=_field(f"filename_{number}"),
                drop_file=request.form.get(f"drop_file_{number}") == "1",
            )
            for number in range(1, MOST_EXERCISES + 1)
        ],
    )


def draft_of(db: Session, typed: Typed, standing: Optional[ExerciseProgramme]) -> Draft:
    """What was typed, its files kept in this transaction; those of `standing` stay unless dropped.

    Raises:
        Garbled: for a day that is none, and where somebody changed `standing` meanwhile.
        inbox.errors.Refusal: 422 for a file of a kind or size that is not sent.
    """
    if standing is not None and typed.version != str(standing.version):
        raise Garbled(t("Somebody has changed these exercises meanwhile: open them again."))
    standing_files = (
        {str(one.position): one.file_id for one in standing.exercises} if standing else {}
    )
    exercises = []
    for number, row in enumerate(typed.rows, 1):
        found = uploaded_file(f"file_{number}")
        if row.blank and found is None:
            continue
        file_id = None if row.drop_file else standing_files.get(row.was)
        if found is not None:
            file_id = store_file(db, *found)
        exercises.append(DraftExercise(row.title, row.instructions, row.dose or None, file_id))
    course = typed.course
    return Draft(
        patient=str(standing.patient.name) if standing is not None else typed.patient,
        first_day=_day(typed.first_day, t("First day")),
        last_day=_day(typed.last_day, t("Last day")),
        times=[at for at in typed.times if at],
        weekdays=sorted(typed.weekdays),
        exercises=exercises,
        course_id=int(course)
        if course.isascii() and course.isdigit() and len(course) < 19
        else None,
    )


def _field(name: str) -> str:
    return request.form.get(name, "").replace("\r\n", "\n").strip()


def _day(given: str, label: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise Garbled(t("{field}: choose a day.", field=label)) from None
