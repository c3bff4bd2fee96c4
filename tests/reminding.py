"""Short ways to see reminders planned, decided and sent, for tests."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, Dict, List, Optional

from sqlalchemy import select

from clinic.bubbles import bubble_from_json
from clinic.claiming import claim
from clinic.database import Database
from clinic.delivery import record_sent
from clinic.models import Contact, Message, MessageTemplate
from clinic.reminders.deciding import ReminderWriter
from clinic.sending import Letter, begin_sending
from clinic.templates import TemplateBook
from clinic.texts import Texts
from tests.house import ROOT


@lru_cache(maxsize=1)
def book() -> TemplateBook:
    """The templates of the house."""
    return TemplateBook.load(ROOT / "data" / "templates")


@lru_cache(maxsize=1)
def writer() -> ReminderWriter:
    """Who writes reminders, with the words of the house."""
    return ReminderWriter(Texts.load(ROOT / "domain"), book())


def approve_templates(db: Database, **values: Any) -> None:
    """Every template is approved by WhatsApp as its file has it."""
    with db.transaction() as session:
        for wording in book():
            row = {"status": "APPROVED", "category": "UTILITY", "digest": wording.digest}
            session.merge(
                MessageTemplate(name=wording.name, language=wording.code, **{**row, **values})
            )


def wrote(db: Database, contact_id: int, at: Optional[datetime], language: str = "en") -> None:
    """The contact last wrote at that time, in that language."""
    with db.transaction() as session:
        contact = session.get(Contact, contact_id)
        assert contact is not None
        contact.last_inbound_at, contact.language = at, language


def waiting(db: Database, state: str = "planned") -> Dict[str, Any]:
    """Messages in a state, by cause."""
    with db.reading() as session:
        rows = session.execute(select(Message).where(Message.state == state)).scalars()
        return {str(row.cause): row for row in rows}


def claimed(db: Database, moment: datetime, owner: str = "one") -> List[int]:
    """The messages that a worker claims at that time."""
    with db.transaction() as session:
        return claim(session, owner, 50, moment, clock=moment)


def begun(db: Database, ids: List[int], moment: datetime, owner: str = "one") -> List[Letter]:
    """The letters that it begins to send."""
    with db.transaction() as session:
        return begin_sending(session, ids, owner, writer=writer(), moment=moment, clock=moment)


def send_due(db: Database, moment: datetime) -> List[Any]:
    """Everything due at that time is decided and sent; the bubbles that went."""
    bubbles: List[Any] = []
    while True:
        ids = claimed(db, moment)
        if not ids:
            return bubbles
        for letter in begun(db, ids, moment):
            with db.transaction() as session:
                record_sent(session, letter.message_id, f"wamid.{letter.message_id}", moment)
            bubbles.append(bubble_from_json(letter.content))


def why(db: Database, cause: str) -> str:
    """What became of the message of a cause: `state: detail`."""
    with db.reading() as session:
        row = session.execute(select(Message).where(Message.cause == cause)).scalar_one()
        return f"{row.state}: {row.detail}"
