"""One element of `messages`: a patient's message, or the news that a patient's ids changed."""

from __future__ import annotations

from typing import Any, cast

from channels.whatsapp.people import Surroundings, wire_errors
from channels.whatsapp.updates import (
    ContactCard,
    ContactChange,
    DeadLetter,
    Ignored,
    InboundMessage,
    MediaRef,
    Reaction,
    SharedLocation,
    Tap,
    Update,
)
from channels.whatsapp.values import (
    identifier,
    mapping,
    moment,
    number,
    objects,
    phone,
    string,
)

_MEDIA = ("image", "video", "document", "sticker", "audio", "voice")
_KNOWN = (
    *("text", "interactive", "button", "location", "contacts", "reaction", "order", "system"),
    *("edit", "revoke", *_MEDIA),
)
# `customer_changed_number` is the older name of the same event.
_ID_CHANGES = ("user_changed_number", "user_changed_user_id", "customer_changed_number")
_SENDER = ("from", "from_user_id", "from_parent_user_id")
_ENVELOPE = frozenset((*_SENDER, "id", "timestamp", "type", "context", "referral", "errors"))
# Types whose object says more than the fields of `InboundMessage` can hold.
_ALWAYS_EXTRA = ("order", "system")

Content = dict[str, Any]


def read_message(message: dict[str, Any], around: Surroundings) -> Update:
    """The update that one element of `messages` stands for."""
    if message.get("group_id"):
        return Ignored("group message")
    wamid = identifier(message.get("id"))
    if wamid is None:
        return DeadLetter("message without id", message)
    kind = _type_of(message)
    if kind == "system":
        system = mapping(message.get("system"))
        if identifier(system.get("type")) in _ID_CHANGES:
            return _read_contact_change(wamid, message, system)
    sender = around.person(phone(message.get("from")), identifier(message.get("from_user_id")))
    if sender.phone is None and sender.bsuid is None:
        return DeadLetter("message without sender", message)
    content = _content(kind, message)
    if not content or kind in _ALWAYS_EXTRA:
        rest = {key: item for key, item in message.items() if key not in _ENVELOPE}
        content["extra"] = rest or None
    context = mapping(message.get("context"))
    referral = message.get("referral")
    return InboundMessage(
        wamid=wamid,
        phone=sender.phone,
        bsuid=sender.bsuid,
        profile_name=sender.name,
        sent_at=moment(message.get("timestamp")),
        phone_number_id=around.phone_number_id,
        type=kind,
        reply_to=identifier(context.get("id")),
        forwarded=context.get("forwarded") is True or context.get("frequently_forwarded") is True,
        referral=referral if isinstance(referral, dict) else None,
        errors=wire_errors(message.get("errors")),
        **content,
    )


def _type_of(message: dict[str, Any]) -> str:
    """The message's own word for its type, else the content it carries, else `unknown`."""
    named = identifier(message.get("type"))
    return named or next((name for name in _KNOWN if name in message), "unknown")


def _read_contact_change(wamid: str, message: Content, system: Content) -> Update:
    new_phone = phone(system.get("new_wa_id")) or phone(system.get("wa_id"))
    new_bsuid = identifier(system.get("user_id"))
    old_phone = phone(message.get("from")) or phone(system.get("customer"))
    old_bsuid = identifier(system.get("previous_user_id"))
    if old_bsuid is None:
        sender = identifier(message.get("from_user_id"))
        old_bsuid = sender if sender != new_bsuid else None
    if not (old_phone or old_bsuid) or not (new_phone or new_bsuid):
        return DeadLetter("contact change without an old or a new identity", message)
    sent_at = moment(message.get("timestamp"))
    return ContactChange(wamid, old_phone, new_phone, old_bsuid, new_bsuid, sent_at)


def _content(kind: str, message: dict[str, Any]) -> Content:
    """The fields of `InboundMessage` that this type fills; none where nothing could be read."""
    part = mapping(message.get(kind))
    if kind == "text":
        return _filled(text=string(part.get("body")))
    if kind in _MEDIA:
        media = _media(kind, part)
        # A file that cannot be fetched may still say why.
        extra = {kind: part} if part and not media else None
        return _filled(text=string(part.get("caption")), media=media, extra=extra)
    if kind == "interactive":
        return _interactive(part)
    if kind == "button":
        return _filled(tap=_tap("template_button", part.get("payload"), part.get("text")))
    if kind == "location":
        return _filled(location=_location(part))
    if kind == "contacts":
        return _filled(contact_cards=[_card(card) for card in objects(message.get("contacts"))])
    if kind == "reaction" and part:
        target = identifier(part.get("message_id"))
        return {"reaction": Reaction(string(part.get("emoji")), target)}
    if kind == "order":
        return _filled(text=string(part.get("text")))
    if kind in ("edit", "revoke"):
        return _changed(message, part)
    return {}


def _filled(**fields: Any) -> Content:
    return {name: value for name, value in fields.items() if value}


def _interactive(part: dict[str, Any]) -> Content:
    kind = identifier(part.get("type"))
    if kind is None:
        kind = next((name for name in ("button_reply", "list_reply") if name in part), None)
    reply = mapping(part.get(kind)) if kind else {}
    if kind in ("button_reply", "list_reply"):
        return _filled(tap=_tap(kind, reply.get("id"), reply.get("title")))
    if kind == "nfm_reply":
        return _filled(flow_response=string(reply.get("response_json")))
    return {}


def _tap(source: str, tapped: Any, title: Any) -> Tap | None:
    tapped, title = identifier(tapped), string(title)
    if tapped is None and title is None:
        return None
    return Tap(tapped or "", title or "", cast(Any, source))


def _media(kind: str, part: dict[str, Any]) -> MediaRef | None:
    media_id = identifier(part.get("id"))
    if media_id is None:
        return None
    return MediaRef(
        kind=cast(Any, "audio" if kind == "voice" else kind),
        id=media_id,
        mime_type=string(part.get("mime_type")),
        sha256=string(part.get("sha256")),
        filename=string(part.get("filename")),
        voice=kind == "voice" or part.get("voice") is True,
    )


def _location(part: dict[str, Any]) -> SharedLocation | None:
    latitude, longitude = number(part.get("latitude")), number(part.get("longitude"))
    if latitude is None or longitude is None:
        return None
    named = {key: string(part.get(key)) for key in ("name", "address", "url")}
    return SharedLocation(latitude, longitude, **named)


def _card(card: dict[str, Any]) -> ContactCard:
    name = mapping(card.get("name"))
    parts = (string(name.get("first_name")), string(name.get("last_name")))
    formatted = string(name.get("formatted_name")) or " ".join(filter(None, parts)) or None
    phones = []
    for entry in objects(card.get("phones")):
        written = identifier(entry.get("phone"))
        # A card keeps a number as its owner typed it; without `+` it may lack the country.
        international = phone(written) if written and written.startswith("+") else None
        best = phone(entry.get("wa_id")) or international or written
        if best:
            phones.append(best)
    return ContactCard(formatted, phones)


def _changed(message: dict[str, Any], part: dict[str, Any]) -> Content:
    """An edit or a revocation: which message it is about, and the new words of an edit."""
    target = identifier(part.get("original_message_id"))
    target = target or identifier(message.get("original_message_id"))
    edited = mapping(part.get("message"))
    kind = _type_of(edited)
    new = _content(kind, edited) if kind == "text" or kind in _MEDIA else {}
    if edited and not new:
        new = {"extra": edited}
    return {**_filled(target_wamid=target), **new}
