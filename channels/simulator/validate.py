"""Is this body a message that Meta would take? Everything but templates and interactive."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Optional, Tuple
from urllib.parse import urlsplit

from channels.simulator import rules
from channels.simulator.fields import list_at, object_at, string_at, text_within
from channels.simulator.refusal import broken
from channels.simulator.rules import MEDIA_TYPES

# Gives the MIME type of a stored media id, None where there is no such id.
MimeOf = Callable[[str], Optional[str]]

SENDABLE = frozenset(
    [
        "text",
        "image",
        "audio",
        "video",
        "document",
        "sticker",
        "location",
        "contacts",
        "interactive",
        "template",
        "reaction",
    ]
)
RECEIVABLE = frozenset(
    ["button", "order", "system", "unsupported", "edit", "revoke", "request_welcome", "voice"]
)
_ENVELOPE = frozenset(
    ("recipient_type", "to", "recipient", "type", "context", "biz_opaque_callback_data")
)
_BSUID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
_CONTACT = frozenset(["addresses", "birthday", "emails", "org", "phones", "urls"])
_NAME = frozenset(["first_name", "last_name", "middle_name", "suffix", "prefix"])


def envelope(body: Any) -> Tuple[str, Dict[str, Any]]:
    """The type and the body of a message whose outer fields are right.

    Raises:
        RefusalError: as Meta refuses.
    """
    if not isinstance(body, dict):
        raise broken(rules.JSON_OBJECT)
    check_product(body)
    kind = body.get("type", "text")
    if not isinstance(kind, str):
        raise broken(rules.SHAPE, "type")
    if kind in RECEIVABLE:
        raise broken(rules.RECEIVE_ONLY, kind)
    if kind not in SENDABLE:
        raise broken(rules.TYPE, kind[:40])
    object_at(body, "", ("messaging_product", kind), _ENVELOPE)
    if body.get("recipient_type", "individual") != "individual":
        raise broken(rules.RECIPIENT_TYPE)
    if (body.get("to") is None) == (body.get("recipient") is None):
        raise broken(rules.ONE_RECIPIENT)
    if body.get("context") is not None:
        context = object_at(body["context"], "context", ("message_id",))
        string_at(context["message_id"], "context.message_id")
    if body.get("biz_opaque_callback_data") is not None:
        text_within(
            body["biz_opaque_callback_data"], "biz_opaque_callback_data", rules.CALLBACK_DATA, 0
        )
    return kind, body


def check_product(body: Dict[str, Any]) -> None:
    if body.get("messaging_product") is None:
        raise broken(rules.MISSING, "messaging_product")
    if body["messaging_product"] != "whatsapp":
        raise broken(rules.PRODUCT)


def phone_of(body: Dict[str, Any]) -> Optional[str]:
    """The `to` of a message as `+` and digits, None where it goes to a BSUID."""
    if body.get("to") is None:
        return None
    to = string_at(body["to"], "to")
    digits = re.sub(r"[\s()+-]", "", to)
    if not re.fullmatch(r"[0-9]{7,15}", digits):
        raise broken(rules.PHONE_FORM)
    return "+" + digits


def bsuid_of(body: Dict[str, Any]) -> Optional[str]:
    """The `recipient` of a message, None where it goes to a phone number."""
    if body.get("recipient") is None:
        return None
    bsuid = string_at(body["recipient"], "recipient")
    if not _BSUID.fullmatch(bsuid):
        raise broken(rules.BSUID_FORM)
    return bsuid


def check_text(content: Any) -> None:
    text = object_at(content, "text", ("body",), ("preview_url",))
    body = string_at(text["body"], "text.body")
    if not body.strip():
        raise broken(rules.TEXT_EMPTY)
    if len(body) > (rules.TEXT_LONG.limit or 0):
        raise broken(rules.TEXT_LONG)
    if not isinstance(text.get("preview_url", False), bool):
        raise broken(rules.SHAPE, "text.preview_url")


def is_https(link: Any) -> bool:
    if not isinstance(link, str) or re.search(r"\s", link):
        return False
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def check_media(kind: str, content: Any, mime_of: MimeOf, path: str = "") -> None:
    """An image, audio, video, document or sticker by uploaded id or https link."""
    where = path or kind
    optional = {"id", "link"}
    if kind in ("image", "video", "document"):
        optional.add("caption")
    if kind == "document":
        optional.add("filename")
    if kind == "audio":
        optional.add("voice")
    media = object_at(content, where, (), optional)
    if (media.get("id") is None) == (media.get("link") is None):
        raise broken(rules.MEDIA_SOURCE, where)
    if media.get("link") is not None:
        if not is_https(media["link"]):
            raise broken(rules.MEDIA_HTTPS, where)
    else:
        mime = mime_of(string_at(media["id"], f"{where}.id"))
        if mime is None:
            raise broken(rules.MEDIA_UNKNOWN, where)
        if mime not in MEDIA_TYPES[kind][1] and kind != "document":
            raise broken(rules.MEDIA_KIND, kind)
    if media.get("caption") is not None:
        text_within(media["caption"], f"{where}.caption", rules.CAPTION_LONG, 0)
    if media.get("filename") is not None:
        text_within(media["filename"], f"{where}.filename", rules.FILENAME_LONG)


def check_location(content: Any, path: str = "location") -> None:
    place = object_at(content, path, ("latitude", "longitude"), ("name", "address"))
    for name, limit in (("latitude", 90.0), ("longitude", 180.0)):
        try:
            degrees = float(place[name])
        except (TypeError, ValueError):
            raise broken(rules.SHAPE, f"{path}.{name}") from None
        if isinstance(place[name], bool) or not -limit <= degrees <= limit:
            raise broken(rules.COORDINATES, name)
    for name in ("name", "address"):
        if place.get(name) is not None:
            text_within(place[name], name, rules.PLACE_LONG, 0)


def check_contacts(content: Any) -> None:
    cards = list_at(content, "contacts")
    if not 1 <= len(cards) <= (rules.CONTACTS_COUNT.limit or 0):
        raise broken(rules.CONTACTS_COUNT)
    for index, card in enumerate(cards):
        path = f"contacts[{index}]"
        object_at(card, path, ("name",), _CONTACT)
        name = object_at(card["name"], f"{path}.name", ("formatted_name",), _NAME)
        if len(name) < 2 or not string_at(name["formatted_name"], path).strip():
            raise broken(rules.CONTACT_NAME)


def check_reaction(content: Any) -> None:
    reaction = object_at(content, "reaction", ("message_id",), ("emoji",))
    string_at(reaction["message_id"], "reaction.message_id")
    emoji = string_at(reaction.get("emoji", ""), "reaction.emoji")
    # Letters and digits outside a keycap are not emoji; one emoji is at most some code points.
    if len(emoji) > (rules.EMOJI.limit or 0) or any(char.isalpha() for char in emoji):
        raise broken(rules.EMOJI)


def check_read(body: Dict[str, Any], received: Callable[[str], bool]) -> bool:
    """A mark-as-read body; True where it also shows the typing indicator."""
    object_at(body, "", ("messaging_product", "status", "message_id"), ("typing_indicator",))
    if body["status"] != "read":
        raise broken(rules.READ_STATUS)
    if not received(string_at(body["message_id"], "message_id")):
        raise broken(rules.READ_TARGET)
    if body.get("typing_indicator") is None:
        return False
    indicator = object_at(body["typing_indicator"], "typing_indicator", ("type",))
    if indicator["type"] != "text":
        raise broken(rules.TYPING)
    return True
