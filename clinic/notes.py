"""Private notes of staff beside a conversation."""

from __future__ import annotations

from typing import List, Optional

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from clinic.models import Message, Note

LONGEST_NOTE = 4000


def add_note(session: Session, contact_id: int, author: str, text: str) -> Note:
    """Write a note where the conversation stands now.

    Raises:
        ValueError: `empty` or `too_long`.
    """
    words = text.strip()
    if not words:
        raise ValueError("empty")
    if len(words) > LONGEST_NOTE:
        raise ValueError("too_long")
    newest = newest_message_id(session, contact_id)
    note = Note(contact_id=contact_id, after_message_id=newest, author=author, text=words)
    session.add(note)
    session.flush()
    return note


def notes_beside(
    session: Session, contact_id: int, first: Optional[int], last: Optional[int]
) -> List[Note]:
    """Notes written after message `first` (None: from the beginning) and up to `last` (None: to
    the end), oldest first."""
    query = select(Note).where(Note.contact_id == contact_id)
    if first is not None:
        query = query.where(Note.after_message_id >= first)
    if last is not None:
        query = query.where(Note.after_message_id <= last)
    return list(session.execute(query.order_by(Note.after_message_id, Note.id)).scalars())


def newest_message_id(session: Session, contact_id: int) -> int:
    """The id of the newest message, beside which a note is written; 0 if there is none."""
    found = session.execute(select(func.max(Message.id)).where(Message.contact_id == contact_id))
    return int(found.scalar_one() or 0)


def newest_note_id(session: Session, contact_id: int) -> int:
    """The id of the newest note; 0 if there is none."""
    found = session.execute(select(func.max(Note.id)).where(Note.contact_id == contact_id))
    return int(found.scalar_one() or 0)
