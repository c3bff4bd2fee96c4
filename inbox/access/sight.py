"""Reading transcripts as whoever asks may see them; the only way from the log to a page or the API.

A bubble is clinical where a handoff for a clinical reason was open when it came (or was opened by
it), where the gate marked it so, and where it is a file that a patient sent. Of those, a viewer
without the right sees that there is one, when, and who may read it. What the bot says is fixed
text and hidden from nobody, but for what it says of a course or of exercises, which holds the
clinician's words.

The gate marks a message a moment after it came. Until then it is kept back from whoever may not
read clinical text, for as long as a living assistant takes at most.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile
from threading import Lock
from typing import Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from flask import Flask, Response, g, request
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from clinic import transcript
from clinic.audit import record
from clinic.database import now
from clinic.models import Handoff, Message
from clinic.models.message import RECEIVED
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
# messages with a clinician's own words in them: a course's plan, what asks back to it, exercises
CLINICIANS_WORDS = ("course:%", "programme:%")
REMEMBERED = 20_000
# longer than the gate is waited for: after that nobody is reading it, and somebody should
UNJUDGED_FOR = timedelta(seconds=20)
CHUNK = 200
_OPENER = re.compile(r"(?:message|turn):(\d{1,18})\b")


class Span(NamedTuple):
    """While a clinical handoff was open: from a message on (or a moment), until a moment."""

    first_id: Optional[int]
    opened_at: datetime
    resolved_at: Optional[datetime]

    def holds(self, message_id: int, at: datetime) -> bool:
        """Whether what was written then, as message `message_id` or right after it, is within."""
        # what opened it came before it: where nothing says which that was, the last hour's did
        begun = at >= self.opened_at - timedelta(hours=1)
        if self.first_id is not None:
            begun = message_id >= self.first_id
        return begun and (self.resolved_at is None or at <= self.resolved_at)


def read_after(session: Session, contact_id: int, after: int, limit: int) -> List[Entry]:
    """As `clinic.transcript.read_after`, as far as the viewer may see.

    It ends before what is kept back, so that whoever goes on from there misses nothing.
    """
    entries = transcript.read_after(session, contact_id, after, limit)
    return _seen(session, list(takewhile(lambda entry: not _kept_back(entry), entries)))


def read_latest(
    session: Session, contact_id: int, limit: int, before: Optional[int] = None
) -> List[Entry]:
    """As `clinic.transcript.read_latest`, as far as the viewer may see."""
    entries = transcript.read_latest(session, contact_id, limit, before)
    kept_back = sum(map(_kept_back, entries))
    if kept_back:
        entries = transcript.read_latest(session, contact_id, limit + kept_back, before)
    return _seen(session, [entry for entry in entries if not _kept_back(entry)])


def read_one(session: Session, message_id: int) -> Entry:
    """As `clinic.transcript.read_one`, as far as the viewer may see.

    Raises:
        KeyError: if there is none.
    """
    entry = transcript.read_one(session, message_id)
    return hidden(entry) if _kept_back(entry) else _seen(session, [entry])[0]


def last_words(session: Session, contact_ids: Iterable[int]) -> Dict[int, Entry]:
    """As `clinic.transcript.last_words`, as far as the viewer may see."""
    entries = transcript.last_words(session, contact_ids)
    shown = _seen(session, [entry for entry in entries.values() if not _kept_back(entry)])
    return {entry.contact_id: entry for entry in shown}


def readable(session: Session, message_id: int) -> bool:
    """Whether the viewer may read this message: asked before a file of it or a finding is shown.

    Raises:
        KeyError: if there is none.
    """
    return read_one(session, message_id).kind != HIDDEN


def first_readable(session: Session, message_ids: List[int], most: int) -> List[Entry]:
    """Of these messages (newest first) the first of each contact that the viewer may read.

    A search that ends here never says who wrote something that the viewer may not read.
    """
    found: Dict[int, Entry] = {}
    asking = viewer()
    for start in range(0, len(message_ids), CHUNK):
        entries = transcript.read_these(session, message_ids[start : start + CHUNK])
        clinical = clinical_ids(session, entries)
        for entry in entries:
            secret = entry.id in clinical
            if entry.contact_id in found or _kept_back(entry):
                continue
            if secret and not may(asking, SEE_CLINICAL, entry):
                continue
            if secret:
                note_shown(entry.contact_id, "newest", entry.id)
            found[entry.contact_id] = entry
            if len(found) >= most:
                return list(found.values())
    return list(found.values())


def clinical_among(session: Session, message_ids: List[int]) -> Set[int]:
    """Which of these messages are clinical, whoever asks; nothing of them is shown."""
    return clinical_ids(session, transcript.read_these(session, message_ids))


def clinical_ids(session: Session, entries: Iterable[Entry]) -> Set[int]:
    """Which of these bubbles are clinical, whoever asks."""
    listed = list(entries)
    if not listed:
        return set()
    spoken = [entry for entry in listed if entry.author != BOT]
    spans = clinical_spans(session, {entry.contact_id for entry in spoken})
    return _marked(session, [entry.id for entry in listed]) | {
        entry.id
        for entry in spoken
        if (entry.media is not None and entry.author == PATIENT)
        or any(span.holds(entry.id, entry.at) for span in spans.get(entry.contact_id, []))
    }


def _seen(session: Session, entries: List[Entry]) -> List[Entry]:
    clinical = clinical_ids(session, entries)
    asking = viewer()
    shown: List[Entry] = []
    for entry in entries:
        if entry.id not in clinical:
            shown.append(entry)
        elif may(asking, SEE_CLINICAL, entry):
            note_shown(entry.contact_id, "newest", entry.id)
            shown.append(entry)
        else:
            shown.append(hidden(entry))
    return shown


def _kept_back(entry: Entry) -> bool:
    """Whether the viewer has to wait for the gate, which is about to read it."""
    unjudged = entry.state == RECEIVED and now() - entry.at < UNJUDGED_FOR
    return unjudged and not may(viewer(), SEE_CLINICAL, entry)


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


def clinical_spans(session: Session, contact_ids: Set[int]) -> Dict[int, List[Span]]:
    """While which handoffs for a clinical reason were open, by contact."""
    rows = session.execute(
        select(Handoff.contact_id, Handoff.opened_by, Handoff.opened_at, Handoff.resolved_at).where(
            Handoff.contact_id.in_(contact_ids), Handoff.reason.in_(CLINICAL_REASONS)
        )
    )
    found: Dict[int, List[Span]] = {}
    for contact_id, opened_by, opened_at, resolved_at in rows:
        opener = _OPENER.match(opened_by or "")
        first = int(opener[1]) if opener else None
        found.setdefault(int(contact_id), []).append(Span(first, opened_at, resolved_at))
    return found


def _marked(session: Session, message_ids: List[int]) -> Set[int]:
    rows = session.execute(
        select(Message.id).where(
            Message.id.in_(message_ids),
            or_(
                Message.intent.in_(CLINICAL_INTENTS),
                *(Message.cause.like(cause) for cause in CLINICIANS_WORDS),
            ),
        )
    )
    return {int(row[0]) for row in rows}


# --- noting who read what


class _Noted:
    """What each viewer was shown already, so that a page that refreshes notes only what is new."""

    def __init__(self) -> None:
        self._newest: "OrderedDict[Tuple[str, int, str], int]" = OrderedDict()
        self._lock = Lock()

    def is_new(self, who: str, contact_id: int, what: str, number: int) -> bool:
        key = (who, contact_id, what)
        with self._lock:
            if self._newest.get(key, -1) >= number:
                return False
            self._newest[key] = number
            self._newest.move_to_end(key)
            while len(self._newest) > REMEMBERED:
                self._newest.popitem(last=False)
        return True


def note_shown(contact_id: int, what: str, number: int) -> None:
    """This answer shows clinical text: the message (`newest`), note or plan of that number."""
    every: Dict[int, Dict[str, int]] = g.setdefault("clinical_shown", {})
    shown = every.setdefault(contact_id, {})
    shown[what] = max(shown.get(what, 0), number)


def install(app: Flask) -> None:
    """Let every answer of `app` that shows clinical text be noted before it leaves."""
    noted = _Noted()

    @app.after_request
    def _record(response: Response) -> Response:
        # taken away first: should the log not take it, the error page shows nothing
        shown: Dict[int, Dict[str, int]] = g.pop("clinical_shown", {})
        if not shown or response.status_code >= 500:
            return response
        who = viewer().who
        # a list or a refreshed part shows the same again and again; a page that was opened counts
        repeated = request.path.startswith("/live/") or len(shown) > 1
        new = {}
        for contact, parts in shown.items():
            fresh = [noted.is_new(who, contact, what, number) for what, number in parts.items()]
            if any(fresh) or not repeated:
                new[contact] = parts
        if new:
            with house().database.transaction() as session:
                for contact, parts in new.items():
                    detail = {**parts, "at": str(request.endpoint or "")}
                    record(session, who, "viewed_clinical", f"contact:{contact}", detail)
        return response
