"""`/api/v1/conversations/{contact_id}/messages`: the transcript, and answering in it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Tuple
from zoneinfo import ZoneInfo

from flask import Response, jsonify

from clinic.logs import logger
from clinic.transcript import Entry, find_conversation
from inbox import desk
from inbox.access.sight import read_after, read_one
from inbox.api import base
from inbox.api.shapes import MessageItem, PageQuery, ReplyBody
from inbox.errors import Refusal
from inbox.house import house

api = base.api_blueprint("conversations")
log = logger("inbox")
ADDRESS = f"/conversations/{base.ID.format('contact_id')}/messages"


@api.get(ADDRESS)
@base.may_do("see_conversation")
def index(contact_id: int) -> Response:
    """The transcript from its beginning; `next` leads to what came after."""
    query = base.read_query(PageQuery)
    after = base.read_cursor(query.cursor, 1)[0] if query.cursor is not None else 0
    zone = house().zone()
    with house().database.reading() as session:
        contact = find_conversation(session, contact_id)
        if contact is None:
            raise Refusal(404, "not_found", "There is no such conversation.")
        found = read_after(session, int(contact.id), after, query.limit + 1)
    log.info("conversation read", contact=contact_id, by="api")
    shown = found[: query.limit]
    more = base.write_cursor(shown[-1].id) if len(found) > query.limit else None
    return jsonify(items=[item_of(entry, zone).dict() for entry in shown], next=more)


@api.post(ADDRESS)
@base.may_do("reply")
def reply(contact_id: int) -> Tuple[Response, int]:
    """Answer the patient; the same Idempotency-Key again gives the first answer's message."""
    key = base.read_key()
    body = base.read_body(ReplyBody)
    done = desk.answer_patient(contact_id, body.text, body.staff, key)
    with house().database.reading() as session:
        item = item_of(read_one(session, done.message_id), house().zone())
    response = jsonify(item.dict())
    if done.repeated:
        response.headers["Idempotency-Replayed"] = "true"
    return response, 201


def item_of(entry: Entry, zone: ZoneInfo) -> MessageItem:
    """A bubble as the API shows it."""
    shown = asdict(entry)
    for name in ("reaction", "cards", "from_advert"):
        del shown[name]
    shown["at"] = base.local(entry.at, zone)
    for name in ("sent_at", "delivered_at", "read_at"):
        shown[name] = base.maybe_local(getattr(entry, name), zone)
    return MessageItem.parse_obj(shown)
