"""Statuses, changed numbers, marketing preferences, and everything that is not for a clinic."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from channels.whatsapp import parse
from channels.whatsapp.parse import parse_webhook
from channels.whatsapp.updates import (
    ContactChange,
    DeadLetter,
    DeliveryStatus,
    Ignored,
    InboundMessage,
    MarketingPreference,
    Update,
    WireError,
)

Webhook = Callable[..., dict[str, Any]]

AT = datetime(2025, 6, 8, 20, 59, 43, tzinfo=timezone.utc)
STATUS = {"id": "wamid.S", "timestamp": "1749416383", "recipient_id": "919000000001"}
PRICING = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"}
FAILED = {
    "code": 131026,
    "title": "Message undeliverable",
    "message": "Message undeliverable",
    "error_data": {"details": "Unable to deliver."},
    "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
}


def status(name: Any, **fields: Any) -> DeliveryStatus:
    known: dict[str, Any] = {
        "wamid": "wamid.S",
        "status": name,
        "at": AT,
        "phone": "+919000000001",
        "phone_number_id": "106540352242922",
        **fields,
    }
    return DeliveryStatus(**known)


# id: (status as sent, contacts, update)
STATUSES: dict[str, tuple[dict[str, Any], Any, Update]] = {
    "sent-with-conversation": (
        {
            **STATUS,
            "status": "sent",
            "conversation": {"id": "c", "origin": {"type": "utility"}},
            "pricing": PRICING,
            "biz_opaque_callback_data": "outbox-17",
        },
        None,
        status("sent", pricing=PRICING, client_ref="outbox-17"),
    ),
    "delivered": ({**STATUS, "status": "delivered"}, None, status("delivered")),
    "read": ({**STATUS, "status": "read"}, None, status("read")),
    "played": ({**STATUS, "status": "played"}, None, status("played")),
    "type-message": ({**STATUS, "status": "read", "type": "message"}, None, status("read")),
    "failed": (
        {**STATUS, "status": "failed", "errors": [FAILED]},
        None,
        status("failed", errors=[WireError(131026, "Message undeliverable", "Unable to deliver.")]),
    ),
    "failed-sparse-contacts": (
        {**STATUS, "status": "failed", "errors": [FAILED]},
        [{"wa_id": "919000000001"}],
        status("failed", errors=[WireError(131026, "Message undeliverable", "Unable to deliver.")]),
    ),
    "failed-error-data-is-a-string": (
        {**STATUS, "status": "failed", "errors": [{"code": 131049, "error_data": "held"}]},
        None,
        status("failed", errors=[WireError(131049, None, "held")]),
    ),
    "failed-code-is-a-string": (
        {**STATUS, "status": "failed", "errors": [{"code": "131047", "title": "Re-engagement"}]},
        None,
        status("failed", errors=[WireError(131047, "Re-engagement", None)]),
    ),
    "failed-errors-is-an-object": (
        {**STATUS, "status": "failed", "errors": {"code": 131026}},
        None,
        status("failed"),
    ),
    "failed-without-errors": ({**STATUS, "status": "failed"}, None, status("failed")),
    "pricing-without-billable": (
        {**STATUS, "status": "sent", "pricing": {"category": "service"}},
        None,
        status("sent", pricing={"category": "service"}),
    ),
    "pricing-is-null": ({**STATUS, "status": "sent", "pricing": None}, None, status("sent")),
    "recipient-is-a-bsuid": (
        {
            "id": "wamid.S",
            "timestamp": "1749416383",
            "status": "read",
            "recipient_user_id": "IN.7",
        },
        None,
        status("read", phone=None, bsuid="IN.7"),
    ),
    "recipient-both": (
        {**STATUS, "status": "read", "recipient_user_id": "IN.7"},
        None,
        status("read", bsuid="IN.7"),
    ),
    "recipient-from-contacts": (
        {"id": "wamid.S", "timestamp": "1749416383", "status": "delivered"},
        [{"profile": {"name": "X"}, "user_id": "IN.7", "wa_id": "919000000001"}],
        status("delivered", bsuid="IN.7"),
    ),
    "recipient-absent": (
        {"id": "wamid.S", "timestamp": "1749416383", "status": "sent"},
        None,
        status("sent", phone=None),
    ),
    "time-is-an-integer": (
        {**STATUS, "status": "read", "timestamp": 1749416383},
        None,
        status("read"),
    ),
    "time-absent": (
        {"id": "wamid.S", "recipient_id": "919000000001", "status": "read"},
        None,
        status("read", at=None),
    ),
    "unknown-name": ({**STATUS, "status": "warning"}, None, Ignored("status warning")),
    "payment": (
        {**STATUS, "status": "failed", "type": "payment"},
        None,
        Ignored("status of type payment"),
    ),
    "group": (
        {**STATUS, "status": "read", "recipient_type": "group"},
        None,
        Ignored("status of a group message"),
    ),
    "without-id": (
        {"status": "read"},
        None,
        DeadLetter("status without message id or name", {"status": "read"}),
    ),
    "without-name": (STATUS, None, DeadLetter("status without message id or name", STATUS)),
}


@pytest.mark.parametrize("row", STATUSES)
def test_statuses(webhook: Webhook, row: str) -> None:
    sent, contacts, expected = STATUSES[row]
    assert parse_webhook(webhook(statuses=[sent], contacts=contacts)) == [expected]


SYSTEM = {"id": "wamid.C", "timestamp": "1749416383", "type": "system"}

# id: (message fields, system object, (old phone, new phone, old bsuid, new bsuid))
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str | None, ...]]] = {
    "number": (
        {"from": "919000000001"},
        {"type": "user_changed_number", "wa_id": "919000000002"},
        ("+919000000001", "+919000000002", None, None),
    ),
    "number-and-bsuid": (
        {"from": "919000000001"},
        {
            "type": "user_changed_number",
            "wa_id": "919000000002",
            "previous_user_id": "IN.1",
            "user_id": "IN.2",
        },
        ("+919000000001", "+919000000002", "IN.1", "IN.2"),
    ),
    "number-old-name-of-the-event": (
        {"from": "919000000001"},
        {"type": "customer_changed_number", "wa_id": "919000000001", "new_wa_id": "919000000002"},
        ("+919000000001", "+919000000002", None, None),
    ),
    "bsuid": (
        {},
        {"type": "user_changed_user_id", "previous_user_id": "IN.1", "user_id": "IN.2"},
        (None, None, "IN.1", "IN.2"),
    ),
    "bsuid-with-the-old-one-as-sender": (
        {"from_user_id": "IN.1"},
        {"type": "user_changed_user_id", "user_id": "IN.2"},
        (None, None, "IN.1", "IN.2"),
    ),
    "bsuid-of-a-known-number": (
        {"from": "919000000001", "from_user_id": "IN.2"},
        {"type": "user_changed_user_id", "user_id": "IN.2"},
        ("+919000000001", None, None, "IN.2"),
    ),
}


@pytest.mark.parametrize("row", CHANGES)
def test_changed_identities(webhook: Webhook, row: str) -> None:
    fields, system, ids = CHANGES[row]
    body = webhook(messages=[{**SYSTEM, **fields, "system": system}])
    assert parse_webhook(body) == [ContactChange("wamid.C", *ids, AT)]


def test_a_change_from_or_to_nobody_is_kept_for_a_person(webhook: Webhook) -> None:
    message = {**SYSTEM, "from": "919000000001", "system": {"type": "user_changed_number"}}
    [update] = parse_webhook(webhook(messages=[message]))
    assert update == DeadLetter("contact change without an old or a new identity", message)


PREFERENCE = {
    "wa_id": "919000000001",
    "detail": "User requested to stop marketing messages",
    "category": "marketing_messages",
    "value": "stop",
    "timestamp": 1749416383,
}

# id: (preference, contacts, update)
PREFERENCES: dict[str, tuple[dict[str, Any], Any, Update]] = {
    "stop": (PREFERENCE, None, MarketingPreference("+919000000001", None, "stop", AT)),
    "resume": (
        {**PREFERENCE, "value": "resume", "timestamp": "1749416383"},
        None,
        MarketingPreference("+919000000001", None, "resume", AT),
    ),
    "bsuid": (
        {**PREFERENCE, "wa_id": None, "user_id": "IN.7"},
        None,
        MarketingPreference(None, "IN.7", "stop", AT),
    ),
    "who-is-in-contacts": (
        {key: value for key, value in PREFERENCE.items() if key != "wa_id"},
        [{"wa_id": "919000000001"}],
        MarketingPreference("+919000000001", None, "stop", AT),
    ),
    "another-category": (
        {**PREFERENCE, "category": "service_messages"},
        None,
        Ignored("preference about service_messages"),
    ),
    "neither-stop-nor-resume": (
        {**PREFERENCE, "value": "maybe"},
        None,
        DeadLetter(
            "marketing preference is neither stop nor resume", {**PREFERENCE, "value": "maybe"}
        ),
    ),
    "of-nobody": (
        {**PREFERENCE, "wa_id": None},
        None,
        DeadLetter("marketing preference of nobody", {**PREFERENCE, "wa_id": None}),
    ),
}


@pytest.mark.parametrize("row", PREFERENCES)
def test_marketing_preferences(webhook: Webhook, row: str) -> None:
    preference, contacts, expected = PREFERENCES[row]
    body = webhook("user_preferences", user_preferences=[preference], contacts=contacts)
    assert parse_webhook(body) == [expected]


TEXT = {"from": "919000000001", "id": "wamid.1", "type": "text", "text": {"body": "hi"}}


def test_group_messages_are_ignored(webhook: Webhook) -> None:
    assert parse_webhook(webhook(messages=[{**TEXT, "group_id": "g"}])) == [
        Ignored("group message")
    ]


@pytest.mark.parametrize("named", [None, "", " ", [], {}, 1.5, True, "w" * 1001, "क" * 334])
def test_a_message_without_id_is_kept_for_a_person(webhook: Webhook, named: Any) -> None:
    message = {"id": named, "from": "919000000001", "type": "text", "text": {"body": "hi"}}
    assert parse_webhook(webhook(messages=[message])) == [DeadLetter("message without id", message)]


def test_webhook_level_errors_are_ignored_with_their_code(webhook: Webhook) -> None:
    body = webhook(errors=[{"code": 130429, "title": "Rate limit hit"}])
    assert parse_webhook(body) == [Ignored("webhook error 130429")]


@pytest.mark.parametrize(
    "field", ["account_update", "standby", "smb_message_echoes", "history", "field_of_2031"]
)
def test_other_fields_are_ignored_even_with_messages_inside(webhook: Webhook, field: str) -> None:
    assert parse_webhook(webhook(field, messages=[TEXT])) == [Ignored(field)]


def test_a_change_without_field_is_read_as_messages(envelope: Webhook) -> None:
    [update] = parse_webhook(envelope({"value": {"messages": [TEXT]}}))
    assert isinstance(update, InboundMessage)
    assert update.phone_number_id is None


def test_a_change_of_messages_that_holds_none(webhook: Webhook) -> None:
    assert parse_webhook(webhook()) == [Ignored("messages without updates")]


# id: (webhook body, reason of the dead letter, what it keeps)
UNREADABLE: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "body-is-null": (None, "webhook body is not an object", {"value": None}),
    "body-is-a-list": ([1], "webhook body is not an object", {"value": [1]}),
    "body-is-text": ("hello", "webhook body is not an object", {"value": "hello"}),
    "body-is-empty": ({}, "webhook has no list of entries", {}),
    "entry-is-an-object": (
        {"entry": {"a": 1}},
        "webhook has no list of entries",
        {"entry": {"a": 1}},
    ),
    "entry-is-text": ({"entry": ["x"]}, "entry has no list of changes", {"value": "x"}),
    "no-changes": ({"entry": [{"id": "1"}]}, "entry has no list of changes", {"id": "1"}),
    "change-is-null": (
        {"entry": [{"changes": [None]}]},
        "change is not an object",
        {"value": None},
    ),
    "value-is-null": (
        {"entry": [{"changes": [{"field": "messages", "value": None}]}]},
        "change has no value object",
        {"field": "messages", "value": None},
    ),
    "messages-is-an-object": (
        {"entry": [{"changes": [{"value": {"messages": {"a": 1}}}]}]},
        "messages is not a list",
        {"messages": {"a": 1}},
    ),
    "message-is-text": (
        {"entry": [{"changes": [{"value": {"messages": ["hi"]}}]}]},
        "element of messages is not an object",
        {"value": "hi"},
    ),
    "status-is-null": (
        {"entry": [{"changes": [{"value": {"statuses": [None]}}]}]},
        "element of statuses is not an object",
        {"value": None},
    ),
}


@pytest.mark.parametrize("row", UNREADABLE)
def test_what_cannot_be_opened_is_kept(row: str) -> None:
    body, reason, raw = UNREADABLE[row]
    assert parse_webhook(body) == [DeadLetter(reason, raw)]


def test_a_webhook_of_another_product_is_ignored() -> None:
    assert parse_webhook({"object": "page", "entry": []}) == [Ignored("webhook of another product")]


def test_everything_in_a_large_batch_is_read_in_order(webhook: Webhook) -> None:
    """1,000 updates over 10 entries of 4 changes, every 100th of them broken."""
    entries, sent, expected = [], 0, []
    for _ in range(10):
        changes = []
        for kind in ("messages", "statuses", "messages", "statuses"):
            items: list[Any] = []
            for _ in range(25):
                sent += 1
                wamid = f"wamid.{sent}"
                if sent % 100 == 0:
                    items.append("broken")
                    expected.append(None)
                    continue
                expected.append(wamid)
                items.append(
                    {**TEXT, "id": wamid}
                    if kind == "messages"
                    else {**STATUS, "id": wamid, "status": "sent"}
                )
            changes.append({"field": "messages", "value": {kind: items}})
        entries.append({"id": "1", "changes": changes})
    updates = parse_webhook({"object": "whatsapp_business_account", "entry": entries})
    assert len(updates) == 1000
    assert [getattr(update, "wamid", None) for update in updates] == expected
    assert sum(isinstance(update, DeadLetter) for update in updates) == 10


def test_messages_and_statuses_in_one_value_are_both_read(webhook: Webhook) -> None:
    updates = parse_webhook(webhook(messages=[TEXT], statuses=[{**STATUS, "status": "sent"}]))
    assert [type(update) for update in updates] == [InboundMessage, DeliveryStatus]


def test_a_reader_that_fails_costs_its_neighbours_nothing(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails_once(message: dict[str, Any], around: Any) -> Update:
        if message["id"] == "wamid.1":
            raise KeyError("words of a patient")
        return Ignored("fine")

    monkeypatch.setitem(parse._READERS, "messages", fails_once)
    updates = parse_webhook(webhook(messages=[TEXT, {**TEXT, "id": "wamid.2"}]))
    assert updates == [DeadLetter("reader of messages failed: KeyError", TEXT), Ignored("fine")]
