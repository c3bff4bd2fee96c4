"""The words of the staff's interface for codes, states and times. (Words for patients live in
the domain and the clinic's profile.)"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Dict, NamedTuple, Optional
from zoneinfo import ZoneInfo

from clinic.staff_replies import AUTHOR

REASONS = {
    "red_flag": "Red flag",
    "clinical": "Clinical question",
    "media": "Sent a file",
    "request": "Asked for a person",
    "unsure": "Not understood",
    "failure": "Assistant failed",
}
PRIORITIES = {"urgent": "Urgent", "high": "High", "normal": "Normal"}
STATUSES = {"open": "Unclaimed", "claimed": "Claimed", "resolved": "Handed back"}
VIEWS = {"unclaimed": "Unclaimed", "mine": "Mine", "all": "All"}
OUTCOMES = {
    "answered": "Question answered",
    "booked": "Appointment booked or changed",
    "called": "Called the patient",
    "referred": "Passed to a clinician or emergency care",
    "no_reply": "Patient did not reply",
    "bot_should_have_answered": "The assistant should have answered this",
    "other": "Something else",
}
LANGUAGES = {"en": "English", "hi": "Hindi", "hinglish": "Hinglish"}
FILES = {
    "image": "Photo",
    "document": "Document",
    "video": "Video",
    "audio": "Audio",
    "sticker": "Sticker",
}
KINDS = {
    "media": "Sent a file",
    "sticker": "Sent a sticker",
    "location": "Shared a location",
    "contacts": "Shared a contact",
    "reaction": "Reacted to a message",
    "edit": "Edited a message",
    "revoke": "Deleted a message",
    "order": "Sent an order",
    "form": "Filled in a form",
    "welcome": "Opened the chat",
    "system": "WhatsApp notice",
    "unsupported": "A kind of message WhatsApp does not pass on",
}

# by Meta's code, or by the outbox's own words; after Meta's "Cloud API error codes" (2025-2026)
WHY_NOT_SENT = {
    "window closed": "the 24-hour window had closed; only an approved template can go",
    "131047": "the 24-hour window had closed; only an approved template can go",
    "131026": "this number cannot receive it: not on WhatsApp, or an old version",
    "131049": "WhatsApp is holding back messages to this person for now",
    "131050": "this person stopped messages of this kind",
    "131051": "WhatsApp does not support this kind of message",
    "131056": "too many messages to this person in a short time",
    "130429": "too many messages at once; the line was busy",
    "131048": "WhatsApp has limited this number for now",
    "131053": "the file could not be uploaded",
    "132001": "the template does not exist or is not approved",
    "190": "the clinic's WhatsApp access has expired; tell whoever runs the system",
    "131031": "WhatsApp has locked the clinic's account; tell whoever runs the system",
    "131042": "there is a payment problem on the clinic's WhatsApp account",
    "unreachable": "this number cannot be reached on WhatsApp",
    "too late": "its time had passed",
    "opted out": "this person has stopped messages",
}
_CODE = re.compile(r"\d{2,6}")


class Delivery(NamedTuple):
    """How far a message of ours got: ticks as on a phone, the words, and how grave it is."""

    ticks: str
    words: str
    tone: str


_DELIVERY = {
    "planned": Delivery("◷", "Waiting to be sent", "quiet"),
    "claimed": Delivery("◷", "Sending", "quiet"),
    "sending": Delivery("◷", "Sending", "quiet"),
    "sent": Delivery("✓", "Sent", "quiet"),
    "delivered": Delivery("✓✓", "Delivered", "quiet"),
    "read": Delivery("✓✓", "Read", "read"),
    "cancelled": Delivery("–", "Cancelled, not sent", "quiet"),
}
_UNSURE = "May not have arrived: WhatsApp never confirmed it. Ask before you send it again."


def delivery(state: str, detail: Optional[str]) -> Delivery:
    """How far a message of ours got, and why no further."""
    if state == "unknown":
        return Delivery("?", _UNSURE, "bad")
    if state in ("failed", "skipped"):
        return Delivery("✕", f"Not sent: {why_not_sent(detail)}", "bad")
    return _DELIVERY.get(state, Delivery("", "", "quiet"))


def why_not_sent(detail: Optional[str]) -> str:
    """A failure or skip reason of the outbox in plain words, with the code where there is one."""
    text = (detail or "").strip()
    for known, words in WHY_NOT_SENT.items():
        if not known.isdigit() and known in text.lower():
            return words
    code = _CODE.search(text)
    if code is not None:
        words = WHY_NOT_SENT.get(code[0], "WhatsApp refused it")
        return f"{words} (code {code[0]})"
    return text.replace("_", " ") or "no reason was given"


def who(author: str, patient: str) -> str:
    """Who wrote a bubble."""
    if author.startswith(AUTHOR):
        return author[len(AUTHOR) :]
    return {"bot": "Assistant", "patient": patient}.get(author, author)


def red_flag(category: Optional[str]) -> str:
    """A red-flag category as words: `chest_pain` is "chest pain"."""
    return (category or "").replace("_", " ")


def waited(since: datetime, now: datetime) -> str:
    """How long somebody has waited: "just now", "12 min", "3 h 05", "2 d 4 h"."""
    minutes = max(0, int((now - since).total_seconds() // 60))
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {rest:02d}"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """The time of day in the clinic's zone: "5:30 pm"."""
    local = moment.astimezone(zone)
    return f"{local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"


def day(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    """The day in the clinic's zone: "Today", "Yesterday", "Tue 24 Nov", with the year if old."""
    local, today = moment.astimezone(zone).date(), now.astimezone(zone).date()
    if local == today:
        return "Today"
    if local == today - timedelta(days=1):
        return "Yesterday"
    shown = f"{local:%a} {local.day} {local:%b}"
    return shown if local.year == today.year else f"{shown} {local.year}"


def when(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Day and time: "Today 5:30 pm"."""
    return f"{day(moment, zone, now)} {clock(moment, zone)}"


def person(name: Optional[str], phone: Optional[str], contact_id: Any) -> str:
    """What to call a contact: their WhatsApp name, else the number, else the id."""
    return name or phone or f"Contact {contact_id}"


def for_templates() -> Dict[str, Any]:
    """Everything here that a template may use."""
    return {
        "REASONS": REASONS,
        "PRIORITIES": PRIORITIES,
        "STATUSES": STATUSES,
        "VIEWS": VIEWS,
        "OUTCOMES": OUTCOMES,
        "LANGUAGES": LANGUAGES,
        "FILES": FILES,
        "KINDS": KINDS,
        "delivery": delivery,
        "who": who,
        "red_flag_words": red_flag,
        "waited": waited,
        "clock": clock,
        "day": day,
        "when": when,
        "person": person,
    }
