"""Planning occasions: rows of the outbox without words, each once however often it is planned."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Iterable
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.decision import EXERCISES
from clinic.exercises.checking import GOOD_FOR
from clinic.exercises.schedule import moment_of, occasions
from clinic.models import ExerciseOccasion, ExerciseProgramme
from clinic.models.consent import EXERCISES as PURPOSE
from clinic.models.exercises import ACTIVE
from clinic.outbox import plan_unwritten
from clinic.setup import profile_in

# the worker sweeps every hour; a day more does no harm where it was away
AHEAD = timedelta(hours=36)
AT_ONCE = 200


def cause_of(programme_id: int, day: date, at: str) -> str:
    """What makes an occasion unique, whatever is written anew meanwhile."""
    return f"programme:{programme_id}:{day.isoformat()}:{at}"


def plan_programme(session: Session, programme: ExerciseProgramme, now: datetime) -> int:
    """Plan the occasions of the coming hours that are not planned yet; how many.

    What is planned stays, whatever becomes of the programme: it is decided when it is sent.
    """
    return _plan(session, [programme], now)


def plan_page(session: Session, now: datetime, after: int = 0) -> int:
    """Plan for one page of the active programmes, by id; the last id, 0 at the end."""
    day = timedelta(days=1)
    page = list(
        session.execute(
            select(ExerciseProgramme)
            .where(
                ExerciseProgramme.id > after,
                ExerciseProgramme.status == ACTIVE,
                ExerciseProgramme.first_day <= (now + AHEAD).date() + day,
                ExerciseProgramme.last_day >= now.date() - day,
            )
            .order_by(ExerciseProgramme.id)
            .limit(AT_ONCE)
        ).scalars()
    )
    _plan(session, page, now)
    return int(page[-1].id) if page else 0


def _plan(session: Session, programmes: Iterable[ExerciseProgramme], now: datetime) -> int:
    zone = ZoneInfo(profile_in(session).time_zone)
    first, last = now.astimezone(zone).date(), (now + AHEAD).astimezone(zone).date()
    wanted = {
        (int(one.id), day, at): one
        for one in programmes
        if one.status == ACTIVE
        for day, at in occasions(one, first, last)
        if now < moment_of(day, at, zone) <= now + AHEAD
    }
    if not wanted:
        return 0
    key = (ExerciseOccasion.programme_id, ExerciseOccasion.day, ExerciseOccasion.at)
    known = session.execute(
        select(*key).where(
            ExerciseOccasion.programme_id.in_({number for number, _, _ in wanted}),
            ExerciseOccasion.day >= first,
        )
    )
    for number, day, at in known:
        wanted.pop((int(number), day, str(at)), None)
    fresh = 0
    for (number, day, at), programme in wanted.items():
        due_at = moment_of(day, at, zone)
        message_id = plan_unwritten(
            session,
            int(programme.contact_id),
            kind=EXERCISES,
            cause=cause_of(number, day, at),
            purpose=PURPOSE,
            due_at=due_at,
            not_after=due_at + GOOD_FOR,
        )
        if message_id is not None:
            session.add(
                ExerciseOccasion(programme_id=number, day=day, at=at, message_id=message_id)
            )
            fresh += 1
    session.flush()
    return fresh
