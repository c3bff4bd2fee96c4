"""The queue of handoffs, its live part, and the bell that every page listens to."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, Optional

from flask import Blueprint, Response, jsonify, redirect, request, url_for
from flask import render_template as render
from sqlalchemy.orm import Session

from clinic.database import now
from clinic.models.handoff import REASONS
from inbox import desk
from inbox.access.sight import last_words
from inbox.access.viewer import needs
from inbox.api.base import ID, moment_of, read_cursor, stamp, write_cursor
from inbox.handoff_list import (
    Group,
    Position,
    Wanted,
    count_reasons,
    count_waiting,
    list_handoffs,
    position_of,
)
from inbox.house import house
from inbox.news import news, no_news
from inbox.staff import me
from inbox.words import VIEWS

pages = Blueprint("queue", __name__)

PAGE = 50
FIRST_VIEW = "unclaimed"


@pages.get("/")
@needs("see_queue")
def page() -> str:
    """The handoffs of one view, red flags first, then whoever waits longest."""
    with house().database.reading() as session:
        return render("queue.html", **_queue(session))


@pages.get("/live/queue")
@needs("see_queue")
def live() -> Response:
    """The list anew if it changed since `version`; otherwise only the version."""
    if (same := no_news(_unchanged)) is not None:
        return same
    with house().database.reading() as session:
        shown = _queue(session)
        html = render("_queue.html", **shown)
        # as new as the list: who appears in it has rung
        bell = bell_of(session)
    return jsonify(version=shown["version"], html=html, counts=shown["counts"], bell=bell)


def _unchanged(session: Session) -> Optional[Dict[str, Any]]:
    bell = bell_of(session)
    version = _version(session, fresh=False)
    return {"version": version, "bell": bell} if request.args.get("version") == version else None


@pages.get("/live/bell")
@needs("see_queue")
def bell() -> Response:
    """What the pages without a live part of their own need to ring."""
    return news(lambda session: {"version": "", "bell": bell_of(session)})


@pages.post(f"/handoffs/{ID.format('handoff_id')}/claim")
@needs("claim")
def claim(handoff_id: int) -> Any:
    """Claim from the queue and go to the conversation."""
    handoff = desk.claim(handoff_id, me())
    return redirect(url_for("conversation.page", contact_id=handoff.contact_id))


def bell_of(session: Session) -> Dict[str, int]:
    """How many wait for anybody, how many of them urgently, and the newest of them."""
    groups = house().board.groups(session)
    counts = count_waiting(groups, me())
    waiting = [group for group in groups if group.status == "open" and not group.snoozed]
    return {
        "open": counts["open"],
        "urgent": counts["urgent"],
        "newest": max((group.newest for group in waiting), default=0),
    }


def _view() -> str:
    view = request.args.get("view", FIRST_VIEW)
    return view if view in VIEWS else FIRST_VIEW


def _reason() -> Optional[str]:
    reason = request.args.get("reason")
    return reason if reason in REASONS else None


def _wanted(session: Session) -> Wanted:
    cursor = request.args.get("after")
    after: Optional[Position] = None
    if cursor:
        rank, micros, handoff_id = read_cursor(cursor, 3)
        after = (rank, moment_of(micros), handoff_id)
    return Wanted(
        PAGE + 1,
        after,
        reason=_reason(),
        claimed_by=me(),
        view=_view(),
        late_before=house().board.late_before(session),
    )


def _queue(session: Session) -> Dict[str, Any]:
    found = list_handoffs(session, _wanted(session))
    shown = found[:PAGE]
    more = None
    if len(found) > PAGE:
        rank, opened_at, handoff_id = position_of(shown[-1])
        more = write_cursor(rank, stamp(opened_at), handoff_id)
    groups = house().board.groups(session, fresh=True)
    words = last_words(session, [handoff.contact_id for handoff in shown])
    return {
        "view": _view(),
        "reason": _reason(),
        "after": request.args.get("after"),
        "handoffs": shown,
        "unread": {
            handoff.id
            for handoff in shown
            if handoff.contact_id in words
            and words[handoff.contact_id].id > (handoff.read_upto or 0)
        },
        "words": words,
        "counts": count_waiting(groups, me()),
        "reasons": _reasons(groups),
        "targets": house().board.targets(session),
        "more": more,
        "now": now(),
        "zone": house().zone(),
        "me": me(),
        "version": _version(session, fresh=True),
    }


def _reasons(groups: list[Group]) -> Dict[str, int]:
    """The reasons in the view, in their own order, with how many have each."""
    if _view() == "resolved":
        return {}
    counted = count_reasons(groups, _view(), me())
    return {reason: counted[reason] for reason in REASONS if counted.get(reason)}


def _version(session: Session, fresh: bool) -> str:
    # waiting times are shown in minutes
    minute = int(now().timestamp() // 60)
    board = house().board
    rows = board.state(session, _wanted(session), fresh)
    counts = count_waiting(board.groups(session), me())
    return hashlib.sha256(repr((rows, counts, minute)).encode()).hexdigest()[:16]
