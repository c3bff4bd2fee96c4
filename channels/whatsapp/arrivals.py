"""From what the wire says to what the message log keeps."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Dict

from channels.whatsapp.updates import DeliveryStatus, InboundMessage
from clinic.delivery import Status
from clinic.inbound import Arrival

# WhatsApp's types, and what the conversation does with each
KIND_OF_TYPE = {
    "text": "text",
    "interactive": "tap",
    "button": "tap",
    "image": "media",
    "video": "media",
    "document": "media",
    "audio": "media",
    "voice": "media",
    "sticker": "sticker",
    "location": "location",
    "contacts": "contacts",
    "reaction": "reaction",
    "edit": "edit",
    "revoke": "revoke",
    "order": "order",
    "request_welcome": "welcome",
    "system": "system",
}


def arrival_of(message: InboundMessage) -> Arrival:
    """The log's view of an inbound message; types it does not know are `unsupported`."""
    kind = KIND_OF_TYPE.get(message.type, "unsupported")
    if kind == "tap" and message.tap is None:
        kind = "form" if message.flow_response is not None else "unsupported"
    if kind == "edit" and message.text is None:
        # what it says now is not known here: staff have to look
        kind = "unsupported"
    return Arrival(
        wamid=message.wamid,
        kind=kind,
        phone=message.phone,
        bsuid=message.bsuid,
        profile_name=message.profile_name,
        text=message.tap.title if message.tap is not None else message.text,
        content=_content(message),
        reply_to=message.reply_to,
        sent_at=message.sent_at,
    )


def _content(message: InboundMessage) -> Dict[str, Any]:
    parts: Dict[str, Any] = {
        "type": message.type,
        "tap": asdict(message.tap) if message.tap else None,
        "media": asdict(message.media) if message.media else None,
        "location": asdict(message.location) if message.location else None,
        "contacts": [asdict(card) for card in message.contact_cards] or None,
        "form": message.flow_response,
        "reaction": message.reaction._asdict() if message.reaction else None,
        "target": message.target_wamid,
        "referral": message.referral,
        "forwarded": message.forwarded or None,
        "errors": [error.code for error in message.errors] or None,
        "extra": message.extra,
    }
    return {name: value for name, value in parts.items() if value is not None}


def status_of(update: DeliveryStatus) -> Status:
    """The log's view of a delivery status; of several errors the first decides."""
    error = update.errors[0] if update.errors else None
    return Status(
        wamid=update.wamid,
        status=update.status,
        at=update.at,
        client_ref=update.client_ref,
        error_code=error.code if error else None,
    )
