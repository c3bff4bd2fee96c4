"""The words of the staff's interface for codes, states and times. (Words for patients live in
the domain and the clinic's profile.)"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any, Dict, List, NamedTuple, Optional, Tuple
from zoneinfo import ZoneInfo

import phonenumbers

from clinic.calendar_words import say_day, say_rupees, say_time
from clinic.staff_replies import AUTHOR
from inbox.language import t, ui_language

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
MORNING, EVENING = time(9), time(17)
VIEWS = {
    "unclaimed": "Unclaimed",
    "mine": "Mine",
    "physiotherapists": "Physiotherapists",
    "unread": "Unread",
    "late": "Late",
    "all": "All",
    "snoozed": "Snoozed",
    "resolved": "Resolved",
}
NOTHING_IN = {
    "unclaimed": "Nobody is waiting. New conversations appear here by themselves.",
    "mine": "You have claimed no conversation.",
    "physiotherapists": "Nothing waits for the physiotherapists.",
    "unread": "Everything is read.",
    "late": "Nobody has waited too long.",
    "all": "No open conversations. The assistant is answering everybody.",
    "snoozed": "Nothing is put aside.",
    "resolved": "Nothing has been handed back yet.",
}
VISIT_STATUSES = {
    "held": "Being booked",
    "booked": "Booked",
    "confirmed": "Confirmed",
    "arrived": "Arrived",
    "completed": "Completed",
    "no_show": "Did not come",
    "cancelled": "Cancelled",
}
PURPOSES = {
    "care": "Care messages",
    "exercises": "Exercise reminders",
    "follow_up": "Follow-up after the course",
    "marketing": "News and offers",
    "all": "Messages from the clinic",
}
COURSE_STATUSES = {
    "active": "Under way",
    "finished": "Finished",
    "expired": "Its last day is over",
    "stopped": "Stopped",
}
PROGRAMME_STATUSES = {"active": "Under way", "paused": "Paused", "ended": "Ended"}
PAUSED_FOR = {
    "hurts": "Paused: the patient said that it hurts. A physiotherapist has to clear it.",
    "staff": "Paused by a physiotherapist.",
}
PRICINGS = {"package": "for the whole course", "session": "for each session"}
BILL_STATES = {"issued": "Not paid", "paid": "Paid", "cancelled": "Cancelled"}
WAYS_TO_PAY = {"cash": "Cash", "upi": "UPI", "card": "Card", "bank": "Bank transfer"}
GUARDIAN_STATES = {
    "suspected": "The patient may be under 18; nobody was asked yet.",
    "asked": "Asked who decides for the patient; no answer yet.",
    "agreed": "Agreed",
    "declined": "Declined: nothing but answers is sent.",
}
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
# by a part of the outbox's reason, what helps
WHAT_TO_DO = {
    "window closed": "Choose a template below; it goes all the same.",
    "131047": "Choose a template below; it goes all the same.",
    "131026": "Call the patient instead.",
    "unreachable": "Call the patient instead.",
    "131049": "Try again tomorrow, or call.",
    "130429": "Send it again in a minute.",
    "131056": "Send it again in a minute.",
    "131053": "Choose the file again and send it once more.",
    "too late": "Write it anew if it still matters.",
    "opted out": "Call the patient instead.",
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
        return Delivery("?", t(_UNSURE), "bad")
    if state in ("failed", "skipped"):
        return Delivery("✕", t("Not sent: {why}", why=why_not_sent(detail)), "bad")
    ticks, words, tone = _DELIVERY.get(state, Delivery("", "", "quiet"))
    return Delivery(ticks, t(words) if words else "", tone)


def why_not_sent(detail: Optional[str]) -> str:
    """A failure or skip reason of the outbox in plain words, with the code where there is one."""
    text = (detail or "").strip()
    for known, words in WHY_NOT_SENT.items():
        if not known.isdigit() and known in text.lower():
            return t(words)
    code = _CODE.search(text)
    if code is not None:
        words = t(WHY_NOT_SENT.get(code[0], "WhatsApp refused it"))
        return t("{why} (code {code})", why=words, code=code[0])
    return text.replace("_", " ") or t("no reason was given")


def what_to_do(detail: Optional[str]) -> str:
    """What whoever reads a failure can do about it; empty where there is nothing to do."""
    text = (detail or "").lower()
    for mark, advice in WHAT_TO_DO.items():
        if mark in text:
            return t(advice)
    return ""


def who(author: str, patient: str) -> str:
    """Who wrote a bubble."""
    if author.startswith(AUTHOR):
        return author[len(AUTHOR) :]
    return {"bot": t("Assistant"), "patient": patient}.get(author, author)


def red_flag(category: Optional[str]) -> str:
    """A red-flag category as words: `chest_pain` is "chest pain"."""
    return t((category or "").replace("_", " "))


def intent_words(intent: str) -> str:
    """An intent as words: `faq_parking` is "Parking"."""
    return t(intent.removeprefix("faq_").replace("_", " ").capitalize())


def waited(since: datetime, now: datetime) -> str:
    """How long somebody has waited: "just now", "12 min", "3 h 05", "2 d 4 h"."""
    return minutes_words(int((now - since).total_seconds() // 60))


def minutes_words(minutes: int) -> str:
    """Some minutes: "just now", "12 min", "3 h 05", "2 d 4 h"."""
    if minutes < 1:
        return t("just now")
    if minutes < 60:
        return t("{n} min", n=minutes)
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return t("{n} h {m}", n=hours, m=f"{rest:02d}")
    days, hours = divmod(hours, 24)
    return t("{n} d {m} h", n=days, m=hours)


def target_words(left: int) -> str:
    """How a handoff stands against its response target, in minutes of opening time."""
    if left < 0:
        return t("{time} late", time=minutes_words(-left))
    return t("{n} min left", n=left) if left < 60 else t("{time} left", time=minutes_words(left))


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """The time of day in the clinic's zone: "5:30 pm"."""
    return say_time(moment.astimezone(zone).time(), ui_language())


def day(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    """The day in the clinic's zone: "Today", "Yesterday", "Tue 24 Nov", with the year if old."""
    return date_words(moment.astimezone(zone).date(), now.astimezone(zone).date())


def date_words(local: date, today: date) -> str:
    """A day as seen from today: "Today", "Tomorrow", "Tue 24 Nov", with the year if another."""
    near = {-1: "Yesterday", 0: "Today", 1: "Tomorrow"}.get((local - today).days)
    if near is not None:
        return t(near)
    shown = say_day(local, ui_language())
    return shown if local.year == today.year else f"{shown} {local.year}"


def when(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Day and time: "Today 5:30 pm"."""
    return f"{day(moment, zone, now)} {clock(moment, zone)}"


def when_within(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    """`when` inside a sentence: "today 5:30 pm"."""
    days = (moment.astimezone(zone).date() - now.astimezone(zone).date()).days
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get(days)
    return f"{t(near)} {clock(moment, zone)}" if near else when(moment, zone, now)


def phone_words(phone: str) -> str:
    """A number as people read it: "+91 90000 00101"; as it is where it is none."""
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return phone
    form = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return str(phonenumbers.format_number(number, form))


def snooze_times(now: datetime, zone: ZoneInfo) -> List[Tuple[str, str]]:
    """Until when something can be put aside: ISO moments and their words."""
    local = now.astimezone(zone).replace(second=0, microsecond=0)
    hour = local.replace(minute=local.minute - local.minute % 15)
    choices = [hour + timedelta(hours=1), hour + timedelta(hours=3)]
    for days, at in ((0, EVENING), (1, MORNING), (2, MORNING), (7, MORNING)):
        moment = datetime.combine(local.date() + timedelta(days=days), at, zone)
        if moment > local and moment not in choices:
            choices.append(moment)
    return [(one.isoformat(), when(one, zone, now)) for one in sorted(choices)]


def person(name: Optional[str], phone: Optional[str], contact_id: Any) -> str:
    """What to call a contact: their WhatsApp name, else the number, else the id."""
    return name or (phone_words(phone) if phone else t("Contact {id}", id=contact_id))


def for_templates() -> Dict[str, Any]:
    """Everything here that a template may use."""
    return {
        "REASONS": REASONS,
        "PRIORITIES": PRIORITIES,
        "STATUSES": STATUSES,
        "VIEWS": VIEWS,
        "NOTHING_IN": NOTHING_IN,
        "OUTCOMES": OUTCOMES,
        "LANGUAGES": LANGUAGES,
        "FILES": FILES,
        "KINDS": KINDS,
        "VISIT_STATUSES": VISIT_STATUSES,
        "PURPOSES": PURPOSES,
        "COURSE_STATUSES": COURSE_STATUSES,
        "PRICINGS": PRICINGS,
        "PROGRAMME_STATUSES": PROGRAMME_STATUSES,
        "PAUSED_FOR": PAUSED_FOR,
        "GUARDIAN_STATES": GUARDIAN_STATES,
        "BILL_STATES": BILL_STATES,
        "WAYS_TO_PAY": WAYS_TO_PAY,
        "rupees": say_rupees,
        "delivery": delivery,
        "what_to_do": what_to_do,
        "who": who,
        "red_flag_words": red_flag,
        "intent_words": intent_words,
        "waited": waited,
        "target_words": target_words,
        "clock": clock,
        "day": day,
        "date_words": date_words,
        "when": when,
        "when_within": when_within,
        "phone_words": phone_words,
        "person": person,
    }
