"""What the patient card says of home exercises: which, when next, and how it goes.

The front desk sees that there are some, when the next is due and whether they are paused, so that
it can say so; what they are and how the patient gets on is for physiotherapists.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import List, Optional

from sqlalchemy.orm import Session

from clinic.database import now
from clinic.exercises import running_programmes
from clinic.exercises.answers import Adherence, adherence
from clinic.exercises.schedule import next_moment
from clinic.models import Contact, ExerciseProgramme
from clinic.models.exercises import ACTIVE
from clinic.setup import has_profile
from inbox.access.sight import note_shown
from inbox.access.viewer import allowed
from inbox.house import house

DAYS_COUNTED = 14


@dataclass(frozen=True)
class ProgrammeLine:
    """One programme; `names` and `went` are None for whoever may not see plans.

    `next_at` is None while it is paused and when its days are over.
    """

    id: int
    patient: str
    names: Optional[List[str]]
    status: str
    paused_for: Optional[str]
    next_at: Optional[datetime]
    went: Optional[Adherence]


def read_exercises(session: Session, contact: Contact) -> List[ProgrammeLine]:
    """The programmes of the contact's patients that have not ended, oldest first."""
    if not has_profile(session):
        return []
    return [line_of(session, one) for one in running_programmes(session, int(contact.id))]


def line_of(session: Session, programme: ExerciseProgramme) -> ProgrammeLine:
    """A programme as the card shows it to whoever looks."""
    moment, zone = now(), house().zone()
    names: Optional[List[str]] = None
    went: Optional[Adherence] = None
    if allowed("see_plans"):
        note_shown(int(programme.contact_id), "exercises", int(programme.id))
        names = [str(one.title) for one in programme.exercises]
        first = moment.astimezone(zone).date() - timedelta(days=DAYS_COUNTED - 1)
        went = adherence(session, int(programme.id), first)
    runs = programme.status == ACTIVE
    return ProgrammeLine(
        id=int(programme.id),
        patient=str(programme.patient.name),
        names=names,
        status=str(programme.status),
        paused_for=programme.paused_for,
        next_at=next_moment(programme, moment, zone) if runs else None,
        went=went,
    )
