"""`POST /hooks/chatwoot`: what agents write in Chatwoot, and when they give a patient back.

Chatwoot signs `<timestamp>.<body>` with HMAC-SHA256 (`X-Chatwoot-Signature: sha256=<hex>`,
`X-Chatwoot-Timestamp`). The events used are `message_created`, `conversation_status_changed` and,
of agent bots, `conversation_resolved`; others are acknowledged. A reply that cannot go is answered
422, which Chatwoot shows the agent as failed; a private note says why.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, Dict, Optional, Tuple

from flask import Blueprint, Response, jsonify, request

from clinic import chatwoot
from clinic.database import now
from clinic.logs import logger
from clinic.settings import Settings, settings
from inbox.errors import Refusal
from inbox.house import house

hooks = Blueprint("hooks_chatwoot", __name__, url_prefix="/hooks")
log = logger("inbox.chatwoot")

# a captured webhook is worth nothing after that
FRESH_SECONDS = 300
RESOLVED = "conversation_resolved"
STATUS_CHANGED = "conversation_status_changed"
MESSAGE = "message_created"


@hooks.post("/chatwoot")
def receive() -> Tuple[Response, int]:
    """Take one event."""
    chosen = settings()
    if not chosen.uses_chatwoot or not chosen.chatwoot_webhook_secret:
        raise Refusal(404, "not_found", "There is nothing at this address.")
    body = request.get_data(cache=False)
    _check_signature(chosen.chatwoot_webhook_secret, body)
    event = _event(body)
    if not _ours(event, chosen):
        return jsonify(status="ignored"), 200
    kind = event.get("event")
    if kind == MESSAGE and _is_reply(event):
        return _reply(event)
    if kind == RESOLVED or (kind == STATUS_CHANGED and event.get("status") in chatwoot.GIVEN_BACK):
        return _hand_back(event)
    return jsonify(status="ignored"), 200


def _reply(event: Dict[str, Any]) -> Tuple[Response, int]:
    conversation = _number((event.get("conversation") or {}).get("id"))
    their_id = _number(event.get("id"))
    if conversation is None or their_id is None:
        raise Refusal(422, "invalid", "The message or its conversation has no number.")
    with house().database.transaction() as session:
        link = chatwoot.link_of(session, conversation)
        if link is None:
            return jsonify(status="ignored"), 200
        text, files = str(event.get("content") or ""), bool(event.get("attachments"))
        code = chatwoot.take_reply(session, link, their_id, text, files)
        handoff_id = int(link.handoff_id)
    if code is not None:
        log.warning("agent's reply not taken", handoff=handoff_id, code=code)
        raise_code = {"error": {"code": code, "message": "This reply was not sent."}}
        return jsonify(raise_code), 422
    return jsonify(status="taken"), 200


def _hand_back(event: Dict[str, Any]) -> Tuple[Response, int]:
    conversation = _number(event.get("id"))
    with house().database.transaction() as session:
        link = chatwoot.link_of(session, conversation) if conversation is not None else None
        # before we opened it, "pending" is our own doing
        if link is None or not link.opened:
            return jsonify(status="ignored"), 200
        done = chatwoot.hand_back(session, link, house().texts)
        handoff_id = int(link.handoff_id)
    if done:
        log.info("handed back by chatwoot", handoff=handoff_id)
    return jsonify(status="taken" if done else "ignored"), 200


def _check_signature(secret: str, body: bytes) -> None:
    timestamp = request.headers.get("X-Chatwoot-Timestamp", "")
    given = request.headers.get("X-Chatwoot-Signature", "")
    mac = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    right = hmac.compare_digest(given.encode(), f"sha256={mac.hexdigest()}".encode())
    fresh = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12
    if not right or not fresh or abs(now().timestamp() - int(timestamp)) > FRESH_SECONDS:
        log.warning("chatwoot webhook refused")
        raise Refusal(401, "signature", "The signature does not fit, or is too old.")


def _event(body: bytes) -> Dict[str, Any]:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise Refusal(400, "bad_json", "The body is not a JSON object.")
    return event


def _ours(event: Dict[str, Any], chosen: Settings) -> bool:
    """Whether it is of the account and the inbox of this clinic."""
    account = _number((event.get("account") or {}).get("id"))
    conversation = event.get("conversation") or event
    inbox = _number((event.get("inbox") or {}).get("id")) or _number(conversation.get("inbox_id"))
    return account in (None, chosen.chatwoot_account_id) and inbox == chosen.chatwoot_inbox_id


def _is_reply(event: Dict[str, Any]) -> bool:
    ours = str(event.get("source_id") or "").startswith("sandhi:")
    return event.get("message_type") == "outgoing" and not event.get("private") and not ours


def _number(value: Any) -> Optional[int]:
    """A positive number, which some of Chatwoot's events write as text."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None
