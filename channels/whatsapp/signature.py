"""Proof that a webhook was written by Meta: the `X-Hub-Signature-256` header.

Meta computes it over the raw bytes it sends (with unicode escaped its own way), so it must be
checked before the body is decoded or parsed.
Source: Meta, "Webhooks: validate payloads" (HMAC-SHA256 keyed with the app secret).
"""

from __future__ import annotations

import hashlib
import hmac
import re

_HEADER = re.compile(r"sha256=([0-9a-fA-F]{64})")


def sign(raw_body: bytes, app_secret: str) -> str:
    """The header value Meta would send with `raw_body`: `sha256=` and 64 hex digits."""
    digest = hmac.new(app_secret.encode("utf-8"), raw_body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


def is_genuine(raw_body: bytes, header: str | None, app_secret: str) -> bool:
    """Whether `header` is the signature of exactly these bytes.

    False for a missing or malformed header, and for an empty secret: with an empty key anybody
    could sign.
    """
    if not header or not app_secret:
        return False
    match = _HEADER.fullmatch(header.strip())
    if match is None:
        return False
    expected = sign(raw_body, app_secret)
    return hmac.compare_digest(expected, f"sha256={match.group(1).lower()}")
