"""What patients send, as Meta sends it: one row for each shape seen in documents and the wild."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from channels.whatsapp.parse import parse_webhook
from channels.whatsapp.updates import (
    ContactCard,
    InboundMessage,
    MediaRef,
    Reaction,
    SharedLocation,
    Tap,
    WireError,
)

# id of the row: (the message without id, sender and time; the fields it fills)
Row = tuple[dict[str, Any], dict[str, Any]]

MEDIA = {"id": "900000001", "mime_type": "image/jpeg", "sha256": "c2hh"}
VOICE = {"id": "900000001", "mime_type": "audio/ogg; codecs=opus", "sha256": "c2hh"}
UNKNOWN_TYPE = {
    "code": 131051,
    "title": "Message type unknown",
    "error_data": {"details": "Message type is currently not supported."},
}
LOST_MEDIA = {"code": 131052, "title": "Media download error"}


def media(kind: str, **more: Any) -> MediaRef:
    return MediaRef(kind=kind, id="900000001", **more)  # type: ignore[arg-type]


def picture(**more: Any) -> MediaRef:
    return media("image", mime_type="image/jpeg", sha256="c2hh", **more)


ROWS: dict[str, Row] = {
    # text
    "text": ({"type": "text", "text": {"body": "book"}}, {"text": "book"}),
    "text-devanagari": (
        {"type": "text", "text": {"body": "घुटने में दर्द है"}},
        {"text": "घुटने में दर्द है"},
    ),
    "text-emoji-zwj": ({"type": "text", "text": {"body": "👨‍👩‍👧 ok"}}, {"text": "👨‍👩‍👧 ok"}),
    "text-line-breaks": ({"type": "text", "text": {"body": "a\n\nb"}}, {"text": "a\n\nb"}),
    "text-that-looks-like-a-command": (
        {"type": "text", "text": {"body": '/book{"category":"knee_hip"}'}},
        {"text": '/book{"category":"knee_hip"}'},
    ),
    "text-with-nul": ({"type": "text", "text": {"body": "a\x00b"}}, {"text": "ab"}),
    "text-with-lone-surrogate": (
        {"type": "text", "text": {"body": "a\ud83db"}},
        {"text": "a\ufffdb"},
    ),
    "text-empty": (
        {"type": "text", "text": {"body": ""}},
        {"extra": {"text": {"body": ""}}},
    ),
    "text-without-body": ({"type": "text", "text": {}}, {"extra": {"text": {}}}),
    "text-is-null": ({"type": "text", "text": None}, {"extra": {"text": None}}),
    "text-is-a-string": ({"type": "text", "text": "book"}, {"extra": {"text": "book"}}),
    "text-without-type": ({"text": {"body": "book"}}, {"type": "text", "text": "book"}),
    "text-preview-url": (
        {"type": "text", "text": {"body": "see this", "preview_url": True}},
        {"text": "see this"},
    ),
    "nothing-at-all": ({}, {"type": "unknown"}),
    # context, forwarding, advertisements
    "reply": (
        {"type": "text", "text": {"body": "yes"}, "context": {"from": "1555", "id": "wamid.Q"}},
        {"text": "yes", "reply_to": "wamid.Q"},
    ),
    "forwarded": (
        {"type": "text", "text": {"body": "x"}, "context": {"forwarded": True}},
        {"text": "x", "forwarded": True},
    ),
    "forwarded-many-times": (
        {"type": "text", "text": {"body": "x"}, "context": {"frequently_forwarded": True}},
        {"text": "x", "forwarded": True},
    ),
    "not-forwarded": (
        {"type": "text", "text": {"body": "x"}, "context": {"forwarded": False}},
        {"text": "x"},
    ),
    "context-is-null": ({"type": "text", "text": {"body": "x"}, "context": None}, {"text": "x"}),
    "context-is-a-list": ({"type": "text", "text": {"body": "x"}, "context": []}, {"text": "x"}),
    "referral": (
        {"type": "text", "text": {"body": "hi"}, "referral": {"source_type": "ad"}},
        {"text": "hi", "referral": {"source_type": "ad"}},
    ),
    "referral-on-a-picture": (
        {"type": "image", "image": MEDIA, "referral": {"source_type": "post"}},
        {"media": picture(), "referral": {"source_type": "post"}},
    ),
    "referral-is-a-string": (
        {"type": "text", "text": {"body": "hi"}, "referral": "ad"},
        {"text": "hi"},
    ),
    # files
    "image": ({"type": "image", "image": MEDIA}, {"media": picture()}),
    "image-caption": (
        {"type": "image", "image": {**MEDIA, "caption": "my MRI"}},
        {"media": picture(), "text": "my MRI"},
    ),
    "image-numeric-id": (
        {"type": "image", "image": {**MEDIA, "id": 900000001}},
        {"media": picture()},
    ),
    "image-with-url": (
        {"type": "image", "image": {**MEDIA, "url": "https://lookaside.example/x"}},
        {"media": picture()},
    ),
    "image-without-id": (
        {"type": "image", "image": {"caption": "look"}, "errors": [LOST_MEDIA]},
        {
            "text": "look",
            "errors": [WireError(131052, "Media download error", None)],
            "extra": {"image": {"caption": "look"}},
        },
    ),
    "image-is-null": ({"type": "image", "image": None}, {"extra": {"image": None}}),
    "video": (
        {"type": "video", "video": {"id": "900000001", "mime_type": "video/mp4"}},
        {"media": media("video", mime_type="video/mp4")},
    ),
    "document": (
        {
            "type": "document",
            "document": {
                "id": "900000001",
                "mime_type": "application/pdf",
                "filename": "रिपोर्ट.pdf",
                "caption": "report",
            },
        },
        {
            "media": media("document", mime_type="application/pdf", filename="रिपोर्ट.pdf"),
            "text": "report",
        },
    ),
    "document-without-filename": (
        {"type": "document", "document": {"id": "900000001"}},
        {"media": media("document")},
    ),
    "sticker": (
        {"type": "sticker", "sticker": {"id": "900000001", "mime_type": "image/webp"}},
        {"media": media("sticker", mime_type="image/webp")},
    ),
    "sticker-animated": (
        {"type": "sticker", "sticker": {"id": "900000001", "animated": True}},
        {"media": media("sticker")},
    ),
    "voice-note": (
        {"type": "audio", "audio": {**VOICE, "voice": True}},
        {"media": media("audio", mime_type="audio/ogg; codecs=opus", sha256="c2hh", voice=True)},
    ),
    "audio-file": (
        {"type": "audio", "audio": {"id": "900000001", "mime_type": "audio/mpeg"}},
        {"media": media("audio", mime_type="audio/mpeg")},
    ),
    "voice-legacy-type": (
        {"type": "voice", "voice": {"id": "900000001", "mime_type": "audio/ogg"}},
        {"media": media("audio", mime_type="audio/ogg", voice=True)},
    ),
    # places and contacts
    "location-bare-pin": (
        {"type": "location", "location": {"latitude": 12.97, "longitude": 77.59}},
        {"location": SharedLocation(12.97, 77.59)},
    ),
    "location-of-a-business": (
        {
            "type": "location",
            "location": {"latitude": 19.07, "longitude": 72.87, "name": "Gate 2", "address": "A"},
        },
        {"location": SharedLocation(19.07, 72.87, "Gate 2", "A")},
    ),
    "location-integers": (
        {"type": "location", "location": {"latitude": 13, "longitude": 77}},
        {"location": SharedLocation(13.0, 77.0)},
    ),
    "location-as-text": (
        {"type": "location", "location": {"latitude": "12.97", "longitude": "77.59"}},
        {"location": SharedLocation(12.97, 77.59)},
    ),
    "location-on-the-null-island": (
        {"type": "location", "location": {"latitude": 0, "longitude": 0}},
        {"location": SharedLocation(0.0, 0.0)},
    ),
    "location-broken": (
        {"type": "location", "location": {"latitude": "north"}},
        {"extra": {"location": {"latitude": "north"}}},
    ),
    "contact-card": (
        {
            "type": "contacts",
            "contacts": [
                {
                    "name": {"formatted_name": "Ravi Kumar"},
                    "phones": [{"phone": "+91 90000 00002", "type": "CELL"}],
                }
            ],
        },
        {"contact_cards": [ContactCard("Ravi Kumar", ["+919000000002"])]},
    ),
    "contact-card-with-whatsapp-id": (
        {
            "type": "contacts",
            "contacts": [{"phones": [{"phone": "090000-00002", "wa_id": "919000000002"}]}],
        },
        {"contact_cards": [ContactCard(None, ["+919000000002"])]},
    ),
    "contact-card-local-number": (
        {"type": "contacts", "contacts": [{"phones": [{"phone": "090000 00002"}]}]},
        {"contact_cards": [ContactCard(None, ["090000 00002"])]},
    ),
    "contact-card-without-phones": (
        {
            "type": "contacts",
            "contacts": [{"name": {"first_name": "Meena", "last_name": "Iyer"}}],
        },
        {"contact_cards": [ContactCard("Meena Iyer", [])]},
    ),
    "contact-cards-two": (
        {
            "type": "contacts",
            "contacts": [{"name": {"first_name": "A"}}, {"name": {"first_name": "B"}}],
        },
        {"contact_cards": [ContactCard("A", []), ContactCard("B", [])]},
    ),
    "contact-cards-none": ({"type": "contacts", "contacts": []}, {"extra": {"contacts": []}}),
    # taps
    "button-reply": (
        {
            "type": "interactive",
            "interactive": {"type": "button_reply", "button_reply": {"id": "t1", "title": "Yes"}},
        },
        {"tap": Tap("t1", "Yes", "button_reply")},
    ),
    "list-reply": (
        {
            "type": "interactive",
            "interactive": {
                "type": "list_reply",
                "list_reply": {"id": "t2", "title": "10:00 am", "description": "Tue 4 March"},
            },
        },
        {"tap": Tap("t2", "10:00 am", "list_reply")},
    ),
    "list-reply-without-description": (
        {
            "type": "interactive",
            "interactive": {"type": "list_reply", "list_reply": {"id": "t2", "title": "सुबह"}},
        },
        {"tap": Tap("t2", "सुबह", "list_reply")},
    ),
    "button-reply-without-inner-type": (
        {"type": "interactive", "interactive": {"button_reply": {"id": "t1", "title": "Yes"}}},
        {"tap": Tap("t1", "Yes", "button_reply")},
    ),
    "button-reply-without-id": (
        {
            "type": "interactive",
            "interactive": {"type": "button_reply", "button_reply": {"title": "Yes"}},
        },
        {"tap": Tap("", "Yes", "button_reply")},
    ),
    "button-reply-empty": (
        {"type": "interactive", "interactive": {"type": "button_reply"}},
        {"extra": {"interactive": {"type": "button_reply"}}},
    ),
    "flow-response": (
        {
            "type": "interactive",
            "interactive": {
                "type": "nfm_reply",
                "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"a":"ब"}'},
            },
        },
        {"flow_response": '{"a":"ब"}'},
    ),
    "call-permission": (
        {
            "type": "interactive",
            "interactive": {
                "type": "call_permission_reply",
                "call_permission_reply": {"response": "accept"},
            },
        },
        {
            "extra": {
                "interactive": {
                    "type": "call_permission_reply",
                    "call_permission_reply": {"response": "accept"},
                }
            }
        },
    ),
    "interactive-of-the-future": (
        {"type": "interactive", "interactive": {"type": "hologram", "hologram": {"id": "h"}}},
        {"extra": {"interactive": {"type": "hologram", "hologram": {"id": "h"}}}},
    ),
    "interactive-inner-type-is-a-list": (
        {"type": "interactive", "interactive": {"type": ["button_reply"]}},
        {"extra": {"interactive": {"type": ["button_reply"]}}},
    ),
    "template-button": (
        {
            "type": "button",
            "button": {"payload": "t3", "text": "Confirm"},
            "context": {"from": "15550783881", "id": "wamid.T"},
        },
        {"tap": Tap("t3", "Confirm", "template_button"), "reply_to": "wamid.T"},
    ),
    "template-button-without-context": (
        {"type": "button", "button": {"payload": "t3", "text": "Confirm"}},
        {"tap": Tap("t3", "Confirm", "template_button")},
    ),
    "template-button-without-payload": (
        {"type": "button", "button": {"text": "Confirm"}},
        {"tap": Tap("", "Confirm", "template_button")},
    ),
    # reactions
    "reaction": (
        {"type": "reaction", "reaction": {"message_id": "wamid.R", "emoji": "🙏🏽"}},
        {"reaction": Reaction("🙏🏽", "wamid.R")},
    ),
    "reaction-removed-empty": (
        {"type": "reaction", "reaction": {"message_id": "wamid.R", "emoji": ""}},
        {"reaction": Reaction(None, "wamid.R")},
    ),
    "reaction-removed-missing": (
        {"type": "reaction", "reaction": {"message_id": "wamid.R"}},
        {"reaction": Reaction(None, "wamid.R")},
    ),
    "reaction-is-null": ({"type": "reaction", "reaction": None}, {"extra": {"reaction": None}}),
    # the rest of Meta's types
    "order-with-a-note": (
        {"type": "order", "order": {"catalog_id": "1", "text": "urgent", "product_items": []}},
        {
            "text": "urgent",
            "extra": {"order": {"catalog_id": "1", "text": "urgent", "product_items": []}},
        },
    ),
    "system-notice": (
        {
            "type": "system",
            "system": {"type": "customer_identity_changed", "body": "Security code changed"},
        },
        {
            "extra": {
                "system": {"type": "customer_identity_changed", "body": "Security code changed"}
            }
        },
    ),
    "system-without-type": (
        {"type": "system", "system": {"body": "Something happened"}},
        {"extra": {"system": {"body": "Something happened"}}},
    ),
    "unsupported": (
        {"type": "unsupported", "errors": [UNKNOWN_TYPE]},
        {
            "errors": [
                WireError(
                    131051, "Message type unknown", "Message type is currently not supported."
                )
            ]
        },
    ),
    "unsupported-view-once": (
        {
            "type": "unsupported",
            "unsupported": {"type": "view_once"},
            "errors": [{"code": "131060", "message": "Unavailable", "error_data": "once"}],
        },
        {
            "errors": [WireError(131060, "Unavailable", "once")],
            "extra": {"unsupported": {"type": "view_once"}},
        },
    ),
    "unsupported-errors-broken": (
        {"type": "unsupported", "errors": ["oops", 131051, None]},
        {
            "errors": [
                WireError(None, "oops", None),
                WireError(131051, None, None),
                WireError(None, None, None),
            ]
        },
    ),
    "edited-text": (
        {
            "type": "edit",
            "edit": {
                "original_message_id": "wamid.E",
                "message": {"type": "text", "text": {"body": "6 pm, not 5"}},
            },
        },
        {"target_wamid": "wamid.E", "text": "6 pm, not 5"},
    ),
    "edited-caption": (
        {
            "type": "edit",
            "edit": {
                "original_message_id": "wamid.E",
                "message": {"type": "image", "image": {**MEDIA, "caption": "left knee"}},
            },
        },
        {"target_wamid": "wamid.E", "text": "left knee", "media": picture()},
    ),
    "edited-without-content": (
        {"type": "edit", "edit": {"original_message_id": "wamid.E"}},
        {"target_wamid": "wamid.E"},
    ),
    "edited-into-something-new": (
        {
            "type": "edit",
            "edit": {"original_message_id": "wamid.E", "message": {"type": "poll", "poll": 1}},
        },
        {"target_wamid": "wamid.E", "extra": {"type": "poll", "poll": 1}},
    ),
    "revoked": (
        {"type": "revoke", "revoke": {"original_message_id": "wamid.V"}},
        {"target_wamid": "wamid.V"},
    ),
    "revoked-id-at-the-top": (
        {"type": "revoke", "original_message_id": "wamid.V"},
        {"target_wamid": "wamid.V"},
    ),
    "request-welcome": ({"type": "request_welcome"}, {}),
    "type-of-the-future": (
        {"type": "hologram", "hologram": {"id": "h", "depth": 3}},
        {"extra": {"hologram": {"id": "h", "depth": 3}}},
    ),
    "type-is-a-number": ({"type": 7, "seven": 1}, {"type": "7", "extra": {"seven": 1}}),
    "type-is-a-list": (
        {"type": ["text"], "text": {"body": "x"}},
        {"type": "text", "text": "x"},
    ),
}

ENVELOPE = {"from": "919000000001", "id": "wamid.M", "timestamp": "1749416383"}


@pytest.mark.parametrize("row", ROWS)
def test_shapes_of_messages(
    webhook: Callable[..., dict[str, Any]], asha: dict[str, Any], row: str
) -> None:
    message, fields = ROWS[row]
    expected: dict[str, Any] = {
        "wamid": "wamid.M",
        "phone": "+919000000001",
        "bsuid": None,
        "profile_name": "Asha Rao",
        "sent_at": datetime(2025, 6, 8, 20, 59, 43, tzinfo=timezone.utc),
        "phone_number_id": "106540352242922",
        "type": message.get("type"),
        **fields,
    }
    body = webhook(messages=[{**ENVELOPE, **message}], contacts=[asha])
    assert parse_webhook(body) == [InboundMessage(**expected)]


def test_the_table_is_as_long_as_promised() -> None:
    assert len(ROWS) >= 80
