"""The `template` object of a send request.

The order of buttons is the one our templates are registered with: quick replies first, then at
most one link button; Meta counts them together, from 0.
Source: Meta, Cloud API "Template messages" reference.
"""

from __future__ import annotations

from typing import Any

from channels.whatsapp import limits
from channels.whatsapp.cutting import one_line
from channels.whatsapp.parts import body_text, choice_ids, media_source
from channels.whatsapp.values import clean_text
from clinic.bubbles import Media, Template


def template_content(bubble: Template) -> dict[str, Any]:
    """`{"name", "language": {"code"}, "components"?}` for an approved template.

    Raises:
        ValueError: if a name, language, parameter or payload is missing or too long, or the
            header is a sound.
    """
    if not bubble.name or not bubble.language:
        raise ValueError("a template needs a name and a language")
    body_text(bubble.text, limits.TEMPLATE_BODY)
    components: list[dict[str, Any]] = []
    if bubble.header is not None:
        components.append({"type": "header", "parameters": [_header(bubble.header)]})
    if bubble.body:
        components.append({"type": "body", "parameters": [_text(value) for value in bubble.body]})
    payloads = choice_ids(bubble.buttons, limits.TEMPLATE_PAYLOAD)
    for index, payload in enumerate(payloads):
        components.append(_button("quick_reply", index, {"type": "payload", "payload": payload}))
    if bubble.url_suffix:
        components.append(_button("url", len(payloads), _text(bubble.url_suffix)))
    content: dict[str, Any] = {"name": bubble.name, "language": {"code": bubble.language}}
    return {**content, "components": components} if components else content


def _header(media: Media) -> dict[str, Any]:
    if media.media == "audio":
        raise ValueError("a template's header cannot be a sound")
    return {"type": media.media, media.media: media_source(media)}


def _text(value: str) -> dict[str, str]:
    # Meta refuses parameters with line breaks, tabs or more than four blanks in a row (132018).
    text = one_line(clean_text(value))
    if not text:
        raise ValueError("a template parameter is empty")
    return {"type": "text", "text": text}


def _button(sub_type: str, index: int, parameter: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "button",
        "sub_type": sub_type,
        "index": str(index),
        "parameters": [parameter],
    }
