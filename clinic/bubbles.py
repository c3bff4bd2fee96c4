"""What a bubble on the patient's phone is, before any wire format.

The message log stores bubbles; `channels.whatsapp.render` turns one into a Graph request at
the moment of sending. A bubble is complete: it can be sent by a process that knows nothing of
the conversation that made it.
"""

from __future__ import annotations

from typing import Annotated, Any, Dict, List, Literal, Optional, Union

from pydantic import BaseModel, Extra, Field, parse_obj_as

# https://developers.facebook.com/docs/whatsapp/cloud-api/messages/interactive-list-messages:
# how many characters the title of a list row has
LIST_ROW_TITLE = 24


class _Bubble(BaseModel):
    class Config:
        extra = Extra.forbid
        frozen = True


class Choice(_Bubble):
    """One button or list row.

    `payload` is what a tap means (`/book{"category": "knee_hip"}`); it never leaves the house.
    `id` is the opaque token that travels instead, given when the bubble enters the log.
    """

    title: str
    description: Optional[str] = None
    payload: Optional[str] = None
    id: Optional[str] = None


class Text(_Bubble):
    kind: Literal["text"] = "text"
    text: str


class Choices(_Bubble):
    """Text with choices: up to three become reply buttons, four to ten a list.

    `opener` is the label of the button that opens a list; without one the renderer cannot
    make a list, so whoever writes four or more choices gives it. With `apart` its choices stay
    when another question follows in the same turn.
    """

    kind: Literal["choices"] = "choices"
    text: str
    choices: List[Choice]
    opener: Optional[str] = None
    apart: bool = False


class Location(_Bubble):
    """A map pin; degrees as in WGS 84."""

    kind: Literal["location"] = "location"
    latitude: float
    longitude: float
    name: Optional[str] = None
    address: Optional[str] = None


class Media(_Bubble):
    """A picture, document, video or sound by uploaded `id` or https `link` (one of both)."""

    kind: Literal["media"] = "media"
    media: Literal["image", "document", "video", "audio"]
    id: Optional[str] = None
    link: Optional[str] = None
    caption: Optional[str] = None
    filename: Optional[str] = None


class Link(_Bubble):
    """Text with one button that opens an https page."""

    kind: Literal["link"] = "link"
    text: str
    label: str
    url: str


class Template(_Bubble):
    """An approved message template.

    `text` is what the patient will read, for the transcript; `buttons` are the quick replies in
    their order.
    """

    kind: Literal["template"] = "template"
    name: str
    language: str
    text: str
    header: Optional[Media] = None
    body: List[str] = Field(default_factory=list)
    buttons: List[Choice] = Field(default_factory=list)
    url_suffix: Optional[str] = None


Bubble = Annotated[
    Union[Text, Choices, Location, Media, Link, Template], Field(discriminator="kind")
]


def bubble_from_json(content: Dict[str, Any]) -> Any:
    """The bubble that `content` (as stored in the log) describes.

    Raises:
        pydantic.ValidationError: if it is not a bubble.
    """
    return parse_obj_as(Bubble, content)  # type: ignore[arg-type]


def choices_of(bubble: Any) -> List[Choice]:
    """The tappable choices of a bubble, in the order shown; empty where it has none."""
    if isinstance(bubble, Choices):
        return list(bubble.choices)
    if isinstance(bubble, Template):
        return list(bubble.buttons)
    return []


def text_of(bubble: Any) -> str:
    """What a reader of the transcript sees as the bubble's words."""
    if isinstance(bubble, Media):
        return bubble.caption or ""
    if isinstance(bubble, Location):
        return ", ".join(part for part in (bubble.name, bubble.address) if part)
    return str(bubble.text)
