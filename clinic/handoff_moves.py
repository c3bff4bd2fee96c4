"""Passing a handoff on: to a person, to a team, out of sight for a while; and what was read."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Optional

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from clinic.database import now
from clinic.handoffs import HandoffError
from clinic.models import Handoff, Message
from clinic.models.handoff import PRIORITIES, TEAMS
from clinic.models.message import IN


def newest_inbound_of_handoff() -> Any:
    """A column for a query over handoffs: the id of the last message its contact wrote, or 0."""
    return func.coalesce(
        select(Message.id)
        .where(Message.contact_id == Handoff.contact_id, Message.direction == IN)
        .order_by(Message.id.desc())
        .limit(1)
        .correlate(Handoff)
        .scalar_subquery(),
        0,
    )


def is_snoozed(moment: datetime) -> Any:
    """A condition: put aside, its time not yet come, and the patient silent since."""
    return and_(
        Handoff.snoozed_after.is_not(None),
        or_(Handoff.snoozed_until.is_(None), Handoff.snoozed_until > moment),
        newest_inbound_of_handoff() <= Handoff.snoozed_after,
    )


def is_unread() -> Any:
    """A condition: the patient wrote something that nobody has answered or marked as read."""
    return newest_inbound_of_handoff() > func.coalesce(Handoff.read_upto, 0)


def give_to(
    session: Session, handoff_id: int, person: str, expected: Optional[str] = None
) -> Handoff:
    """Give a handoff to a person, from `expected` (None: from nobody), by compare-and-set.

    Raises:
        HandoffError: `not_found`, `resolved`, or `taken` (it is with somebody else by now).
    """
    owner = Handoff.claimed_by.is_(None) if expected is None else Handoff.claimed_by == expected
    return _set_where(
        session,
        handoff_id,
        owner,
        status="claimed",
        claimed_by=person,
        claimed_at=now(),
        team=None,
        snoozed_after=None,
        snoozed_until=None,
    )


def give_to_team(
    session: Session, handoff_id: int, team: str, expected: Optional[str] = None
) -> Handoff:
    """Let a team have it: nobody owns it until one of them claims it.

    Raises:
        ValueError: if there is no such team.
        HandoffError: as `give_to`.
    """
    if team not in TEAMS:
        raise ValueError(f"unknown team: {team}")
    owner = Handoff.claimed_by.is_(None) if expected is None else Handoff.claimed_by == expected
    return _set_where(
        session, handoff_id, owner, status="open", claimed_by=None, claimed_at=None, team=team
    )


def snooze(session: Session, handoff_id: int, until: Optional[datetime]) -> Handoff:
    """Put it out of sight until a time (None: no time), or until the patient writes.

    Raises:
        ValueError: if the time has passed.
        HandoffError: `not_found`, `resolved`, or `urgent`: a red flag is never put aside.
    """
    if until is not None and until <= now():
        raise ValueError("the time has passed")
    handoff = _standing(session, handoff_id)
    if handoff.priority == PRIORITIES[0]:
        raise HandoffError("urgent")
    put_out_of_sight(session, handoff, until)
    return handoff


def put_out_of_sight(session: Session, handoff: Handoff, until: Optional[datetime] = None) -> None:
    """Let it wait unseen until `until` (None: no time) or until the patient writes; it is read."""
    newest = newest_inbound_id(session, int(handoff.contact_id))
    handoff.snoozed_after, handoff.snoozed_until = newest, until
    handoff.read_upto = newest
    session.flush()


def wake(session: Session, handoff_id: int) -> Handoff:
    """Undo `snooze`.

    Raises:
        HandoffError: `not_found` or `resolved`.
    """
    handoff = _standing(session, handoff_id)
    handoff.snoozed_after = handoff.snoozed_until = None
    session.flush()
    return handoff


def mark_read(session: Session, contact_id: int, read: bool = True) -> None:
    """What the patient wrote so far counts as read (or, to come back to it, as unread)."""
    upto = newest_inbound_id(session, contact_id) if read else None
    session.execute(
        update(Handoff)
        .where(Handoff.contact_id == contact_id, Handoff.status != "resolved")
        .values(read_upto=upto)
        .execution_options(synchronize_session=False)
    )


def newest_inbound_id(session: Session, contact_id: int) -> int:
    """The id of the last message this contact wrote; 0 if none."""
    found = session.execute(
        select(Message.id)
        .where(Message.contact_id == contact_id, Message.direction == IN)
        .order_by(Message.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    return int(found or 0)


def _standing(session: Session, handoff_id: int) -> Handoff:
    handoff = session.get(Handoff, handoff_id, with_for_update=True, populate_existing=True)
    if handoff is None:
        raise HandoffError("not_found")
    if handoff.status == "resolved":
        raise HandoffError("resolved")
    return handoff


def _set_where(session: Session, handoff_id: int, owner: Any, **values: Any) -> Handoff:
    won = session.execute(
        update(Handoff)
        .where(Handoff.id == handoff_id, Handoff.status != "resolved", owner)
        .values(**values)
        .execution_options(synchronize_session=False)
    ).rowcount
    handoff = session.get(Handoff, handoff_id, populate_existing=True)
    if handoff is None:
        raise HandoffError("not_found")
    if not won:
        raise HandoffError("resolved" if handoff.status == "resolved" else "taken")
    return handoff
