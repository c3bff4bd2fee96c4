"""Private notes as whoever asks may see them.

A note is clinical where it was written while a handoff for a clinical reason was open, or right
beside a clinical message. Whoever writes one is told who will read it (`clinical_here`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, List, Optional

from sqlalchemy.orm import Session

from clinic import notes
from clinic.database import now
from clinic.staff_replies import AUTHOR
from inbox.access.rules import SEE_CLINICAL, may
from inbox.access.sight import clinical_among, clinical_spans, note_shown
from inbox.access.viewer import viewer
from inbox.access.words import MASKED_NOTE


@dataclass(frozen=True)
class SeenNote:
    """A note as the viewer sees it; `author` is the writer's name."""

    id: int
    after_message_id: int
    author: str
    text: str
    at: datetime
    hidden: bool = False


@dataclass(frozen=True)
class _Written:
    """By whom, as the rules ask it."""

    author: str


def notes_beside(
    session: Session, contact_id: int, first: Optional[int], last: Optional[int]
) -> List[SeenNote]:
    """As `clinic.notes.notes_beside`, as far as the viewer may see."""
    found = notes.notes_beside(session, contact_id, first, last)
    if not found:
        return []
    spans = clinical_spans(session, {contact_id}).get(contact_id, [])
    beside = clinical_among(session, [int(note.after_message_id) for note in found])
    seen = []
    for note in found:
        number = int(note.after_message_id)
        clinical = number in beside or any(span.holds(number, note.created_at) for span in spans)
        seen.append(_seen(note, clinical))
    return seen


def clinical_here(session: Session, contact_id: int) -> bool:
    """Whether a note that is written now will be for those who may read clinical text."""
    moment, newest = now(), notes.newest_message_id(session, contact_id)
    spans = clinical_spans(session, {contact_id}).get(contact_id, [])
    if any(span.holds(newest, moment) for span in spans):
        return True
    return bool(clinical_among(session, [newest]))


def _seen(note: Any, clinical: bool) -> SeenNote:
    fields = {
        "id": int(note.id),
        "after_message_id": int(note.after_message_id),
        "author": str(note.author),
        "at": note.created_at,
    }
    if not clinical:
        return SeenNote(text=str(note.text), **fields)
    if not may(viewer(), SEE_CLINICAL, _Written(f"{AUTHOR}{note.author}")):
        return SeenNote(text=MASKED_NOTE, hidden=True, **fields)
    note_shown(int(note.contact_id), "note", int(note.id))
    return SeenNote(text=str(note.text), **fields)
