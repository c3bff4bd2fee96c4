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

from clinic.database import connection_of, now
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
    UNKNOWN,
)

WINDOW = timedelta(hours=24)
MAX_ATTEMPTS = 8
# a status follows a sending within seconds; a reply without one by then is a person's matter
STATUS_PATIENCE = timedelta(minutes=2)
LONGEST_REF = 18

# what becomes of a message is not a question of its words: leave them encrypted
WITHOUT_WORDS = [defer(Message.text), defer(Message.content), defer(Message.reply_to)]

_REPORTED = (
    select(Message)
    .where(Message.id.in_(bindparam("ids", expanding=True)))
    .order_by(Message.id)
    .with_for_update()
    .options(*WITHOUT_WORDS)
    .execution_options(populate_existing=True)
)

_STATES = (
    select(Message.id, Message.state)
    .where(Message.id.in_(bindparam("ids", expanding=True)))
    .order_by(Message.id)
    .with_for_update()
)

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


def window_open(contact: Any, moment: Optional[datetime] = None) -> bool:
    """Whether free-form messages may go: within 24 hours of the contact's last message."""
    last = contact.last_inbound_at
    return last is not None and (moment or now()) < last + WINDOW


def give_up(session: Session, message: Any, state: str, detail: str) -> None:
    """End a message that will not go; staff take over where a patient waits for it."""
    message.state, message.detail = state, detail
    message.lease_until = message.lease_owner = None
    if state == FAILED and message.purpose == "reply":
        # a patient is waiting for what did not go: a person takes over
        open_handoff(session, int(message.contact_id), "failure", opened_by=message.cause)


def give_up_unread(session: Session, message_id: int) -> None:
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


@dataclass(frozen=True)
class Report:
    """What WhatsApp answered to one letter.

    With a `wamid` it was accepted. `unknown` says that it may have gone or not: a status tells,
    or staff are told (`clinic.recovery`). Otherwise it was not taken: it is planned again after
    `retry_in`, or given up; `unreachable` says that nothing can ever go to this contact.
    """

    message_id: int
    wamid: Optional[str] = None
    detail: str = ""
    retry_in: Optional[timedelta] = None
    unknown: bool = False
    unreachable: bool = False


def record(session: Session, reports: Sequence[Report], moment: Optional[datetime] = None) -> None:
    """Write down what became of letters, all of them in the caller's transaction.

    A refused reply keeps its place before what is planned after it. One that was given up as
    `unknown` while the answer was on its way has certainly not gone: it fails, so that somebody
    is told.
    """
    moment = moment or now()
    accepted = {report.message_id: report.wamid for report in reports if report.wamid is not None}
    others = {report.message_id: report for report in reports if report.wamid is None}
    if accepted:
        _record_accepted(session, accepted, moment)
    if not others:
        return
    rows = session.execute(_REPORTED, {"ids": list(others)}).scalars()
    for message in rows:
        _record(session, message, others[int(message.id)], moment)
    session.flush()


def _record_accepted(session: Session, wamids: Dict[int, str], moment: datetime) -> None:
    """What nearly all letters come to, written without making objects of them."""
    connection = connection_of(session)
    alike: Dict[FrozenSet[str], List[Dict[str, Any]]] = {}
    for message_id, state in connection.execute(_STATES, {"ids": list(wamids)}).all():
        changes: Dict[str, Any] = {
            "wamid": wamids[int(message_id)],
            "lease_until": None,
            "lease_owner": None,
        }
        if RANK.get(state, 9) < RANK[SENT]:
            changes.update(state=SENT, sent_at=moment, detail=None)
        alike.setdefault(frozenset(changes), []).append({"row": message_id, **changes})
    for names, rows in alike.items():
        connection.execute(_change(names), rows)


def _record(session: Session, message: Any, report: Report, moment: datetime) -> None:
    if report.unknown:
        if message.state == SENDING:
            message.state, message.detail = UNKNOWN, report.detail[:200]
            message.lease_until, message.lease_owner = moment + STATUS_PATIENCE, None
    elif message.state in (SENDING, UNKNOWN):
        _refused(session, message, report, moment)


def _refused(session: Session, message: Any, report: Report, moment: datetime) -> None:
    again = report.retry_in if message.attempts < MAX_ATTEMPTS else None
    if message.state == SENDING and again is not None and not report.unreachable:
        message.state, message.due_at = PLANNED, moment + again
        message.detail = report.detail[:200]
        message.lease_until = message.due_at if message.purpose == "reply" else None
        message.lease_owner = None
        return
    give_up(session, message, FAILED, report.detail[:200])
    if report.unreachable:
        contact = session.get(Contact, message.contact_id)
        if contact is not None:
            contact.unreachable_at = moment


def record_sent(
    session: Session, message_id: int, wamid: str, moment: Optional[datetime] = None
) -> None:
    """Graph accepted the message."""
    record(session, [Report(message_id, wamid=wamid)], moment)


def record_unknown(
    session: Session, message_id: int, why: str, moment: Optional[datetime] = None
) -> None:
    """It may have gone or not."""
    record(session, [Report(message_id, detail=why, unknown=True)], moment)


def record_refused(
    session: Session,
    message_id: int,
    detail: str,
    retry_in: Optional[timedelta],
    moment: Optional[datetime] = None,
) -> None:
    """Graph did not take it: plan it again after `retry_in`, or give it up."""
    record(session, [Report(message_id, detail=detail, retry_in=retry_in)], moment)


def record_unreachable(
    session: Session, message_id: int, detail: str, moment: Optional[datetime] = None
) -> None:
    """This contact cannot be written to (not on WhatsApp, blocked us)."""
    record(session, [Report(message_id, detail=detail, unreachable=True)], moment)


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
        connection_of(session).execute(_change(frozenset(changes)), {"row": known.id, **changes})
    if moves and state == FAILED:
        code = "gave no code" if status.error_code is None else status.error_code
        give_up(session, _locked(session, int(known.id)), FAILED, f"graph {code}")
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
    connection = connection_of(session)
    found = connection.execute(_BY_WAMID, {"wamid": status.wamid}).one_or_none()
    if found is not None:
        return found
    # another program that sends from this number may put what it likes into the reference
    ref = status.client_ref or ""
    if ref.isascii() and ref.isdecimal() and len(ref) <= LONGEST_REF:
        return connection.execute(_BY_REF, {"ref": int(ref)}).one_or_none()
    return None
