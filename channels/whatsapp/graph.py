"""The Graph API as the rest of the house uses it: send, mark read, media, templates.

What `Accepted`, `Refused` and `Unknown` promise is written in `outcomes`.

Logs carry `client_ref`, codes and statuses; a wamid contains the phone number, so not even that.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import structlog

from channels.whatsapp import limits
from channels.whatsapp.errors import Verdict
from channels.whatsapp.exchange import Exchange, Failure, Reply, checked_base_url, is_loopback
from channels.whatsapp.outcomes import (
    Accepted,
    GraphError,
    MediaTooLargeError,
    Refused,
    SendResult,
    Unknown,
    is_ok,
    json_of,
    object_of,
    refusal,
    send_result,
)
from channels.whatsapp.values import identifier, string, whole

__all__ = [
    "Accepted",
    "GraphClient",
    "GraphError",
    "MediaTooLargeError",
    "Refused",
    "SendResult",
    "Unknown",
]

_log = structlog.get_logger(__name__)

# Seconds to connect and to write the request; seconds between two bytes of the answer.
TIMEOUT = (3.05, 20.0)
# A file is written in one go, and the time to connect is also the time to write.
_UPLOAD_TIMEOUT = (120.0, 60.0)

_VERSION = re.compile(r"v[0-9]{1,3}\.[0-9]{1,2}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_PATH = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")


class GraphClient:
    """One business number at one Graph API.

    `base_url` is Meta's or a stand-in's, without version; `timeout` is (connect, read) in
    seconds, where read counts between two bytes; `pool` is how many connections stay open.
    A caller that leases messages needs a lease longer than both together.

    Raises:
        ValueError: if the URL is neither https nor on this machine, or an id, version or token
            cannot be one. The message is fit for an operator and carries no secret.
    """

    def __init__(
        self,
        base_url: str,
        version: str,
        phone_number_id: str,
        token: str,
        timeout: tuple[float, float] = TIMEOUT,
        pool: int = 16,
    ) -> None:
        if not _VERSION.fullmatch(version):
            raise ValueError("The Graph API version must look like v21.0.")
        if not _ID.fullmatch(phone_number_id):
            raise ValueError("The phone number id must be letters and digits.")
        base = checked_base_url(base_url)
        self._origin = "{0.scheme}://{0.netloc}/".format(urlsplit(base))
        self._root = f"{base}/{version}"
        self._number = f"{self._root}/{phone_number_id}"
        # A proxy of the environment is for the way out; it cannot reach our own loopback.
        outward = not is_loopback(urlsplit(base).hostname)
        self._exchange = Exchange(token, timeout, pool, use_proxies=outward)

    def close(self) -> None:
        """Closes idle connections."""
        self._exchange.close()

    def send(self, body: dict[str, Any]) -> SendResult:
        """Sends one message (`render.render` makes the body). Never raises for the network.

        Raises:
            ValueError: if `body` is not JSON.
        """
        answer = self._post(f"{self._number}/messages", body)
        result = send_result(answer)
        _log_result(result, identifier(body.get("biz_opaque_callback_data")))
        return result

    def mark_read(self, body: dict[str, Any]) -> bool:
        """Sends a read tick (`render.mark_read`); whether Meta took it. Harmless to repeat."""
        answer = self._post(f"{self._number}/messages", body)
        taken = (
            isinstance(answer, Reply) and is_ok(answer) and json_of(answer).get("success") is True
        )
        if not taken:
            refused = refusal(answer)
            _log.info("graph.mark_read_failed", code=refused.code, http=refused.http_status)
        return taken

    def upload(self, content: bytes, mime_type: str, filename: str) -> str:
        """The media id of an uploaded file; Meta keeps it 30 days.

        Raises:
            ValueError: if the file is empty or too large for its type.
            GraphError: if it was not taken; uploading again is safe.
        """
        if not 0 < len(content) <= limits.upload_limit(mime_type):
            raise ValueError("the file is empty or too large for WhatsApp")
        answer = self._exchange.request(
            "POST",
            f"{self._number}/media",
            data={"messaging_product": "whatsapp", "type": mime_type},
            files={"file": (filename, content, mime_type)},
            timeout=_UPLOAD_TIMEOUT,
        )
        media_id = identifier(object_of(answer).get("id"))
        if media_id is None:
            raise GraphError(Refused(Verdict.RETRY, title="no media id in the answer"))
        _log.info("graph.uploaded", media_id=media_id, size=len(content))
        return media_id

    def fetch_media(self, media_id: str, max_bytes: int) -> tuple[bytes, str]:
        """The bytes and MIME type of a patient's file, which Meta keeps 7 days.

        The address Meta names lives 5 minutes and gets the token, so it must be https or on
        the Graph host itself. Safe to repeat.

        Raises:
            ValueError: if `media_id` is not an id.
            MediaTooLargeError: if the file has more than `max_bytes`.
            GraphError: if it could not be fetched.
        """
        described = self.get(media_id)
        size = whole(described.get("file_size"))
        if size is not None and size > max_bytes:
            raise MediaTooLargeError(f"more than {max_bytes} bytes")
        url = string(described.get("url"))
        if url is None or not self._trusted(url):
            raise GraphError(Refused(Verdict.ALERT, title="media address is missing or not https"))
        answer = self._exchange.request("GET", url, max_bytes=max_bytes)
        if isinstance(answer, Failure) and answer.why == "too_large":
            raise MediaTooLargeError(f"more than {max_bytes} bytes")
        if isinstance(answer, Failure) or not is_ok(answer):
            raise GraphError(refusal(answer))
        _log.info("graph.fetched", media_id=media_id, size=len(answer.content))
        mime = string(described.get("mime_type")) or answer.mime_type
        return answer.content, mime or "application/octet-stream"

    def get(self, path: str, params: dict[str, str] | None = None) -> dict[str, Any]:
        """The JSON object at `path` below the version, such as `{waba_id}/message_templates`.

        Raises:
            ValueError: if `path` is not one or more ids joined by slashes.
            GraphError: if there was no JSON object to get.
        """
        return object_of(self._exchange.request("GET", self._below_root(path), params=params))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The JSON object answered to `body` at `path`; never for messages, see `send`.

        Raises:
            ValueError: if `path` is not one or more ids joined by slashes, or `body` not JSON.
            GraphError: if it was refused, or nobody knows whether it was taken.
        """
        return object_of(self._post(self._below_root(path), body))

    def _post(self, url: str, body: dict[str, Any]) -> Reply | Failure:
        try:
            content = json.dumps(body, ensure_ascii=True, allow_nan=False).encode("ascii")
        except (TypeError, ValueError, RecursionError):
            content = None
        if content is None:
            raise ValueError("the body is not JSON")
        return self._exchange.post_json(url, content)

    def _below_root(self, path: str) -> str:
        if not _PATH.fullmatch(path):
            raise ValueError("a Graph path is ids joined by slashes")
        return f"{self._root}/{path}"

    def _trusted(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
            if parts.username is not None or not parts.hostname:
                return False
        except ValueError:
            return False
        return parts.scheme == "https" or url.startswith(self._origin)


def _log_result(result: SendResult, client_ref: str | None) -> None:
    if isinstance(result, Accepted):
        _log.info("graph.accepted", client_ref=client_ref)
    elif isinstance(result, Refused):
        _log.warning(
            "graph.refused",
            client_ref=client_ref,
            verdict=result.verdict.value,
            code=result.code,
            http=result.http_status,
        )
    else:
        _log.warning("graph.unknown", client_ref=client_ref, why=result.why)
