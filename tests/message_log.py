"""Short ways to write into the message log and to look at it, for tests."""

from __future__ import annotations

import itertools
from typing import Any, List, Optional

from sqlalchemy import select

from clinic.bubbles import Choice, Choices, Text
from clinic.claiming import claim
from clinic.contacts import find_contact
from clinic.database import Database
from clinic.inbound import Arrival, store_arrival
from clinic.models import Contact, Handoff, Message
from clinic.outbox import plan
from clinic.sending import Letter, begin_sending

ASHA = "+919000000001"
RAVI = "+919000000002"

_count = itertools.count(1)


def arrives(db: Database, text: str = "hello", phone: Optional[str] = ASHA, **parts: Any) -> int:
    """A message of a patient is stored; the contact's id."""
    arrival = Arrival(
        **{"wamid": f"wamid.in.{next(_count)}", "kind": "text", "phone": phone, **parts}, text=text
    )
    with db.transaction() as session:
        stored = store_arrival(session, arrival)
        if stored is not None:
            return stored
        known = find_contact(session, phone=phone, bsuid=arrival.bsuid)
        assert known is not None
        return int(known.id)


def planned(
    db: Database, contact_id: int, text: str = "an answer", cause: str = "", **parts: Any
) -> int:
    """A bubble is planned under a cause of its own; the message's id."""
    with db.transaction() as session:
        message_id = plan(
            session, contact_id, Text(text=text), cause or f"test:{next(_count)}", **parts
        )
    assert message_id is not None
    return message_id


def menu(*titles: str, **parts: Any) -> Choices:
    """Choices titled so, whose payloads are `/pick{"n": "<title>"}`."""
    choices = [Choice(title=title, payload=f'/pick{{"n": "{title}"}}') for title in titles]
    return Choices(text="Pick one", choices=choices, opener="Options", **parts)


def claimed(db: Database, owner: str = "one", limit: int = 16, **parts: Any) -> List[int]:
    """What this worker claims now."""
    with db.transaction() as session:
        return claim(session, owner, limit, **parts)


def begun(db: Database, ids: List[int], owner: str = "one") -> List[Letter]:
    """The letters that this worker begins to send."""
    with db.transaction() as session:
        return begin_sending(session, ids, owner)


def row(db: Database, message_id: int) -> Any:
    """One message as it is stored."""
    with db.reading() as session:
        return session.get(Message, message_id)


def contact(db: Database, contact_id: int) -> Any:
    """One contact as it is stored."""
    with db.reading() as session:
        return session.get(Contact, contact_id)


def handoffs(db: Database, contact_id: int) -> List[Any]:
    """Every handoff of a contact, oldest first."""
    with db.reading() as session:
        return list(
            session.execute(
                select(Handoff).where(Handoff.contact_id == contact_id).order_by(Handoff.id)
            ).scalars()
        )


def messages(db: Database, contact_id: Optional[int] = None) -> List[Any]:
    """Every message (of a contact), oldest first."""
    wanted = select(Message).order_by(Message.id)
    if contact_id is not None:
        wanted = wanted.where(Message.contact_id == contact_id)
    with db.reading() as session:
        return list(session.execute(wanted).scalars())
