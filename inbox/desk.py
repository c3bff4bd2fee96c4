"""What staff do with a conversation, the same for the pages and the API: one transaction each."""

from __future__ import annotations

from typing import NoReturn, Optional

from sqlalchemy import update
from sqlalchemy.orm import Session

from clinic.audit import record
from clinic.bubbles import Text
from clinic.database import now
from clinic.delivery import window_open
from clinic.handoffs import OUTCOMES, HandoffError, claim_handoff, resolve_handoff
from clinic.logs import logger
from clinic.models import Contact, Handoff
from clinic.outbox import plan
from clinic.staff_replies import NAMELESS, Reply, ReplyRefused, reply
from inbox.errors import Refusal
from inbox.house import house

log = logger("inbox")

HANDED_BACK = "utter_handed_back"
# `merged` is what the system writes when two contacts turn out to be one person
OUTCOMES_OF_STAFF = tuple(outcome for outcome in OUTCOMES if outcome != "merged")

REFUSALS = {
    "not_found": (404, "There is no such handoff or conversation."),
    "resolved": (409, "This handoff has already been resolved."),
    "taken": (409, "Somebody else has claimed this conversation."),
    "outcome": (422, f"outcome must be one of {', '.join(OUTCOMES_OF_STAFF)}."),
    "empty": (422, "text must not be empty."),
    "too_long": (422, "text must have at most 4096 characters."),
    "window_closed": (
        409,
        "The 24-hour window is closed: WhatsApp takes only an approved template until the "
        "patient writes again.",
    ),
    "key_reused": (409, "This Idempotency-Key belongs to another reply."),
}


def claim(handoff_id: int, staff: str) -> Handoff:
    """Give the handoff to `staff`; claiming what one has already claimed changes nothing.

    Raises:
        Refusal: 404 `not_found`, 409 `taken` or `resolved`.
    """
    try:
        with house().database.transaction() as session:
            handoff = _with_contact(claim_handoff(session, handoff_id, staff))
            record(session, staff, "claim", f"handoff:{handoff_id}")
    except HandoffError as error:
        _refuse(error.code)
    log.info("handoff claimed", handoff=handoff_id)
    return handoff


def take_over(handoff_id: int, staff: str, owner: str) -> None:
    """Take a handoff from `owner`, who has to be the one who still has it.

    Raises:
        Refusal: 409 `taken` if it changed hands or was resolved meanwhile.
    """
    with house().database.transaction() as session:
        won = session.execute(
            update(Handoff)
            .where(
                Handoff.id == handoff_id,
                Handoff.status == "claimed",
                Handoff.claimed_by == owner,
            )
            .values(claimed_by=staff, claimed_at=now())
        ).rowcount
        if won:
            record(session, staff, "take_over", f"handoff:{handoff_id}")
    if not won:
        _refuse("taken")
    log.info("handoff taken over", handoff=handoff_id)


def resolve(handoff_id: int, outcome: str, hand_back: bool, staff: Optional[str]) -> Handoff:
    """End a handoff; with `hand_back` the bot answers again and the patient is told so.

    The text is planned in the same transaction, and only while WhatsApp would carry it.

    Raises:
        Refusal: 404 `not_found`, 409 `resolved`, 422 `outcome`.
    """
    if outcome not in OUTCOMES_OF_STAFF:
        _refuse("outcome")
    try:
        with house().database.transaction() as session:
            standing = session.get(Handoff, handoff_id)
            by = staff or (standing.claimed_by if standing else None) or NAMELESS
            handoff = resolve_handoff(session, handoff_id, by, outcome, hand_back)
            if hand_back:
                _tell_handed_back(session, handoff)
            detail = {"outcome": outcome, "hand_back": hand_back}
            record(session, by, "resolve", f"handoff:{handoff_id}", detail)
            _with_contact(handoff)
    except HandoffError as error:
        _refuse(error.code)
    log.info("handoff resolved", handoff=handoff_id, hand_back=hand_back, outcome=outcome)
    return handoff


def _tell_handed_back(session: Session, handoff: Handoff) -> None:
    contact = session.get(Contact, handoff.contact_id)
    if contact is None or not window_open(contact):
        return
    try:
        words = house().texts.say(HANDED_BACK, contact.language)
    except KeyError:
        # the person's decision counts; /health/ready says that the text is missing
        log.error("fixed text missing", text=HANDED_BACK, handoff=int(handoff.id))
        return
    plan(session, int(contact.id), Text(text=words), cause=f"handoff:{handoff.id}:{HANDED_BACK}")


def answer_patient(
    contact_id: int, text: str, staff: Optional[str], key: Optional[str] = None
) -> Reply:
    """Plan a reply of staff.

    Raises:
        Refusal: for every code of `clinic.staff_replies.ReplyRefused`.
    """
    try:
        with house().database.transaction() as session:
            done = reply(session, contact_id, text, staff=staff, key=key)
            if not done.repeated:
                record(session, staff or NAMELESS, "reply", f"message:{done.message_id}")
    except ReplyRefused as error:
        _refuse(error.code)
    log.info("reply planned", contact=contact_id, message=done.message_id, again=done.repeated)
    return done


def _with_contact(handoff: Handoff) -> Handoff:
    # loaded while the session is open: whoever shows the handoff shows the phone
    assert handoff.contact is not None  # noqa: S101 - a foreign key
    return handoff


def _refuse(code: str) -> NoReturn:
    status, message = REFUSALS[code]
    raise Refusal(status, code, message) from None
