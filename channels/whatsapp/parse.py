"""From the JSON of a webhook to a list of updates: all of them, in order, whatever their shape.

One POST holds up to 1,000 updates over many entries, changes and messages. Each element of
`messages`, `statuses`, `user_preferences` and `errors` gives exactly one update, and so does
each entry, change or list that cannot be opened. What cannot be read becomes a `DeadLetter`
and costs its neighbours nothing.
Source: Meta, "WhatsApp Business Platform: webhooks reference" (2025-2026 copies).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from channels.whatsapp.inbound import read_message
from channels.whatsapp.people import Surroundings, wire_errors
from channels.whatsapp.updates import (
    DeadLetter,
    DeliveryStatus,
    Ignored,
    MarketingPreference,
    TemplateChange,
    Update,
)
from channels.whatsapp.values import (
    cleaned,
    identifier,
    mapping,
    moment,
    phone,
    raw_object,
    string,
    whole,
)

_TEMPLATE_FIELDS = ("message_template_status_update", "template_category_update")
_STATUSES = ("sent", "delivered", "read", "played", "failed")


def parse_webhook(body: object) -> list[Update]:
    """Every update in the decoded JSON of one webhook, in the order Meta wrote them.

    Never raises, for any JSON value. An empty list means that the webhook held nothing.
    """
    tidy = cleaned(body)
    if not isinstance(tidy, dict):
        return [DeadLetter("webhook body is not an object", raw_object(tidy))]
    if tidy.get("object") not in (None, "whatsapp_business_account"):
        return [Ignored("webhook of another product")]
    entries = tidy.get("entry")
    if not isinstance(entries, list):
        return [DeadLetter("webhook has no list of entries", tidy)]
    return [update for entry in entries for update in _read_entry(entry)]


def _read_entry(entry: Any) -> list[Update]:
    changes = mapping(entry).get("changes")
    if not isinstance(changes, list):
        return [DeadLetter("entry has no list of changes", raw_object(entry))]
    return [update for change in changes for update in _read_change(change)]


def _read_change(change: Any) -> list[Update]:
    if not isinstance(change, dict):
        return [DeadLetter("change is not an object", raw_object(change))]
    field = identifier(change.get("field")) or "messages"
    if field in _TEMPLATE_FIELDS:
        return [_read_template_change(change)]
    if field not in ("messages", "user_preferences"):
        return [Ignored(field[:80])]
    value = change.get("value")
    if not isinstance(value, dict):
        return [DeadLetter("change has no value object", change)]
    lists = [name for name in _READERS if value.get(name) is not None]
    if not lists:
        return [Ignored(f"{field} without updates")]
    return [update for name in lists for update in _read_list(name, value)]


def _read_list(name: str, value: dict[str, Any]) -> list[Update]:
    items = value[name]
    if not isinstance(items, list):
        return [DeadLetter(f"{name} is not a list", value)]
    around = Surroundings.of(value, crowd=len(items))
    return [_read_one(name, item, around) for item in items]


def _read_one(name: str, item: Any, around: Surroundings) -> Update:
    if not isinstance(item, dict):
        return DeadLetter(f"element of {name} is not an object", raw_object(item))
    try:
        return _READERS[name](item, around)
    except Exception as error:  # whatever Meta invents next must not cost the neighbours
        return DeadLetter(f"reader of {name} failed: {type(error).__name__}", item)


def _read_status(status: dict[str, Any], around: Surroundings) -> Update:
    # Payment statuses share this list, and their `failed` is not a message that failed.
    kind = identifier(status.get("type")) or "message"
    if kind != "message":
        return Ignored(f"status of type {kind[:40]}")
    if identifier(status.get("recipient_type")) == "group" or status.get("group_id"):
        return Ignored("status of a group message")
    wamid = identifier(status.get("id"))
    name = identifier(status.get("status"))
    if wamid is None or name is None:
        return DeadLetter("status without message id or name", status)
    if name not in _STATUSES:
        return Ignored(f"status {name[:40]}")
    recipient = around.person(
        phone(status.get("recipient_id")), identifier(status.get("recipient_user_id"))
    )
    pricing = status.get("pricing")
    return DeliveryStatus(
        wamid=wamid,
        status=cast(Any, name),
        at=moment(status.get("timestamp")),
        phone=recipient.phone,
        bsuid=recipient.bsuid,
        phone_number_id=around.phone_number_id,
        client_ref=string(status.get("biz_opaque_callback_data")),
        errors=wire_errors(status.get("errors")),
        pricing=pricing if isinstance(pricing, dict) else None,
    )


def _read_preference(preference: dict[str, Any], around: Surroundings) -> Update:
    category = identifier(preference.get("category"))
    value = identifier(preference.get("value"))
    if category != "marketing_messages":
        return Ignored(f"preference about {category or 'nothing'}"[:80])
    if value not in ("stop", "resume"):
        return DeadLetter("marketing preference is neither stop nor resume", preference)
    person = around.person(phone(preference.get("wa_id")), identifier(preference.get("user_id")))
    if person.phone is None and person.bsuid is None:
        return DeadLetter("marketing preference of nobody", preference)
    at = moment(preference.get("timestamp"))
    return MarketingPreference(person.phone, person.bsuid, cast(Any, value), at)


def _read_template_change(change: dict[str, Any]) -> Update:
    value = mapping(change.get("value"))
    name = identifier(value.get("message_template_name"))
    language = identifier(value.get("message_template_language"))
    if name is None or language is None:
        return DeadLetter("template change without name or language", change)
    if change.get("field") == "template_category_update":
        category = identifier(value.get("new_category"))
        return TemplateChange(name, language, category=category.upper() if category else None)
    event = (identifier(value.get("event")) or "UNKNOWN").upper()
    status = "APPROVED" if event == "REINSTATED" else event[:20]
    return TemplateChange(name, language, status, reason=string(value.get("reason")))


def _read_error(error: dict[str, Any], around: Surroundings) -> Update:
    return Ignored(f"webhook error {whole(error.get('code'))}")


_READERS: dict[str, Callable[[dict[str, Any], Surroundings], Update]] = {
    "messages": read_message,
    "statuses": _read_status,
    "user_preferences": _read_preference,
    "errors": _read_error,
}
