"""The audit log: who did what to whose record, in codes and ids, never in words.

An entry is written in the transaction of the act itself where there is one, so that neither is
there without the other.
"""

from __future__ import annotations

import json
import re
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Optional

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.crypto import lookup_hash
from clinic.logs import logger
from clinic.models import Appointment, AuditEntry, Bill, Handoff, Message, Staff

log = logger("audit")

# what staff and programs do; a manager searches by these
ACTS = (
    *("signed_in", "sign_in_failed", "signed_out", "signed_out_everywhere"),
    *("password_changed", "totp_set", "totp_removed"),
    *("staff_added", "staff_changed", "staff_disabled", "staff_enabled", "staff_reset"),
    *("token_added", "token_revoked", "webhook_added", "webhook_removed"),
    *("viewed_clinical", "refused", "search", "claim", "take_over", "assign", "snooze", "wake"),
    *("reply", "take_back", "template", "note", "resolve", "keep", "book", "move", "cancel"),
    *("mark_arrived", "mark_completed", "mark_no_show", "plan_written", "plan_delivered"),
    *("exercises_written", "exercises_changed", "exercises_paused", "exercises_resumed"),
    *("exercises_ended",),
    *("guardian_confirmed", "waitlist_joined", "waitlist_left", "waitlist_offered"),
    *("canned_written", "canned_removed"),
    *("bill_issued", "bill_paid", "bill_sent", "bill_cancelled"),
    *("searched_audit", "exported"),
)
LONGEST_DETAIL = 500
WITHHELD = "withheld"

_ACTOR = re.compile(r"(staff|token):\d{1,19}|api|cli|worker|system|chatwoot|nobody")
_SUBJECT = re.compile(r"[a-z_]{1,30}(:[\w.-]{1,48})?", re.ASCII)
_CODE = re.compile(r"[\w.:,+-]{0,80}", re.ASCII)
_OF_A_CONTACT: Dict[str, Any] = {
    "handoff": Handoff,
    "message": Message,
    "appointment": Appointment,
    "bill": Bill,
}

# the network address that this thread of the inbox is serving, and the program there, if any
_address: ContextVar[Optional[str]] = ContextVar("address", default=None)
_program: ContextVar[Optional[str]] = ContextVar("program", default=None)


def serving(address: Optional[str], program: Optional[str] = None) -> None:
    """From now on, entries of this thread come from that network address (kept as a hash).

    With `program` (`api`, `token:<id>` and the like) it is the program that answers for them,
    whatever name of a person it gives.
    """
    _address.set(address)
    _program.set(program)


def record(
    session: Session,
    who: str,
    what: str,
    subject: str,
    detail: Optional[Dict[str, Any]] = None,
) -> None:
    """Add an entry; it stands once `session` commits.

    Args:
        who: `staff:<id>`, `token:<id>` or a part of the system; a staff member's name is taken
            too and kept as the id. Any other name is kept as a keyed hash.
        what: a code, one of `ACTS` or a new one of that kind.
        subject: `kind:id`, such as `contact:12`.
        detail: codes and numbers only. What looks like words is withheld, not stored.
    """
    what = what.replace(" ", "_")
    if not _CODE.fullmatch(what) or not _SUBJECT.fullmatch(subject):
        raise ValueError("what and subject of an audit entry are codes")
    address = _address.get()
    session.add(
        AuditEntry(
            who=actor(session, who),
            what=what[:40],
            subject=subject,
            contact_id=_contact_of(session, subject, detail or {}),
            detail=_in_codes(detail),
            address_hash=lookup_hash(address) if address else None,
        )
    )
    session.flush()


def actor(session: Session, who: str) -> str:
    """`who` as it stands in the log."""
    program = _program.get()
    if program is not None:
        return program
    if _ACTOR.fullmatch(who):
        return who
    name = lookup_hash(tidy(who))
    found = session.execute(select(Staff.id).where(Staff.name_hash == name)).scalar_one_or_none()
    return f"staff:{found}" if found is not None else f"named:{name[:24]}"


def tidy(name: str) -> str:
    """A name as it is compared: one's own is not somebody else's in capitals."""
    return " ".join(name.split()).casefold()


def _in_codes(detail: Optional[Dict[str, Any]]) -> Optional[str]:
    if not detail:
        return None
    kept = {str(key)[:30]: _code(value) for key, value in detail.items()}
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"))
    return text if len(text) <= LONGEST_DETAIL else json.dumps({"detail": WITHHELD})


def _code(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str) and _CODE.fullmatch(value):
        return value
    log.warning("a detail that is no code was kept out of the audit log")
    return WITHHELD


def _contact_of(session: Session, subject: str, detail: Dict[str, Any]) -> Optional[int]:
    kind, _, number = subject.partition(":")
    if kind == "contact" and number.isdigit():
        return int(number)
    given = detail.get("contact")
    if isinstance(given, int):
        return given
    model = _OF_A_CONTACT.get(kind)
    if model is None or not number.isdigit():
        return None
    return session.execute(  # type: ignore[no-any-return]
        select(model.contact_id).where(model.id == int(number))
    ).scalar_one_or_none()


@dataclass(frozen=True)
class Wanted:
    """Which entries, newest first; `before` is the id of the last one of the page before.

    `since` is included, `until` is not.
    """

    limit: int
    before: Optional[int] = None
    who: Optional[str] = None
    what: Optional[str] = None
    contact_id: Optional[int] = None
    since: Optional[datetime] = None
    until: Optional[datetime] = None


def find(session: Session, wanted: Wanted) -> List[AuditEntry]:
    """The entries that are wanted, newest first."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(wanted.limit)
    for column, value in (
        (AuditEntry.who, wanted.who),
        (AuditEntry.what, wanted.what),
        (AuditEntry.contact_id, wanted.contact_id),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditEntry.at < wanted.until)
    if wanted.before is not None:
        query = query.where(AuditEntry.id < wanted.before)
    return list(session.execute(query).scalars())
