"""One conversation as a page: its transcript, its handoff, its composer, its patient card."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Dict, List, Optional
from uuid import uuid4

from flask import Blueprint, Response, jsonify, request, session
from flask import render_template as render
from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.canned import GAPS, list_canned
from clinic.database import now
from clinic.delivery import window_open
from clinic.handoff_moves import newest_inbound_id
from clinic.handoffs import unresolved_handoff
from clinic.logs import logger
from clinic.models import Contact, Handoff
from clinic.notes import newest_note_id
from clinic.staff_replies import LONGEST_TEXT, scheduled_replies, window_closes_at
from clinic.transcript import find_conversation, fingerprint
from inbox.access.alike import alike, own
from inbox.access.note_sight import clinical_here
from inbox.access.viewer import allowed, needs
from inbox.api.base import ID, LARGEST_ID
from inbox.card import read_card
from inbox.card_bills import read_bills
from inbox.card_exercises import read_exercises
from inbox.errors import Refusal
from inbox.house import house
from inbox.intents import OTHER, answerable_intents
from inbox.language import t
from inbox.news import no_news
from inbox.pages.queue import bell_of
from inbox.staff import accounts, me
from inbox.template_choices import template_choices
from inbox.timeline import read_page
from inbox.words import OUTCOMES, snooze_times

pages = Blueprint("conversation", __name__)
log = logger("inbox")

PAGE = 100
ADDRESS = f"/conversations/{ID.format('contact_id')}"
# what staff see of a handoff and may change
OF_A_HANDOFF = (
    *("id", "status", "claimed_by", "priority", "team"),
    *("snoozed_until", "snoozed_after", "read_upto"),
)
JUST_SENT, JUST_NOTED = "just_sent", "just_noted"


@pages.get(ADDRESS)
@needs("see_conversation")
def page(contact_id: int) -> str:
    """The newest part of the conversation; `?before=` shows an earlier one."""
    log.info("conversation read", contact=contact_id, by="page")
    return show(contact_id, _before())


@pages.get(f"/live{ADDRESS}")
@needs("see_conversation")
def live(contact_id: int) -> Response:
    """The newest part anew if anything changed since `version`; otherwise only the version."""
    if (same := no_news(lambda: _unchanged(contact_id))) is not None:
        return same
    shown = _conversation(contact_id, None)
    return jsonify(
        version=shown["version"],
        transcript=shown["transcript"],
        side=render("_handoff.html", **shown),
        window=render("_window.html", **shown),
        can_reply=shown["refusal"] is None,
        bell=bell_of(),
    )


def _unchanged(contact_id: int) -> Optional[Dict[str, Any]]:
    version = house().pulse.same(("version", contact_id), lambda: _version(contact_id))
    if request.args.get("version") != version:
        return None
    return {"version": version, "bell": bell_of()}


def show(contact_id: int, before: Optional[int] = None, **kept: Any) -> str:
    """The page; `kept` is what was typed and could not go (`draft`, `at`, `note_draft`)."""
    # what one has just done oneself is in it
    house().pulse.beat(exact=True)
    shown = _conversation(contact_id, before)
    with house().database.reading() as db:
        contact = conversation(db, contact_id)
        more: Dict[str, Any] = {
            "card": read_card(db, contact),
            "programmes": read_exercises(db, contact),
            "card_bills": read_bills(db, contact),
        }
        if before is None:
            more["canned"] = list_canned(db, allowed("use_clinical_replies"))
            more["note_is_clinical"] = clinical_here(db, int(contact.id))
            more["templates"] = [] if shown["window_open"] else template_choices(db, contact)
    return render(
        "conversation.html",
        **{"draft": "", "at": "", "note_draft": "", **shown, **more, **kept},
        key=uuid4().hex,
        just_sent=session.pop(JUST_SENT, None) == contact_id,
        just_noted=session.pop(JUST_NOTED, None) == contact_id,
        longest=LONGEST_TEXT,
        gaps=GAPS,
    )


def conversation(db: Session, contact_id: int) -> Contact:
    """The contact of that id, or whom it was merged into.

    Raises:
        Refusal: 404.
    """
    contact = find_conversation(db, contact_id)
    if contact is None:
        raise Refusal(404, "not_found", t("There is no such conversation."))
    return contact


def _conversation(contact_id: int, before: Optional[int]) -> Dict[str, Any]:
    """What is the same for many (`_alike`), and what of it is only the viewer's."""
    shown = dict(alike(("conversation", contact_id, before), lambda: _alike(contact_id, before)))
    shown["transcript"] = own(shown["transcript"])
    return {
        **shown,
        "outcomes": OUTCOMES,
        "intents": [*answerable_intents(), OTHER],
        "colleagues": colleagues(),
        "refusal": _refusal(shown["contact"], shown["handoff"], shown["now"]),
        "me": me(),
    }


def _alike(contact_id: int, before: Optional[int]) -> Dict[str, Any]:
    targets, zone = house().board.targets(), house().zone()
    # of before what is shown: should more come meanwhile, the page asks again
    version = _version(contact_id)
    with house().database.reading() as db:
        contact = conversation(db, contact_id)
        part = read_page(db, int(contact.id), PAGE, before)
        handoff = unresolved_handoff(db, int(contact.id))
        last_handoff = handoff or _last_handoff(db, int(contact.id))
        newest = newest_inbound_id(db, int(contact.id))
    moment = now()
    transcript = render(
        "_transcript.html", contact=contact, lines=part.lines, zone=zone, now=moment
    )
    return {
        "version": version,
        "contact": contact,
        "transcript": transcript,
        "earlier": part.earlier,
        "before": before,
        "handoff": handoff,
        "last_handoff": last_handoff,
        "unread": handoff is not None and newest > (handoff.read_upto or 0),
        "left": targets.left(handoff.priority, handoff.opened_at)
        if targets is not None and handoff is not None
        else None,
        "snoozes": snooze_times(moment, zone),
        "window_open": window_open(contact, moment),
        "closes_at": window_closes_at(contact),
        "now": moment,
        "zone": zone,
    }


def _refusal(contact: Contact, handoff: Optional[Handoff], moment: datetime) -> Optional[str]:
    """Why the box is closed, in words; None where one can write."""
    if handoff is not None and handoff.claimed_by not in (None, me()):
        return t("{owner} is answering. Take over to write.", owner=handoff.claimed_by)
    if not window_open(contact, moment):
        return t("The 24-hour window is closed. You can write again when the patient does.")
    return None


def colleagues() -> List[str]:
    """Who else answers here: everybody with an open account."""
    everyone = accounts(house()).values()
    return sorted({str(person.name) for person in everyone if person.active} - {me()})


def _last_handoff(db: Session, contact_id: int) -> Optional[Handoff]:
    return db.execute(
        select(Handoff).where(Handoff.contact_id == contact_id).order_by(Handoff.id.desc()).limit(1)
    ).scalar_one_or_none()


def _version(contact_id: int) -> str:
    """Differs once anything that the page shows has changed, whoever looks."""
    with house().database.reading() as db:
        contact = conversation(db, contact_id)
        number = int(contact.id)
        handoff = _last_handoff(db, number)
        state = (
            fingerprint(db, number, PAGE),
            [getattr(handoff, name) for name in OF_A_HANDOFF] if handoff else None,
            newest_note_id(db, number),
            sorted(scheduled_replies(db, number)),
        )
    closes_at = window_closes_at(contact)
    # what the page says about the window changes by the minute
    minutes = (closes_at and closes_at.timestamp() // 60, now().timestamp() // 60)
    return hashlib.sha256(repr((state, minutes)).encode()).hexdigest()[:16]


def _before() -> Optional[int]:
    before = request.args.get("before", type=int)
    return before if before is not None and 0 < before <= LARGEST_ID else None
