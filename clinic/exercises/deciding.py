"""Deciding about an occasion at the moment of sending: is it still set, and may it go?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Optional

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.decision import Decision, Go, Later, Stop
from clinic.exercises.answers import key_of
from clinic.exercises.schedule import is_set
from clinic.exercises.writing import occasion_bubble
from clinic.handoffs import unresolved_handoff
from clinic.models import ExerciseOccasion, ExerciseProgramme
from clinic.models.exercises import ENDED, PAUSED
from clinic.models.message import CANCELLED, SKIPPED
from clinic.reminders.writing import Words

WHILE_CHANGED = timedelta(seconds=2)


def decide_occasion(
    session: Session, words: Words, message: Any, contact: Any, moment: datetime
) -> Decision:
    """Whether an occasion goes now, and as what: by the programme as it stands at this moment."""
    occasion = session.execute(
        select(ExerciseOccasion).where(ExerciseOccasion.message_id == int(message.id))
    ).scalar_one_or_none()
    if occasion is None:
        return Stop(CANCELLED, "nobody planned it")
    programme = _as_it_is(session, int(occasion.programme_id))
    if programme is None:
        return Later(moment + WHILE_CHANGED, "programme is being changed")
    if programme.status == ENDED:
        return Stop(CANCELLED, "programme ended")
    if programme.status == PAUSED:
        return Stop(SKIPPED, "programme paused")
    if not is_set(programme, occasion.day, str(occasion.at)):
        return Stop(CANCELLED, "programme changed")
    if unresolved_handoff(session, int(contact.id)) is not None:
        return Stop(SKIPPED, "open handoff")
    occasion.version = programme.version
    return Go(occasion_bubble(words, contact, programme, key_of(occasion), moment))


def _as_it_is(session: Session, programme_id: int) -> Optional[ExerciseProgramme]:
    """The programme, which stays so until this transaction ends; None while it is being changed."""
    return session.execute(
        select(ExerciseProgramme)
        .where(ExerciseProgramme.id == programme_id)
        .with_for_update(read=True, of=ExerciseProgramme, skip_locked=True)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
