"""The files that invented patients send when a test or a tap gives none of its own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Tuple

_FOLDER = Path(__file__).parent / "samples"
_FILES = {
    "image": ("photo.jpg", "image/jpeg"),
    "sticker": ("sticker.webp", "image/webp"),
    "audio": ("voice.ogg", "audio/ogg; codecs=opus"),
    "document": ("report.pdf", "application/pdf"),
}
# The opening box of an MP4 file: enough to be recognised as one, nothing to play.
_EMPTY_MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom\x00\x00\x00\x08mdat"


@cache
def sample(kind: str) -> Tuple[bytes, str, str]:
    """Bytes, MIME type and file name for a kind of media.

    Raises:
        KeyError: a kind that is none of WhatsApp's.
    """
    if kind == "video":
        return _EMPTY_MP4, "video/mp4", "clip.mp4"
    name, mime = _FILES[kind]
    return (_FOLDER / name).read_bytes(), mime, name
