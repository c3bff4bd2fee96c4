"""From a bubble to the JSON that `POST /{phone_number_id}/messages` takes.

Strict where Meta is strict. Labels that are too long are shortened; words of a message never
are: a body over its limit is refused here, because whoever writes the log splits it with
`split_long` before it is claimed for sending. ValueErrors name the rule, never the words.
Source: Meta, Cloud API "Messages" reference and published examples.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from channels.whatsapp import limits
from channels.whatsapp.cutting import one_line, shorten
from channels.whatsapp.parts import (
    body_text,
    choice_ids,
    https_only,
    label,
    media_source,
    unique_labels,
)
from channels.whatsapp.splitting import split_long
from channels.whatsapp.templates import template_content
from channels.whatsapp.values import clean_text
from clinic.bubbles import Choices, Link, Location, Media, Template, Text

__all__ = ["Recipient", "mark_read", "render", "split_long"]

_E164 = re.compile(r"\+[0-9]{4,20}")


@dataclass(frozen=True)
class Recipient:
    """Whom a message goes to: `phone` (E.164 with `+`) if known, else the BSUID."""

    phone: str | None
    bsuid: str | None = None


def render(
    bubble: Any, recipient: Recipient, client_ref: str, reply_to: str | None = None
) -> dict[str, Any]:
    """The request body for one bubble.

    `client_ref` is our own id of the message (1 to 512 characters); every status webhook brings
    it back. `reply_to` is the wamid of the message to quote.

    Raises:
        ValueError: if the bubble, the recipient or the reference breaks a rule of WhatsApp.
        TypeError: if `bubble` is not one of `clinic.bubbles`.
    """
    if not 0 < len(client_ref) <= limits.CLIENT_REF:
        raise ValueError(f"client_ref must have 1 to {limits.CLIENT_REF} characters")
    message: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **_address(recipient),
        "biz_opaque_callback_data": client_ref,
    }
    if reply_to:
        message["context"] = {"message_id": reply_to}
    return {**message, **_content(bubble)}


def mark_read(wamid: str, typing: bool) -> dict[str, Any]:
    """The request body that ticks the patient's message blue.

    With `typing` the phone also shows "typing…" until the answer comes, at most 25 seconds.
    """
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": wamid,
    }
    return {**body, "typing_indicator": {"type": "text"}} if typing else body


def _address(recipient: Recipient) -> dict[str, str]:
    if recipient.phone:
        if not _E164.fullmatch(recipient.phone):
            raise ValueError("the recipient's phone must be E.164 with a leading +")
        return {"to": recipient.phone}
    if recipient.bsuid:
        return {"recipient": recipient.bsuid}
    raise ValueError("the recipient has neither a phone nor a BSUID")


def _content(bubble: Any) -> dict[str, Any]:
    if isinstance(bubble, Text):
        text = {"body": body_text(bubble.text, limits.TEXT_BODY), "preview_url": False}
        return {"type": "text", "text": text}
    if isinstance(bubble, Choices):
        return {"type": "interactive", "interactive": _choices(bubble)}
    if isinstance(bubble, Link):
        return {"type": "interactive", "interactive": _link(bubble)}
    if isinstance(bubble, Location):
        return {"type": "location", "location": _location(bubble)}
    if isinstance(bubble, Media):
        return {"type": bubble.media, bubble.media: _media(bubble)}
    if isinstance(bubble, Template):
        return {"type": "template", "template": template_content(bubble)}
    raise TypeError(f"{type(bubble).__name__} is not a bubble")


def _choices(bubble: Choices) -> dict[str, Any]:
    if not bubble.choices:
        raise ValueError("choices without a single choice")
    if len(bubble.choices) > limits.LIST_ROWS:
        raise ValueError(f"more than {limits.LIST_ROWS} choices do not fit into one list")
    return _buttons(bubble) if len(bubble.choices) <= limits.BUTTONS else _list(bubble)


def _buttons(bubble: Choices) -> dict[str, Any]:
    titles = unique_labels([choice.title for choice in bubble.choices], limits.BUTTON_TITLE)
    ids = choice_ids(bubble.choices, limits.BUTTON_ID)
    buttons = [
        {"type": "reply", "reply": {"id": token, "title": title}}
        for token, title in zip(ids, titles, strict=True)
    ]
    return {
        "type": "button",
        "body": {"text": body_text(bubble.text, limits.BUTTONS_BODY)},
        "action": {"buttons": buttons},
    }


def _list(bubble: Choices) -> dict[str, Any]:
    if not bubble.opener:
        raise ValueError("four or more choices need an opener, the label that opens the list")
    # Meta documents unique titles for buttons only; senders report refusals for rows as well.
    titles = unique_labels([choice.title for choice in bubble.choices], limits.ROW_TITLE)
    ids = choice_ids(bubble.choices, limits.ROW_ID)
    rows = []
    for choice, token, title in zip(bubble.choices, ids, titles, strict=True):
        row = {"id": token, "title": title}
        description = one_line(clean_text(choice.description or ""))
        if description:
            row["description"] = shorten(description, limits.ROW_DESCRIPTION)
        rows.append(row)
    return {
        "type": "list",
        "body": {"text": body_text(bubble.text, limits.LIST_BODY)},
        "action": {
            "button": label(bubble.opener, limits.LIST_OPENER),
            "sections": [{"rows": rows}],
        },
    }


def _link(bubble: Link) -> dict[str, Any]:
    return {
        "type": "cta_url",
        "body": {"text": body_text(bubble.text, limits.LINK_BODY)},
        "action": {
            "name": "cta_url",
            "parameters": {
                "display_text": label(bubble.label, limits.LINK_LABEL),
                "url": https_only(bubble.url),
            },
        },
    }


def _location(bubble: Location) -> dict[str, Any]:
    turns = (bubble.latitude / 90, bubble.longitude / 180)
    if not all(math.isfinite(turn) and abs(turn) <= 1 for turn in turns):
        raise ValueError("latitude or longitude is not on the globe")
    place: dict[str, Any] = {"latitude": bubble.latitude, "longitude": bubble.longitude}
    for key, value in (("name", bubble.name), ("address", bubble.address)):
        text = one_line(clean_text(value or ""))
        if text:
            place[key] = text
    return place


def _media(bubble: Media) -> dict[str, str]:
    media = media_source(bubble)
    if bubble.caption and bubble.caption.strip():
        if bubble.media == "audio":
            raise ValueError("audio has no caption: split_long first")
        media["caption"] = body_text(bubble.caption, limits.CAPTION)
    return media
