"""Conversations that a person owns. While one is unresolved the bot is mute for that contact."""

from __future__ import annotations

from datetime import timedelta
from typing import Optional

from sqlalchemy import Table, bindparam, exists, select, update
from sqlalchemy.orm import Session

from clinic.database import connection_of, now
from clinic.models import Handoff, Tracker
from clinic.models.handoff import PRIORITIES, REASONS, TEAMS
from clinic.upsert import insert_new

PRIORITY_OF_REASON = {
    "red_flag": "urgent",
    "clinical": "high",
    "media": "high",
    "failure": "high",
    "request": "normal",
    "unsure": "normal",
}
# of two reasons of one priority the graver stands: what is clinical is for those who may read it
GRAVEST_FIRST = ("red_flag", "clinical", "media", "failure", "request", "unsure")

OUTCOMES = (
    "answered",
    "booked",
    "called",
    "referred",
    "no_reply",
    "bot_should_have_answered",
    "merged",
    "other",
)

EMERGENCY_TEXT_PAUSE = timedelta(hours=1)


class HandoffError(Exception):
    """A handoff cannot be changed like that; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


_CONTACT = bindparam("contact")
_handoffs: Table = Handoff.__table__
_UNRESOLVED = select(Handoff).where(Handoff.contact_id == _CONTACT, Handoff.status != "resolved")


_MUTED = select(
    exists().where(_handoffs.c.contact_id == _CONTACT, _handoffs.c.status != "resolved")
)


def is_muted(session: Session, contact_id: int) -> bool:
    """Whether a person has this contact's conversation: the bot says nothing."""
    return bool(connection_of(session).execute(_MUTED, {"contact": contact_id}).scalar())


def unresolved_handoff(session: Session, contact_id: int) -> Optional[Handoff]:
    """The handoff that mutes the bot for this contact, if there is one."""
    return session.execute(_UNRESOLVED, {"contact": contact_id}).scalar_one_or_none()


def open_handoff(
    session: Session,
    contact_id: int,
    reason: str,
    opened_by: Optional[str] = None,
    red_flag: Optional[str] = None,
) -> Handoff:
    """Hand the conversation to a person; where one has it already, at most raise its priority.

    Args:
        reason: one of `clinic.models.handoff.REASONS`.
        opened_by: what caused it: `message:<id>`, or the cause of an outgoing message.
        red_flag: the category, for reason `red_flag`.
    """
    if reason not in REASONS:
        raise ValueError(f"unknown handoff reason: {reason}")
    values = {
        "contact_id": contact_id,
        "reason": reason,
        "red_flag": red_flag,
        "priority": PRIORITY_OF_REASON[reason],
        "opened_by": opened_by,
    }
    handoff = None
    while handoff is None:
        insert_new(session, Handoff, values)
        # None where the one that stood in the way was resolved in this very moment
        handoff = _locked_unresolved(session, contact_id)
    raise_priority(handoff, reason, red_flag)
    session.flush()
    return handoff


def _locked_unresolved(session: Session, contact_id: int) -> Optional[Handoff]:
    return session.execute(
        select(Handoff)
        .where(Handoff.contact_id == contact_id, Handoff.status != "resolved")
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def raise_priority(handoff: Handoff, reason: str, red_flag: Optional[str]) -> None:
    """Let a handoff be as urgent as `reason` asks; it never becomes less urgent or less grave.

    What began as logistics and turned clinical waits for the physiotherapists, unless somebody has
    claimed it: they keep it, see that there is something they may not read, and can pass it on.
    """
    wanted = PRIORITY_OF_REASON[reason]
    if PRIORITIES.index(wanted) < PRIORITIES.index(handoff.priority):
        handoff.priority = wanted
    if GRAVEST_FIRST.index(reason) < GRAVEST_FIRST.index(handoff.reason):
        handoff.reason = reason
        if reason == "clinical" and handoff.status == "open":
            handoff.team = TEAMS[0]
    if red_flag and not handoff.red_flag:
        handoff.red_flag = red_flag


def claim_handoff(session: Session, handoff_id: int, staff: str) -> Handoff:
    """Give the handoff to one person, by compare-and-set: of two, one wins.

    Raises:
        HandoffError: `not_found`, `resolved`, or `taken` (by somebody else).
    """
    won = session.execute(
        update(Handoff)
        .where(Handoff.id == handoff_id, Handoff.status == "open")
        .values(
            status="claimed",
            claimed_by=staff,
            claimed_at=now(),
            team=None,
            snoozed_after=None,
            snoozed_until=None,
        )
    ).rowcount
    handoff = _existing(session, handoff_id)
    if not won and handoff.status == "resolved":
        raise HandoffError("resolved")
    if not won and handoff.claimed_by != staff:
        raise HandoffError("taken")
    return handoff


def resolve_handoff(
    session: Session, handoff_id: int, staff: str, outcome: str, hand_back: bool
) -> Handoff:
    """End a handoff.

    With `hand_back` the bot answers this contact again, from a fresh start: a form that the
    handoff interrupted is gone. Without it, nothing changes for the patient: a person keeps the
    conversation, and the handoff stays unresolved but noted.

    Raises:
        HandoffError: `not_found`, `resolved` or `outcome`.
    """
    if outcome not in OUTCOMES:
        raise HandoffError("outcome")
    handoff = _existing(session, handoff_id)
    if not hand_back:
        if handoff.status == "resolved":
            raise HandoffError("resolved")
        handoff.outcome = outcome
        return handoff
    won = session.execute(
        update(Handoff)
        .where(Handoff.id == handoff_id, Handoff.status != "resolved")
        .values(status="resolved", resolved_by=staff, resolved_at=now(), outcome=outcome)
    ).rowcount
    if not won:
        raise HandoffError("resolved")
    forget_conversation(session, handoff.contact_id)
    session.refresh(handoff)
    return handoff


def forget_conversation(session: Session, contact_id: int) -> None:
    """Let Rasa start this conversation afresh: no form, no slot, no context."""
    tracker = session.get(Tracker, str(contact_id))
    if tracker is not None:
        session.delete(tracker)


def _existing(session: Session, handoff_id: int) -> Handoff:
    handoff = session.get(Handoff, handoff_id, populate_existing=True)
    if handoff is None:
        raise HandoffError("not_found")
    return handoff
