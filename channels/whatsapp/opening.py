"""What the database says before a turn begins: the message, and who may answer it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Dict, Optional, Set

from clinic.database import Database, now
from clinic.handoffs import EMERGENCY_TEXT_PAUSE
from clinic.inbound import count_attempt, next_received
from clinic.outbox import find_offer, take_offer

# a database that does not answer for so long costs no message an attempt
TROUBLE = timedelta(seconds=10)


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


class Begun:
    """Which messages a turn may have begun on before.

    Those that were stored before this process took turns, for its predecessor may have died over
    one, and those that were begun here, did not end, and have waited for more than a moment's
    trouble. No other need be counted, and so nothing is written, before its turn.
    """

    def __init__(self) -> None:
        self._since = now()
        self._open: Set[int] = set()

    def __contains__(self, message: Any) -> bool:
        """Whether a turn for this row of `next_received` may be another attempt."""
        stored = message.created_at
        begun_here = message.id in self._open and stored < now() - TROUBLE
        return bool(stored < self._since or begun_here)

    def add(self, message_id: int) -> None:
        """A turn begins."""
        self._open.add(message_id)

    def discard(self, message_id: int) -> None:
        """A turn has ended, and does not begin again."""
        self._open.discard(message_id)


def open_turn(database: Database, contact_id: int, begun: Begun) -> Optional[Opening]:
    """Take up the oldest waiting message of a contact; None when nothing waits.

    An attempt that may not be the first is counted, and a tap is taken, before the turn begins:
    both stand if the process dies over it.

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
        another = found in begun
    if not another and opening.kind != "tap":
        return opening
    with database.transaction() as session:
        changes: Dict[str, Any] = {}
        if another:
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
