"""What is too long for one message becomes several, in the order to be read."""

from __future__ import annotations

from typing import Any

from channels.whatsapp import limits
from channels.whatsapp.cutting import split_text
from clinic.bubbles import Choices, Link, Media, Text


def split_long(bubble: Any) -> list[Any]:
    """The bubbles that say what `bubble` says, each within WhatsApp's limits.

    - A text becomes several of at most 4096 characters, cut where a reader pauses.
    - Choices and links keep their buttons on the last bubble, under the end of the text (1024
      characters above buttons and links, 4096 above a list); what comes before goes ahead as
      plain texts.
    - A caption over 1024 characters, or any caption of a sound, follows the file as text.
    - Everything else comes back as it is; templates have the length Meta approved.

    No word is lost; only white space at the cuts is.
    """
    if isinstance(bubble, Text):
        return _texts(bubble.text) or [bubble]
    if isinstance(bubble, Choices):
        listed = len(bubble.choices) > limits.BUTTONS
        return _with_tail(bubble, limits.LIST_BODY if listed else limits.BUTTONS_BODY)
    if isinstance(bubble, Link):
        return _with_tail(bubble, limits.LINK_BODY)
    if isinstance(bubble, Media) and bubble.caption:
        return _media(bubble, bubble.caption)
    return [bubble]


def _texts(text: str) -> list[Any]:
    return [Text(text=piece) for piece in split_text(text, limits.TEXT_BODY)]


def _with_tail(bubble: Choices | Link, limit: int) -> list[Any]:
    text = bubble.text.strip()
    if len(text) <= limit:
        return [bubble]
    tail = split_text(text, limit)[-1]
    ahead = text[: len(text) - len(tail)]
    return [*_texts(ahead), bubble.copy(update={"text": tail})]


def _media(bubble: Media, caption: str) -> list[Any]:
    if bubble.media != "audio" and len(caption.strip()) <= limits.CAPTION:
        return [bubble]
    return [bubble.copy(update={"caption": None}), *_texts(caption)]
