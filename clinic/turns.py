"""Committing a turn: the tracker, the replies, the handoff and "handled", all or nothing.

Because they are one transaction, a crash before it repeats the whole turn (whose custom actions
find their own work done) and a crash after it repeats nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Optional, Tuple, Union

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from clinic.afterwords import Afterwords, add_afterwords
from clinic.consent import record, withdraw_all
from clinic.crypto import Ciphertext
from clinic.database import connection_of, now
from clinic.exercises.answers import hurts
from clinic.guardians import hear_age, suspect_minor
from clinic.handoffs import forget_conversation, is_muted, open_handoff
from clinic.inbound import mark_handled, remember_language
from clinic.logs import logger
from clinic.models import Contact, Message, Tracker
from clinic.models.consent import BUTTON, WORDS
from clinic.models.message import RECEIVED
from clinic.outbox import give_back_offer, plan
from clinic.scheduling.booking import confirm_attendance
from clinic.scheduling.errors import SchedulingError
from clinic.upsert import put

log = logger("turns")


class AlreadyHandled(Exception):
    """Another process has committed this message's turn."""


class NoLongerMuted(Exception):
    """Staff handed the conversation back in this very moment: the message is the bot's again."""


@dataclass
class TurnResult:
    """What a turn leaves behind.

    `tracker_events` is the conversation as Rasa will remember it (None: as before), as a list or
    encrypted already (`clinic.crypto.encrypted_json`); with `forget` Rasa starts afresh next time.
    `handoff` is a reason of `clinic.models.handoff.REASONS`; the bot is mute from then on.
    `muted`: nobody was asked, since a person has the conversation.
    `age` is a patient's age in years, where one was said; `minor` that they seem to be under 18.
    `stop` and `decision` (purpose, granted) are what the patient decides about our messages in a
    turn that Rasa does not take; in its turns a custom action writes that down.
    `coming` are the visits (id, version of their time) to which they said, while a person had the
    conversation, that they come.
    `hurts` is the occasion of home exercises (`clinic.exercises.answers.key_of`) of which they
    tapped that it hurts, "" where the button names none.
    `afterwords` is what follows an answer where it is due.
    """

    message_id: int
    contact_id: int
    bubbles: List[Any] = field(default_factory=list)
    tracker_events: Union[List[Dict[str, Any]], Ciphertext, None] = None
    forget: bool = False
    muted: bool = False
    handoff: Optional[str] = None
    red_flag: Optional[str] = None
    intent: Optional[str] = None
    marks: Optional[Dict[str, Any]] = None
    language: Optional[str] = None
    language_chosen: bool = False
    detail: Optional[str] = None
    more_title: Optional[str] = None
    age: Optional[int] = None
    minor: bool = False
    stop: bool = False
    decision: Optional[Tuple[str, bool]] = None
    coming: List[Tuple[int, int]] = field(default_factory=list)
    hurts: Optional[str] = None
    afterwords: Optional[Afterwords] = None


_WAITING = (
    select(Message.state, Message.contact_id)
    .where(Message.id == bindparam("message"))
    .with_for_update()
)

_PROOF = (
    select(Message.wamid, Contact.language)
    .join(Contact, Contact.id == Message.contact_id)
    .where(Message.id == bindparam("message"))
)


def commit_turn(session: Session, result: TurnResult) -> None:
    """Write everything a turn leaves behind, in the caller's transaction.

    Raises:
        AlreadyHandled: if the message is no longer waiting; write nothing then.
        NoLongerMuted: if it was laid before nobody; write nothing then.
    """
    # locked, so that of two processes that both worked on it one finds it handled (PostgreSQL)
    asked = {"message": result.message_id}
    message = connection_of(session).execute(_WAITING, asked).one_or_none()
    if message is None or message.state != RECEIVED:
        raise AlreadyHandled(str(result.message_id))
    if message.contact_id != result.contact_id:
        # the contact was merged into another meanwhile: the answer goes there, and what Rasa
        # remembers of the other conversation stands
        result = replace(result, contact_id=int(message.contact_id), tracker_events=None)
    muted = is_muted(session, result.contact_id)
    if result.muted and not muted:
        raise NoLongerMuted(str(result.message_id))
    # a person took the conversation while Rasa was thinking: they answer, not the bot
    if not muted or result.handoff == "red_flag":
        _plan_replies(session, result)
    if result.handoff is not None:
        open_handoff(
            session,
            result.contact_id,
            result.handoff,
            opened_by=f"message:{result.message_id}",
            red_flag=result.red_flag,
        )
    if result.handoff == "failure":
        give_back_offer(session, result.message_id)
    _keep_decisions(session, result)
    _keep_coming(session, result)
    if result.hurts is not None:
        hurts(session, result.contact_id, result.hurts, result.message_id, now())
    if not muted and result.handoff is None and result.bubbles and result.afterwords:
        # never before, or beside, an emergency text or a handoff
        add_afterwords(session, result.contact_id, result.message_id, result.afterwords)
    _keep_tracker(session, result)
    if result.language is not None:
        remember_language(session, result.contact_id, result.language, result.language_chosen)
    if result.handoff == "red_flag" and result.bubbles:
        contact = session.get(Contact, result.contact_id)
        if contact is not None:
            contact.emergency_text_at = now()
    mark_handled(session, result.message_id, result.detail, result.intent, result.marks)


def _plan_replies(session: Session, result: TurnResult) -> None:
    for position, bubble in enumerate(result.bubbles):
        plan(
            session,
            result.contact_id,
            bubble,
            cause=f"turn:{result.message_id}:{position}",
            more_title=result.more_title,
        )


def _keep_decisions(session: Session, result: TurnResult) -> None:
    if result.age is not None:
        hear_age(session, result.contact_id, result.age)
    if result.minor:
        suspect_minor(session, result.contact_id)
    if not result.stop and result.decision is None:
        return
    proof = session.execute(_PROOF, {"message": result.message_id}).one()
    evidence = {"language": str(proof.language), "wamid": proof.wamid}
    if result.stop:
        withdraw_all(session, result.contact_id, how=WORDS, **evidence)
    if result.decision is not None:
        purpose, granted = result.decision
        record(session, result.contact_id, purpose, granted, how=BUTTON, **evidence)


def _keep_coming(session: Session, result: TurnResult) -> None:
    for appointment_id, version in result.coming:
        cause = f"turn:{result.message_id}:coming:{appointment_id}"
        try:
            confirm_attendance(
                session, appointment_id, result.contact_id, cause, now=now(), version=version
            )
        except SchedulingError:
            # a button of before the visit was moved or cancelled: whoever reads the tap says so
            log.info("visit not confirmed", appointment=appointment_id, message=result.message_id)


def _keep_tracker(session: Session, result: TurnResult) -> None:
    if result.forget:
        forget_conversation(session, result.contact_id)
        return
    if result.tracker_events is None:
        return
    # written over without being read: decrypting what goes away would be half of the work
    put(
        session,
        Tracker,
        {
            "sender_id": str(result.contact_id),
            "events": result.tracker_events,
            "updated_at": now(),
        },
    )
