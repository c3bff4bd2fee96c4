"""Taking up what a worker that died left on its way out."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, Optional

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from clinic.claiming import in_state
from clinic.database import now
from clinic.delivery import STATUS_PATIENCE
from clinic.handoffs import open_handoff
from clinic.models import Message
from clinic.models.message import CLAIMED, PLANNED, SENDING, UNKNOWN


def recover(session: Session, moment: Optional[datetime] = None) -> Dict[str, int]:
    """Take up what a crashed worker left: claims go back, sendings become unknown.

    A reply that stays unknown is a patient who may be waiting: a person takes over.

    Returns:
        How many messages were `planned` again, became `unknown`, and were `told` to staff.
    """
    moment = moment or now()
    counts = {PLANNED: 0, UNKNOWN: 0, "told": 0}
    rows = session.execute(
        select(Message.id)
        .where(
            # said although it follows: SQLite uses the partial index only where it reads it
            Message.lease_until.is_not(None),
            Message.lease_until < moment,
            in_state(CLAIMED, SENDING, UNKNOWN),
        )
        .with_for_update(skip_locked=True)
    )
    for message_id in sorted(int(row[0]) for row in rows):
        counts[_recover(session, message_id, moment)] += 1
    return counts


def _recover(session: Session, message_id: int, moment: datetime) -> str:
    state, contact_id, purpose, cause = session.execute(
        select(Message.state, Message.contact_id, Message.purpose, Message.cause).where(
            Message.id == message_id
        )
    ).one()
    values: Dict[str, Any] = {"lease_owner": None, "lease_until": None}
    result = "told"
    if state == CLAIMED:
        result = PLANNED
        values["state"] = PLANNED
        if purpose == "reply":
            # it keeps its place before what was planned after it
            values["lease_until"] = moment
    elif state == SENDING:
        result = UNKNOWN
        values.update(state=UNKNOWN, detail="worker died", lease_until=moment + STATUS_PATIENCE)
    elif purpose == "reply":
        open_handoff(session, int(contact_id), "failure", opened_by=cause)
    session.execute(
        update(Message)
        .where(Message.id == message_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return result
