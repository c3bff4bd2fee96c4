"""Whose message it is: numbers, business-scoped ids, names, and times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from channels.whatsapp.parse import parse_webhook
from channels.whatsapp.updates import DeadLetter, InboundMessage

Webhook = Callable[..., dict[str, Any]]

TEXT = {"id": "wamid.M", "timestamp": "1749416383", "type": "text", "text": {"body": "hi"}}
A = {"profile": {"name": "Asha"}, "wa_id": "919000000001"}
B = {"profile": {"name": "Bala"}, "wa_id": "919000000002"}
BSUID = "IN.13491208655302741918"
HIDDEN = {"profile": {"name": "Chitra", "username": "chitra"}, "user_id": BSUID}
BOTH = {"profile": {"name": "Devi"}, "wa_id": "919000000004", "user_id": "IN.4"}
BARE = {"wa_id": "919000000001"}

# (ids in the message, contacts of the change) -> (phone, bsuid, name)
SENDERS: dict[str, tuple[dict[str, Any], Any, tuple[str | None, str | None, str | None]]] = {
    "number": ({"from": "919000000001"}, [A], ("+919000000001", None, "Asha")),
    "number-with-plus": ({"from": "+919000000001"}, [A], ("+919000000001", None, "Asha")),
    "number-as-integer": ({"from": 919000000001}, [A], ("+919000000001", None, "Asha")),
    "number-written-for-people": (
        {"from": "+91 90000-00001"},
        [A],
        ("+919000000001", None, "Asha"),
    ),
    "test-number-of-meta": ({"from": "15550783881"}, [], ("+15550783881", None, None)),
    "mexican-id-stays-as-it-is": ({"from": "5215500000000"}, [], ("+5215500000000", None, None)),
    "second-of-two-contacts": ({"from": "919000000002"}, [A, B], ("+919000000002", None, "Bala")),
    "bsuid-only": ({"from_user_id": BSUID}, [HIDDEN], (None, BSUID, "Chitra")),
    "bsuid-only-without-contacts": ({"from_user_id": BSUID}, None, (None, BSUID, None)),
    "bsuid-lends-the-number": ({"from_user_id": "IN.4"}, [BOTH], ("+919000000004", "IN.4", "Devi")),
    "number-lends-the-bsuid": (
        {"from": "919000000004"},
        [A, BOTH],
        ("+919000000004", "IN.4", "Devi"),
    ),
    "both": (
        {"from": "919000000004", "from_user_id": "IN.4"},
        [BOTH],
        ("+919000000004", "IN.4", "Devi"),
    ),
    "both-and-a-contact-with-another-bsuid": (
        {"from": "919000000004", "from_user_id": "IN.5"},
        [A, BOTH],
        ("+919000000004", "IN.5", None),
    ),
    "no-sender-but-one-contact": ({}, [HIDDEN], (None, BSUID, "Chitra")),
    "from-is-null": ({"from": None}, [A], ("+919000000001", None, "Asha")),
    "contact-without-profile": ({"from": "919000000001"}, [BARE], ("+919000000001", None, None)),
    "profile-is-null": (
        {"from": "919000000001"},
        [{**BARE, "profile": None}],
        ("+919000000001", None, None),
    ),
    "name-is-empty": (
        {"from": "919000000001"},
        [{**BARE, "profile": {"name": ""}}],
        ("+919000000001", None, None),
    ),
    "only-contact-lends-its-name": ({"from": "919000000009"}, [A], ("+919000000009", None, "Asha")),
    "contacts-is-an-object": ({"from": "919000000001"}, A, ("+919000000001", None, None)),
    "contacts-holds-rubbish": (
        {"from": "919000000001"},
        [None, 3, "x", [], A],
        ("+919000000001", None, "Asha"),
    ),
}


@pytest.mark.parametrize("row", SENDERS)
def test_who_sent_it(webhook: Webhook, row: str) -> None:
    ids, contacts, expected = SENDERS[row]
    [update] = parse_webhook(webhook(messages=[{**TEXT, **ids}], contacts=contacts))
    assert isinstance(update, InboundMessage)
    assert (update.phone, update.bsuid, update.profile_name) == expected


@pytest.mark.parametrize(
    ("ids", "contacts"),
    [
        ({}, None),
        ({}, [A, B]),
        ({"from": ""}, []),
        ({"from": "not a number"}, []),
        ({"from": True}, []),
        ({"from": "IN.13491208655302741918"}, []),
        ({"from": {"wa_id": "919000000001"}}, []),
        ({"from": "९१९०००००००००१"}, []),
    ],
)
def test_a_message_of_nobody_is_kept_for_a_person(
    webhook: Webhook, ids: dict[str, Any], contacts: Any
) -> None:
    message = {**TEXT, **ids}
    body = webhook(messages=[message], contacts=contacts)
    assert parse_webhook(body) == [DeadLetter("message without sender", message)]


def test_nobody_gets_the_name_or_id_of_a_neighbour_in_the_batch(webhook: Webhook) -> None:
    """One contact, two messages: the contact's ids and name stay with its own message."""
    messages = [{**TEXT, "from": "919000000004"}, {**TEXT, "from": "919000000009"}]
    known, stranger = parse_webhook(webhook(messages=messages, contacts=[BOTH]))
    assert isinstance(known, InboundMessage)
    assert isinstance(stranger, InboundMessage)
    assert (known.bsuid, known.profile_name) == ("IN.4", "Devi")
    assert (stranger.bsuid, stranger.profile_name) == (None, None)


def test_two_messages_without_sender_do_not_both_belong_to_the_only_contact(
    webhook: Webhook,
) -> None:
    updates = parse_webhook(webhook(messages=[TEXT, TEXT], contacts=[A]))
    assert [type(update) for update in updates] == [DeadLetter, DeadLetter]


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ("1749416383", datetime(2025, 6, 8, 20, 59, 43, tzinfo=timezone.utc)),
        (1749416383, datetime(2025, 6, 8, 20, 59, 43, tzinfo=timezone.utc)),
        (" 1749416383 ", datetime(2025, 6, 8, 20, 59, 43, tzinfo=timezone.utc)),
        (None, None),
        ("", None),
        ("yesterday", None),
        ("0", None),
        (-1, None),
        (True, None),
        (1749416383.5, None),
        ("1749416383000", None),
        (10**30, None),
        ("9" * 5000, None),
        (["1749416383"], None),
    ],
)
def test_times(webhook: Webhook, timestamp: Any, expected: datetime | None) -> None:
    message = {**TEXT, "from": "919000000001", "timestamp": timestamp}
    [update] = parse_webhook(webhook(messages=[message]))
    assert isinstance(update, InboundMessage)
    assert update.sent_at == expected


def test_a_message_without_any_time_is_delivered(webhook: Webhook) -> None:
    message = {key: value for key, value in TEXT.items() if key != "timestamp"}
    [update] = parse_webhook(webhook(messages=[{**message, "from": "919000000001"}]))
    assert isinstance(update, InboundMessage)
    assert (update.text, update.sent_at) == ("hi", None)
