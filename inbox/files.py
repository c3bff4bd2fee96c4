"""Files on their way from and to WhatsApp: what they are by their bytes, and what is let through.

A name or a declared type says nothing: only the first bytes count, and only kinds that a browser
shows without running anything are shown.
"""

from __future__ import annotations

from typing import Dict, Optional, Protocol, Tuple

MEGABYTE = 1024 * 1024
LARGEST_SHOWN = 32 * MEGABYTE
# after Meta's "Supported media types" for the Cloud API; documents are cut to what a clinic needs
LARGEST_SENT: Dict[str, int] = {
    "image/jpeg": 5 * MEGABYTE,
    "image/png": 5 * MEGABYTE,
    "application/pdf": 16 * MEGABYTE,
    "video/mp4": 16 * MEGABYTE,
    "video/3gpp": 16 * MEGABYTE,
}
LARGEST_UPLOAD = max(LARGEST_SENT.values())
EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "video/mp4": "mp4",
    "video/3gpp": "3gp",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/mp4": "m4a",
}
_BEGINNINGS: Tuple[Tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"#!AMR", "audio/amr"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
)
# of the same family, but no MP4: photographs and films of iPhones, which WhatsApp refuses
_NO_MP4 = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"qt  ")


class FilesUnavailable(Exception):
    """WhatsApp's files cannot be reached; `code` is `gone`, `too_large` or `away`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class FileLine(Protocol):
    """The way to WhatsApp's files; the process that serves the inbox is handed one."""

    def fetch(self, media_id: str, most_bytes: int) -> bytes:
        """The bytes of a file.

        Raises:
            FilesUnavailable: if it cannot be had.
        """

    def upload(self, content: bytes, mime_type: str, filename: str) -> str:
        """The media id of a file put there.

        Raises:
            FilesUnavailable: `away`; trying again is safe.
        """


class NoFiles:
    """Where nobody handed the inbox a way to WhatsApp."""

    def fetch(self, media_id: str, most_bytes: int) -> bytes:
        """Always unavailable."""
        raise FilesUnavailable("away")

    def upload(self, content: bytes, mime_type: str, filename: str) -> str:
        """Always unavailable."""
        raise FilesUnavailable("away")


def kind_of(content: bytes) -> Optional[str]:
    """The MIME type that the bytes show; None for what is not let through."""
    for beginning, mime_type in _BEGINNINGS:
        if content.startswith(beginning):
            return mime_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp":
        brand = content[8:12]
        if brand in _NO_MP4:
            return None
        if brand.startswith(b"3g"):
            return "video/3gpp"
        return "audio/mp4" if brand in (b"M4A ", b"M4B ") else "video/mp4"
    return None


def bubble_kind(mime_type: str) -> str:
    """What kind of bubble carries it: `image`, `video`, `audio` or `document`."""
    family = mime_type.split("/", 1)[0]
    return family if family in ("image", "video", "audio") else "document"


def safe_name(given: str, mime_type: str) -> str:
    """A file name without folders and odd signs, ending as its bytes ask."""
    bare = given.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(sign for sign in bare if sign.isprintable() and sign not in '<>:"|?*')
    stem = kept.rsplit(".", 1)[0].strip(" .")[:80] or "file"
    return f"{stem}.{EXTENSIONS.get(mime_type, 'bin')}"
