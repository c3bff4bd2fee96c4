"""Chatwoot's application API, as far as handing a conversation over takes.

After Chatwoot's published OpenAPI description (application API v1, 2025): contacts, conversations,
messages, `toggle_status`; authenticated by the header `api_access_token`.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import requests

SECONDS = (5.0, 15.0)


class ChatwootError(Exception):
    """Chatwoot did not do as asked; the message is a code (a status, a kind of failure)."""


class ChatwootClient:
    """One account and one inbox (of the channel "API") at Chatwoot."""

    def __init__(self, url: str, account_id: int, inbox_id: int, token: str) -> None:
        self._base = f"{url}/api/v1/accounts/{account_id}"
        self._inbox_id = inbox_id
        self._session = requests.Session()
        self._session.headers["api_access_token"] = token
        # what the environment names as a proxy or a password file has no say in this
        self._session.trust_env = False

    def contact(self, identifier: str, name: str, phone: Optional[str]) -> Tuple[int, str]:
        """The contact with our `identifier`, made if there is none: its id and its source id.

        Raises:
            ChatwootError: as every method here.
        """
        found = self._find_contact(identifier)
        if found is None:
            body = {
                "inbox_id": self._inbox_id,
                "identifier": identifier,
                "name": name,
                **({"phone_number": phone} if phone else {}),
            }
            found = self._ask("POST", "/contacts", body)["payload"]["contact"]
        contact_id = int(found["id"])
        for one in found.get("contact_inboxes") or []:
            if int((one.get("inbox") or {}).get("id") or 0) == self._inbox_id:
                return contact_id, str(one["source_id"])
        joined = self._ask(
            "POST", f"/contacts/{contact_id}/contact_inboxes", {"inbox_id": self._inbox_id}
        )
        return contact_id, str(joined["source_id"])

    def _find_contact(self, identifier: str) -> Optional[Dict[str, Any]]:
        found = self._ask("GET", "/contacts/search", query={"q": identifier})
        for one in found.get("payload") or []:
            if one.get("identifier") == identifier:
                return dict(one)
        return None

    def conversation(self, contact_id: int, source_id: str, handoff_id: int) -> int:
        """The conversation of a handoff, made as `pending` if there is none: its id."""
        mark = {"sandhi_handoff": handoff_id}
        known = self._ask("GET", f"/contacts/{contact_id}/conversations")
        for one in known.get("payload") or []:
            if (one.get("custom_attributes") or {}).get("sandhi_handoff") == handoff_id:
                return int(one["id"])
        body = {
            "source_id": source_id,
            "inbox_id": self._inbox_id,
            "contact_id": contact_id,
            "status": "pending",
            "custom_attributes": mark,
        }
        return int(self._ask("POST", "/conversations", body)["id"])

    def write(self, conversation_id: int, text: str, ours: str, kind: str, private: bool) -> None:
        """Add a message; `ours` is our name for it, by which a repetition is found out."""
        body = {
            "content": text,
            "message_type": kind,
            "private": private,
            "source_id": ours,
        }
        self._ask("POST", f"/conversations/{conversation_id}/messages", body)

    def messages(self, conversation_id: int) -> List[Dict[str, Any]]:
        """The newest messages of a conversation, oldest first."""
        found = self._ask("GET", f"/conversations/{conversation_id}/messages")
        return sorted(found.get("payload") or [], key=lambda one: int(one["id"]))

    def status(self, conversation_id: int) -> str:
        """`open`, `pending`, `resolved` or `snoozed`."""
        return str(self._ask("GET", f"/conversations/{conversation_id}")["status"])

    def set_status(self, conversation_id: int, status: str) -> None:
        """Open the conversation for agents, or give it back."""
        self._ask("POST", f"/conversations/{conversation_id}/toggle_status", {"status": status})

    def _ask(
        self,
        method: str,
        path: str,
        body: Optional[Dict[str, Any]] = None,
        query: Optional[Dict[str, str]] = None,
    ) -> Any:
        try:
            answer = self._session.request(
                method,
                self._base + path,
                json=body,
                params=query,
                timeout=SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise ChatwootError(type(error).__name__) from None
        if not 200 <= answer.status_code < 300:
            raise ChatwootError(str(answer.status_code))
        try:
            return answer.json()
        except ValueError:
            raise ChatwootError("not JSON") from None
