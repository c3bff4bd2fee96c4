"""A handoff that is answered in Chatwoot: what that means for the log, without any HTTP.

Where the connector is on, every unresolved handoff gets a link to a conversation there. What an
agent writes there becomes a reply of the outbox, once by Chatwoot's message id, whether it came by
webhook, came twice, or was found by the worker's look afterwards. Resolving the conversation or
giving it back to the bot ("pending") hands the patient back here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, List, Optional, Protocol, Tuple

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from clinic.audit import record
from clinic.bubbles import Text
from clinic.database import now
from clinic.delivery import window_open
from clinic.handoffs import HandoffError, resolve_handoff
from clinic.models import ChatwootLink, Contact, Handoff, Message
from clinic.models.message import IN
from clinic.outbox import plan
from clinic.staff_replies import AUTHOR, ReplyRefused, reply
from clinic.upsert import insert_new

# in whose name it is claimed and answered: of several agents each may write
OWNER = "Chatwoot"
WHO = "chatwoot"
HANDED_BACK = "utter_handed_back"
GIVEN_BACK = ("resolved", "pending")
CONTEXT_MESSAGES = 10
AT_ONCE = 50
ATTACHMENT = "attachment"


class Says(Protocol):
    """The reviewed words for patients (`clinic.texts.Texts`)."""

    def say(self, name: str, language: str, **slots: Any) -> str:
        """The words of the response `name` in `language`."""


def link_new(session: Session) -> int:
    """Give every unresolved handoff its link; how many were made."""
    linked = exists().where(ChatwootLink.handoff_id == Handoff.id)
    rows = session.execute(
        select(Handoff.id, Handoff.contact_id)
        .where(Handoff.status != "resolved", ~linked)
        .order_by(Handoff.id)
        .limit(AT_ONCE)
    ).all()
    for handoff_id, contact_id in rows:
        values = {
            "handoff_id": handoff_id,
            "contact_id": contact_id,
            "told_message_id": _before_the_handoff(session, int(handoff_id)),
        }
        insert_new(session, ChatwootLink, values)
    return len(rows)


def _before_the_handoff(session: Session, handoff_id: int) -> int:
    """The last message that the note's context tells; what came after is told one by one."""
    handoff = session.get(Handoff, handoff_id)
    assert handoff is not None  # noqa: S101 - its id was just read
    newest = session.execute(
        select(Message.id)
        .where(Message.contact_id == handoff.contact_id, Message.direction == IN)
        .order_by(Message.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    # the patient's last message itself is told as theirs
    return int(newest) - 1 if newest is not None else 0


def link_of(session: Session, conversation_id: int) -> Optional[ChatwootLink]:
    """The link of a conversation of Chatwoot's: of its newest handoff, where an inbox that is
    locked to a single conversation has several in one."""
    return session.execute(
        select(ChatwootLink)
        .where(ChatwootLink.conversation_id == conversation_id)
        .order_by(ChatwootLink.handoff_id.desc())
        .limit(1)
    ).scalar_one_or_none()


def untold(session: Session, link: ChatwootLink, limit: int = AT_ONCE) -> List[Message]:
    """What the patient wrote and Chatwoot does not have yet, oldest first."""
    return list(
        session.execute(
            select(Message)
            .where(
                Message.contact_id == link.contact_id,
                Message.direction == IN,
                Message.id > link.told_message_id,
            )
            .order_by(Message.id)
            .limit(limit)
        ).scalars()
    )


def context(session: Session, link: ChatwootLink) -> List[Message]:
    """What was said before the handoff, oldest first: for the private note."""
    rows = session.execute(
        select(Message)
        .where(Message.contact_id == link.contact_id, Message.id <= link.told_message_id)
        .order_by(Message.id.desc())
        .limit(CONTEXT_MESSAGES)
    ).scalars()
    return list(rows)[::-1]


def take_reply(
    session: Session, link: ChatwootLink, their_id: int, text: str, has_files: bool = False
) -> Optional[str]:
    """What an agent wrote, to the patient, once; a code where it could not go.

    The code is noted for the worker, which tells the agent by a private note: those of
    `clinic.staff_replies.ReplyRefused`, `attachment` (files do not travel), or `handed_back`.
    """
    key = f"chatwoot:{link.conversation_id}:{their_id}"
    if session.execute(select(Message.id).where(Message.cause == f"{AUTHOR}{key}")).first():
        return None
    for known_id, known_code in link.refused or []:
        if known_id == their_id:
            return str(known_code)
    code: Optional[str] = None
    if link.closed or standing(session, link) is None:
        code = "handed_back"
    elif has_files and not text.strip():
        code = ATTACHMENT
    else:
        try:
            done = reply(session, int(link.contact_id), text, staff=OWNER, key=key)
            record(session, WHO, "reply", f"message:{done.message_id}")
            if has_files:
                _refused(link, their_id, ATTACHMENT)
        except ReplyRefused as error:
            code = error.code
    if code is not None:
        _refused(link, their_id, code)
    return code


def _refused(link: ChatwootLink, their_id: int, code: str) -> None:
    link.refused = [*(link.refused or []), [their_id, code]]
    link.refusals_to_tell += 1
    link.due_at = now()


def refusals_to_tell(link: ChatwootLink) -> List[Tuple[int, str]]:
    """What agents are to be told by a private note: their message's id, and the code."""
    count = int(link.refusals_to_tell)
    return (
        [(int(number), str(code)) for number, code in (link.refused or [])[-count:]]
        if count
        else []
    )


def hand_back(session: Session, link: ChatwootLink, texts: Says) -> bool:
    """Chatwoot is done with the conversation: the bot answers again, and the patient is told.

    False where it had been handed back before.
    """
    link.closed = True
    handoff = standing(session, link)
    if handoff is None:
        return False
    try:
        resolve_handoff(session, int(handoff.id), OWNER, "answered", hand_back=True)
    except HandoffError:
        return False
    record(session, WHO, "resolve", f"handoff:{handoff.id}", {"hand_back": True})
    contact = session.get(Contact, link.contact_id)
    if contact is not None and window_open(contact):
        words = texts.say(HANDED_BACK, contact.language)
        cause = f"handoff:{handoff.id}:{HANDED_BACK}"
        plan(session, int(contact.id), Text(text=words), cause=cause)
    return True


def standing(session: Session, link: ChatwootLink) -> Optional[Handoff]:
    """The handoff of the link, while it is not resolved."""
    handoff = session.get(Handoff, link.handoff_id)
    if handoff is None or handoff.status == "resolved":
        return None
    # two contacts may have turned out to be one person
    link.contact_id = handoff.contact_id
    return handoff


def due(session: Session, limit: int = 20) -> List[int]:
    """The links with something to do, longest waiting first: their handoffs' ids.

    Another worker that looks at the same time (PostgreSQL) finds others.
    """
    query = (
        select(ChatwootLink.handoff_id)
        .where(
            or_(ChatwootLink.closed.is_(False), ChatwootLink.refusals_to_tell > 0),
            ChatwootLink.due_at <= now(),
        )
        .order_by(ChatwootLink.due_at)
        .limit(limit)
    )
    if session.get_bind().dialect.name != "sqlite":
        query = query.with_for_update(skip_locked=True)
    return [int(row[0]) for row in session.execute(query)]


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many tries in vain: doubling from 2 seconds to 10 minutes."""
    return min(timedelta(seconds=2) * 2 ** min(attempts, 20), timedelta(minutes=10))
