"""A file of a conversation, fetched from WhatsApp for whoever is signed in, and kept nowhere."""

from __future__ import annotations

from typing import Any, Optional, Tuple

from flask import Blueprint, Response
from sqlalchemy.orm import Session

from clinic.models import Message
from inbox.access import sight
from inbox.access.rules import SEE_CLINICAL
from inbox.access.viewer import needs, require
from inbox.api.base import ID
from inbox.errors import Refusal
from inbox.files import LARGEST_SHOWN, FilesUnavailable, kind_of, safe_name
from inbox.house import house
from inbox.language import t
from inbox.pages.conversation import ADDRESS, conversation

pages = Blueprint("media", __name__)

# a browser's own PDF viewer needs these two; nothing in the answer can run
FILE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'none'"
)
GONE = {
    "gone": (404, "WhatsApp does not keep this file any more. Ask for it once more."),
    "too_large": (413, "This file is too large to be shown here."),
    "away": (503, "WhatsApp's files cannot be reached just now. Try again in a minute."),
}


@pages.get(f"{ADDRESS}/messages/{ID.format('message_id')}/file")
@needs("see_conversation")
def file(contact_id: int, message_id: int) -> Response:
    """The picture, sound, video or PDF of a message; anything else is refused."""
    with house().database.reading() as db:
        media_id, filename = _wanted(db, contact_id, message_id)
        # says that it was looked at, too
        readable = sight.readable(db, message_id)
    if not readable:
        require(SEE_CLINICAL, f"message:{message_id}")
    try:
        content = house().files.fetch(media_id, LARGEST_SHOWN)
    except FilesUnavailable as error:
        status, words = GONE[error.code]
        raise Refusal(status, error.code, t(words)) from None
    mime_type = kind_of(content)
    if mime_type is None:
        raise Refusal(
            415, "unsupported", t("This kind of file is not opened here, for your safety.")
        )
    response = Response(content, mimetype=mime_type)
    name = safe_name(filename or "file", mime_type)
    response.headers.set("Content-Disposition", "inline", filename=name)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


def _wanted(db: Session, contact_id: int, message_id: int) -> Tuple[str, Optional[str]]:
    contact = conversation(db, contact_id)
    message = db.get(Message, message_id)
    content: Any = message.content if message is not None else None
    if message is None or message.contact_id != contact.id or not isinstance(content, dict):
        raise Refusal(404, "not_found", t("There is no such file."))
    for part in (content.get("media"), content, content.get("header")):
        if isinstance(part, dict) and isinstance(part.get("id"), str):
            return part["id"], part.get("filename")
    raise Refusal(404, "not_found", t("There is no such file."))
