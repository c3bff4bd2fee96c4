"""The queue: which handoffs wait, in the order in which they should be taken up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Optional, Tuple

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session, contains_eager

from clinic.models import Contact, Handoff
from clinic.models.handoff import PRIORITIES
from clinic.transcript import newest_inbound

URGENT, LATER = 0, 1
Position = Tuple[int, datetime, int]

# red flags above all, then whoever has waited longest, whatever the reason
_rank = case((Handoff.priority == PRIORITIES[0], URGENT), else_=LATER)


@dataclass(frozen=True)
class Wanted:
    """Which handoffs, from where on, and how many; unresolved ones unless `status` says else."""

    limit: int
    after: Optional[Position] = None
    status: Optional[str] = None
    reason: Optional[str] = None
    priority: Optional[str] = None
    claimed_by: Optional[str] = None

    def narrow(self, query: Any) -> Any:
        """`query` over handoffs, cut down to these and in their order."""
        query = query.where(
            Handoff.status == self.status if self.status else Handoff.status != "resolved"
        )
        for column, value in (
            (Handoff.reason, self.reason),
            (Handoff.priority, self.priority),
            (Handoff.claimed_by, self.claimed_by),
        ):
            if value is not None:
                query = query.where(column == value)
        if self.after is not None:
            query = query.where(_after(self.after))
        return query.order_by(_rank, Handoff.opened_at, Handoff.id).limit(self.limit)


def list_handoffs(session: Session, wanted: Wanted) -> List[Handoff]:
    """The handoffs that are wanted, with their contacts."""
    query = select(Handoff).join(Handoff.contact).options(contains_eager(Handoff.contact))
    return list(session.execute(wanted.narrow(query)).scalars())


def position_of(handoff: Handoff) -> Position:
    """Where in the queue a handoff stands."""
    rank = URGENT if handoff.priority == PRIORITIES[0] else LATER
    return rank, handoff.opened_at, int(handoff.id)


def _after(position: Position) -> Any:
    rank, opened_at, handoff_id = position
    later = or_(
        Handoff.opened_at > opened_at,
        and_(Handoff.opened_at == opened_at, Handoff.id > handoff_id),
    )
    return or_(_rank > rank, and_(_rank == rank, later))


def count_waiting(session: Session, staff: str) -> Dict[str, int]:
    """How many unresolved handoffs there are: `unclaimed` ones, `mine`, `all`, and
    `urgent` ones that nobody has claimed."""
    everyone = Handoff.status != "resolved"
    unclaimed_urgent = and_(Handoff.status == "open", Handoff.priority == PRIORITIES[0])
    row = session.execute(
        select(
            func.count(),
            func.sum(case((Handoff.status == "open", 1), else_=0)),
            func.sum(case((Handoff.claimed_by == staff, 1), else_=0)),
            func.sum(case((unclaimed_urgent, 1), else_=0)),
        ).where(everyone)
    ).one()
    total, unclaimed, mine, urgent = (int(value or 0) for value in row)
    return {"unclaimed": unclaimed, "mine": mine, "all": total, "urgent": urgent}


def queue_state(session: Session, wanted: Wanted) -> List[Tuple[Any, ...]]:
    """What may change about these handoffs in the queue, read without decrypting anything."""
    query = select(
        Handoff.id,
        Handoff.status,
        Handoff.claimed_by,
        Handoff.reason,
        Handoff.priority,
        newest_inbound(),
    ).join(Contact, Contact.id == Handoff.contact_id)
    return [tuple(row) for row in session.execute(wanted.narrow(query))]
