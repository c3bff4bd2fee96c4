"""The queue of handoffs, and its live part."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, Optional

from flask import Blueprint, Response, jsonify, redirect, request, url_for
from flask import render_template as render
from flask_login import login_required
from sqlalchemy.orm import Session

from clinic.database import now
from inbox import desk
from inbox.access.sight import last_words
from inbox.api.base import ID, moment_of, read_cursor, stamp, write_cursor
from inbox.handoff_list import (
    Position,
    Wanted,
    count_waiting,
    list_handoffs,
    position_of,
    queue_state,
)
from inbox.house import house
from inbox.staff import me
from inbox.words import VIEWS

pages = Blueprint("queue", __name__)

PAGE = 50
FIRST_VIEW = "unclaimed"


@pages.get("/")
@login_required
def page() -> str:
    """The handoffs of one view, red flags first, then whoever waits longest."""
    with house().database.reading() as session:
        return render("queue.html", **_queue(session))


@pages.get("/live/queue")
@login_required
def live() -> Response:
    """The list anew if it changed since `version`; otherwise only the version."""
    with house().database.reading() as session:
        version = _version(session)
        if request.args.get("version") == version:
            return jsonify(version=version)
        shown = _queue(session)
        html = render("_queue.html", **shown)
    return jsonify(version=version, html=html, counts=shown["counts"])


@pages.post(f"/handoffs/{ID.format('handoff_id')}/claim")
@login_required
def claim(handoff_id: int) -> Any:
    """Claim from the queue and go to the conversation."""
    handoff = desk.claim(handoff_id, me())
    return redirect(url_for("conversation.page", contact_id=handoff.contact_id))


def _view() -> str:
    view = request.args.get("view", FIRST_VIEW)
    return view if view in VIEWS else FIRST_VIEW


def _wanted() -> Wanted:
    view, cursor = _view(), request.args.get("after")
    after: Optional[Position] = None
    if cursor:
        rank, micros, handoff_id = read_cursor(cursor, 3)
        after = (rank, moment_of(micros), handoff_id)
    status = {"unclaimed": "open", "mine": "claimed"}.get(view)
    return Wanted(PAGE + 1, after, status=status, claimed_by=me() if view == "mine" else None)


def _queue(session: Session) -> Dict[str, Any]:
    found = list_handoffs(session, _wanted())
    shown = found[:PAGE]
    more = None
    if len(found) > PAGE:
        rank, opened_at, handoff_id = position_of(shown[-1])
        more = write_cursor(rank, stamp(opened_at), handoff_id)
    return {
        "view": _view(),
        "after": request.args.get("after"),
        "handoffs": shown,
        "words": last_words(session, [handoff.contact_id for handoff in shown]),
        "counts": count_waiting(session, me()),
        "more": more,
        "now": now(),
        "zone": house().zone(),
        "me": me(),
        "version": _version(session),
    }


def _version(session: Session) -> str:
    # waiting times are shown in minutes
    minute = int(now().timestamp() // 60)
    state = (queue_state(session, _wanted()), count_waiting(session, me()), minute)
    return hashlib.sha256(repr(state).encode()).hexdigest()[:16]
