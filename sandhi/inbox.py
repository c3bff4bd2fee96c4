"""`python -m sandhi.inbox`: the inbox with a way to WhatsApp's files.

The inbox knows the clinic and no wire; what fetches and uploads files is put in here, as the
worker is handed its sender.
"""

from __future__ import annotations

import sys

from channels.whatsapp.errors import Verdict
from channels.whatsapp.graph import GraphClient, GraphError, MediaTooLargeError
from clinic.settings import settings
from inbox.__main__ import serve
from inbox.files import FilesUnavailable

# people wait for a file; a hanging line must not hold their page for long
PATIENCE = (3.05, 15.0)
GONE = (Verdict.FIX, Verdict.NEVER_AGAIN, Verdict.MEDIA_LOST)


class GraphFiles:
    """WhatsApp's files through the Graph API (an `inbox.files.FileLine`)."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client

    def fetch(self, media_id: str, most_bytes: int) -> bytes:
        """The bytes of a file.

        Raises:
            FilesUnavailable: `gone`, `too_large` or `away`.
        """
        try:
            return self._client.fetch_media(media_id, most_bytes)[0]
        except MediaTooLargeError:
            raise FilesUnavailable("too_large") from None
        except ValueError:
            raise FilesUnavailable("gone") from None
        except GraphError as error:
            raise FilesUnavailable("gone" if error.verdict in GONE else "away") from None

    def upload(self, content: bytes, mime_type: str, filename: str) -> str:
        """The media id of a file put there.

        Raises:
            FilesUnavailable: `away`.
        """
        try:
            return self._client.upload(content, mime_type, filename)
        except (GraphError, ValueError):
            raise FilesUnavailable("away") from None


def graph_files() -> GraphFiles:
    """The files of the number that the settings name.

    Raises:
        ValueError: if the settings cannot be those of a WhatsApp number.
    """
    chosen = settings()
    return GraphFiles(
        GraphClient(
            chosen.whatsapp_graph_url,
            chosen.whatsapp_api_version,
            chosen.whatsapp_phone_number_id,
            chosen.whatsapp_access_token,
            timeout=PATIENCE,
        )
    )


if __name__ == "__main__":
    sys.exit(serve(graph_files))
