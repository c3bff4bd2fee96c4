"""The file of a reply: checked by its bytes, put at WhatsApp, named in a bubble."""

from __future__ import annotations

from typing import Optional, Tuple

from flask import request

from clinic.bubbles import Media
from clinic.canned import content_of, living_media_id, remember_upload
from clinic.database import now
from clinic.models import CannedReply, StoredFile
from inbox.access.viewer import allowed
from inbox.errors import Refusal
from inbox.files import (
    LARGEST_SENT,
    MEGABYTE,
    FilesUnavailable,
    bubble_kind,
    kind_of,
    safe_name,
)
from inbox.house import house
from inbox.language import t

FIELD, CANNED_FIELD = "file", "canned_file"


def attachment_of() -> Optional[Media]:
    """What the request's form carries: a chosen file, or that of a ready answer; None if neither.

    Raises:
        Refusal: 422 `file` for a kind or size that is not sent, 503 `file_away` where WhatsApp
            did not take it, 404 for a ready answer that is gone.
    """
    found = uploaded_file()
    if found is not None:
        content, mime_type, filename = found
        return _media(_upload(content, mime_type, filename), mime_type, filename)
    canned_id = request.form.get(CANNED_FIELD, type=int)
    return _of_canned(canned_id) if canned_id is not None else None


def uploaded_file(field: str = FIELD) -> Optional[Tuple[bytes, str, str]]:
    """Bytes, type (by the bytes) and a safe name of the file in the form; None without one.

    Raises:
        Refusal: 422 `file` for a kind or size that is not sent.
    """
    given = request.files.get(field)
    if given is None or not given.filename:
        return None
    content = given.stream.read()
    mime_type = kind_of(content)
    if mime_type not in LARGEST_SENT:
        raise Refusal(
            422,
            "file",
            t("Not sent: only JPEG and PNG pictures, PDF documents and MP4 or 3GP videos can go."),
        )
    if len(content) > LARGEST_SENT[mime_type]:
        most = LARGEST_SENT[mime_type] // MEGABYTE
        raise Refusal(
            422, "file", t("Not sent: a file of this kind may have at most {n} MB.", n=most)
        )
    return content, mime_type, safe_name(given.filename, mime_type)


def _of_canned(canned_id: int) -> Media:
    with house().database.reading() as db:
        row = db.get(CannedReply, canned_id)
        file = db.get(StoredFile, row.file_id) if row is not None and row.file_id else None
        if row is None or file is None or (row.clinical and not allowed("use_clinical_replies")):
            raise Refusal(404, "not_found", t("There is no such ready answer."))
        media_id = living_media_id(file, now())
        content = b"" if media_id is not None else content_of(file)
    if media_id is None:
        media_id = _upload(content, file.mime_type, file.filename)
        with house().database.transaction() as db:
            remember_upload(db, int(file.id), media_id)
    return _media(media_id, file.mime_type, file.filename)


def _upload(content: bytes, mime_type: str, filename: str) -> str:
    try:
        return house().files.upload(content, mime_type, filename)
    except FilesUnavailable:
        raise Refusal(
            503,
            "file_away",
            t("Not sent: WhatsApp did not take the file just now. Choose it again and try again."),
        ) from None


def _media(media_id: str, mime_type: str, filename: str) -> Media:
    kind = bubble_kind(mime_type)
    named = filename if kind == "document" else None
    return Media(media=kind, id=media_id, filename=named)  # type: ignore[arg-type]
