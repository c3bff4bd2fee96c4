"""Webhook bodies as Meta builds and signs them."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from typing import Any, Dict, List, Optional

from channels.simulator.config import SimulatorConfig
from channels.simulator.rules import ERRORS, ErrorKind
from channels.simulator.state import Bubble, Contact


def serialized(body: Any) -> bytes:
    """JSON bytes with non-ASCII characters and slashes escaped, as Meta sends them."""
    text = json.dumps(body, ensure_ascii=True, separators=(",", ":"))
    return text.replace("/", "\\/").encode("ascii")


def signature(raw: bytes, app_secret: str) -> str:
    """The value of `X-Hub-Signature-256` for a body."""
    return "sha256=" + hmac.new(app_secret.encode(), raw, hashlib.sha256).hexdigest()


def value_of(config: SimulatorConfig, **parts: Any) -> Dict[str, Any]:
    """A `value` with its metadata and the given parts."""
    return {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": config.display_phone_number,
            "phone_number_id": config.phone_number_id,
        },
        **parts,
    }


def envelope(config: SimulatorConfig, changes: List[Dict[str, Any]]) -> Dict[str, Any]:
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": config.waba_id, "changes": changes}],
    }


def wa_id(contact: Contact) -> Optional[str]:
    return contact.phone[1:] if contact.phone else None


def contact_entry(contact: Contact) -> Dict[str, Any]:
    """One of `contacts[]`; a patient with a username has no `wa_id`."""
    entry: Dict[str, Any] = {"profile": {"name": contact.name}}
    if contact.phone:
        entry["wa_id"] = wa_id(contact)
    if contact.bsuid:
        entry["user_id"] = contact.bsuid
    return entry


def message_change(
    config: SimulatorConfig, contact: Contact, message: Dict[str, Any]
) -> Dict[str, Any]:
    """The change for one message from a patient; system messages carry no contacts."""
    parts: Dict[str, Any] = {"messages": [message]}
    if message.get("type") != "system":
        parts = {"contacts": [contact_entry(contact)], **parts}
    return {"value": value_of(config, **parts), "field": "messages"}


def preference_change(
    config: SimulatorConfig, contact: Contact, value: str, now: float
) -> Dict[str, Any]:
    """A patient stopped or resumed marketing messages in WhatsApp's own menu."""
    preference: Dict[str, Any] = {
        "detail": f"User requested to {value} marketing messages",
        "category": "marketing_messages",
        "value": value,
        "timestamp": int(now),
    }
    if contact.phone:
        preference["wa_id"] = wa_id(contact)
    if contact.bsuid:
        preference["user_id"] = contact.bsuid
    value_parts = value_of(config, contacts=[contact_entry(contact)], user_preferences=[preference])
    return {"value": value_parts, "field": "user_preferences"}


def status_of(
    bubble: Bubble, status: str, now: float, code: Optional[int] = None, details: str = ""
) -> Dict[str, Any]:
    """One of `statuses[]` for a message that was accepted."""
    contact = bubble.contact
    update: Dict[str, Any] = {
        "id": bubble.wamid,
        "status": status,
        "timestamp": str(int(now)),
    }
    if contact.phone:
        update["recipient_id"] = wa_id(contact)
    if contact.bsuid:
        update["recipient_user_id"] = contact.bsuid
    if status == "failed":
        update["errors"] = [error_of(code or 131000, details)]
    elif bubble.pricing:
        if status in ("sent", "delivered"):
            conversation: Dict[str, Any] = {
                "id": bubble.pricing["conversation"],
                "origin": {"type": bubble.pricing["category"]},
            }
            if status == "sent":
                conversation["expiration_timestamp"] = str(int(bubble.at + 24 * 3600))
            update["conversation"] = conversation
        update["pricing"] = {
            "billable": bubble.pricing["billable"],
            "pricing_model": "PMP",
            "type": bubble.pricing["type"],
            "category": bubble.pricing["category"],
        }
    callback = bubble.content.get("biz_opaque_callback_data")
    if callback is not None:
        update["biz_opaque_callback_data"] = callback
    return update


def error_of(code: int, details: str) -> Dict[str, Any]:
    """One of `errors[]` in a webhook."""
    title = ERRORS.get(code, ErrorKind("Unknown error")).title
    return {
        "code": code,
        "title": title,
        "message": title,
        "error_data": {"details": details},
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    }


def status_change(config: SimulatorConfig, statuses: List[Dict[str, Any]]) -> Dict[str, Any]:
    """The change for statuses; failed ones bring contacts without a profile, as Meta's do."""
    parts: Dict[str, Any] = {}
    sparse = [
        {"wa_id": status["recipient_id"]}
        for status in statuses
        if status.get("status") == "failed" and "recipient_id" in status
    ]
    if sparse:
        parts["contacts"] = sparse
    return {"value": value_of(config, **parts, statuses=statuses), "field": "messages"}


def pricing_of(category: str, in_window: bool) -> Dict[str, Any]:
    """Since 2025-07-01: per delivered template; service and utility inside the window are free."""
    free = category == "service" or (category == "utility" and in_window)
    return {
        "conversation": uuid.uuid4().hex,
        "category": category,
        "billable": not free,
        "type": "free_customer_service" if free else "regular",
    }
