"""Writing to the outbox: what is to be sent, once per cause, with what its buttons mean."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, Dict, List, Optional, Tuple

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from clinic.bubbles import Choice, Choices, Template, bubble_from_json, choices_of, text_of
from clinic.database import now
from clinic.models import Message, Offer
from clinic.models.message import OUT, PLANNED
from clinic.upsert import insert_new

LIST_ROWS = 10
MORE_PREFIX = "more:"


def plan(
    session: Session,
    contact_id: int,
    bubble: Any,
    cause: str,
    author: str = "bot",
    purpose: str = "reply",
    due_at: Optional[datetime] = None,
    not_after: Optional[datetime] = None,
    more_title: Optional[str] = None,
) -> Optional[int]:
    """Plan one bubble for a contact; unique by `cause`.

    Choices get fresh tokens, and an offer row each; a list of more than ten rows is cut to nine
    and a "more" row titled `more_title`.

    Returns:
        The message's id, or None where this cause already has its message.
    """
    shown, offers = _with_tokens(_cut_list(bubble, more_title))
    message_id = insert_new(
        session,
        Message,
        {
            "contact_id": contact_id,
            "direction": OUT,
            "cause": cause,
            "kind": bubble.kind,
            "author": author,
            "purpose": purpose,
            "text": text_of(bubble),
            "content": shown.dict(exclude_none=True),
            "state": PLANNED,
            "due_at": due_at or now(),
            "not_after": not_after,
            "occurred_at": now(),
        },
    )
    if message_id is None:
        return None
    if offers:
        session.execute(
            insert(Offer.__table__),
            [
                {
                    "contact_id": contact_id,
                    "message_id": message_id,
                    "token": choice.id,
                    "title": choice.title,
                    "payload": choice.payload or "",
                }
                for choice in offers
            ],
        )
    return message_id


def plan_unwritten(
    session: Session,
    contact_id: int,
    *,
    kind: str,
    cause: str,
    purpose: str,
    due_at: datetime,
    not_after: Optional[datetime],
    author: str = "bot",
) -> Optional[int]:
    """Plan a message that is written when it is sent (`write`); unique by `cause`.

    Args:
        kind: who writes it, see `clinic.decision.UNWRITTEN`.

    Returns:
        The message's id, or None where this cause already has its message.
    """
    return insert_new(
        session,
        Message,
        {
            "contact_id": contact_id,
            "direction": OUT,
            "cause": cause,
            "kind": kind,
            "author": author,
            "purpose": purpose,
            "state": PLANNED,
            "due_at": due_at,
            "not_after": not_after,
            "occurred_at": due_at,
        },
    )


def write(message: Message, bubble: Any) -> Tuple[Any, List[Dict[str, Any]]]:
    """Give a planned message its words.

    Returns:
        The bubble as it travels, and the rows of `Offer` that are to be inserted for it.
    """
    shown, offered = _with_tokens(bubble)
    message.text, message.content = text_of(bubble), shown.dict(exclude_none=True)
    rows = [
        {
            "contact_id": message.contact_id,
            "message_id": message.id,
            "token": choice.id,
            "title": choice.title,
            "payload": choice.payload or "",
        }
        for choice in offered
    ]
    return shown, rows


def _cut_list(bubble: Any, more_title: Optional[str]) -> Any:
    if not isinstance(bubble, Choices) or len(bubble.choices) <= LIST_ROWS:
        return bubble
    kept, rest = bubble.choices[: LIST_ROWS - 1], bubble.choices[LIST_ROWS - 1 :]
    if more_title is None:
        raise ValueError("a list of more than ten choices needs the title of its 'more' row")
    remaining = Choices(text=bubble.text, choices=rest, opener=bubble.opener)
    more = Choice(title=more_title, payload=MORE_PREFIX + remaining.json(exclude_none=True))
    return bubble.copy(update={"choices": [*kept, more]})


def more_of(payload: str) -> Optional[Choices]:
    """The rest of a list that a tap on its "more" row asks for; None for any other payload."""
    if not payload.startswith(MORE_PREFIX):
        return None
    return Choices.parse_raw(payload[len(MORE_PREFIX) :])


def _with_tokens(bubble: Any) -> Tuple[Any, List[Choice]]:
    """The bubble as it is stored (tokens, no payloads), and its choices with both."""
    offered = [
        choice.copy(update={"id": choice.id or secrets.token_urlsafe(12)})
        for choice in choices_of(bubble)
    ]
    if not offered:
        return bubble, []
    shown = [choice.copy(update={"payload": None}) for choice in offered]
    field = "buttons" if isinstance(bubble, Template) else "choices"
    return bubble.copy(update={field: shown}), offered


def bubble_of(message: Message) -> Any:
    """The bubble that an outgoing message of the log is."""
    return bubble_from_json(message.content)


def find_offer(session: Session, contact_id: int, token: str) -> Optional[Offer]:
    """The button or row of this token that was offered to this contact."""
    return session.execute(
        select(Offer).where(Offer.contact_id == contact_id, Offer.token == token)
    ).scalar_one_or_none()


def take_offer(
    session: Session, contact_id: int, token: str, message_id: int
) -> Tuple[Optional[Offer], bool]:
    """What a tap with this token means, and whether the tap is the one that counts.

    Returns:
        `(None, False)`: never offered to this contact.
        `(offer, True)`: offered, and this message (or a repetition of it) takes it.
        `(offer, False)`: offered, but an earlier tap took it.
    """
    offer = find_offer(session, contact_id, token)
    if offer is None:
        return None, False
    session.execute(
        update(Offer)
        .where(Offer.id == offer.id, Offer.taken_by.is_(None))
        .values(taken_by=message_id, taken_at=now())
        .execution_options(synchronize_session=False)
    )
    session.refresh(offer)
    return offer, offer.taken_by == message_id


def give_back_offer(session: Session, message_id: int) -> None:
    """The button that this message took can be tapped again: its turn came to nothing."""
    session.execute(
        update(Offer)
        .where(Offer.taken_by == message_id)
        .values(taken_by=None, taken_at=None)
        .execution_options(synchronize_session=False)
    )
