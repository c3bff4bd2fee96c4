"""The queue: which handoffs wait, in the order in which they should be taken up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from sqlalchemy import and_, case, false, func, not_, or_, select
from sqlalchemy.orm import Session, contains_eager

from clinic.database import now
from clinic.handoff_moves import is_snoozed, is_unread, newest_inbound_of_handoff
from clinic.models import Handoff
from clinic.models.handoff import PRIORITIES

URGENT, LATER = 0, 1
Position = Tuple[int, datetime, int]

# red flags above all, then whoever has waited longest, whatever the reason
_rank = case((Handoff.priority == PRIORITIES[0], URGENT), else_=LATER)


@dataclass(frozen=True)
class Wanted:
    """Which handoffs, from where on, and how many; unresolved ones unless `status` says else.

    `view` is one of the inbox's (`unclaimed`, `mine`, ...), seen by `claimed_by`'s eyes at
    `moment`; `late_before` says by priority which are late.
    """

    limit: int
    after: Optional[Position] = None
    status: Optional[str] = None
    reason: Optional[str] = None
    priority: Optional[str] = None
    claimed_by: Optional[str] = None
    view: Optional[str] = None
    moment: datetime = field(default_factory=now)
    late_before: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def is_past(self) -> bool:
        """Whether resolved ones are wanted, which are read newest first."""
        return self.view == "resolved"

    def narrow(self, query: Any) -> Any:
        """`query` over handoffs, cut down to these and in their order."""
        for column, value in ((Handoff.reason, self.reason), (Handoff.priority, self.priority)):
            if value is not None:
                query = query.where(column == value)
        if self.view is None:
            status = Handoff.status
            query = query.where(status == self.status if self.status else status != "resolved")
            if self.claimed_by is not None:
                query = query.where(Handoff.claimed_by == self.claimed_by)
        else:
            query = query.where(self._in_view())
        if self.is_past:
            if self.after is not None:
                query = query.where(Handoff.id < self.after[2])
            return query.order_by(Handoff.id.desc()).limit(self.limit)
        if self.after is not None:
            query = query.where(_after(self.after))
        return query.order_by(_rank, Handoff.opened_at, Handoff.id).limit(self.limit)

    def _in_view(self) -> Any:
        if self.is_past:
            return Handoff.status == "resolved"
        unresolved = Handoff.status != "resolved"
        if self.view == "snoozed":
            return and_(unresolved, is_snoozed(self.moment))
        awake = and_(unresolved, not_(is_snoozed(self.moment)))
        nobodys = Handoff.status == "open"
        return {
            "unclaimed": and_(nobodys, Handoff.team.is_(None), awake),
            "mine": and_(Handoff.claimed_by == self.claimed_by, awake),
            "physiotherapists": and_(nobodys, Handoff.team == "physiotherapists", awake),
            "unread": and_(is_unread(), awake),
            "late": and_(_late(self.late_before), awake),
            "all": awake,
        }[str(self.view)]


def list_handoffs(session: Session, wanted: Wanted) -> List[Handoff]:
    """The handoffs that are wanted, with their contacts."""
    query = select(Handoff).join(Handoff.contact).options(contains_eager(Handoff.contact))
    return list(session.execute(wanted.narrow(query)).scalars())


def handoffs_of(session: Session, ids: Sequence[int]) -> List[Handoff]:
    """These handoffs, with their contacts, in the order of `ids`."""
    query = select(Handoff).join(Handoff.contact).options(contains_eager(Handoff.contact))
    rows = session.execute(query.where(Handoff.id.in_(ids))).scalars()
    by_id = {int(row.id): row for row in rows}
    return [by_id[number] for number in ids if number in by_id]


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


def _late(late_before: Mapping[str, datetime]) -> Any:
    """Not taken up in the time the clinic promises itself."""
    too_old = [
        and_(Handoff.priority == priority, Handoff.opened_at < moment)
        for priority, moment in late_before.items()
    ]
    return and_(Handoff.status == "open", or_(false(), *too_old))


@dataclass(frozen=True)
class Group:
    """So many unresolved handoffs are alike; `newest` is the highest id among them."""

    status: str
    claimed_by: Optional[str]
    team: Optional[str]
    reason: str
    priority: str
    snoozed: bool
    unread: bool
    late: bool
    count: int
    newest: int

    def views(self, staff: str) -> List[str]:
        """The views that show these to `staff`."""
        if self.snoozed:
            return ["snoozed"]
        shown = {
            "unclaimed": self.status == "open" and self.team is None,
            "mine": self.claimed_by == staff,
            "physiotherapists": self.status == "open" and self.team == "physiotherapists",
            "unread": self.unread,
            "late": self.late,
            "all": True,
            "open": self.status == "open",
            "urgent": self.status == "open" and self.priority == PRIORITIES[0],
        }
        return [view for view, shows in shown.items() if shows]


def group_waiting(
    session: Session, moment: datetime, late_before: Mapping[str, datetime]
) -> List[Group]:
    """Every unresolved handoff, counted by what the queue distinguishes; decrypts nothing."""
    kinds = select(
        Handoff.id,
        Handoff.status,
        Handoff.claimed_by,
        Handoff.team,
        Handoff.reason,
        Handoff.priority,
        case((is_snoozed(moment), 1), else_=0).label("snoozed"),
        case((is_unread(), 1), else_=0).label("unread"),
        case((_late(late_before), 1), else_=0).label("late"),
    ).where(Handoff.status != "resolved")
    rows = kinds.subquery()
    names = [column for column in rows.c if column.name != "id"]
    query = select(
        *names, func.count().label("how_many"), func.max(rows.c.id).label("newest")
    ).group_by(*names)
    return [
        Group(
            status=row.status,
            claimed_by=row.claimed_by,
            team=row.team,
            reason=row.reason,
            priority=row.priority,
            snoozed=bool(row.snoozed),
            unread=bool(row.unread),
            late=bool(row.late),
            count=int(row.how_many),
            newest=int(row.newest),
        )
        for row in session.execute(query)
    ]


def count_waiting(groups: List[Group], staff: str) -> Dict[str, int]:
    """How many each view has for `staff`; also `open` (with nobody), and of these the `urgent`."""
    counts = dict.fromkeys(
        ("unclaimed", "mine", "physiotherapists", "unread", "late", "all", "snoozed"), 0
    )
    counts.update(open=0, urgent=0)
    for group in groups:
        for view in group.views(staff):
            counts[view] += group.count
    return counts


def count_reasons(groups: List[Group], view: str, staff: str) -> Dict[str, int]:
    """How many of a view have each reason."""
    counts: Dict[str, int] = {}
    for group in groups:
        if view in group.views(staff):
            counts[group.reason] = counts.get(group.reason, 0) + group.count
    return counts


def queue_state(session: Session, wanted: Wanted) -> List[Tuple[Any, ...]]:
    """What may change about these handoffs in the queue, read without decrypting anything."""
    # found by their ids first, so that thousands are sorted without what is shown of fifty
    ids = list(session.execute(wanted.narrow(select(Handoff.id))).scalars())
    query = select(
        Handoff.id,
        Handoff.status,
        Handoff.claimed_by,
        Handoff.team,
        Handoff.reason,
        Handoff.priority,
        Handoff.read_upto,
        Handoff.snoozed_until,
        newest_inbound_of_handoff(),
    ).where(Handoff.id.in_(ids))
    rows = {row.id: tuple(row) for row in session.execute(query)}
    return [rows[number] for number in ids if number in rows]
