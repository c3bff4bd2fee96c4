"""The outbound side of the message log: claiming, sending at most once, and what became of it.

A message moves `planned → claimed → sending → sent → delivered → read`, or ends in `skipped`,
`cancelled`, `failed` or `unknown`. Between `claimed` and `sending` it may be taken up again after
a crash, for nothing has left the house; from `sending` on it may have, so it is never sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import AbstractSet, Any, Dict, List, Optional, Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from clinic.database import now
from clinic.handoffs import open_handoff
from clinic.models import Contact, Message
from clinic.models.message import (
    CLAIMED,
    DELIVERED,
    FAILED,
    OUT,
    PLANNED,
    READ,
    SENDING,
    SENT,
    SKIPPED,
    UNKNOWN,
)

WINDOW = timedelta(hours=24)
LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 8
MAX_PAGES = 20

# how far a message has come; a status moves it only to a higher rank
RANK = {PLANNED: 0, CLAIMED: 1, SENDING: 2, UNKNOWN: 3, SENT: 4, FAILED: 5, DELIVERED: 6, READ: 7}
STATE_OF_STATUS = {
    "sent": SENT,
    "delivered": DELIVERED,
    "read": READ,
    "played": READ,
    "failed": FAILED,
}
TIME_OF_STATE = {SENT: "sent_at", DELIVERED: "delivered_at", READ: "read_at"}


def claim(session: Session, owner: str, limit: int, moment: Optional[datetime] = None) -> List[int]:
    """Claim due messages, at most one per contact so that each contact's stay in order.

    Returns:
        The ids of the claimed messages, oldest first.
    """
    moment = moment or now()
    ids = _lock_contacts(session, _heads(session, limit, moment), moment)
    if not ids:
        return []
    session.execute(
        update(Message)
        .where(Message.id.in_(ids), Message.state == PLANNED)
        .values(state=CLAIMED, lease_owner=owner, lease_until=moment + LEASE)
        .execution_options(synchronize_session=False)
    )
    rows = session.execute(
        select(Message.id)
        .where(Message.id.in_(ids), Message.state == CLAIMED, Message.lease_owner == owner)
        .order_by(Message.id)
    )
    return [int(row[0]) for row in rows]


def _heads(session: Session, limit: int, moment: datetime) -> List[int]:
    """The first due message of each contact that has nothing in flight.

    Reads the queue's index in pages from its front, so the cost does not grow with the table.
    """
    heads: Dict[int, int] = {}
    page = limit * 2
    for number in range(MAX_PAGES):
        rows = session.execute(
            select(Message.id, Message.contact_id)
            .where(Message.state == PLANNED, Message.due_at <= moment)
            .order_by(Message.due_at, Message.id)
            .offset(number * page)
            .limit(page)
        ).all()
        fresh = {int(row[1]) for row in rows} - heads.keys()
        busy = _busy(session, fresh, moment)
        for message_id, contact_id in rows:
            if contact_id not in busy:
                heads.setdefault(int(contact_id), int(message_id))
        if len(rows) < page or len(heads) >= limit:
            break
    return sorted(heads.values())[:limit]


def _busy(session: Session, contacts: AbstractSet[int], moment: datetime) -> AbstractSet[int]:
    """Those of `contacts` for whom a message is on its way out at this moment."""
    if not contacts:
        return set()
    rows = session.execute(
        select(Message.contact_id).where(
            Message.contact_id.in_(contacts),
            Message.state.in_((CLAIMED, SENDING)),
            Message.lease_until > moment,
        )
    )
    return {int(row[0]) for row in rows}


def _lock_contacts(session: Session, ids: Sequence[int], moment: datetime) -> List[int]:
    """Where several workers claim at once (PostgreSQL), only one may look at a contact."""
    if not ids or session.get_bind().dialect.name == "sqlite":
        return list(ids)
    rows = session.execute(
        select(Message.id, Contact.id)
        .join(Contact, Contact.id == Message.contact_id)
        .where(Message.id.in_(ids))
        .with_for_update(of=Contact, skip_locked=True)
    ).all()
    locked = [int(row[0]) for row in rows]
    contacts = [int(row[1]) for row in rows]
    # what another worker claimed between our look and our lock
    busy = _busy(session, set(contacts), moment)
    return [mid for mid, contact in zip(locked, contacts, strict=True) if contact not in busy]


@dataclass(frozen=True)
class Letter:
    """What a sender needs to send one message."""

    message_id: int
    contact_id: int
    phone: Optional[str]
    bsuid: Optional[str]
    content: Dict[str, Any]
    reply_to: Optional[str]
    attempts: int


def begin_sending(session: Session, ids: Sequence[int], owner: str) -> List[Letter]:
    """Decide each claimed message by the facts of this moment, and mark what goes as `sending`.

    Whatever may not go any more ends here with its reason: `too late`, `unreachable`, and
    `window closed` (a reply outside the 24-hour window; staff are told).
    """
    moment = now()
    letters: List[Letter] = []
    messages = session.execute(
        select(Message)
        .where(Message.id.in_(ids), Message.state == CLAIMED, Message.lease_owner == owner)
        .order_by(Message.id)
    ).scalars()
    for message in messages:
        contact = session.get(Contact, message.contact_id)
        assert contact is not None  # noqa: S101 - a foreign key
        obstacle = _obstacle(message, contact, moment)
        if obstacle is not None:
            _give_up(session, message, *obstacle)
            continue
        message.state, message.lease_until = SENDING, moment + LEASE
        message.attempts += 1
        letters.append(
            Letter(
                message_id=int(message.id),
                contact_id=int(message.contact_id),
                phone=contact.phone,
                bsuid=contact.bsuid,
                content=message.content,
                reply_to=message.reply_to,
                attempts=int(message.attempts),
            )
        )
    return letters


def _obstacle(message: Any, contact: Any, moment: datetime) -> Optional[tuple[str, str]]:
    if message.not_after is not None and message.not_after < moment:
        return SKIPPED, "too late"
    if contact.unreachable_at is not None:
        return SKIPPED, "unreachable"
    if message.kind != "template" and not window_open(contact, moment):
        return FAILED, "window closed"
    return None


def window_open(contact: Any, moment: Optional[datetime] = None) -> bool:
    """Whether free-form messages may go: within 24 hours of the contact's last message."""
    last = contact.last_inbound_at
    return last is not None and (moment or now()) < last + WINDOW


def _give_up(session: Session, message: Any, state: str, detail: str) -> None:
    message.state, message.detail = state, detail
    message.lease_until = message.lease_owner = None
    if state == FAILED and message.purpose == "reply":
        # a patient is waiting for what did not go: a person takes over
        open_handoff(session, int(message.contact_id), "failure", opened_by=message.cause)


def record_sent(session: Session, message_id: int, wamid: str) -> None:
    """Graph accepted the message."""
    message = session.get(Message, message_id)
    if message is None:
        return
    message.wamid = wamid
    message.lease_until = message.lease_owner = None
    if RANK.get(message.state, 9) < RANK[SENT]:
        message.state, message.sent_at, message.detail = SENT, now(), None


def record_unknown(session: Session, message_id: int, why: str) -> None:
    """It may have gone or not; a status tells some day, nobody sends it again."""
    message = session.get(Message, message_id)
    if message is not None and message.state == SENDING:
        message.state, message.detail = UNKNOWN, why[:200]
        message.lease_until = message.lease_owner = None


def record_refused(
    session: Session, message_id: int, detail: str, retry_in: Optional[timedelta]
) -> None:
    """Graph did not take it: plan it again after `retry_in`, or give it up."""
    message = session.get(Message, message_id)
    if message is None or message.state != SENDING:
        return
    if retry_in is not None and message.attempts < MAX_ATTEMPTS:
        message.state, message.due_at = PLANNED, now() + retry_in
        message.detail = detail[:200]
        message.lease_until = message.lease_owner = None
        return
    _give_up(session, message, FAILED, detail[:200])


def record_unreachable(session: Session, message_id: int, detail: str) -> None:
    """This contact cannot be written to (not on WhatsApp, blocked us)."""
    message = session.get(Message, message_id)
    if message is None:
        return
    _give_up(session, message, FAILED, detail[:200])
    contact = session.get(Contact, message.contact_id)
    if contact is not None:
        contact.unreachable_at = now()


def recover(session: Session, moment: Optional[datetime] = None) -> Dict[str, int]:
    """Take up what a crashed worker left: claims go back, sendings become unknown."""
    moment = moment or now()
    expired = Message.lease_until < moment
    counts = {}
    for state, target, detail in ((CLAIMED, PLANNED, None), (SENDING, UNKNOWN, "worker died")):
        result = session.execute(
            update(Message)
            .where(Message.state == state, expired)
            .values(state=target, detail=detail, lease_owner=None, lease_until=None)
            .execution_options(synchronize_session=False)
        )
        counts[target] = result.rowcount
    return counts


@dataclass(frozen=True)
class Status:
    """What WhatsApp says became of a message; `client_ref` is our message id as sent along."""

    wamid: str
    status: str
    at: Optional[datetime]
    client_ref: Optional[str] = None
    error_code: Optional[int] = None


def apply_status(session: Session, status: Status) -> bool:
    """Move a message forward; a late or repeated status changes nothing.

    Returns:
        Whether the message is known (by wamid, or by the id we sent along).
    """
    state = STATE_OF_STATUS.get(status.status)
    if state is None:
        return False
    message = _message_of(session, status)
    if message is None:
        return False
    moment = status.at or now()
    if message.wamid is None:
        message.wamid = status.wamid
    column = TIME_OF_STATE.get(state)
    if column and getattr(message, column) is None:
        setattr(message, column, moment)
    if RANK.get(message.state, 9) >= RANK[state]:
        return True
    message.lease_until = message.lease_owner = None
    if state == FAILED:
        _give_up(session, message, FAILED, f"graph {status.error_code}")
    else:
        message.state = state
        message.detail = None
    return True


def _message_of(session: Session, status: Status) -> Optional[Any]:
    found = session.execute(
        select(Message).where(Message.wamid == status.wamid, Message.direction == OUT)
    ).scalar_one_or_none()
    if found is not None:
        return found
    if status.client_ref and status.client_ref.isdigit():
        message = session.get(Message, int(status.client_ref))
        if message is not None and message.direction == OUT and message.wamid is None:
            return message
    return None
