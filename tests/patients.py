"""Patients of a house under test: they write, tap, and read what comes."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional

import requests

from clinic.texts import Texts
from safety.language import LANGUAGES

if TYPE_CHECKING:
    from tests.house import House


class Patient:
    """Somebody with a phone: writes, taps, and reads what comes."""

    def __init__(self, house: House, phone: str, name: str) -> None:
        self.house = house
        self.phone = phone
        self.name = name
        self._seen = 0

    def writes(self, text: str) -> "Reply":
        """Write a text and read the answer."""
        return self._acts(text=text)

    def taps(self, title: str, wait: bool = True) -> "Reply":
        """Tap the newest button or list row whose title begins so, and read the answer.

        Without `wait` the answer is left to `hears`.
        """
        for message in reversed(self.sent()):
            for kind, item in _choices(message["body"]):
                if item["title"].startswith(title):
                    order = {"id": item["id"], "title": item["title"]}
                    return self._acts(wait, **{kind: order})
        raise AssertionError(f"nobody offered a button that begins with {title!r}")

    def sends(self, **act: Any) -> "Reply":
        """Any other act of the control API (media, location, sticker ...)."""
        return self._acts(**act)

    def sent(self) -> List[Dict[str, Any]]:
        """Everything the clinic has sent to this phone, less the privacy notice."""
        answer = requests.get(
            self.house.url("simulator", "/control/sent"), params={"to": self.phone}, timeout=30
        )
        items = answer.json()["items"]
        return [item for item in items if not _is_notice(item["body"])]

    def hears(self, within: float = 90.0) -> "Reply":
        """What came since the last reading; waits for the first message."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            fresh = self.sent()[self._seen :]
            if fresh:
                self._seen += len(fresh)
                return Reply([message["body"] for message in fresh])
            time.sleep(0.05)
        return Reply([])

    def says(self, text: str) -> None:
        """Write a text and go on, without waiting for an answer."""
        self.house.control("inbound", **{"from": self.phone, "name": self.name, "text": text})

    def texts(self) -> List[str]:
        """The words of everything that came, in order."""
        return [_text(message["body"]) for message in self.sent()]

    @property
    def contact_id(self) -> int:
        return self.house.contact_id(self.phone)

    def outgoing(self) -> List[Any]:
        """State and detail of every message for this patient but the notice, in order."""
        query = (
            "SELECT state, detail FROM messages"
            " WHERE direction = 'out' AND purpose <> 'notice' AND contact_id = :id"
        )
        return [tuple(row) for row in self.house.rows(f"{query} ORDER BY id", id=self.contact_id)]

    def handoff(self) -> Optional[str]:
        """The reason of the handoff that is open for this patient."""
        query = "SELECT reason FROM handoffs WHERE status <> 'resolved' AND contact_id = :id"
        found = self.house.rows(query, id=self.contact_id)
        return str(found[0][0]) if found else None

    def visits(self) -> List[str]:
        """The status of each of this patient's visits."""
        query = "SELECT status FROM appointments WHERE contact_id = :id ORDER BY id"
        return [str(row[0]) for row in self.house.rows(query, id=self.contact_id)]

    def writes_to_nobody(self, text: str, within: float = 2.0) -> "Reply":
        """Write a text that nothing may answer; what came all the same."""
        self._seen = len(self.sent())
        self.house.control("inbound", **{"from": self.phone, "name": self.name, "text": text})
        return self.hears(within)

    def _acts(self, wait: bool = True, **act: Any) -> "Reply":
        self._seen = len(self.sent())
        self.house.control("inbound", **{"from": self.phone, "name": self.name, **act})
        return self.hears() if wait else Reply([])


def eventually(what: Callable[[], Any], within: float = 60.0, every: float = 0.05) -> Any:
    """What `what` returns once that is true; after `within` seconds what it returned last."""
    until = time.monotonic() + within
    while True:
        found = what()
        if found or time.monotonic() > until:
            return found
        time.sleep(every)


class Reply:
    """What the clinic sent in answer."""

    def __init__(self, bodies: List[Dict[str, Any]]) -> None:
        self.bodies = bodies

    @property
    def text(self) -> str:
        return "\n".join(_text(body) for body in self.bodies)

    @property
    def titles(self) -> List[str]:
        return [item["title"] for body in self.bodies for _, item in _choices(body)]

    def __contains__(self, words: str) -> bool:
        return words in self.text

    def __repr__(self) -> str:
        return f"<{self.text!r} {self.titles}>"


def _is_notice(body: Dict[str, Any]) -> bool:
    """Whether this is the privacy notice, which tests of other matters leave out.

    `tests/channels/whatsapp/test_channel_notice.py` proves the notice itself.
    """
    said = _text(body)
    return any(said.startswith(_first_line(language)) for language in LANGUAGES)


@lru_cache(maxsize=3)
def _first_line(language: str) -> str:
    texts = Texts.load(Path(__file__).resolve().parents[1] / "domain")
    notice = texts.say("utter_notice", language, grievance="", notice_version="")
    return notice.split("\n")[0]


def _choices(body: Dict[str, Any]) -> List[Any]:
    action = (body.get("interactive") or {}).get("action") or {}
    buttons = [("tap", button["reply"]) for button in action.get("buttons") or []]
    rows = [
        ("list_tap", row)
        for section in action.get("sections") or []
        for row in section.get("rows") or []
    ]
    return buttons + rows


def _text(body: Dict[str, Any]) -> str:
    if "interactive" in body:
        return str(body["interactive"]["body"]["text"])
    return str((body.get("text") or {}).get("body") or body.get("type"))
