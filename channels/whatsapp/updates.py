"""What a webhook can tell us, as plain values.

Every object is frozen; lists and dicts inside are not to be changed. All times are aware UTC
datetimes, or None where Meta sent none that can be read. All phones are E.164 with a leading
`+`. `bsuid` is Meta's business-scoped user id, the only identity of a patient who hides the
phone number behind a username.

A wamid contains the patient's phone number in base64: keep it out of logs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple


class WireError(NamedTuple):
    """An error as Meta reports it inside a webhook; decide on `code` (see `errors.classify`)."""

    code: int | None
    title: str | None
    details: str | None


class Reaction(NamedTuple):
    """An emoji on the message `target`; `emoji` is None when the patient took it back."""

    emoji: str | None
    target: str | None


@dataclass(frozen=True)
class Tap:
    """A button or list row the patient tapped; `id` is "" where Meta sent none."""

    id: str
    title: str
    source: Literal["button_reply", "list_reply", "template_button"]


@dataclass(frozen=True)
class MediaRef:
    """A file to be fetched by `id` within 7 days; the legacy `voice` type is `audio` here."""

    kind: Literal["image", "video", "document", "sticker", "audio"]
    id: str
    mime_type: str | None = None
    sha256: str | None = None
    filename: str | None = None
    voice: bool = False


@dataclass(frozen=True)
class SharedLocation:
    """A pin from the patient, degrees as in WGS 84; a bare pin has no name and no address."""

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class ContactCard:
    """A shared contact; phones are E.164 where that can be told, else as the card has them."""

    name: str | None
    phones: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class InboundMessage:
    """Something a patient sent. At least one of `phone` and `bsuid` is known.

    `type` is WhatsApp's own word, also for types that did not exist when this was written.
    `text` is only what the patient typed (a text, a caption, an edited text, a note on an
    order), never words that Meta or a button supplied.
    `extra` is the message's own content as received, for what no other field holds (order,
    system notice, call permission, unknown types, malformed content).
    """

    wamid: str
    phone: str | None
    bsuid: str | None
    profile_name: str | None
    sent_at: datetime | None
    phone_number_id: str | None
    type: str
    text: str | None = None
    tap: Tap | None = None
    media: MediaRef | None = None
    location: SharedLocation | None = None
    contact_cards: list[ContactCard] = field(default_factory=list)
    flow_response: str | None = None
    reaction: Reaction | None = None
    reply_to: str | None = None
    forwarded: bool = False
    referral: dict[str, Any] | None = None
    target_wamid: str | None = None
    errors: list[WireError] = field(default_factory=list)
    extra: dict[str, Any] | None = None


@dataclass(frozen=True)
class ContactChange:
    """A patient's phone number or BSUID changed; one old and one new identity are known."""

    wamid: str
    old_phone: str | None
    new_phone: str | None
    old_bsuid: str | None
    new_bsuid: str | None
    sent_at: datetime | None


@dataclass(frozen=True)
class DeliveryStatus:
    """How far a message of ours got. They arrive in any order and `delivered` may be skipped."""

    wamid: str
    status: Literal["sent", "delivered", "read", "played", "failed"]
    at: datetime | None
    phone: str | None = None
    bsuid: str | None = None
    phone_number_id: str | None = None
    client_ref: str | None = None
    errors: list[WireError] = field(default_factory=list)
    pricing: dict[str, Any] | None = None


@dataclass(frozen=True)
class MarketingPreference:
    """The patient used WhatsApp's own switch for marketing messages."""

    phone: str | None
    bsuid: str | None
    value: Literal["stop", "resume"]
    at: datetime | None


@dataclass(frozen=True)
class TemplateChange:
    """WhatsApp reviewed a template, or counts it as another category; None is what did not change.

    `status` is Meta's word: `APPROVED`, `REJECTED`, `PAUSED`, `DISABLED`, …
    """

    name: str
    language: str
    status: str | None = None
    category: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Ignored:
    """Understood, and of no concern to a clinic; `reason` names the field or the cause."""

    reason: str


@dataclass(frozen=True)
class DeadLetter:
    """An update that could not be read: keep `raw` for a person, acknowledge the webhook.

    `raw` is the update as received; where that is not a JSON object it is `{"value": …}`.
    """

    reason: str
    raw: dict[str, Any]


Update = (
    InboundMessage
    | ContactChange
    | DeliveryStatus
    | MarketingPreference
    | TemplateChange
    | Ignored
    | DeadLetter
)
