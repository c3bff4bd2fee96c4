"""Whether a programme can be as it was written, in sentences for whoever wrote it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Iterator, List, Optional, Sequence
from zoneinfo import ZoneInfo

from clinic.course_plans import promises_in
from clinic.profile import Profile
from clinic.reminders.times import quiet_span

MOST_EXERCISES = 6
MOST_TIMES = 3
MOST_DAYS = 183
# six of them, with what stands around, fit into one text of WhatsApp's (4,096 characters) in full,
# and their titles and doses under buttons (1,024)
LONGEST_TITLE = 60
LONGEST_DOSE = 60
LONGEST_INSTRUCTIONS = 500
# so long an occasion is good for, and so far two lie apart at least
GOOD_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class DraftExercise:
    """One exercise as the clinician writes it; `dose` is "10 times, twice"."""

    title: str
    instructions: str
    dose: Optional[str] = None
    file_id: Optional[int] = None


@dataclass(frozen=True)
class Draft:
    """A programme as the clinician writes it: local days, both included, and times as `07:00`."""

    patient: str
    first_day: date
    last_day: date
    times: Sequence[str]
    weekdays: Sequence[int]
    exercises: Sequence[DraftExercise] = field(default_factory=list)
    course_id: Optional[int] = None


def problems_of(draft: Draft, profile: Profile, today: date) -> List[str]:
    """Everything that is wrong with it; empty where it can be."""
    return [
        *_wrong_days(draft, today),
        *_wrong_times(draft, profile),
        *_wrong_exercises(draft.exercises),
    ]


def _wrong_days(draft: Draft, today: date) -> Iterator[str]:
    if not draft.patient.strip():
        yield "The programme needs the patient's name."
    if draft.last_day < draft.first_day:
        yield "The last day comes before the first."
    elif draft.last_day < today:
        yield "The last day lies in the past."
    elif draft.last_day - draft.first_day >= timedelta(days=MOST_DAYS):
        yield f"A programme has at most {MOST_DAYS} days."
    if not draft.weekdays:
        yield "Choose at least one day of the week."
    elif not set(draft.weekdays) <= set(range(7)):
        yield "There is no such day of the week."
    elif draft.first_day <= draft.last_day < draft.first_day + timedelta(days=6) and not any(
        (draft.first_day + timedelta(days=n)).weekday() in draft.weekdays
        for n in range((draft.last_day - draft.first_day).days + 1)
    ):
        yield "None of these days of the week lies between the first day and the last."


def _wrong_times(draft: Draft, profile: Profile) -> Iterator[str]:
    if not 1 <= len(draft.times) <= MOST_TIMES:
        yield f"Choose 1 to {MOST_TIMES} times of day."
        return
    zone = ZoneInfo(profile.time_zone)
    moments: List[datetime] = []
    for given in draft.times:
        try:
            at = time.fromisoformat(given) if len(given) == 5 else None
        except ValueError:
            at = None
        if at is None:
            yield "A time of day is written as 07:00 or 19:30."
            return
        moments.append(datetime.combine(draft.first_day, at, zone))
    for moment, given in zip(moments, draft.times, strict=True):
        if quiet_span(moment, profile.reminders.quiet, zone):
            begins, ends = profile.reminders.quiet
            yield (
                f"{given} lies in the clinic's quiet hours ({begins:%H:%M} to {ends:%H:%M}), in "
                "which nothing is sent."
            )
    in_order = sorted(moments)
    if any(later - sooner < GOOD_FOR for sooner, later in pairwise(in_order)):
        yield "Two times of day lie at least an hour apart."


def _wrong_exercises(exercises: Sequence[DraftExercise]) -> Iterator[str]:
    if not 1 <= len(exercises) <= MOST_EXERCISES:
        yield f"A programme has 1 to {MOST_EXERCISES} exercises."
    for number, one in enumerate(exercises, 1):
        parts = (
            ("name", one.title, LONGEST_TITLE, True),
            ("instruction", one.instructions, LONGEST_INSTRUCTIONS, True),
            ("dose", one.dose or "", LONGEST_DOSE, False),
        )
        for part, words, longest, needed in parts:
            said = words.strip()
            if needed and not said:
                yield f"Exercise {number} has no {part}."
            if len(said) > longest:
                yield (
                    f"The {part} of exercise {number} has {len(said)} characters; at most "
                    f"{longest} fit."
                )
            for promise in promises_in(" ".join(said.split())):
                yield (
                    f"The {part} of exercise {number} says '{promise}': no text may promise an "
                    "outcome."
                )
