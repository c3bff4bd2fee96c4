"""Interactive messages: reply buttons, lists, link buttons, and the rest of Meta's kinds."""

from __future__ import annotations

from typing import Any, Dict, List, Set

from channels.simulator import rules
from channels.simulator.fields import list_at, object_at, string_at, text_within
from channels.simulator.refusal import broken
from channels.simulator.validate import MimeOf, check_media, is_https

# Kinds that this house does not send; their envelope is checked, their `action` is not.
_LIGHTLY_CHECKED = {
    "address_message",
    "catalog_message",
    "flow",
    "order_details",
    "order_status",
    "product",
    "product_list",
}
_HEADERS = {
    "list": {"text"},
    "cta_url": {"text", "image", "video", "document"},
    "button": {"text", "image", "video", "document"},
}


def check_interactive(content: Any, mime_of: MimeOf) -> None:
    """Raises RefusalError where Meta refuses the `interactive` object."""
    message = object_at(content, "interactive", ("type", "action"), ("body", "header", "footer"))
    kind = string_at(message["type"], "interactive.type")
    checks = {
        "button": _check_buttons,
        "list": _check_list,
        "cta_url": _check_link,
        "location_request_message": _check_location_request,
    }
    if kind not in checks and kind not in _LIGHTLY_CHECKED:
        raise broken(rules.INTERACTIVE_TYPE, kind[:40])
    if kind != "product" and message.get("body") is None:
        raise broken(rules.MISSING, "interactive.body")
    if message.get("body") is not None:
        body = object_at(message["body"], "interactive.body", ("text",))
        if not string_at(body["text"], "interactive.body.text").strip():
            raise broken(rules.BODY_EMPTY)
        limit = rules.LIST_BODY if kind == "list" else rules.BUTTONS_BODY
        text_within(body["text"], "interactive.body.text", limit)
    if message.get("footer") is not None:
        footer = object_at(message["footer"], "interactive.footer", ("text",))
        text_within(footer["text"], "interactive.footer.text", rules.FOOTER_LONG)
    if message.get("header") is not None:
        _check_header(kind, message["header"], mime_of)
    if not isinstance(message["action"], dict):
        raise broken(rules.SHAPE, "interactive.action")
    if kind in checks:
        checks[kind](message["action"])


def _check_header(kind: str, value: Any, mime_of: MimeOf) -> None:
    header = object_at(
        value, "interactive.header", ("type",), ("text", "image", "video", "document")
    )
    of = string_at(header["type"], "interactive.header.type")
    if kind in _HEADERS and of not in _HEADERS[kind]:
        raise broken(rules.HEADER_KIND, kind)
    if header.get(of) is None:
        raise broken(rules.MISSING, f"interactive.header.{of}")
    if of == "text":
        text_within(header["text"], "interactive.header.text", rules.HEADER_LONG)
    elif of in ("image", "video", "document"):
        check_media(of, header[of], mime_of, f"interactive.header.{of}")
    else:
        raise broken(rules.HEADER_KIND, kind)


def _check_buttons(action: Dict[str, Any]) -> None:
    object_at(action, "interactive.action", ("buttons",))
    buttons = list_at(action["buttons"], "interactive.action.buttons")
    if not 1 <= len(buttons) <= (rules.BUTTON_COUNT.limit or 0):
        raise broken(rules.BUTTON_COUNT)
    titles: Set[str] = set()
    ids: Set[str] = set()
    for button in buttons:
        path = "interactive.action.buttons"
        object_at(button, path, ("type", "reply"))
        if button["type"] != "reply":
            raise broken(rules.BUTTON_TYPE)
        reply = object_at(button["reply"], f"{path}.reply", ("id", "title"))
        title = text_within(reply["title"], f"{path}.title", rules.BUTTON_TITLE)
        token = text_within(reply["id"], f"{path}.id", rules.BUTTON_ID)
        if title in titles:
            raise broken(rules.BUTTON_TITLE_TWICE)
        if token in ids:
            raise broken(rules.BUTTON_ID_TWICE)
        titles.add(title)
        ids.add(token)


def _check_list(action: Dict[str, Any]) -> None:
    path = "interactive.action"
    object_at(action, path, ("button", "sections"))
    text_within(action["button"], f"{path}.button", rules.LIST_BUTTON)
    sections = list_at(action["sections"], f"{path}.sections")
    if not 1 <= len(sections) <= (rules.SECTION_COUNT.limit or 0):
        raise broken(rules.SECTION_COUNT)
    rows: List[Any] = []
    for section in sections:
        object_at(section, f"{path}.sections", ("rows",), ("title",))
        if section.get("title") is not None or len(sections) > 1:
            text_within(section.get("title") or "", f"{path}.title", rules.SECTION_TITLE)
        found = list_at(section["rows"], f"{path}.sections.rows")
        if not found:
            raise broken(rules.ROW_COUNT)
        rows.extend(found)
    if len(rows) > (rules.ROW_COUNT.limit or 0):
        raise broken(rules.ROW_COUNT)
    ids: Set[str] = set()
    for row in rows:
        object_at(row, f"{path}.rows", ("id", "title"), ("description",))
        text_within(row["title"], f"{path}.rows.title", rules.ROW_TITLE)
        token = text_within(row["id"], f"{path}.rows.id", rules.ROW_ID)
        if row.get("description") is not None:
            text_within(row["description"], f"{path}.rows.description", rules.ROW_DESCRIPTION)
        if token in ids:
            raise broken(rules.ROW_ID_TWICE, token)
        ids.add(token)


def _check_link(action: Dict[str, Any]) -> None:
    path = "interactive.action"
    object_at(action, path, ("name", "parameters"))
    if action["name"] != "cta_url":
        raise broken(rules.ACTION_NAME, "cta_url")
    parameters = object_at(action["parameters"], f"{path}.parameters", ("display_text", "url"))
    text_within(parameters["display_text"], f"{path}.display_text", rules.CTA_LABEL)
    if not is_https(parameters["url"]):
        raise broken(rules.CTA_HTTPS)


def _check_location_request(action: Dict[str, Any]) -> None:
    object_at(action, "interactive.action", ("name",))
    if action["name"] != "send_location":
        raise broken(rules.ACTION_NAME, "send_location")
