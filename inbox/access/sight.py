"""Reading transcripts as whoever asks may see them; the only way from the log to a page or the API.

A bubble is clinical where a handoff for a clinical reason was open when it came (or was opened by
it), where the gate marked it so, and where it is a file that a patient sent. Of those, a viewer
without the right sees that there is one, when, and who may read it. What the bot says is fixed
text and hidden from nobody.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from flask import Flask, Response, g, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic import transcript
from clinic.audit import record
from clinic.models import Handoff, Message
from clinic.transcript import Entry
from inbox.access.rules import CLINICAL_REASONS, SEE_CLINICAL, may
from inbox.access.viewer import viewer
from inbox.access.words import MASKED
from inbox.house import house

HIDDEN = "hidden"
BOT, PATIENT = "bot", "patient"
# the gate's intents that are clinical; `safety.intents` has the same, and a test compares them
CLINICAL_INTENTS = frozenset(
    {
        *("pain_report", "exercise_question", "treatment_question", "progress_report"),
        *("medication", "other_medical", "emergency"),
    }
)
REMEMBERED = 20_000
_OPENER = re.compile(r"(?:message|turn):(\d{1,18})\b")


class _Span(NamedTuple):
    """While a clinical handoff was open: from a message on (or a moment), until a moment."""

    first_id: Optional[int]
    opened_at: datetime
    resolved_at: Optional[datetime]


def read_after(session: Session, contact_id: int, after: int, limit: int) -> List[Entry]:
    """As `clinic.transcript.read_after`, as far as the viewer may see."""
    return _seen(session, transcript.read_after(session, contact_id, after, limit))


def read_latest(
    session: Session, contact_id: int, limit: int, before: Optional[int] = None
) -> List[Entry]:
    """As `clinic.transcript.read_latest`, as far as the viewer may see."""
    return _seen(session, transcript.read_latest(session, contact_id, limit, before))


def read_one(session: Session, message_id: int) -> Entry:
    """As `clinic.transcript.read_one`, as far as the viewer may see.

    Raises:
        KeyError: if there is none.
    """
    return _seen(session, [transcript.read_one(session, message_id)])[0]


def last_words(session: Session, contact_ids: Iterable[int]) -> Dict[int, Entry]:
    """As `clinic.transcript.last_words`, as far as the viewer may see."""
    entries = transcript.last_words(session, contact_ids)
    shown = _seen(session, list(entries.values()))
    return {entry.contact_id: entry for entry in shown}


def readable(session: Session, message_id: int) -> bool:
    """Whether the viewer may read this message: asked before a file of it or a finding is shown.

    Raises:
        KeyError: if there is none.
    """
    return read_one(session, message_id).kind != HIDDEN


def clinical_ids(session: Session, entries: Iterable[Entry]) -> Set[int]:
    """Which of these bubbles are clinical, whoever asks."""
    listed = [entry for entry in entries if entry.author != BOT]
    if not listed:
        return set()
    spans = _spans(session, {entry.contact_id for entry in listed})
    marked = _marked(session, [entry.id for entry in listed])
    return {
        entry.id
        for entry in listed
        if entry.id in marked
        or (entry.media is not None and entry.author == PATIENT)
        or any(_within(entry, s) for s in spans.get(entry.contact_id, []))
    }


def _seen(session: Session, entries: List[Entry]) -> List[Entry]:
    clinical = clinical_ids(session, entries)
    asking = viewer()
    shown: List[Entry] = []
    for entry in entries:
        if entry.id not in clinical:
            shown.append(entry)
        elif may(asking, SEE_CLINICAL, entry):
            _note(entry)
            shown.append(entry)
        else:
            shown.append(hidden(entry))
    return shown


def hidden(entry: Entry) -> Entry:
    """The bubble without anything its sender put into it."""
    return replace(
        entry,
        kind=HIDDEN,
        text=MASKED,
        buttons=[],
        media=None,
        location=None,
        reaction=None,
        cards=[],
    )


def _spans(session: Session, contact_ids: Set[int]) -> Dict[int, List[_Span]]:
    rows = session.execute(
        select(Handoff.contact_id, Handoff.opened_by, Handoff.opened_at, Handoff.resolved_at).where(
            Handoff.contact_id.in_(contact_ids), Handoff.reason.in_(CLINICAL_REASONS)
        )
    )
    found: Dict[int, List[_Span]] = {}
    for contact_id, opened_by, opened_at, resolved_at in rows:
        opener = _OPENER.match(opened_by or "")
        first = int(opener[1]) if opener else None
        found.setdefault(int(contact_id), []).append(_Span(first, opened_at, resolved_at))
    return found


def _within(entry: Entry, span: _Span) -> bool:
    # what opened it came before it: where nothing says which message that was, the last hour's did
    begun = entry.at >= span.opened_at - timedelta(hours=1)
    if span.first_id is not None:
        begun = entry.id >= span.first_id
    return begun and (span.resolved_at is None or entry.at <= span.resolved_at)


def _marked(session: Session, message_ids: List[int]) -> Set[int]:
    rows = session.execute(
        select(Message.id).where(Message.id.in_(message_ids), Message.intent.in_(CLINICAL_INTENTS))
    )
    return {int(row[0]) for row in rows}


# --- noting who read what


class _Noted:
    """What each viewer was shown already, so that a page that refreshes notes only what is new."""

    def __init__(self) -> None:
        self._newest: "OrderedDict[Tuple[str, int], int]" = OrderedDict()
        self._lock = Lock()

    def is_new(self, who: str, contact_id: int, message_id: int) -> bool:
        key = (who, contact_id)
        with self._lock:
            if self._newest.get(key, -1) >= message_id:
                return False
            self._newest[key] = message_id
            self._newest.move_to_end(key)
            while len(self._newest) > REMEMBERED:
                self._newest.popitem(last=False)
        return True


def _note(entry: Entry) -> None:
    shown: Dict[int, int] = g.setdefault("clinical_shown", {})
    shown[entry.contact_id] = max(shown.get(entry.contact_id, 0), entry.id)


def install(app: Flask) -> None:
    """Let every answer of `app` that shows clinical text be noted before it leaves."""
    noted = _Noted()

    @app.after_request
    def _record(response: Response) -> Response:
        # taken away first: should the log not take it, the error page shows nothing
        shown: Dict[int, int] = g.pop("clinical_shown", {})
        if not shown or response.status_code >= 500:
            return response
        who = viewer().who
        # a list or a refreshed part shows the same again and again; a page that was opened counts
        repeated = request.path.startswith("/live/") or len(shown) > 1
        new = {
            contact: newest
            for contact, newest in shown.items()
            if noted.is_new(who, contact, newest) or not repeated
        }
        if new:
            with house().database.transaction() as session:
                for contact, newest in new.items():
                    detail = {"newest": newest, "at": str(request.endpoint or "")}
                    record(session, who, "viewed_clinical", f"contact:{contact}", detail)
        return response
