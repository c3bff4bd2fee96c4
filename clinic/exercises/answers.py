"""What the patient answered at each occasion, and how often they did.

"It hurts" is never stale: whatever became of the programme since, it is kept, and what the same
patient has running rests until a physiotherapist clears it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Optional, Tuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from clinic.exercises.programmes import (
    UnknownProgramme,
    own_programme,
    pause,
    running_programmes,
)
from clinic.models import ExerciseOccasion, ExerciseProgramme, Message
from clinic.models.exercises import BY_PATIENT, DONE, ENDED, HURTS, PARTLY
from clinic.models.message import DELIVERED, READ, SENT, UNKNOWN

_KEY = re.compile(
    r"([0-9]{1,18}):([0-9]{1,9}):([0-9]{4}-[0-9]{2}-[0-9]{2}):([0-9]{2}:[0-9]{2})", re.ASCII
)
# what has reached the patient, or may have
ARRIVED = (SENT, DELIVERED, READ, UNKNOWN)


class StaleButton(Exception):
    """The button is of a programme that has ended or was written anew, or is settled."""


@dataclass(frozen=True)
class Adherence:
    """How some occasions went: of `sent` so many answered in each way, and so many not at all."""

    sent: int
    done: int
    partly: int
    hurts: int
    unanswered: int


def key_of(occasion: ExerciseOccasion) -> str:
    """What a button carries: the programme, its version, and which occasion of it."""
    return f"{occasion.programme_id}:{occasion.version}:{occasion.day.isoformat()}:{occasion.at}"


def answer(
    session: Session, contact_id: int, key: str, what: str, message_id: int, now: datetime
) -> None:
    """Note that an occasion was done, or partly; a second thought replaces the first.

    Args:
        key: as `key_of` made it.
        what: `done` or `partly`.
        message_id: the patient's tap.

    Raises:
        StaleButton: also where the patient has said of it that it hurts, which stands.
        ValueError: for another answer.
    """
    if what not in (DONE, PARTLY):
        raise ValueError("done or partly")
    programme, occasion, version = _named(session, contact_id, key)
    if programme is None or occasion is None:
        raise StaleButton
    if programme.status == ENDED or programme.version != version or occasion.answer == HURTS:
        raise StaleButton
    occasion.answer, occasion.answered_at, occasion.answered_by = what, now, message_id
    session.flush()


def hurts(session: Session, contact_id: int, key: str, message_id: int, now: datetime) -> None:
    """Note that it hurts, and pause what that patient has running.

    Repeated for the same message it changes nothing. That a person takes the conversation is for
    whoever calls this.
    """
    programme, occasion, _version = _named(session, contact_id, key)
    if occasion is not None and occasion.answered_by != message_id:
        occasion.answer, occasion.answered_at, occasion.answered_by = HURTS, now, message_id
        session.flush()
    for one in running_programmes(session, contact_id):
        # of a button that names nobody's programme, whose it was is not known
        if programme is None or one.patient_id == programme.patient_id:
            pause(session, int(one.id), contact_id, now, why=BY_PATIENT)


def adherence(session: Session, programme_id: int, since: date) -> Adherence:
    """How the occasions from the day `since` on went, of those that reached the patient."""
    rows = session.execute(
        select(ExerciseOccasion.answer)
        .join(Message, Message.id == ExerciseOccasion.message_id)
        .where(
            ExerciseOccasion.programme_id == programme_id,
            ExerciseOccasion.day >= since,
            or_(Message.state.in_(ARRIVED), ExerciseOccasion.answer.is_not(None)),
        )
    )
    given = [row[0] for row in rows]
    return Adherence(
        sent=len(given),
        done=given.count(DONE),
        partly=given.count(PARTLY),
        hurts=given.count(HURTS),
        unanswered=given.count(None),
    )


def _named(
    session: Session, contact_id: int, key: str
) -> Tuple[Optional[ExerciseProgramme], Optional[Any], Optional[int]]:
    """Programme (locked), occasion and version that a button names; None for what is not theirs."""
    found = _KEY.fullmatch(key)
    if found is None:
        return None, None, None
    try:
        programme = own_programme(session, int(found[1]), contact_id)
        day = date.fromisoformat(found[3])
    except (UnknownProgramme, ValueError):
        return None, None, None
    occasion = session.get(ExerciseOccasion, (int(programme.id), day, found[4]))
    return programme, occasion, int(found[2])
