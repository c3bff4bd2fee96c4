"""A programme's life: written, changed, paused, resumed, ended.

Whoever changes one locks its row first, and the sending looks at it under a shared lock: what was
ended or paused is not sent any more, and an occasion already planned is decided by the programme
as it then stands.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, List, Optional

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.courses import local_day, own_course
from clinic.exercises.checking import Draft, problems_of
from clinic.exercises.planning import plan_programme
from clinic.models import Contact, Exercise, ExerciseProgramme
from clinic.models.exercises import ACTIVE, BY_STAFF, ENDED, PAUSED
from clinic.scheduling.errors import UnknownCourse
from clinic.scheduling.rows import patient_named
from clinic.setup import profile_in

ENDED_ALREADY = "This programme has ended: write a new one."


class UnknownProgramme(Exception):
    """There is no such programme, or it is another contact's."""


class ProgrammeRefused(Exception):
    """The programme cannot be so; `problems` are plain sentences for whoever wrote it."""

    def __init__(self, problems: List[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def write(session: Session, contact_id: int, draft: Draft, by: str, now: datetime) -> int:
    """Write a programme down and plan its first occasions; its id.

    Args:
        by: who writes it, `staff:<id>`.

    Raises:
        ProgrammeRefused: naming everything that is wrong with it.
    """
    problems = problems_of(draft, profile_in(session), local_day(session, now))
    if session.get(Contact, contact_id) is None:
        problems.append("There is no such contact.")
    if problems:
        raise ProgrammeRefused(problems)
    patient = patient_named(session, contact_id, draft.patient)
    if any(one.patient_id == patient.id for one in running_programmes(session, contact_id)):
        raise ProgrammeRefused(
            ["This patient has a programme already: change that one, or end it."]
        )
    programme = ExerciseProgramme(contact_id=contact_id, patient_id=patient.id, status=ACTIVE)
    _fill(session, programme, draft, by, now)
    session.add(programme)
    session.flush()
    plan_programme(session, programme, now)
    return int(programme.id)


def change(
    session: Session, programme_id: int, contact_id: int, draft: Draft, by: str, now: datetime
) -> None:
    """Write a running programme anew; buttons of before know that they are of an older one.

    It stays for the patient it was written for, and paused where it is.

    Raises:
        UnknownProgramme.
        ProgrammeRefused: also where it has ended.
    """
    programme = own_programme(session, programme_id, contact_id)
    problems = problems_of(draft, profile_in(session), local_day(session, now))
    if programme.status == ENDED:
        problems = [ENDED_ALREADY]
    if problems:
        raise ProgrammeRefused(problems)
    programme.exercises.clear()
    # the old ones leave their places before others take them
    session.flush()
    programme.version += 1
    _fill(session, programme, draft, by, now)
    session.flush()
    plan_programme(session, programme, now)


def pause(
    session: Session, programme_id: int, contact_id: int, now: datetime, why: str = BY_STAFF
) -> None:
    """Let it rest until staff resume it; the graver reason stands.

    Args:
        why: one of `clinic.models.exercises.PAUSE_REASONS`.

    Raises:
        UnknownProgramme.
    """
    programme = own_programme(session, programme_id, contact_id)
    if programme.status == ACTIVE or (programme.status == PAUSED and why != BY_STAFF):
        programme.status, programme.paused_for, programme.paused_at = PAUSED, why, now
        session.flush()


def resume(session: Session, programme_id: int, contact_id: int, now: datetime) -> None:
    """A physiotherapist has cleared it: the patient is reminded again from now on.

    Raises:
        UnknownProgramme.
        ProgrammeRefused: where it has ended.
    """
    programme = own_programme(session, programme_id, contact_id)
    if programme.status == ENDED:
        raise ProgrammeRefused([ENDED_ALREADY])
    programme.status, programme.paused_for, programme.paused_at = ACTIVE, None, None
    session.flush()
    plan_programme(session, programme, now)


def end(session: Session, programme_id: int, contact_id: int) -> None:
    """End it for good.

    Raises:
        UnknownProgramme.
    """
    own_programme(session, programme_id, contact_id).status = ENDED
    session.flush()


def running_programmes(session: Session, contact_id: int) -> List[ExerciseProgramme]:
    """Those of the contact's patients that nobody has ended, oldest first; days may be over."""
    rows = session.execute(
        select(ExerciseProgramme)
        .where(ExerciseProgramme.contact_id == contact_id, ExerciseProgramme.status != ENDED)
        .order_by(ExerciseProgramme.id)
    ).scalars()
    return list(rows)


def programmes_of(session: Session, contact_id: int) -> List[ExerciseProgramme]:
    """Every programme of the contact's patients, newest first."""
    rows = session.execute(
        select(ExerciseProgramme)
        .where(ExerciseProgramme.contact_id == contact_id)
        .order_by(ExerciseProgramme.id.desc())
    ).scalars()
    return list(rows)


def own_programme(
    session: Session, programme_id: int, contact_id: Optional[int]
) -> ExerciseProgramme:
    """The programme, locked until the transaction ends.

    Raises:
        UnknownProgramme: if there is none of that id, or it is another contact's.
    """
    found: Any = session.get(
        ExerciseProgramme, programme_id, with_for_update=True, populate_existing=True
    )
    if found is None or found.contact_id != contact_id:
        raise UnknownProgramme(f"programme {programme_id}")
    return found  # type: ignore[no-any-return]


def _fill(
    session: Session, programme: ExerciseProgramme, draft: Draft, by: str, now: datetime
) -> None:
    if draft.course_id is not None:
        try:
            course = own_course(session, draft.course_id, int(programme.contact_id))
        except UnknownCourse:
            raise ProgrammeRefused(["There is no such course of this patient."]) from None
        if course.patient_id != programme.patient_id:
            raise ProgrammeRefused(["There is no such course of this patient."])
    programme.course_id = draft.course_id
    programme.first_day, programme.last_day = draft.first_day, draft.last_day
    programme.times = ",".join(sorted(draft.times))
    programme.weekdays = "".join(str(day) for day in sorted(set(draft.weekdays)))
    programme.written_by, programme.written_at = by, now
    programme.exercises = [
        Exercise(
            position=position,
            title=" ".join(one.title.split()),
            instructions=one.instructions.strip(),
            dose=" ".join((one.dose or "").split()) or None,
            file_id=one.file_id,
        )
        for position, one in enumerate(draft.exercises, 1)
    ]
