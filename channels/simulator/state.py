"""What the simulator remembers: the clock, patients, and what they and the clinic wrote."""

from __future__ import annotations

import base64
import secrets
import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any, Deque, Dict, Iterable, List, Optional

_RANK = {"sent": 1, "delivered": 2, "read": 3, "played": 4}


class Clock:
    """The simulator's own time, which tests may shift; Unix seconds."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        return time.time() + self.offset


@dataclass
class Contact:
    """A patient. `key` is the phone number, or the BSUID of one who has no known number."""

    key: str
    phone: Optional[str]
    bsuid: Optional[str]
    name: str
    on_whatsapp: bool = True
    marketing_stopped: bool = False
    last_inbound: Optional[float] = None
    typing_until: float = 0.0
    transcript: Deque[Bubble] = field(default_factory=deque)


@dataclass
class Bubble:
    """One message. `direction` is as the clinic sees it: `in` from the patient, `out` to them.

    `content` is the message object of the webhook or the exact JSON of the Graph request.
    `revision` rises with every change, so a page can ask for what is new to it.
    """

    wamid: str
    contact: Contact
    direction: str
    at: float
    content: Dict[str, Any]
    status: str = "pending"
    revision: int = 0
    sent_seq: int = 0
    shown: Optional[Dict[str, Any]] = None
    reactions: Dict[str, str] = field(default_factory=dict)
    pricing: Dict[str, Any] = field(default_factory=dict)


def new_wamid() -> str:
    """An id in the form of Meta's."""
    return "wamid." + base64.b64encode(b"\x1d\x06\x0c" + secrets.token_bytes(33)).decode()


class Store:
    """Contacts and bubbles in memory, bounded; every use holds `lock`."""

    def __init__(self, contact_limit: int, transcript_limit: int) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.revision = 0
        # Pages that know only older revisions than this start again.
        self.cleared_at = 0
        self.sent_seq = 0
        self._contact_limit = contact_limit
        self._transcript_limit = transcript_limit
        self._contacts: OrderedDict[str, Contact] = OrderedDict()
        self._by_bsuid: Dict[str, Contact] = {}
        self._bubbles: OrderedDict[str, Bubble] = OrderedDict()
        self.sent: Deque[Bubble] = deque(maxlen=transcript_limit)

    def clear(self) -> None:
        """Forget everything; revisions go on rising so that no page mistakes new for old."""
        self._contacts.clear()
        self._by_bsuid.clear()
        self._bubbles.clear()
        self.sent.clear()
        self.sent_seq = 0
        self.touch()
        self.cleared_at = self.revision

    def find(self, phone: Optional[str], bsuid: Optional[str]) -> Optional[Contact]:
        if phone is not None and phone in self._contacts:
            return self._contacts[phone]
        return self._by_bsuid.get(bsuid) if bsuid is not None else None

    def contact(
        self, phone: Optional[str], bsuid: Optional[str], name: Optional[str] = None
    ) -> Contact:
        """The contact of a number or BSUID, made if new; both together link the two."""
        found = self.find(phone, bsuid)
        if found is None:
            key = phone or bsuid
            if key is None:
                raise ValueError("a contact has a phone number, a BSUID, or both")
            found = Contact(key, phone, bsuid, name or "")
            self._contacts[key] = found
            while len(self._contacts) > self._contact_limit:
                self._forget(next(iter(self._contacts)))
        else:
            self._contacts.move_to_end(found.key)
        if bsuid is not None:
            found.bsuid = bsuid
            self._by_bsuid[bsuid] = found
        if phone is not None and found.phone is None:
            del self._contacts[found.key]
            found.phone = found.key = phone
            self._contacts[phone] = found
        if name:
            found.name = name
        return found

    def renumber(self, contact: Contact, phone: str) -> None:
        """Give a contact a new number, as when a patient changes SIM."""
        del self._contacts[contact.key]
        contact.phone = contact.key = phone
        self._contacts[phone] = contact

    def _forget(self, key: str) -> None:
        contact = self._contacts.pop(key)
        if contact.bsuid is not None:
            self._by_bsuid.pop(contact.bsuid, None)
        for bubble in contact.transcript:
            self._bubbles.pop(bubble.wamid, None)

    def contacts(self, newest: int = 200) -> List[Contact]:
        """The contacts used last, newest first."""
        keys = list(self._contacts)[-newest:]
        return [self._contacts[key] for key in reversed(keys)]

    def totals(self) -> Dict[str, int]:
        return {"contacts": len(self._contacts), "bubbles": len(self._bubbles)}

    def add(self, bubble: Bubble) -> None:
        """Put a bubble in its contact's transcript; the oldest of all goes when it is full."""
        self._bubbles[bubble.wamid] = bubble
        bubble.contact.transcript.append(bubble)
        if bubble.direction == "out":
            self.sent_seq += 1
            bubble.sent_seq = self.sent_seq
            self.sent.append(bubble)
            bubble.contact.typing_until = 0.0
        reaction = bubble.content.get("reaction")
        if isinstance(reaction, dict):
            target = self._bubbles.get(str(reaction.get("message_id")))
            if target is not None:
                target.reactions[bubble.direction] = str(reaction.get("emoji") or "")
                self.touch(target)
        while len(self._bubbles) > self._transcript_limit:
            oldest = self._bubbles.popitem(last=False)[1]
            if oldest.contact.transcript and oldest.contact.transcript[0] is oldest:
                oldest.contact.transcript.popleft()
        self.touch(bubble)

    def bubble(self, wamid: str) -> Optional[Bubble]:
        return self._bubbles.get(wamid)

    def touch(self, bubble: Optional[Bubble] = None) -> None:
        self.revision += 1
        if bubble is not None:
            bubble.revision = self.revision
        self.changed.notify_all()

    def advance(self, wamid: str, status: str) -> None:
        """Move a bubble's status forward, never back."""
        bubble = self._bubbles.get(wamid)
        if bubble is None or bubble.status == "failed":
            return
        if status == "failed" or _RANK.get(status, 0) > _RANK.get(bubble.status, 0):
            bubble.status = status
            self.touch(bubble)

    def sent_after(self, seq: int, contact: Optional[Contact]) -> List[Bubble]:
        """Accepted sends with a number above `seq`, oldest first."""
        source: Iterable[Bubble] = self.sent if contact is None else contact.transcript
        found: List[Bubble] = []
        for bubble in reversed(list(source)):
            if bubble.direction != "out":
                continue
            if bubble.sent_seq <= seq:
                break
            found.append(bubble)
        found.reverse()
        return found
