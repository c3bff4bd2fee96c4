"""Every webhook Meta publishes gives what it says."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from channels.whatsapp.parse import parse_webhook
from channels.whatsapp.updates import (
    ContactCard,
    ContactChange,
    Ignored,
    InboundMessage,
    MediaRef,
    Reaction,
    SharedLocation,
    Tap,
    WireError,
)

# name of the example: (type of the message, the fields it fills besides who and when)
MESSAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "Text Message": ("text", {"text": "Does it come in another color?"}),
    "Text Message with Context (Product Inquiry)": (
        "text",
        {
            "text": "Is this still available?",
            "reply_to": "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGA9wcm9kdWN0X2lucXVpcnkA",
        },
    ),
    "Reaction Message": (
        "reaction",
        {"reaction": Reaction("👍", "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI0RTJEOTc2ODVERUY5RDlGNkYA")},
    ),
    "Image Message": (
        "image",
        {
            "text": "Taj Mahal",
            "media": MediaRef(
                kind="image",
                id="1003383421387256",
                mime_type="image/jpeg",
                sha256="SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=",
            ),
        },
    ),
    "Location Message": (
        "location",
        {
            "location": SharedLocation(
                37.44221496582,
                -122.16165924072,
                "Philz Coffee",
                "101 Forest Ave, Palo Alto, CA 94301",
                "https://philzcoffee.com/",
            )
        },
    ),
    "Contact Sharing Message": (
        "contacts",
        {"contact_cards": [ContactCard("Lucía Gómez", ["+19835552319"])]},
    ),
    "Unsupported Message": (
        "unsupported",
        {
            "errors": [
                WireError(
                    131051, "Message type unknown", "Message type is currently not supported."
                )
            ]
        },
    ),
    "Button Message": (
        "button",
        {
            "tap": Tap("Unsubscribe", "Unsubscribe", "template_button"),
            "reply_to": "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBJFNjk2OTMwNEZCQjhGMzUyQUYA",
        },
    ),
    "Interactive List Reply Message": (
        "interactive",
        {
            "tap": Tap("priority_express", "Priority Mail Express", "list_reply"),
            "reply_to": "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBJGMzEyNzhENTZDMzNGODlDRDgA",
        },
    ),
    "Interactive Button Reply Message": (
        "interactive",
        {
            "tap": Tap("cancel-button", "Cancel", "button_reply"),
            "reply_to": "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI3MEM2RUJFNkI0RENGQTVDRjUA",
        },
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_published_messages(webhook_examples: dict[str, Any], name: str) -> None:
    body = webhook_examples[name]
    written = body["entry"][0]["changes"][0]["value"]["messages"][0]
    kind, fields = MESSAGES[name]
    assert parse_webhook(body) == [
        InboundMessage(
            wamid=written["id"],
            phone="+16505551234",
            bsuid=None,
            profile_name="Sheena Nelson",
            sent_at=datetime.fromtimestamp(int(written["timestamp"]), tz=timezone.utc),
            phone_number_id="106540352242922",
            type=kind,
            **fields,
        )
    ]


def test_published_message_from_an_advertisement(webhook_examples: dict[str, Any]) -> None:
    [update] = parse_webhook(webhook_examples["Text Message from Click to WhatsApp Ad"])
    assert isinstance(update, InboundMessage)
    assert update.text == "Hello! Can I get more info on this?"
    assert update.referral is not None
    assert update.referral["source_id"] == "120226305854810726"
    assert update.referral["ctwa_clid"].startswith("Aff-n8ZTODiE79d22KtAwQKj9e")


def test_published_order(webhook_examples: dict[str, Any]) -> None:
    [update] = parse_webhook(webhook_examples["Order Message"])
    assert isinstance(update, InboundMessage)
    assert (update.type, update.text) == ("order", None)
    assert update.extra is not None
    assert [item["quantity"] for item in update.extra["order"]["product_items"]] == [2, 1]


def test_published_change_of_number(webhook_examples: dict[str, Any]) -> None:
    assert parse_webhook(webhook_examples["System Message"]) == [
        ContactChange(
            wamid="wamid.HBgLMTk4MzU1NTE5NzQVAgASGAoxMTgyMDg2MjY3AA==",
            old_phone="+16505551234",
            new_phone="+12195555358",
            old_bsuid=None,
            new_bsuid=None,
            sent_at=datetime(2025, 6, 18, 17, 55, 42, tzinfo=timezone.utc),
        )
    ]


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Group Create Message", "group_lifecycle_update"),
        ("Group Settings Update", "group_settings_update"),
        ("Group Remove Participants", "group_participants_update"),
    ],
)
def test_published_group_events_are_ignored(
    webhook_examples: dict[str, Any], name: str, field: str
) -> None:
    assert parse_webhook(webhook_examples[name]) == [Ignored(field)]


def test_no_published_webhook_is_left_out_here(webhook_examples: dict[str, Any]) -> None:
    elsewhere = {
        "Text Message from Click to WhatsApp Ad",
        "Order Message",
        "System Message",
        "Group Create Message",
        "Group Settings Update",
        "Group Remove Participants",
    }
    assert set(webhook_examples) == set(MESSAGES) | elsewhere
