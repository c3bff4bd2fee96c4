"""The pieces all kinds of outbound messages are made of: bodies, labels, ids, links, files.

Every function here raises ValueError with the rule that was broken, never with the words.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from channels.whatsapp.cutting import one_line, shorten
from channels.whatsapp.values import clean_text
from clinic.bubbles import Choice, Media


def body_text(text: str, limit: int) -> str:
    """The words of a message: never empty, never shortened."""
    text = clean_text(text).strip()
    if not text:
        raise ValueError("the body is empty")
    if len(text) > limit:
        raise ValueError(f"the body has more than {limit} characters: split_long first")
    return text


def label(text: str, limit: int) -> str:
    """A title or button label on one line, shortened at a word end if it is too long."""
    line = one_line(clean_text(text))
    if not line:
        raise ValueError("a label is empty")
    return shorten(line, limit)


def unique_labels(titles: list[str], limit: int) -> list[str]:
    """The labels within `limit`, all different: a repeated one gets ` (2)`, ` (3)`, …"""
    taken: list[str] = []
    for title in titles:
        candidate, copy = label(title, limit), 1
        while candidate in taken:
            copy += 1
            suffix = f" ({copy})"
            candidate = label(title, limit - len(suffix)) + suffix
        taken.append(candidate)
    return taken


def choice_ids(choices: list[Choice], limit: int) -> list[str]:
    """The opaque ids that travel with the choices: all there, all different."""
    ids = [choice.id or "" for choice in choices]
    if not all(0 < len(token) <= limit for token in ids):
        raise ValueError(f"every choice needs an id of 1 to {limit} characters")
    if len(set(ids)) < len(ids):
        raise ValueError("two choices have the same id")
    return ids


def https_only(url: str) -> str:
    """`url` itself, if WhatsApp takes it."""
    try:
        parts = urlsplit(url)
        safe = parts.scheme == "https" and bool(parts.hostname)
    except ValueError:
        safe = False
    if not safe or any(character.isspace() for character in url):
        raise ValueError("WhatsApp takes https links only")
    return url


def media_source(bubble: Media) -> dict[str, str]:
    """`{"id": …}` or `{"link": …}`, whichever of the two the bubble has; a document's name too."""
    if bool(bubble.id) == bool(bubble.link):
        raise ValueError("media needs either an uploaded id or a link")
    source = {"id": bubble.id} if bubble.id else {"link": https_only(bubble.link or "")}
    if bubble.filename and bubble.media == "document":
        source["filename"] = one_line(clean_text(bubble.filename))
    return source
