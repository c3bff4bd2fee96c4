"""The transcript with what only staff see: notes, replies that wait, what became of handoffs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Dict, List, Optional

from sqlalchemy.orm import Session

from clinic.models import Message
from clinic.models.message import OUT
from clinic.staff_replies import scheduled_replies
from clinic.transcript import Entry
from inbox.access.note_sight import SeenNote, notes_beside
from inbox.access.sight import read_latest
from inbox.handoff_events import Event, events_between

SAME_BREATH = timedelta(seconds=2)


@dataclass(frozen=True)
class Line:
    """One thing in the transcript: a bubble (`entry`), a private `note` or an `event`.

    `scheduled_for` is set on a reply that waits for its time.
    """

    at: datetime
    entry: Optional[Entry] = None
    note: Optional[SeenNote] = None
    event: Optional[Event] = None
    scheduled_for: Optional[datetime] = None


@dataclass(frozen=True)
class Page:
    """Some lines, oldest first, and the id before which earlier bubbles are found (None: none)."""

    lines: List[Line]
    earlier: Optional[int]


def read_page(session: Session, contact_id: int, size: int, before: Optional[int]) -> Page:
    """The last `size` bubbles (of those before `before`) and what was noted and done meanwhile."""
    entries = read_latest(session, contact_id, size + 1, before)
    shown = entries[-size:]
    earlier = shown[0].id if len(entries) > size else None
    first = shown[0].id if earlier is not None else None
    last = None if before is None else before - 1
    notes = notes_beside(session, contact_id, first, last)
    waiting = scheduled_replies(session, contact_id)
    since = shown[0].at if earlier is not None else None
    until = _written_at(session, before) if before is not None else None
    events = events_between(session, contact_id, since, until)
    return Page(_with_events(_merged(shown, notes, waiting), events), earlier)


def _written_at(session: Session, message_id: int) -> Optional[datetime]:
    message = session.get(Message, message_id)
    return message.occurred_at if message is not None else None


def _with_events(lines: List[Line], events: List[Event]) -> List[Line]:
    """Each event before the first line that is later; lines keep the order of the log."""
    merged: List[Line] = []
    left = list(events)
    for line in lines:
        # what we say because of it is written in the same breath, a little earlier in fact
        said_by_us = line.entry is not None and line.entry.direction == OUT
        at = line.at + SAME_BREATH if said_by_us else line.at
        while left and left[0].at < at:
            event = left.pop(0)
            merged.append(Line(at=event.at, event=event))
        merged.append(line)
    return merged + [Line(at=event.at, event=event) for event in left]


def _merged(
    entries: List[Entry], notes: List[SeenNote], waiting: Dict[int, datetime]
) -> List[Line]:
    lines: List[Line] = []
    left = list(notes)
    for entry in entries:
        while left and left[0].after_message_id < entry.id:
            note = left.pop(0)
            lines.append(Line(at=note.at, note=note))
        lines.append(Line(at=entry.at, entry=entry, scheduled_for=waiting.get(entry.id)))
    lines += [Line(at=note.at, note=note) for note in left]
    return lines
