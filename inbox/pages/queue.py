"""The queue of handoffs, its live part, and the bell that every page listens to."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, List, Optional, Tuple

from flask import Blueprint, Response, jsonify, redirect, request, url_for
from flask import render_template as render
from markupsafe import Markup

from clinic.database import now
from clinic.models.handoff import REASONS
from inbox import desk
from inbox.access.alike import alike, own
from inbox.access.sight import last_words
from inbox.access.viewer import needs
from inbox.api.base import ID, moment_of, read_cursor, stamp, write_cursor
from inbox.handoff_list import (
    Group,
    Position,
    Wanted,
    count_reasons,
    count_waiting,
    handoffs_of,
    position_of,
)
from inbox.house import house
from inbox.news import news, no_news
from inbox.staff import me
from inbox.words import VIEWS

pages = Blueprint("queue", __name__)

PAGE = 50
FIRST_VIEW = "unclaimed"
# where a row of `queue_state` has whoever claimed the handoff
OWNER = 2


@pages.get("/")
@needs("see_queue")
def page() -> str:
    """The handoffs of one view, red flags first, then whoever waits longest."""
    # what one has just done oneself is in it
    house().pulse.beat(exact=True)
    return render("queue.html", **_queue())


@pages.get("/live/queue")
@needs("see_queue")
def live() -> Response:
    """The list anew if it changed since `version`; otherwise only the version."""
    if (same := no_news(_unchanged)) is not None:
        return same
    shown = _queue()
    html = render("_queue.html", **shown)
    return jsonify(
        version=shown["version"], html=html, counts=shown["counts"], bell=_bell(shown["groups"])
    )


def _unchanged() -> Optional[Dict[str, Any]]:
    groups = house().board.groups()
    version = _version(house().board.state(_wanted()), groups)
    if request.args.get("version") != version:
        return None
    return {"version": version, "bell": _bell(groups)}


@pages.get("/live/bell")
@needs("see_queue")
def bell() -> Response:
    """What the pages without a live part of their own need to ring."""
    return news(lambda: {"version": "", "bell": bell_of()})


@pages.post(f"/handoffs/{ID.format('handoff_id')}/claim")
@needs("claim")
def claim(handoff_id: int) -> Any:
    """Claim from the queue and go to the conversation."""
    handoff = desk.claim(handoff_id, me())
    return redirect(url_for("conversation.page", contact_id=handoff.contact_id))


def bell_of() -> Dict[str, int]:
    """How many wait for anybody, how many of them urgently, and the newest of them."""
    return _bell(house().board.groups())


def _bell(groups: List[Group]) -> Dict[str, int]:
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


def _wanted() -> Wanted:
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
        late_before=house().board.late_before(),
    )


def _queue() -> Dict[str, Any]:
    # found once, and named by the version: what is read for it afterwards is at least as new
    groups, state = house().board.groups(), house().board.state(_wanted())
    counts, view, after = count_waiting(groups, me()), _view(), request.args.get("after")
    more, rows = None, Markup("")
    if state:
        # whose handoff it is makes a difference only to whoever owns one of them
        mine = me() if any(row[OWNER] == me() for row in state) else None
        more, part = alike(("queue", view, mine, state), lambda: _rows(state, view, mine))
        rows = own(part)
    return {
        "view": view,
        "reason": _reason(),
        "after": after,
        "handoffs": bool(state),
        "rows": rows,
        "counts": counts,
        "groups": groups,
        "reasons": _reasons(groups),
        "more": more,
        "version": _version(state, groups),
    }


def _rows(state: Tuple[Any, ...], view: str, mine: Optional[str]) -> Tuple[Optional[str], str]:
    """What the queue shows of these handoffs, and the cursor to those after them, if any.

    Args:
        mine: the viewer, if the rows are for them alone; what is claimed meanwhile is nobody's
            "you" then.
    """
    targets, zone = house().board.targets(), house().zone()
    with house().database.reading() as session:
        shown = handoffs_of(session, [int(row[0]) for row in state[:PAGE]])
        words = last_words(session, [int(handoff.contact_id) for handoff in shown])
    more = None
    if shown and len(state) > PAGE:
        rank, opened_at, handoff_id = position_of(shown[-1])
        more = write_cursor(rank, stamp(opened_at), handoff_id)
    unread = {
        handoff.id
        for handoff in shown
        if handoff.contact_id in words and words[handoff.contact_id].id > (handoff.read_upto or 0)
    }
    html = render(
        "_queue_rows.html",
        view=view,
        handoffs=shown,
        words=words,
        unread=unread,
        targets=targets,
        now=now(),
        zone=zone,
        me=mine,
    )
    return more, html


def _reasons(groups: List[Group]) -> Dict[str, int]:
    """The reasons in the view, in their own order, with how many have each."""
    if _view() == "resolved":
        return {}
    counted = count_reasons(groups, _view(), me())
    return {reason: counted[reason] for reason in REASONS if counted.get(reason)}


def _version(state: Tuple[Any, ...], groups: List[Group]) -> str:
    # waiting times are shown in minutes
    minute = int(now().timestamp() // 60)
    told = repr((state, count_waiting(groups, me()), minute))
    return hashlib.sha256(told.encode()).hexdigest()[:16]
