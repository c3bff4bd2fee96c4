"""What the database says before a turn begins: the message, and who may answer it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Dict, Optional

from clinic.database import Database, now
from clinic.handoffs import EMERGENCY_TEXT_PAUSE
from clinic.inbound import count_attempt, next_received
from clinic.outbox import find_offer, take_offer

RESUMED_AFTER = timedelta(seconds=10)


@dataclass(frozen=True)
class Opening:
    """What the database says before a turn begins."""

    message_id: int
    contact_id: int
    wamid: str
    kind: str
    text: Optional[str]
    content: Dict[str, Any]
    language: str
    language_chosen: bool
    muted: bool
    emergency_text_due: bool
    attempts: int
    payload: Optional[str] = None
    spent: bool = False


def open_turn(database: Database, contact_id: int) -> Optional[Opening]:
    """Take up the oldest waiting message of a contact; None when nothing waits.

    An attempt at a message that has waited for a while is counted, and a tap is taken, before
    the turn begins: both stand if the process dies over it.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    with database.reading() as session:
        found = next_received(session, contact_id)
        if found is None:
            return None
        last_text = found.emergency_text_at
        opening = Opening(
            message_id=int(found.id),
            contact_id=contact_id,
            wamid=str(found.wamid),
            kind=str(found.kind),
            text=found.text,
            content=found.content or {},
            language=str(found.language),
            language_chosen=bool(found.language_chosen),
            muted=bool(found.muted),
            emergency_text_due=last_text is None or last_text < now() - EMERGENCY_TEXT_PAUSE,
            attempts=int(found.attempts),
        )
        resumed = found.created_at < now() - RESUMED_AFTER
    if not resumed and opening.kind != "tap":
        return opening
    with database.transaction() as session:
        changes: Dict[str, Any] = {}
        if resumed:
            changes["attempts"] = count_attempt(session, opening.message_id)
        if opening.kind == "tap":
            changes.update(_offer_of(session, opening))
    return Opening(**{**opening.__dict__, **changes})


def _offer_of(session: Any, opening: Opening) -> Dict[str, Any]:
    """What the tapped button means: nothing where it was never offered to this contact."""
    token = (opening.content.get("tap") or {}).get("id") or ""
    if opening.muted:
        # not taken: it is there to tap again once staff hand back
        offer = find_offer(session, opening.contact_id, token)
        if offer is None or offer.taken_by not in (None, opening.message_id):
            return {}
        return {"payload": offer.payload}
    offer, counts = take_offer(session, opening.contact_id, token, opening.message_id)
    if offer is None:
        return {}
    return {"payload": offer.payload, "spent": not counts}
