"""What happened to a conversation's handoffs, to stand in its place in the transcript.

Told from the audit log, and where that is silent (a reply claims without an entry; the log is kept
for a year) from the handoff's own row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.models import AuditEntry, Handoff, Staff
from clinic.models.handoff import TEAMS
from inbox.access.words import who_else
from inbox.language import t
from inbox.words import OUTCOMES, REASONS, red_flag

OPENED, RESOLVED, CLAIMED = "opened", "resolve", "claim"
# by act of the audit log, what is said of it; with `why` where an outcome was chosen
SAID = {
    OPENED: "Handed over: {why}",
    CLAIMED: "{who} claimed it",
    "take_over": "{who} took it over",
    "assign": "{who} passed it to {to}",
    "snooze": "{who} put it aside",
    "wake": "{who} brought it back",
    "keep": "{who} kept it for a person: {why}",
    RESOLVED: "{who} handed it back to the assistant: {why}",
}
# the newest of one conversation; a longer story is in the audit log
MOST = 200


@dataclass(frozen=True)
class Event:
    """One thing that happened to a handoff, in words of the interface's language.

    `id` stays the same from one look to the next.
    """

    id: str
    handoff_id: int
    at: datetime
    what: str
    words: str
    urgent: bool = False


def events_between(
    session: Session, contact_id: int, since: Optional[datetime], until: Optional[datetime]
) -> List[Event]:
    """What happened from `since` on and before `until` (None: no bound), oldest first."""
    handoffs = session.execute(
        select(Handoff)
        .where(Handoff.contact_id == contact_id)
        .order_by(Handoff.id.desc())
        .limit(MOST)
    ).scalars()
    rows = list(handoffs)
    if not rows:
        return []
    entries = _entries(session, contact_id)
    names = _names(session, entries)
    events = [_told(entry, names) for entry in entries]
    told = {(event.handoff_id, event.what) for event in events}
    for row in rows:
        events += _of_row(row, told)
    events = [
        event
        for event in events
        if (since is None or event.at >= since) and (until is None or event.at < until)
    ]
    return sorted(events, key=lambda event: (event.at, event.what != OPENED))


def _entries(session: Session, contact_id: int) -> List[AuditEntry]:
    found = session.execute(
        select(AuditEntry)
        .where(
            AuditEntry.contact_id == contact_id,
            AuditEntry.what.in_([what for what in SAID if what != OPENED]),
            AuditEntry.subject.like("handoff:%"),
        )
        .order_by(AuditEntry.id.desc())
        .limit(MOST)
    ).scalars()
    return list(found)


def _names(session: Session, entries: List[AuditEntry]) -> Dict[str, str]:
    """The names of everybody in these entries, by `staff:<id>`."""
    codes = {str(entry.who) for entry in entries} | {_details(entry).get("to") for entry in entries}
    ids = [int(code[6:]) for code in codes if code and code.startswith("staff:")]
    if not ids:
        return {}
    people = session.execute(select(Staff).where(Staff.id.in_(ids))).scalars()
    return {f"staff:{person.id}": str(person.name) for person in people}


def _told(entry: AuditEntry, names: Dict[str, str]) -> Event:
    details, what = _details(entry), str(entry.what)
    to = details.get("to")
    gaps = {
        "who": _name(str(entry.who), names),
        "to": t("the physiotherapists") if to in TEAMS else _name(str(to), names),
        "why": _outcome(details.get("outcome")),
    }
    handoff_id = int(str(entry.subject).partition(":")[2])
    return Event(f"log-{entry.id}", handoff_id, entry.at, what, t(SAID[what], **gaps))


def _name(code: str, names: Dict[str, str]) -> str:
    # somebody whose account has another name by now is in the log as a hash
    return names.get(code) or (t("Somebody") if code.startswith("named:") else who_else(code))


def _of_row(row: Handoff, told: Set[Tuple[int, str]]) -> Iterator[Event]:
    number = int(row.id)
    why = t(REASONS[row.reason])
    if row.red_flag:
        why = f"{why}, {red_flag(row.red_flag)}"
    said, urgent = t(SAID[OPENED], why=why), row.priority == "urgent"
    yield Event(f"{OPENED}-{number}", number, row.opened_at, OPENED, said, urgent)
    has_owner = any((number, what) in told for what in (CLAIMED, "take_over", "assign"))
    if row.claimed_at is not None and row.claimed_by and not has_owner:
        said = t(SAID[CLAIMED], who=row.claimed_by)
        yield Event(f"{CLAIMED}-{number}", number, row.claimed_at, CLAIMED, said)
    if row.resolved_at is not None and (number, RESOLVED) not in told:
        gaps = {"who": row.resolved_by or t("Somebody"), "why": _outcome(row.outcome)}
        said = t(SAID[RESOLVED], **gaps)
        yield Event(f"{RESOLVED}-{number}", number, row.resolved_at, RESOLVED, said)


def _outcome(code: Optional[str]) -> str:
    return t(OUTCOMES.get(code or "", "Something else"))


def _details(entry: AuditEntry) -> Dict[str, Any]:
    return dict(json.loads(entry.detail)) if entry.detail else {}
