"""Webhooks as WhatsApp posts them: one message each, signed."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any, Dict, Optional
from urllib.parse import urlsplit

from channels.whatsapp.signature import sign

PATH = "/webhooks/whatsapp/webhook"


def phone_of(number: int) -> str:
    """The invented phone of the bench's contact `number` (0 to 99,999), E.164."""
    return f"+9190000{number:05d}"


def text_part(text: str) -> Dict[str, Any]:
    """A typed message."""
    return {"type": "text", "text": {"body": text}}


def tap_part(choice: Dict[str, str]) -> Dict[str, Any]:
    """A tap on an offered choice: `{"id", "title", "kind": "button_reply" | "list_reply"}`."""
    tapped = {"id": choice["id"], "title": choice["title"]}
    return {"type": "interactive", "interactive": {"type": choice["kind"], choice["kind"]: tapped}}


def webhook_body(phone: str, part: Dict[str, Any], number_id: str = "1000001") -> bytes:
    """The raw body of a POST that carries one new message of this contact."""
    wa_id = phone.lstrip("+")
    message = {
        "from": wa_id,
        "id": f"wamid.{secrets.token_hex(18)}",
        "timestamp": str(int(time.time())),
        **part,
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "919000000001", "phone_number_id": number_id},
        "contacts": [{"profile": {"name": "Bench"}, "wa_id": wa_id}],
        "messages": [message],
    }
    change = {"value": value, "field": "messages"}
    body = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}
    # Meta escapes unicode
    return json.dumps(body, ensure_ascii=True).encode("ascii")


def http_post(url: str, body: bytes, headers: Optional[Dict[str, str]] = None) -> bytes:
    """The bytes of a keep-alive POST of JSON."""
    parts = urlsplit(url)
    lines = [
        f"POST {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + body


def signed_post(url: str, body: bytes, secret: str) -> bytes:
    """The bytes of a webhook POST."""
    return http_post(url, body, {"X-Hub-Signature-256": sign(body, secret)})
