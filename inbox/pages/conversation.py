"""One conversation: its transcript, its live part, claiming, answering, handing back."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Dict, Optional
from uuid import uuid4

from flask import Blueprint, Response, flash, jsonify, redirect, request, session, url_for
from flask import render_template as render
from flask_login import login_required
from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.database import now
from clinic.delivery import window_open
from clinic.handoffs import unresolved_handoff
from clinic.logs import logger
from clinic.models import Contact, Handoff
from clinic.staff_replies import LONGEST_TEXT, window_closes_at
from clinic.transcript import find_conversation, fingerprint
from inbox import desk
from inbox.access.sight import read_latest
from inbox.api.base import ID, LARGEST_ID
from inbox.errors import Refusal
from inbox.house import house
from inbox.staff import me
from inbox.words import OUTCOMES, clock

pages = Blueprint("conversation", __name__)
log = logger("inbox")

PAGE = 100
ADDRESS = f"/conversations/{ID.format('contact_id')}"
JUST_SENT = "just_sent"


@pages.get(ADDRESS)
@login_required
def page(contact_id: int) -> str:
    """The newest part of the conversation; `?before=` shows an earlier one."""
    log.info("conversation read", contact=contact_id, by="page")
    return _page(contact_id, _before())


@pages.get(f"/live{ADDRESS}")
@login_required
def live(contact_id: int) -> Response:
    """The newest part anew if anything changed since `version`; otherwise only the version."""
    with house().database.reading() as db:
        contact = _contact(db, contact_id)
        version = _version(db, contact)
        if request.args.get("version") == version:
            return jsonify(version=version)
        shown = _conversation(db, contact, None)
        transcript = render("_transcript.html", **shown)
        side = render("_handoff.html", **shown)
        notice = render("_window.html", **shown)
    return jsonify(
        version=version,
        transcript=transcript,
        side=side,
        window=notice,
        can_reply=shown["refusal"] is None,
    )


@pages.post(f"{ADDRESS}/reply")
@login_required
def reply(contact_id: int) -> Any:
    """Answer; what could not go comes back in the box with the reason."""
    text, key = request.form.get("text", ""), request.form.get("key", "")
    # a browser sends line ends as CR LF; a patient should get what was seen
    text = text.replace("\r\n", "\n")
    try:
        desk.answer_patient(contact_id, _clean(text), me(), key[:64] or None)
    except Refusal as refusal:
        flash(_in_words(refusal), "bad")
        return _page(contact_id, None, draft=text), refusal.status
    session[JUST_SENT] = contact_id
    return redirect(url_for("conversation.page", contact_id=contact_id))


@pages.post(f"{ADDRESS}/claim")
@login_required
def claim(contact_id: int) -> Any:
    """Take the conversation, from `owner` where the page showed one."""
    owner = request.form.get("owner")
    handoff_id = _handoff_id()
    try:
        if owner:
            desk.take_over(handoff_id, me(), owner)
        else:
            desk.claim(handoff_id, me())
    except Refusal as refusal:
        flash(refusal.message, "bad")
        return _page(contact_id, None), refusal.status
    return redirect(url_for("conversation.page", contact_id=contact_id))


@pages.post(f"{ADDRESS}/hand-back")
@login_required
def hand_back(contact_id: int) -> Any:
    """Let the bot answer this patient again."""
    try:
        desk.resolve(_handoff_id(), request.form.get("outcome", ""), hand_back=True, staff=me())
    except Refusal as refusal:
        choose = refusal.code == "outcome"
        flash("Choose what happened first." if choose else refusal.message, "bad")
        return _page(contact_id, None), refusal.status
    flash("Handed back. The assistant answers this patient again.", "good")
    return redirect(url_for("queue.page"))


def _page(contact_id: int, before: Optional[int], draft: str = "") -> str:
    with house().database.reading() as db:
        contact = _contact(db, contact_id)
        shown = _conversation(db, contact, before)
        version = _version(db, contact)
    return render(
        "conversation.html",
        **shown,
        draft=draft,
        key=uuid4().hex,
        version=version,
        just_sent=session.pop(JUST_SENT, None) == contact_id,
        longest=LONGEST_TEXT,
    )


def _contact(db: Session, contact_id: int) -> Contact:
    contact = find_conversation(db, contact_id)
    if contact is None:
        raise Refusal(404, "not_found", "There is no such conversation.")
    return contact


def _conversation(db: Session, contact: Contact, before: Optional[int]) -> Dict[str, Any]:
    entries = read_latest(db, int(contact.id), PAGE + 1, before)
    handoff = unresolved_handoff(db, int(contact.id))
    moment, zone = now(), house().zone()
    return {
        "contact": contact,
        "entries": entries[-PAGE:],
        "earlier": entries[1].id if len(entries) > PAGE else None,
        "before": before,
        "handoff": handoff,
        "last_handoff": handoff or _last_handoff(db, int(contact.id)),
        "outcomes": OUTCOMES,
        "window_open": window_open(contact, moment),
        "closes_at": window_closes_at(contact),
        "refusal": _refusal(contact, handoff, moment),
        "now": moment,
        "zone": zone,
        "me": me(),
    }


def _refusal(contact: Contact, handoff: Optional[Handoff], moment: datetime) -> Optional[str]:
    """Why the box is closed, in words; None where one can write."""
    if handoff is not None and handoff.claimed_by not in (None, me()):
        return f"{handoff.claimed_by} is answering. Take over to write."
    if not window_open(contact, moment):
        return "The 24-hour window is closed. You can write again when the patient does."
    return None


def _last_handoff(db: Session, contact_id: int) -> Optional[Handoff]:
    return db.execute(
        select(Handoff).where(Handoff.contact_id == contact_id).order_by(Handoff.id.desc()).limit(1)
    ).scalar_one_or_none()


def _version(db: Session, contact: Contact) -> str:
    handoff = _last_handoff(db, int(contact.id))
    closes_at = window_closes_at(contact)
    moment = now()
    state = (
        fingerprint(db, int(contact.id), PAGE),
        (handoff.id, handoff.status, handoff.claimed_by, handoff.priority) if handoff else None,
        # what the page says about the window changes by the minute
        clock(closes_at, house().zone()) if closes_at else None,
        int(moment.timestamp() // 60),
    )
    return hashlib.sha256(repr(state).encode()).hexdigest()[:16]


def _before() -> Optional[int]:
    before = request.args.get("before", type=int)
    return before if before is not None and 0 < before <= LARGEST_ID else None


def _handoff_id() -> int:
    handoff_id = request.form.get("handoff", type=int)
    if handoff_id is None or not 0 <= handoff_id <= LARGEST_ID:
        raise Refusal(404, "not_found", "There is no such handoff.")
    return handoff_id


def _clean(text: str) -> str:
    """Without control characters, which no keyboard writes and WhatsApp refuses."""
    return "".join(sign for sign in text if sign in "\n\t" or ord(sign) >= 32)


def _in_words(refusal: Refusal) -> str:
    words = {
        "empty": "There is nothing to send yet.",
        "too_long": f"WhatsApp carries at most {LONGEST_TEXT} characters. Shorten it, or send two.",
        "window_closed": "Not sent: the 24-hour window is closed. Your words are kept below.",
        "taken": "Not sent: somebody else has claimed this. Your words are kept below.",
    }
    return words.get(refusal.code, refusal.message)
