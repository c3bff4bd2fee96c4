"""Planning reminders: whatever happens to a visit, its rows in the outbox follow at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, Iterable, List, Tuple
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from clinic.models import Appointment, Message, Reminder
from clinic.models.consent import CARE
from clinic.models.message import CANCELLED, CLAIMED, PLANNED
from clinic.models.schedule import NO_SHOW, STANDING
from clinic.outbox import plan_unwritten
from clinic.profile import Profile
from clinic.reminders.missed import plan_missed
from clinic.reminders.times import Due, reminders_of
from clinic.setup import profile_in

PURPOSE = CARE
AT_ONCE = 400


def cause_of(appointment_id: int, kind: str, time_version: int) -> str:
    """What makes the reminder of a visit unique: its id, the kind, and the version of its time."""
    return f"appointment:{appointment_id}:{kind}:{time_version}"


def replan(session: Session, appointment_id: int, *, now: datetime) -> None:
    """Make the outbox agree with a visit, in the transaction that changed it.

    What speaks of an earlier time, or of a visit that no longer stands, is cancelled; what is
    missing is planned, unless its time has passed. A visit marked as missed gets its one offer
    of a new time. Doing it again changes nothing.
    """
    replan_all(session, [appointment_id], now=now)


def replan_all(session: Session, appointment_ids: Iterable[int], *, now: datetime) -> None:
    """`replan` for several visits, with few statements."""
    wanted = list(appointment_ids)
    profile = profile_in(session)
    for begin in range(0, len(wanted), AT_ONCE):
        _replan(session, wanted[begin : begin + AT_ONCE], profile, now)


def upcoming_ids(
    session: Session, now: datetime, after: int = 0, limit: int = AT_ONCE
) -> List[int]:
    """Standing visits that have not begun, by id, for a sweep over all of them in pages."""
    rows = session.execute(
        select(Appointment.id)
        .where(
            Appointment.id > after, Appointment.status.in_(STANDING), Appointment.starts_at > now
        )
        .order_by(Appointment.id)
        .limit(limit)
    )
    return [int(row[0]) for row in rows]


def _replan(session: Session, ids: List[int], profile: Profile, now: datetime) -> None:
    # locked: a move that came between this look and the next would have its reminders cancelled
    visits = session.execute(
        select(
            Appointment.id,
            Appointment.contact_id,
            Appointment.status,
            Appointment.starts_at,
            Appointment.ends_at,
            Appointment.time_version,
        )
        .where(Appointment.id.in_(ids))
        .order_by(Appointment.id)
        .with_for_update(read=True)
    ).all()
    known = _known(session, ids)
    zone = ZoneInfo(profile.time_zone)
    fresh: List[Dict[str, Any]] = []
    for visit in visits:
        standing = visit.status in STANDING
        dues = reminders_of(visit.starts_at, profile.reminders, zone) if standing else []
        wanted = {(due.kind, int(visit.time_version)): due for due in dues}
        outdated = "moved" if standing else str(visit.status)
        for (kind, version), row in known.get(int(visit.id), {}).items():
            due = wanted.pop((kind, version), None)
            if due is None:
                _cancel(session, row, outdated)
            else:
                _keep(session, row, due, now)
        fresh += _plan(session, visit, wanted, now)
        if visit.status == NO_SHOW:
            plan_missed(session, visit, profile, now)
    if fresh:
        session.execute(insert(Reminder), fresh)


def _known(session: Session, ids: List[int]) -> Dict[int, Dict[Tuple[str, int], Any]]:
    rows = session.execute(
        select(
            Reminder.appointment_id,
            Reminder.kind,
            Reminder.time_version,
            Reminder.message_id,
            Message.state,
            Message.due_at,
            Message.detail,
        )
        .join(Message, Message.id == Reminder.message_id)
        .where(Reminder.appointment_id.in_(ids))
    )
    known: Dict[int, Dict[Tuple[str, int], Any]] = {}
    for row in rows:
        known.setdefault(int(row.appointment_id), {})[row.kind, int(row.time_version)] = row
    return known


def _plan(
    session: Session, visit: Any, wanted: Dict[Tuple[str, int], Due], now: datetime
) -> List[Dict[str, Any]]:
    fresh = []
    for (kind, version), due in wanted.items():
        if due.due_at <= now:
            continue
        message_id = plan_unwritten(
            session,
            int(visit.contact_id),
            kind="reminder",
            cause=cause_of(int(visit.id), kind, version),
            purpose=PURPOSE,
            due_at=due.due_at,
            not_after=due.not_after,
        )
        if message_id is not None:
            fresh.append(
                {
                    "appointment_id": int(visit.id),
                    "kind": kind,
                    "time_version": version,
                    "message_id": message_id,
                }
            )
    return fresh


def _cancel(session: Session, row: Any, why: str) -> None:
    """Cancel what has not begun to be sent; a worker that is deciding now is waited for."""
    if row.state not in (PLANNED, CLAIMED):
        return
    session.execute(
        update(Message)
        .where(Message.id == row.message_id, Message.state.in_((PLANNED, CLAIMED)))
        .values(state=CANCELLED, detail=f"visit {why}", lease_until=None, lease_owner=None)
        .execution_options(synchronize_session=False)
    )


def _keep(session: Session, row: Any, due: Due, now: datetime) -> None:
    """Follow a change of the clinic's hours; one that is being sent or tried again is left."""
    if row.state != PLANNED or row.detail or row.due_at == due.due_at or due.due_at <= now:
        return
    session.execute(
        update(Message)
        .where(Message.id == row.message_id, Message.state == PLANNED)
        .values(due_at=due.due_at, not_after=due.not_after)
        .execution_options(synchronize_session=False)
    )
