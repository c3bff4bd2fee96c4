"""The outbound side of the message log: sending at most once, and what became of it.

A message moves `planned → claimed → sending → sent → delivered → read`, or ends in `skipped`,
`cancelled`, `failed` or `unknown`. Between `claimed` and `sending` it may be taken up again after
a crash, for nothing has left the house; from `sending` on it may have, so it is never sent again
unless WhatsApp said that it did not take it. Every change locks its row first: a status may come
while the answer to the sending is being written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Dict, FrozenSet, List, Optional, Sequence

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session, defer
from sqlalchemy.sql import Update

from clinic import consent
from clinic.claiming import LEASE
from clinic.crypto import CannotDecrypt
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
MAX_ATTEMPTS = 8
# a status follows a sending within seconds; a reply without one by then is a person's matter
STATUS_PATIENCE = timedelta(minutes=2)
LONGEST_REF = 18

# what becomes of a message is not a question of its words: leave them encrypted
WITHOUT_WORDS = [defer(Message.text), defer(Message.content), defer(Message.reply_to)]

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

    Whatever may not go any more ends here with its reason: `too late`, `unreachable`,
    `window closed` (a reply outside the 24-hour window; staff are told), `cannot be decrypted`,
    and what `clinic.consent.obstacle` says. A claim whose lease is over is no longer ours to send.
    """
    moment = now()
    letters: List[Letter] = []
    # only what is never encrypted: a row that cannot be read must not stop its neighbours
    rows = session.execute(
        select(Message.id)
        .where(
            Message.id.in_(ids),
            Message.state == CLAIMED,
            Message.lease_owner == owner,
            Message.lease_until > moment,
        )
        .order_by(Message.id)
        .with_for_update()
    ).all()
    for (message_id,) in rows:
        try:
            letter = _letter(session, int(message_id), moment)
        except CannotDecrypt:
            _give_up_unread(session, int(message_id))
            continue
        if letter is not None:
            letters.append(letter)
    return letters


def _letter(session: Session, message_id: int, moment: datetime) -> Optional[Letter]:
    """The message as it goes, marked `sending`; None where it ended here."""
    message = session.get(Message, message_id, populate_existing=True)
    assert message is not None  # noqa: S101 - the row is locked
    contact = session.get(Contact, message.contact_id)
    assert contact is not None  # noqa: S101 - a foreign key
    obstacle = _obstacle(message, contact, moment) or _no_consent(session, message)
    if obstacle is not None:
        _give_up(session, message, *obstacle)
        return None
    message.state, message.lease_until = SENDING, moment + LEASE
    message.attempts += 1
    return Letter(
        message_id=message_id,
        contact_id=int(message.contact_id),
        phone=contact.phone,
        bsuid=contact.bsuid,
        content=message.content,
        reply_to=message.reply_to,
        attempts=int(message.attempts),
    )


def _obstacle(message: Any, contact: Any, moment: datetime) -> Optional[tuple[str, str]]:
    if message.not_after is not None and message.not_after < moment:
        return SKIPPED, "too late"
    if contact.unreachable_at is not None:
        return SKIPPED, "unreachable"
    if message.kind != "template" and not window_open(contact, moment):
        return FAILED, "window closed"
    return None


def _no_consent(session: Session, message: Any) -> Optional[tuple[str, str]]:
    """What is not an answer goes only to who has agreed to it, as it stands at this moment."""
    why = consent.obstacle(session, int(message.contact_id), str(message.purpose))
    return None if why is None else (SKIPPED, why)


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


def _give_up_unread(session: Session, message_id: int) -> None:
    """Give up a message whose words cannot be read, without reading them."""
    session.execute(
        update(Message)
        .where(Message.id == message_id)
        .values(state=FAILED, detail="cannot be decrypted", lease_until=None, lease_owner=None)
        .execution_options(synchronize_session=False)
    )
    contact_id, purpose, cause = session.execute(
        select(Message.contact_id, Message.purpose, Message.cause).where(Message.id == message_id)
    ).one()
    if purpose == "reply":
        open_handoff(session, int(contact_id), "failure", opened_by=cause)


def _locked(session: Session, message_id: int) -> Optional[Any]:
    return session.get(
        Message,
        message_id,
        with_for_update=True,
        populate_existing=True,
        options=WITHOUT_WORDS,
    )


def record_sent(session: Session, message_id: int, wamid: str) -> None:
    """Graph accepted the message."""
    message = _locked(session, message_id)
    if message is None:
        return
    message.wamid = wamid
    message.lease_until = message.lease_owner = None
    if RANK.get(message.state, 9) < RANK[SENT]:
        message.state, message.sent_at, message.detail = SENT, now(), None


def record_unknown(session: Session, message_id: int, why: str) -> None:
    """It may have gone or not: a status tells, or staff are told (`clinic.recovery`)."""
    message = _locked(session, message_id)
    if message is not None and message.state == SENDING:
        message.state, message.detail = UNKNOWN, why[:200]
        message.lease_until, message.lease_owner = now() + STATUS_PATIENCE, None


def record_refused(
    session: Session, message_id: int, detail: str, retry_in: Optional[timedelta]
) -> None:
    """Graph did not take it: plan it again after `retry_in`, or give it up.

    A reply keeps its place before what is planned after it. One that was given up as `unknown`
    while the answer was on its way has certainly not gone: it fails, so that somebody is told.
    """
    message = _locked(session, message_id)
    if message is None or message.state not in (SENDING, UNKNOWN):
        return
    if message.state == SENDING and retry_in is not None and message.attempts < MAX_ATTEMPTS:
        message.state, message.due_at = PLANNED, now() + retry_in
        message.detail = detail[:200]
        message.lease_until = message.due_at if message.purpose == "reply" else None
        message.lease_owner = None
        return
    _give_up(session, message, FAILED, detail[:200])


def record_unreachable(session: Session, message_id: int, detail: str) -> None:
    """This contact cannot be written to (not on WhatsApp, blocked us)."""
    message = _locked(session, message_id)
    if message is None or message.state not in (SENDING, UNKNOWN):
        return
    _give_up(session, message, FAILED, detail[:200])
    contact = session.get(Contact, message.contact_id)
    if contact is not None:
        contact.unreachable_at = now()


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
    known = _known(session, status)
    if known is None:
        return False
    changes: Dict[str, Any] = {}
    if known.wamid is None:
        changes["wamid"] = status.wamid
    column = TIME_OF_STATE.get(state)
    if column and getattr(known, column) is None:
        changes[column] = status.at or now()
    moves = RANK.get(known.state, 9) < RANK[state]
    if moves and state != FAILED:
        changes.update(state=state, detail=None, lease_until=None, lease_owner=None)
    if changes:
        session.execute(_change(frozenset(changes)), {"row": known.id, **changes})
    if moves and state == FAILED:
        code = "gave no code" if status.error_code is None else status.error_code
        _give_up(session, _locked(session, int(known.id)), FAILED, f"graph {code}")
    return True


# statuses are three of four webhooks: as little as possible is read for them
_OURS = (
    select(
        Message.id,
        Message.wamid,
        Message.state,
        Message.sent_at,
        Message.delivered_at,
        Message.read_at,
    )
    .where(Message.direction == OUT)
    .with_for_update()
)
_BY_WAMID = _OURS.where(Message.wamid == bindparam("wamid"))
_BY_REF = _OURS.where(Message.id == bindparam("ref"), Message.wamid.is_(None))


@lru_cache(maxsize=16)
def _change(names: FrozenSet[str]) -> Update:
    """The statement that changes these columns of one message, written once for each set."""
    table: Table = Message.__table__
    return (
        table.update()
        .where(table.c.id == bindparam("row"))
        .values({name: bindparam(name) for name in names})
    )


def _known(session: Session, status: Status) -> Optional[Any]:
    """The row of the message a status speaks of, locked; None for one we never sent."""
    found = session.execute(_BY_WAMID, {"wamid": status.wamid}).one_or_none()
    if found is not None:
        return found
    # another program that sends from this number may put what it likes into the reference
    ref = status.client_ref or ""
    if ref.isascii() and ref.isdecimal() and len(ref) <= LONGEST_REF:
        return session.execute(_BY_REF, {"ref": int(ref)}).one_or_none()
    return None
