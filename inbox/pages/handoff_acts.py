"""What is done with the handoff of a conversation: claim, assign, snooze, read, resolve."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Optional

from flask import Blueprint, flash, redirect, request, url_for

from clinic.database import now
from clinic.handoff_moves import mark_read
from clinic.models.handoff import TEAMS
from inbox import desk
from inbox.access.viewer import needs
from inbox.api.base import LARGEST_ID
from inbox.errors import Refusal
from inbox.house import house
from inbox.intents import OTHER, answerable_intents
from inbox.language import t
from inbox.pages.conversation import ADDRESS, colleagues, conversation, show
from inbox.staff import me

pages = Blueprint("handoff_acts", __name__)

UNTIL_REPLY = "reply"
LONGEST_SNOOZE = timedelta(days=31)


@pages.post(f"{ADDRESS}/claim")
@needs("claim")
def claim(contact_id: int) -> Any:
    """Take the conversation, from `owner` where the page showed one."""
    owner = request.form.get("owner") or None

    def work(handoff_id: int) -> None:
        if owner is None:
            desk.claim(handoff_id, me())
        else:
            desk.assign(handoff_id, me(), me(), owner)

    return _try(contact_id, work)


@pages.post(f"{ADDRESS}/assign")
@needs("claim")
def assign(contact_id: int) -> Any:
    """Give the conversation to a colleague or to the physiotherapists."""
    to = " ".join(request.form.get("to", "").split())
    owner = request.form.get("owner") or None

    def work(handoff_id: int) -> None:
        if to not in (*TEAMS, *colleagues()):
            raise Refusal(422, "to", t("Choose to whom."))
        desk.assign(handoff_id, to, me(), owner)
        flash(t("Passed to {name}.", name=t(to) if to in TEAMS else to), "good")

    return _try(contact_id, work)


@pages.post(f"{ADDRESS}/snooze")
@needs("claim")
def snooze(contact_id: int) -> Any:
    """Put it aside until a time, or until the patient writes."""
    chosen = request.form.get("until", "")

    def work(handoff_id: int) -> None:
        desk.put_aside(handoff_id, _until(chosen), me())
        flash(t("Put aside. It comes back by itself, at once if the patient writes."), "good")

    return _try(contact_id, work, to_queue=True)


@pages.post(f"{ADDRESS}/wake")
@needs("claim")
def wake(contact_id: int) -> Any:
    """Undo a snooze."""
    return _try(contact_id, lambda handoff_id: desk.take_up(handoff_id, me()))


@pages.post(f"{ADDRESS}/unread")
@needs("claim")
def unread(contact_id: int) -> Any:
    """Mark what the patient wrote as unread, to come back to it; or as read."""
    read = request.form.get("read") == "1"
    with house().database.transaction() as db:
        mark_read(db, int(conversation(db, contact_id).id), read)
    return redirect(url_for("queue.page"))


@pages.post(f"{ADDRESS}/hand-back")
@needs("resolve")
def hand_back(contact_id: int) -> Any:
    """End the handoff: the bot answers again (`then` is `bot`), or stays silent (`keep`)."""
    outcome = request.form.get("outcome", "")
    keep = request.form.get("then") == "keep"
    intent = request.form.get("intent") if outcome == "bot_should_have_answered" else None

    def work(handoff_id: int) -> None:
        known = intent is None or intent in (*answerable_intents(), OTHER)
        if keep:
            desk.keep(handoff_id, outcome, me())
            flash(t("Kept for a person. It comes back when the patient writes."), "good")
            return
        desk.resolve(handoff_id, outcome, True, me(), intent if known else None)
        flash(t("Handed back. The assistant answers this patient again."), "good")

    return _try(contact_id, work, to_queue=True)


def _until(chosen: str) -> Optional[datetime]:
    """The moment that was chosen; None for "until the patient writes"."""
    if chosen == UNTIL_REPLY:
        return None
    try:
        until = datetime.fromisoformat(chosen)
    except ValueError:
        until = None  # type: ignore[assignment]
    if until is None or until.tzinfo is None or until > now() + LONGEST_SNOOZE:
        raise Refusal(422, "until", t("Choose until when."))
    return until.astimezone(timezone.utc)


def _try(contact_id: int, work: Callable[[int], None], to_queue: bool = False) -> Any:
    """Do it and go on; or show the conversation as it is now, with the reason."""
    handoff_id = request.form.get("handoff", type=int)
    if handoff_id is None or not 0 <= handoff_id <= LARGEST_ID:
        raise Refusal(404, "not_found", t("There is no such handoff."))
    try:
        work(handoff_id)
    except Refusal as refusal:
        choose = refusal.code == "outcome"
        flash(t("Choose what happened first.") if choose else t(refusal.message), "bad")
        return show(contact_id), refusal.status
    if to_queue:
        return redirect(url_for("queue.page"))
    return redirect(url_for("conversation.page", contact_id=contact_id))
