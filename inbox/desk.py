"""What staff do with a conversation, the same for the pages and the API: one transaction each."""

from __future__ import annotations

from datetime import datetime
from typing import NoReturn, Optional

from sqlalchemy.orm import Session

from clinic.audit import actor, record
from clinic.bubbles import Media, Template, Text
from clinic.delivery import window_open
from clinic.handoff_moves import (
    give_to,
    give_to_team,
    put_out_of_sight,
    snooze,
    wake,
)
from clinic.handoffs import OUTCOMES, HandoffError, claim_handoff, resolve_handoff
from clinic.logs import logger
from clinic.models import Contact, Handoff
from clinic.models.handoff import TEAMS
from clinic.outbox import plan
from clinic.staff_replies import NAMELESS, Reply, ReplyRefused, reply, send_template
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
    "caption_too_long": (422, "WhatsApp carries at most 1024 characters with a file."),
    "past": (422, "This time has passed."),
    "after_window": (422, "The 24-hour window will have closed by then."),
    "opted_out": (409, "This person has stopped messages."),
    "urgent": (409, "A red flag cannot be snoozed: answer it, or pass it to a physiotherapist."),
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


def assign(handoff_id: int, to: str, by: str, expected: Optional[str]) -> Handoff:
    """Give the handoff to a person or a team, from whoever the page showed (None: nobody).

    Raises:
        Refusal: 404 `not_found`, 409 `taken` (it changed hands meanwhile) or `resolved`.
    """
    # taking it from somebody is another act than passing it on
    what = "take_over" if expected is not None and to == by else "assign"
    try:
        with house().database.transaction() as session:
            give = give_to_team if to in TEAMS else give_to
            handoff = _with_contact(give(session, handoff_id, to, expected))
            detail = {"to": to if to in TEAMS else actor(session, to)}
            record(session, by, what, f"handoff:{handoff_id}", detail)
    except HandoffError as error:
        _refuse(error.code)
    log.info("handoff assigned", handoff=handoff_id)
    return handoff


def put_aside(handoff_id: int, until: Optional[datetime], by: str) -> None:
    """Snooze a handoff until a time (None: no time), in any case only until the patient writes.

    Raises:
        Refusal: 404 `not_found`, 409 `resolved` or `urgent`, 422 `past`.
    """
    try:
        with house().database.transaction() as session:
            snooze(session, handoff_id, until)
            record(session, by, "snooze", f"handoff:{handoff_id}")
    except HandoffError as error:
        _refuse(error.code)
    except ValueError:
        _refuse("past")
    log.info("handoff snoozed", handoff=handoff_id)


def take_up(handoff_id: int, by: str) -> None:
    """Undo `put_aside`.

    Raises:
        Refusal: 404 `not_found`, 409 `resolved`.
    """
    try:
        with house().database.transaction() as session:
            wake(session, handoff_id)
            record(session, by, "wake", f"handoff:{handoff_id}")
    except HandoffError as error:
        _refuse(error.code)


def resolve(
    handoff_id: int,
    outcome: str,
    hand_back: bool,
    staff: Optional[str],
    better_intent: Optional[str] = None,
) -> Handoff:
    """End a handoff; with `hand_back` the bot answers again and the patient is told so.

    The text is planned in the same transaction, and only while WhatsApp would carry it.

    Args:
        better_intent: what the bot should have recognised, for those who train it.

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
            if better_intent is not None:
                handoff.better_intent = better_intent
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


def keep(handoff_id: int, outcome: str, staff: str) -> None:
    """Done for now, but the bot stays silent: the handoff comes back when the patient writes.

    Raises:
        Refusal: 404 `not_found`, 409 `resolved` or `taken`, 422 `outcome`.
    """
    if outcome not in OUTCOMES_OF_STAFF:
        _refuse("outcome")
    try:
        with house().database.transaction() as session:
            claim_handoff(session, handoff_id, staff)
            handoff = resolve_handoff(session, handoff_id, staff, outcome, hand_back=False)
            # somebody looked and answered: even a red flag is no longer waiting
            put_out_of_sight(session, handoff)
            record(session, staff, "keep", f"handoff:{handoff_id}", {"outcome": outcome})
    except HandoffError as error:
        _refuse(error.code)
    log.info("handoff kept", handoff=handoff_id, outcome=outcome)


def answer_patient(
    contact_id: int,
    text: str,
    staff: Optional[str],
    key: Optional[str] = None,
    attachment: Optional[Media] = None,
    due_at: Optional[datetime] = None,
) -> Reply:
    """Plan a reply of staff.

    Raises:
        Refusal: for every code of `clinic.staff_replies.ReplyRefused`.
    """
    try:
        with house().database.transaction() as session:
            done = reply(session, contact_id, text, staff, key, attachment, due_at)
            if not done.repeated:
                record(session, staff or NAMELESS, "reply", f"message:{done.message_id}")
    except ReplyRefused as error:
        _refuse(error.code)
    log.info("reply planned", contact=contact_id, message=done.message_id, again=done.repeated)
    return done


def answer_with_template(
    contact_id: int, template: Template, staff: str, key: Optional[str] = None
) -> Reply:
    """Plan an approved template, for when the 24 hours are over.

    Raises:
        Refusal: 404 `not_found`, 409 `opted_out`, `taken` or `key_reused`.
    """
    try:
        with house().database.transaction() as session:
            done = send_template(session, contact_id, template, staff, key)
            if not done.repeated:
                record(session, staff, "template", f"message:{done.message_id}")
    except ReplyRefused as error:
        _refuse(error.code)
    log.info("template planned", contact=contact_id, message=done.message_id)
    return done


def _with_contact(handoff: Handoff) -> Handoff:
    # loaded while the session is open: whoever shows the handoff shows the phone
    assert handoff.contact is not None  # noqa: S101 - a foreign key
    return handoff


def _refuse(code: str) -> NoReturn:
    status, message = REFUSALS[code]
    raise Refusal(status, code, message) from None
