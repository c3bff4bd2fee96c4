"""Templates on the wire: submitting them for review, and reading what became of them.

Source: Meta, Business Management API "Message templates" (`{waba id}/message_templates`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional

from channels.whatsapp.graph import GraphClient
from channels.whatsapp.values import mapping, string
from clinic.templates import APPROVED, Wording, words_digest

PENDING = "PENDING"
PAGE = "100"
MOST_PAGES = 100


@dataclass(frozen=True)
class RemoteTemplate:
    """A template as WhatsApp has it; `digest` is that of its words, `id` its Graph object."""

    name: str
    language: str
    status: str
    category: str
    digest: str
    reason: Optional[str] = None
    id: str = ""


def submission(wording: Wording) -> Dict[str, Any]:
    """The body that submits a template for review."""
    body: Dict[str, Any] = {"type": "BODY", "text": wording.numbered_body}
    if wording.parameters:
        body["example"] = {"body_text": [list(wording.examples)]}
    components: List[Dict[str, Any]] = [body]
    if wording.footer:
        components.append({"type": "FOOTER", "text": wording.footer})
    if wording.buttons:
        buttons = [{"type": "QUICK_REPLY", "text": title} for title in wording.buttons]
        components.append({"type": "BUTTONS", "buttons": buttons})
    return {
        "name": wording.name,
        "language": wording.code,
        "category": wording.category,
        "components": components,
    }


def submit(client: GraphClient, account: str, wording: Wording) -> RemoteTemplate:
    """Submit a template; what WhatsApp says of it at once.

    Raises:
        channels.whatsapp.graph.GraphError: if it was refused, or nobody knows.
    """
    answer = client.post(f"{account}/message_templates", submission(wording))
    return RemoteTemplate(
        wording.name,
        wording.code,
        string(answer.get("status")) or PENDING,
        string(answer.get("category")) or wording.category,
        wording.digest,
        id=string(answer.get("id")) or "",
    )


def edit(client: GraphClient, remote: RemoteTemplate, wording: Wording) -> RemoteTemplate:
    """Give a template that WhatsApp has the words of its file now, for a new review.

    Meta takes an edit of approved, rejected and paused templates only; of an approved one once in
    24 hours and ten times in 30 days, and never of its category.

    Raises:
        channels.whatsapp.graph.GraphError: if it was refused, or nobody knows.
    """
    asked = submission(wording)
    change: Dict[str, Any] = {"components": asked["components"]}
    if remote.status != APPROVED:
        change["category"] = asked["category"]
    client.post(remote.id, change)
    return replace(remote, status=PENDING, digest=wording.digest, reason=None)


def remote_templates(client: GraphClient, account: str) -> List[RemoteTemplate]:
    """Every template of the business account.

    Raises:
        channels.whatsapp.graph.GraphError: if they could not be read.
    """
    found: List[RemoteTemplate] = []
    params = {"limit": PAGE}
    for _ in range(MOST_PAGES):
        page = client.get(f"{account}/message_templates", params)
        items = page.get("data")
        found += [_remote(item) for item in items or [] if isinstance(item, dict)]
        paging = mapping(page.get("paging"))
        after = string(mapping(paging.get("cursors")).get("after"))
        if not paging.get("next") or not after:
            break
        params = {"limit": PAGE, "after": after}
    return found


def _remote(item: Dict[str, Any]) -> RemoteTemplate:
    parts = {
        str(part.get("type", "")).upper(): part
        for part in item.get("components") or []
        if isinstance(part, dict)
    }
    buttons = mapping(parts.get("BUTTONS")).get("buttons") or []
    titles = [str(button.get("text", "")) for button in buttons if isinstance(button, dict)]
    digest = words_digest(
        string(mapping(parts.get("BODY")).get("text")) or "",
        string(mapping(parts.get("FOOTER")).get("text")),
        titles,
    )
    reason = string(item.get("rejected_reason"))
    return RemoteTemplate(
        name=str(item.get("name", "")),
        language=str(item.get("language", "")),
        status=str(item.get("status", "UNKNOWN")).upper(),
        category=str(item.get("category", "UNKNOWN")).upper(),
        digest=digest,
        reason=None if reason == "NONE" else reason,
        id=string(item.get("id")) or "",
    )
