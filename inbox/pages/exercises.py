"""A patient's home exercises: reading, writing and changing a programme, pausing and ending it."""

from __future__ import annotations

from datetime import time
from typing import Any, Callable, Dict, List, Optional

from flask import Blueprint, flash, redirect, url_for
from flask import render_template as render
from sqlalchemy.orm import Session

from clinic.audit import record
from clinic.calendar_words import say_day, say_time, say_weekday
from clinic.consent import obstacle
from clinic.courses import active_courses
from clinic.database import now
from clinic.exercises import ProgrammeRefused, UnknownProgramme, programmes
from clinic.exercises.checking import (
    LONGEST_DOSE,
    LONGEST_INSTRUCTIONS,
    LONGEST_TITLE,
    MOST_EXERCISES,
    MOST_TIMES,
)
from clinic.exercises.schedule import times_of, weekdays_of
from clinic.models import Contact, ExerciseProgramme
from clinic.models.consent import EXERCISES
from clinic.models.exercises import ENDED
from clinic.setup import profile_in
from inbox.access.viewer import needs
from inbox.api.base import ID
from inbox.card import service_name
from inbox.card_exercises import line_of
from inbox.errors import Refusal
from inbox.exercise_form import Garbled, Typed, draft_of, empty, of_programme, typed_in
from inbox.house import house
from inbox.language import t, ui_language
from inbox.pages.conversation import ADDRESS, conversation
from inbox.staff import my_actor
from inbox.visits import names_of

pages = Blueprint("exercises", __name__)

ALL = f"{ADDRESS}/exercises"
ONE = f"{ALL}/{ID.format('programme_id')}"
NO_SUCH = "There is no such programme."


@pages.get(ALL)
@needs("see_plans")
def page(contact_id: int) -> str:
    """Every programme of this contact's patients, and a form for a new one."""
    return _page(contact_id)


@pages.get(ONE)
@needs("write_plans")
def one(contact_id: int, programme_id: int) -> str:
    """One of them, to be changed."""
    with house().database.reading() as db:
        contact = conversation(db, contact_id)
        typed = of_programme(_own(db, contact, programme_id))
    return _page(contact_id, typed)


@pages.post(ALL)
@needs("write_plans")
def write(contact_id: int) -> Any:
    """Write a new programme down; the patient is reminded from its first time on."""

    def work(db: Session, owner: int, typed: Typed) -> int:
        draft = draft_of(db, typed, standing=None)
        return programmes.write(db, owner, draft, my_actor(), now())

    return _keep(contact_id, typed_in(None), work, "exercises_written")


@pages.post(ONE)
@needs("write_plans")
def change(contact_id: int, programme_id: int) -> Any:
    """Write a running one anew."""

    def work(db: Session, owner: int, typed: Typed) -> int:
        draft = draft_of(db, typed, standing=_own(db, conversation(db, owner), programme_id))
        programmes.change(db, programme_id, owner, draft, my_actor(), now())
        return programme_id

    return _keep(contact_id, typed_in(programme_id), work, "exercises_changed")


@pages.post(f"{ONE}/pause")
@needs("write_plans")
def pause(contact_id: int, programme_id: int) -> Any:
    """Let it rest."""
    return _act(
        contact_id,
        programme_id,
        lambda db, owner: programmes.pause(db, programme_id, owner, now()),
        "exercises_paused",
        t("Paused. The patient is not reminded."),
    )


@pages.post(f"{ONE}/resume")
@needs("write_plans")
def resume(contact_id: int, programme_id: int) -> Any:
    """A physiotherapist has cleared it: it goes on."""
    return _act(
        contact_id,
        programme_id,
        lambda db, owner: programmes.resume(db, programme_id, owner, now()),
        "exercises_resumed",
        t("Resumed. The patient is reminded again."),
    )


@pages.post(f"{ONE}/end")
@needs("write_plans")
def end(contact_id: int, programme_id: int) -> Any:
    """End it for good."""
    return _act(
        contact_id,
        programme_id,
        lambda db, owner: programmes.end(db, programme_id, owner),
        "exercises_ended",
        t("Ended. The patient is not reminded any more."),
    )


def _keep(
    contact_id: int, typed: Typed, work: Callable[[Session, int, Typed], int], what: str
) -> Any:
    """Keep what was typed, or show it again with everything that is wrong with it."""
    problems: List[str] = []
    status = 422
    try:
        with house().database.transaction() as db:
            owner = int(conversation(db, contact_id).id)
            programme_id = work(db, owner, typed)
            record(db, my_actor(), what, f"contact:{owner}", {"programme": programme_id})
    except Garbled as error:
        problems = [str(error)]
    except ProgrammeRefused as refused:
        problems = refused.problems
    except UnknownProgramme:
        raise Refusal(404, "not_found", t(NO_SUCH)) from None
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        problems, status = [refusal.message], refusal.status
    if problems:
        return _page(contact_id, typed, problems), status
    flash(t("The exercises are kept."), "good")
    return redirect(url_for("exercises.page", contact_id=contact_id))


def _act(
    contact_id: int,
    programme_id: int,
    work: Callable[[Session, int], None],
    what: str,
    done: str,
) -> Any:
    try:
        with house().database.transaction() as db:
            owner = int(conversation(db, contact_id).id)
            work(db, owner)
            record(db, my_actor(), what, f"contact:{owner}", {"programme": programme_id})
    except UnknownProgramme:
        raise Refusal(404, "not_found", t(NO_SUCH)) from None
    except ProgrammeRefused as refused:
        return _page(contact_id, problems=refused.problems), 422
    flash(done, "good")
    return redirect(url_for("exercises.page", contact_id=contact_id))


def _own(db: Session, contact: Contact, programme_id: int) -> ExerciseProgramme:
    found = db.get(ExerciseProgramme, programme_id)
    if found is None or found.contact_id != contact.id:
        raise Refusal(404, "not_found", t(NO_SUCH))
    return found


def _page(
    contact_id: int, typed: Optional[Typed] = None, problems: Optional[List[str]] = None
) -> str:
    with house().database.reading() as db:
        contact = conversation(db, contact_id)
        profile, language = profile_in(db), ui_language()
        names = names_of(db, contact)
        courses = [
            (str(one.id), f"{one.patient.name} · {service_name(profile, str(one.service.code))}")
            for one in active_courses(db, int(contact.id), now())
        ]
        return render(
            "exercises.html",
            contact=contact,
            shown=[_shown(db, one) for one in programmes.programmes_of(db, int(contact.id))],
            typed=typed or empty(names),
            problems=problems or [],
            names=names,
            courses=courses,
            weekdays=[(day, say_weekday(day, language)) for day in range(7)],
            most_times=MOST_TIMES,
            most=MOST_EXERCISES,
            refused=obstacle(db, int(contact.id), EXERCISES) is not None,
            longest=(LONGEST_TITLE, LONGEST_DOSE, LONGEST_INSTRUCTIONS),
            now=now(),
            zone=house().zone(),
        )


def _shown(db: Session, programme: ExerciseProgramme) -> Dict[str, Any]:
    language = ui_language()
    days = weekdays_of(programme)
    return {
        "line": line_of(db, programme),
        "exercises": list(programme.exercises),
        "files": [one.file.filename if one.file else None for one in programme.exercises],
        "first": say_day(programme.first_day, language),
        "last": say_day(programme.last_day, language),
        "times": ", ".join(say_clock(at, language) for at in times_of(programme)),
        "days": t("Every day")
        if len(days) == 7
        else ", ".join(say_weekday(day, language) for day in days),
        "written_at": programme.written_at,
        "ended": programme.status == ENDED,
    }


def say_clock(at: str, language: str) -> str:
    """A stored time of day as people read it: `18:00` is "6:00 pm"."""
    return say_time(time.fromisoformat(at), language)
