"""Claiming what is due: each contact's messages in order, one on its way at a time.

Any number of workers may claim at once. What a message waits for is written in its row, so the
cost of a claim depends on what is due, not on how much the log holds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import AbstractSet, Any, Dict, List, Optional, Set

from sqlalchemy import Integer, String, and_, bindparam, select, tuple_, update
from sqlalchemy.orm import Session

from clinic.database import UtcDateTime, connection_of, now
from clinic.models import Contact, Message
from clinic.models.message import CLAIMED, PLANNED, SENDING

LEASE = timedelta(seconds=60)
MAX_PAGES = 20


def in_state(*states: str) -> Any:
    """`Message.state` is one of these, written into the statement itself.

    SQLite and PostgreSQL use a partial index only where they see its condition in the statement;
    a bound value hides it.
    """
    if len(states) == 1:
        return Message.state == bindparam(None, states[0], literal_execute=True)
    return Message.state.in_(bindparam(None, list(states), expanding=True, literal_execute=True))


def _queue(kept: Any) -> Any:
    """The front of a queue, as many rows as `page` says."""
    return (
        select(Message.id, Message.contact_id, Message.due_at)
        .where(kept, Message.due_at <= bindparam("moment", type_=UtcDateTime()))
        .order_by(Message.due_at, Message.id)
        .limit(bindparam("page", type_=Integer))
    )


# statements are written once: putting one together costs more than the database takes for it
_PLANNED = _queue(in_state(PLANNED))
# the condition of the index ix_messages_reply_queue
_REPLIES = _queue(
    and_(in_state(PLANNED), Message.purpose == bindparam(None, "reply", literal_execute=True))
)
_AFTER = tuple_(Message.due_at, Message.id) > tuple_(
    bindparam("last_due", type_=UtcDateTime()), bindparam("last_id", type_=Integer)
)
_PLACES = select(Message.contact_id, Message.id, Message.state, Message.due_at).where(
    Message.contact_id.in_(bindparam("contacts", expanding=True)),
    Message.lease_until.is_not(None),
    Message.state.in_((CLAIMED, SENDING, PLANNED)),
)
_messages = Message.__table__
_CLAIM = (
    update(_messages)
    .where(
        _messages.c.id.in_(bindparam("ids", expanding=True)),
        _messages.c.state == PLANNED,
        _messages.c.due_at <= bindparam("moment", type_=UtcDateTime()),
    )
    .values(
        state=CLAIMED,
        lease_owner=bindparam("owner", type_=String()),
        lease_until=bindparam("until", type_=UtcDateTime()),
    )
)
# of some messages those that this worker has claimed, oldest first
CLAIMED_BY = (
    select(Message.id)
    .where(
        Message.id.in_(bindparam("ids", expanding=True)),
        Message.state == CLAIMED,
        Message.lease_owner == bindparam("owner"),
    )
    .order_by(Message.id)
)


def claim(
    session: Session,
    owner: str,
    limit: int,
    moment: Optional[datetime] = None,
    clock: Optional[datetime] = None,
) -> List[int]:
    """Claim due messages, at most one per contact so that each contact's stay in order.

    Replies go first: somebody waits for them, however many reminders are due.

    A contact of whom a message is claimed or sending waits, and so does one whose refused reply
    waits for its next try: that reply goes before what was planned after it.

    Args:
        moment: what is due at this time (default: now).
        clock: the time from which the lease counts, where that is another (default: now).

    Returns:
        The ids of the claimed messages, oldest first.
    """
    clock = clock or now()
    moment = moment or clock
    heads = _heads(session, limit, moment, _REPLIES)
    if len(heads) < limit:
        for contact_id, message_id in _heads(session, limit, moment, _PLANNED).items():
            heads.setdefault(contact_id, message_id)
        heads = dict(list(heads.items())[:limit])
    if not heads:
        return []
    ids = list(heads.values())
    until = clock + LEASE
    connection = connection_of(session)
    connection.execute(_CLAIM, {"ids": ids, "moment": moment, "owner": owner, "until": until})
    rows = connection.execute(CLAIMED_BY, {"ids": ids, "owner": owner})
    return [int(row[0]) for row in rows]


def _heads(session: Session, limit: int, moment: datetime, queue: Any) -> Dict[int, int]:
    """Of the queue's rows the one each contact waits for first, by contact, longest due first.

    Reads the queue's index in pages from its front, so the cost does not grow with the table;
    what another worker looks after at this moment is passed over.
    """
    heads: Dict[int, int] = {}
    seen: Set[int] = set()
    page = limit * 2
    given: Dict[str, Any] = {"moment": moment, "page": page}
    for _ in range(MAX_PAGES):
        rows = connection_of(session).execute(queue, given).all()
        first: Dict[int, int] = {}
        for message_id, contact_id, _due_at in rows:
            if int(contact_id) not in seen:
                first.setdefault(int(contact_id), int(message_id))
        seen |= first.keys()
        heads.update(_free(session, first, limit - len(heads), moment))
        if len(rows) < page or len(heads) >= limit:
            break
        # from where this page ended: counted from the front, the queue moves under our feet
        if "last_id" not in given:
            queue = queue.where(_AFTER)
        given.update(last_due=rows[-1].due_at, last_id=rows[-1].id)
    return heads


def _free(session: Session, first: Dict[int, int], room: int, moment: datetime) -> Dict[int, int]:
    """At most `room` of the contacts whose turn it is and of whom nobody else claims now."""
    found: Dict[int, int] = {}
    waiting = list(first.items())
    while waiting and len(found) < room:
        # no more than there is room for: a lock keeps other workers away
        some = room - len(found)
        asked, waiting = dict(waiting[:some]), waiting[some:]
        found.update(_next_of(session, _locked(session, asked), moment))
    return found


def _locked(session: Session, asked: Dict[int, int]) -> Dict[int, int]:
    """Where several workers claim at once (PostgreSQL), only one may look at a contact."""
    if session.get_bind().dialect.name == "sqlite":
        return asked
    rows = session.execute(
        select(Contact.id)
        .where(Contact.id.in_(asked))
        .with_for_update(skip_locked=True, key_share=True)
    )
    locked = {int(row[0]) for row in rows}
    return {contact_id: message for contact_id, message in asked.items() if contact_id in locked}


def _next_of(session: Session, first: Dict[int, int], moment: datetime) -> Dict[int, int]:
    """Of each contact's first due message: that, or what goes before it, or nothing yet."""
    following = dict(first)
    for contact_id, message_id, state, due_at in _places(session, first.keys()):
        if contact_id not in following:
            continue
        if state == PLANNED and due_at <= moment:
            following[contact_id] = message_id
        else:
            del following[contact_id]
    return following


def _places(session: Session, contacts: AbstractSet[int]) -> List[Any]:
    """The messages that hold the place at the front of their contact's queue."""
    if not contacts:
        return []
    return connection_of(session).execute(_PLACES, {"contacts": list(contacts)}).all()
