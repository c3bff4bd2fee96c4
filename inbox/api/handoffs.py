"""`/api/v1/handoffs`: what waits for a person, claiming it, ending it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import Response, jsonify

from clinic.models import Handoff
from inbox import desk
from inbox.api import base
from inbox.api.shapes import ClaimBody, HandoffItem, HandoffQuery, ResolveBody
from inbox.handoff_list import Wanted, list_handoffs, position_of
from inbox.house import house

api = base.api_blueprint("handoffs")


@api.get("/handoffs")
@base.may_do("see_queue")
def index() -> Response:
    """Handoffs, urgent ones first, then in the order in which they were opened."""
    query = base.read_query(HandoffQuery)
    after = None
    if query.cursor is not None:
        rank, micros, handoff_id = base.read_cursor(query.cursor, 3)
        after = (rank, base.moment_of(micros), handoff_id)
    wanted = Wanted(query.limit + 1, after, query.status, query.reason, query.priority)
    zone = house().zone()
    with house().database.reading() as session:
        found = list_handoffs(session, wanted)
        items = [item_of(handoff, zone).dict() for handoff in found[: query.limit]]
    more = None
    if len(found) > query.limit:
        rank, opened_at, handoff_id = position_of(found[query.limit - 1])
        more = base.write_cursor(rank, base.stamp(opened_at), handoff_id)
    return jsonify(items=items, next=more)


@api.post(f"/handoffs/{base.ID.format('handoff_id')}/claim")
@base.may_do("claim")
def claim(handoff_id: int) -> Response:
    """Give it to one person; of two who ask, one wins and the other hears 409."""
    body = base.read_body(ClaimBody)
    handoff = desk.claim(handoff_id, body.staff)
    return jsonify(item_of(handoff, house().zone()).dict())


@api.post(f"/handoffs/{base.ID.format('handoff_id')}/resolve")
@base.may_do("resolve")
def resolve(handoff_id: int) -> Response:
    """End it; with `hand_back` the bot answers this patient again."""
    body = base.read_body(ResolveBody)
    handoff = desk.resolve(handoff_id, body.outcome, body.hand_back, body.staff)
    return jsonify(item_of(handoff, house().zone()).dict())


def item_of(handoff: Handoff, zone: ZoneInfo) -> HandoffItem:
    """A handoff as the API shows it."""
    return HandoffItem(
        id=handoff.id,
        contact_id=handoff.contact_id,
        phone=handoff.contact.phone,
        reason=handoff.reason,
        priority=handoff.priority,
        status=handoff.status,
        opened_at=base.local(handoff.opened_at, zone),
        claimed_by=handoff.claimed_by,
        red_flag=handoff.red_flag,
        outcome=handoff.outcome,
        resolved_at=base.maybe_local(handoff.resolved_at, zone),
    )
