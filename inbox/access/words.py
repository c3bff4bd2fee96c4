"""The words of the pages about accounts and access."""

from __future__ import annotations

import json
from typing import List, Optional, Tuple

from inbox.language import t

ROLE_NAMES = {
    "front_desk": "the front desk",
    "physiotherapist": "physiotherapists",
    "manager": "managers",
}
ROLE_LABELS = {
    "front_desk": "Front desk",
    "physiotherapist": "Physiotherapist",
    "manager": "Manager",
}
MASKED = "Clinical message. Physiotherapists and managers can read it."
MASKED_NOTE = "Clinical note. Physiotherapists and managers can read it."

ACT_LABELS = {
    "signed_in": "Signed in",
    "sign_in_failed": "Sign-in failed",
    "signed_out": "Signed out",
    "signed_out_everywhere": "Signed out everywhere",
    "password_changed": "Changed password",
    "totp_set": "Turned two-step sign-in on",
    "totp_removed": "Turned two-step sign-in off",
    "staff_added": "Added an account",
    "staff_changed": "Changed a role",
    "staff_disabled": "Shut an account",
    "staff_enabled": "Opened an account",
    "staff_reset": "Reset an account",
    "token_added": "Made an API token",
    "token_revoked": "Revoked an API token",
    "webhook_added": "Added a webhook",
    "webhook_removed": "Removed a webhook",
    "viewed_clinical": "Read clinical text",
    "refused": "Was refused",
    "search": "Searched for a patient",
    "claim": "Claimed a conversation",
    "take_over": "Took a conversation over",
    "assign": "Assigned a conversation",
    "snooze": "Snoozed a conversation",
    "wake": "Woke a conversation",
    "reply": "Answered a patient",
    "template": "Sent a template",
    "resolve": "Ended a handoff",
    "keep": "Kept a conversation",
    "book": "Booked an appointment",
    "move": "Moved an appointment",
    "cancel": "Cancelled an appointment",
    "mark_arrived": "Marked a patient as arrived",
    "mark_completed": "Marked a visit as completed",
    "mark_no_show": "Marked a visit as missed",
    "plan_written": "Wrote a plan",
    "plan_delivered": "Sent a plan to the patient",
    "exercises_written": "Wrote home exercises",
    "exercises_changed": "Changed home exercises",
    "exercises_paused": "Paused home exercises",
    "exercises_resumed": "Resumed home exercises",
    "exercises_ended": "Ended home exercises",
    "guardian_confirmed": "Confirmed a guardian",
    "waitlist_joined": "Put on the waitlist",
    "waitlist_left": "Took off the waitlist",
    "waitlist_offered": "Offered a free time",
    "note": "Wrote a private note",
    "take_back": "Took a waiting answer back",
    "canned_written": "Wrote a ready answer",
    "canned_removed": "Removed a ready answer",
    "bill_issued": "Issued a bill",
    "bill_paid": "Noted a payment",
    "bill_sent": "Sent a bill to the patient",
    "bill_cancelled": "Cancelled a bill",
    "searched_audit": "Searched this log",
    "exported": "Exported",
}

WHO_ELSE = {
    "api": "The API's main token",
    "cli": "The command line",
    "nobody": "Nobody signed in",
    "worker": "The worker",
    "system": "The system",
    "chatwoot": "Chatwoot",
}
# what a subject of the log is about, before its number
SUBJECTS = {
    "contact": "Patient {id}",
    "handoff": "Handoff {id}",
    "message": "Message {id}",
    "appointment": "Visit {id}",
    "staff": "Account {id}",
    "token": "API token {id}",
    "webhook": "Webhook {id}",
    "canned": "Ready answer {id}",
    "bill": "Bill {id}",
    "audit": "This log",
    "contacts": "Patients",
    "page": "A page",
}


def act(code: str) -> str:
    """An act of the audit log in words."""
    return t(ACT_LABELS[code]) if code in ACT_LABELS else code.replace("_", " ").capitalize()


def who_else(code: str) -> str:
    """Who did something and is no person with an account: a part of the system, a program."""
    kind, _, number = code.partition(":")
    if kind == "token" and number:
        return subject_words(code)
    return t(WHO_ELSE[code]) if code in WHO_ELSE else code


def subject_words(subject: str) -> str:
    """What an act was done to: `handoff:12` is "Handoff 12"."""
    kind, _, number = subject.partition(":")
    words = SUBJECTS.get(kind)
    if words is None or ("{id}" in words and not number):
        return subject
    return t(words, id=number) if "{id}" in words else t(words)


def details(detail: Optional[str]) -> List[Tuple[str, str]]:
    """The codes and numbers of an entry, one by one."""
    if not detail:
        return []
    shown = {True: t("yes"), False: t("no"), None: "–"}
    return [
        (name, shown[value] if value is None or isinstance(value, bool) else str(value))
        for name, value in json.loads(detail).items()
    ]
