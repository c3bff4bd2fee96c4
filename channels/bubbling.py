"""Rasa's responses as bubbles, and a turn's bubbles as few as possible.

Rasa knows `text`, `buttons`, `image`, `attachment` and `custom`; this says what each becomes.
A turn of three bubbles spends 18 seconds of a number's quota to one person, so neighbouring
texts are joined into one bubble.
"""

from __future__ import annotations

from typing import Any, Dict, List

from clinic.bubbles import Choice, Choices, Link, Location, Media, Text

CHOICES_BODY = 1024
TEXT_BODY = 4096


class UnknownResponse(ValueError):
    """A response asks for something that no bubble can show; the message names the part."""


def bubbles_of(response: Dict[str, Any]) -> List[Any]:
    """The bubbles of one Rasa response, in the order they are read.

    Raises:
        UnknownResponse: for a `custom` or `attachment` of unknown shape.
    """
    bubbles: List[Any] = []
    text = (response.get("text") or "").strip()
    custom = response.get("custom") or {}
    buttons = response.get("buttons") or response.get("quick_replies") or []
    if buttons:
        bubbles.append(_choices(text, buttons, custom))
    elif custom.get("link"):
        bubbles.append(Link(text=text, **custom["link"]))
    elif text:
        bubbles.append(Text(text=text))
    if custom.get("location"):
        bubbles.append(Location(**custom["location"]))
    if custom.get("media"):
        bubbles.append(Media(**custom["media"]))
    unknown = set(custom) - {"opener", "apart", "link", "location", "media"}
    if unknown:
        raise UnknownResponse(f"custom: {', '.join(sorted(unknown))}")
    if response.get("image"):
        bubbles.append(Media(media="image", link=response["image"]))
    if response.get("attachment"):
        bubbles.append(_attachment(response["attachment"]))
    for element in response.get("elements") or []:
        bubbles.extend(bubbles_of(_element(element)))
    return bubbles


def _choices(text: str, buttons: List[Dict[str, Any]], custom: Dict[str, Any]) -> Choices:
    choices = [
        Choice(
            title=str(button["title"]),
            description=button.get("description"),
            payload=str(button.get("payload") or button["title"]),
        )
        for button in buttons
    ]
    apart = bool(custom.get("apart"))
    return Choices(text=text, choices=choices, opener=custom.get("opener"), apart=apart)


def _attachment(attachment: Any) -> Any:
    """Rasa's attachment: a link, or `{type, payload: {src|id, filename?, caption?}}`."""
    if isinstance(attachment, str):
        return Media(media="document", link=attachment)
    if isinstance(attachment, dict) and isinstance(attachment.get("payload"), dict):
        payload = attachment["payload"]
        kind: Any = {"file": "document"}.get(str(attachment.get("type")), attachment.get("type"))
        if kind in {"image", "document", "video", "audio"} and (
            "src" in payload or "id" in payload
        ):
            return Media(
                media=kind,
                link=payload.get("src"),
                id=payload.get("id"),
                filename=payload.get("filename"),
                caption=payload.get("caption") or payload.get("title"),
            )
    raise UnknownResponse("attachment")


def _element(element: Dict[str, Any]) -> Dict[str, Any]:
    lines = [element.get("title"), element.get("subtitle")]
    return {
        "text": "\n".join(line for line in lines if line),
        "buttons": [b for b in element.get("buttons") or [] if b.get("payload")],
        "image": element.get("image_url"),
    }


def joined(bubbles: List[Any]) -> List[Any]:
    """The same words in fewer bubbles.

    A text joins the text or the choices that follow it; where a question follows, a pin between
    them goes first. Of two bubbles with choices the later asks the question that is open, so its
    choices stay and the earlier's words go before it, unless those are to stay apart.
    """
    result: List[Any] = []
    for bubble in _pins_before_question(bubbles):
        previous: Any = result[-1] if result else None
        if _can_join(previous, bubble):
            text = "\n\n".join(part for part in (previous.text, bubble.text) if part)
            if len(text) <= (TEXT_BODY if isinstance(bubble, Text) else CHOICES_BODY):
                result[-1] = bubble.copy(update={"text": text})
                continue
        result.append(bubble)
    return result


def _pins_before_question(bubbles: List[Any]) -> List[Any]:
    if not bubbles or not isinstance(bubbles[-1], Choices):
        return bubbles
    return sorted(bubbles, key=lambda bubble: not isinstance(bubble, Location))


def _can_join(previous: Any, bubble: Any) -> bool:
    if isinstance(previous, Choices):
        return isinstance(bubble, Choices) and not previous.apart
    return isinstance(previous, Text) and isinstance(bubble, (Text, Choices, Link))
