"""What a patient does on the phone, turned into the message object of a webhook."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Dict, Optional, Tuple

from channels.simulator import rules, samples
from channels.simulator.media import MediaShelf
from channels.simulator.state import Contact
from channels.simulator.webhooks import wa_id

_DIGITS = re.compile(r"[0-9]{7,15}")

# Keys of an inbound order of which exactly one says what the patient does.
ACTS = (
    "text",
    "tap",
    "list_tap",
    "template_tap",
    "media",
    "location",
    "sticker",
    "reaction",
    "contacts",
    "flow",
    "raw",
    "preference",
    "new_phone",
)


class OrderError(ValueError):
    """An order to the control API that makes no sense; the message says why."""


def identity_of(order: Dict[str, Any]) -> Tuple[Optional[str], Optional[str]]:
    """Phone (`+` and digits) and BSUID of the patient an order is for.

    Raises:
        OrderError: neither is given, or the number is not one.
    """
    phone: Optional[str] = None
    if order.get("from"):
        digits = re.sub(r"[\s()+-]", "", str(order["from"]))
        if not _DIGITS.fullmatch(digits):
            raise OrderError("from is not a phone number")
        phone = "+" + digits
    bsuid = str(order["bsuid"]) if order.get("bsuid") else None
    if phone is None and bsuid is None:
        raise OrderError("give from (a phone number), bsuid, or both")
    return phone, bsuid


def act_of(order: Dict[str, Any]) -> str:
    """Which of `ACTS` the order asks for.

    Raises:
        OrderError: none or several.
    """
    acts = [act for act in ACTS if order.get(act) is not None]
    if len(acts) != 1:
        raise OrderError("give exactly one of " + ", ".join(ACTS))
    return acts[0]


def message_of(act: str, wanted: Any, media: MediaShelf) -> Dict[str, Any]:
    """The message object without `from`, `id` and `timestamp`.

    Raises:
        OrderError: a part that the act needs is missing.
    """
    if act == "text":
        return {"type": "text", "text": {"body": str(wanted)}}
    if act == "location":
        return {"type": "location", "location": dict(_dict(act, wanted))}
    if act == "contacts":
        return {"type": "contacts", "contacts": wanted}
    if act == "media":
        return _media_message(_dict(act, wanted), media)
    if act == "sticker":
        given = wanted if isinstance(wanted, dict) else {}
        return _media_message({**given, "kind": "sticker"}, media)
    parts = _dict(act, wanted)
    try:
        if act == "tap":
            reply: Dict[str, Any] = {"id": parts["id"], "title": parts["title"]}
            return _interactive("button_reply", reply)
        if act == "list_tap":
            reply = {"id": parts["id"], "title": parts["title"]}
            if parts.get("description"):
                reply["description"] = parts["description"]
            return _interactive("list_reply", reply)
        if act == "template_tap":
            button = {"payload": parts["payload"], "text": parts["text"]}
            return {"type": "button", "button": button}
        if act == "reaction":
            reaction = {"message_id": parts["message_id"]}
            if parts.get("emoji"):
                reaction["emoji"] = parts["emoji"]
            return {"type": "reaction", "reaction": reaction}
        if act == "flow":
            return _interactive("nfm_reply", {"name": "flow", "body": "Sent", **parts})
    except KeyError as missing:
        raise OrderError(f"{act} needs {missing.args[0]}") from None
    return dict(parts)


def _interactive(kind: str, reply: Dict[str, Any]) -> Dict[str, Any]:
    return {"type": "interactive", "interactive": {"type": kind, kind: reply}}


def _dict(act: str, wanted: Any) -> Dict[str, Any]:
    if not isinstance(wanted, dict):
        raise OrderError(f"{act} must be an object")
    return wanted


def _media_message(wanted: Dict[str, Any], media: MediaShelf) -> Dict[str, Any]:
    """Store the file (a sample where none is given) and name it as a webhook does."""
    kind = str(wanted.get("kind", "image"))
    voice = kind == "voice"
    kind = "audio" if voice else kind
    if kind not in rules.MEDIA_TYPES:
        raise OrderError("media kind must be image, video, document, audio, voice or sticker")
    data, mime, filename = samples.sample(kind)
    if wanted.get("base64") is not None:
        try:
            data = base64.b64decode(str(wanted["base64"]), validate=True)
        except (binascii.Error, ValueError):
            raise OrderError("media base64 cannot be read") from None
    mime = str(wanted.get("mime_type") or mime)
    stored = media.add(data, mime, wanted.get("filename") or filename, rules.INBOUND_MEDIA_LIVES)
    part: Dict[str, Any] = {"mime_type": mime, "sha256": stored.sha256_base64, "id": stored.id}
    if wanted.get("caption"):
        part["caption"] = str(wanted["caption"])
    if kind == "document":
        part["filename"] = stored.filename
    if kind == "audio":
        part["voice"] = voice
    if kind == "sticker":
        part["animated"] = False
    return {"type": kind, kind: part}


def number_changed(contact: Contact, new_phone: str) -> Dict[str, Any]:
    digits = "".join(filter(str.isdigit, new_phone))
    if not contact.phone or not 7 <= len(digits) <= 15:
        raise OrderError("new_phone needs a patient with a number, and a number")
    old = wa_id(contact)
    return {
        "type": "system",
        "system": {
            "body": f"User {contact.name} changed from {old} to {digits}",
            "wa_id": digits,
            "type": "user_changed_number",
        },
    }


def number_in(order: Dict[str, Any], name: str, default: float) -> float:
    """A number among the order's options.

    Raises:
        OrderError: it is not one.
    """
    value = order.get(name)
    if value is None:
        return default
    try:
        return float(value)
    except (TypeError, ValueError):
        raise OrderError(f"{name} must be a number") from None
