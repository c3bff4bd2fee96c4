"""How long and how many WhatsApp allows; texts in code points, files in bytes.

Source: Meta, Cloud API reference (2025-2026 copies): text, interactive reply buttons, lists,
call-to-action URL, media, templates.
"""

from __future__ import annotations

TEXT_BODY = 4096
BUTTONS_BODY = 1024
LIST_BODY = 4096
LINK_BODY = 1024
CAPTION = 1024
TEMPLATE_BODY = 1024

BUTTONS = 3
BUTTON_TITLE = 20
BUTTON_ID = 256

LIST_ROWS = 10
LIST_OPENER = 20
ROW_TITLE = 24
ROW_DESCRIPTION = 72
ROW_ID = 200

LINK_LABEL = 20
TEMPLATE_PAYLOAD = 128
CLIENT_REF = 512

_MB = 1024 * 1024
IMAGE_BYTES = 5 * _MB
SOUND_AND_VIDEO_BYTES = 16 * _MB
DOCUMENT_BYTES = 100 * _MB


def upload_limit(mime_type: str) -> int:
    """How many bytes a file of this type may have to be sent."""
    family = mime_type.split("/", 1)[0].lower()
    if family == "image":
        return IMAGE_BYTES
    return SOUND_AND_VIDEO_BYTES if family in ("audio", "video") else DOCUMENT_BYTES
