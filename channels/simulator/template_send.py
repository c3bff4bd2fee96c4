"""A template message against the template it names, and what the patient then reads."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

from channels.simulator import rules
from channels.simulator.fields import list_at, object_at, string_at, text_within
from channels.simulator.refusal import broken
from channels.simulator.template_book import (
    MEDIA_FORMATS,
    VARIABLE,
    Template,
    TemplateBook,
    variables_of,
)
from channels.simulator.validate import MimeOf, check_location, check_media

_PARAMETER_FIELDS = (
    "text",
    "currency",
    "date_time",
    "image",
    "video",
    "document",
    "location",
    "payload",
    "action",
    "coupon_code",
    "parameter_name",
)


def check_template(content: Any, book: TemplateBook, mime_of: MimeOf) -> Dict[str, Any]:
    """Check a `template` object; the answer is what the phone shows.

    Returns `{"header", "body", "footer", "buttons", "category"}`; a header is
    `{"text": …}` or `{kind: {id|link …}}`, a button `{"type", "text", "payload"|"url"|"phone"}`.

    Raises:
        RefusalError: unknown, paused or disabled template, or parameters that do not fit it.
    """
    message = object_at(content, "template", ("name", "language"), ("components", "namespace"))
    language = object_at(message["language"], "template.language", ("code",), ("policy",))
    name = string_at(message["name"], "template.name")
    template = book.find(name, string_at(language["code"], "template.language.code"))
    if template is None or template.status in ("PENDING", "REJECTED"):
        raise broken(rules.TEMPLATE_UNKNOWN, name[:60])
    if template.status == "PAUSED":
        raise broken(rules.TEMPLATE_PAUSED)
    if template.status == "DISABLED":
        raise broken(rules.TEMPLATE_DISABLED)
    given = _components(message.get("components") or [])
    body = _filled(template, "BODY", given.get("body", []))
    if len(body) > (rules.TEMPLATE_LONG.limit or 0):
        raise broken(rules.TEMPLATE_LONG)
    return {
        "header": _header(template, given.get("header", []), mime_of),
        "body": body,
        "footer": template.text("FOOTER"),
        "buttons": _buttons(template, given["buttons"]),
        "category": template.category.lower(),
    }


def _components(value: Any) -> Dict[str, List[Any]]:
    """Parameters by component; `buttons` holds the button components themselves."""
    given: Dict[str, List[Any]] = {"buttons": []}
    for component in list_at(value, "template.components"):
        object_at(component, "template.components", ("type",), ("parameters", "sub_type", "index"))
        kind = string_at(component["type"], "template.components.type").lower()
        parameters = list_at(component.get("parameters") or [], "template.components.parameters")
        for parameter in parameters:
            object_at(parameter, "template parameter", ("type",), _PARAMETER_FIELDS)
            of = string_at(parameter["type"], "template parameter.type")
            if parameter.get(of) is None:
                raise broken(rules.MISSING, f"template parameter.{of}"[:80])
        if kind == "button":
            given["buttons"].append(component)
        elif kind in ("header", "body"):
            given[kind] = parameters
        else:
            raise broken(rules.TEMPLATE_FORMAT, f"component type {kind[:40]} is not known")
    return given


def _text_of(parameter: Dict[str, Any]) -> str:
    of = parameter["type"]
    if of == "text":
        text = string_at(parameter["text"], "template parameter.text")
        if not text.strip():
            raise broken(rules.MISSING, "template parameter.text")
        if re.search(r"[\n\t]| {5,}", text):
            raise broken(rules.TEMPLATE_PARAM_SPACES)
        return text
    if of in ("currency", "date_time"):
        value = parameter[of]
        if not isinstance(value, dict) or not isinstance(value.get("fallback_value"), str):
            raise broken(rules.MISSING, f"template parameter.{of}.fallback_value")
        return str(value["fallback_value"])
    raise broken(rules.TEMPLATE_FORMAT, f"a text parameter was expected, not {of[:40]}")


def _filled(template: Template, kind: str, parameters: List[Dict[str, Any]]) -> str:
    text = template.text(kind)
    names = variables_of(text)
    if len(names) != len(parameters):
        raise broken(
            rules.TEMPLATE_COUNT,
            f"{kind.lower()}: number of localizable_params ({len(parameters)}) does not match "
            f"the expected number of params ({len(names)})",
        )
    values: Dict[str, str] = {}
    for index, parameter in enumerate(parameters):
        value = _text_of(parameter)
        if template.parameter_format == "NAMED":
            name = parameter.get("parameter_name")
            if name not in names:
                raise broken(rules.TEMPLATE_FORMAT, "parameter name is not one of the template's")
            values[str(name)] = value
        else:
            values[str(index + 1)] = value
    return VARIABLE.sub(lambda match: values.get(match.group(1), match.group(0)), text)


def _header(
    template: Template, parameters: List[Dict[str, Any]], mime_of: MimeOf
) -> Optional[Dict[str, Any]]:
    header = template.component("HEADER")
    if header is None:
        if parameters:
            raise broken(rules.TEMPLATE_COUNT, "header: the template has none")
        return None
    form = str(header.get("format", "TEXT")).upper()
    if form == "TEXT":
        return {"text": _filled(template, "HEADER", parameters)}
    received = str(parameters[0]["type"]).upper() if len(parameters) == 1 else "UNKNOWN"
    if received != form:
        raise broken(
            rules.TEMPLATE_FORMAT,
            f"header: Format mismatch, expected {form}, received {received[:40]}",
        )
    value = parameters[0][form.lower()]
    if form in MEDIA_FORMATS:
        check_media(form.lower(), value, mime_of, "template.header")
    else:
        check_location(value, "template.header")
    return {form.lower(): value}


def _buttons(template: Template, given: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    buttons = template.buttons()
    parameters: Dict[int, Dict[str, Any]] = {}
    for component in given:
        index = _index(component, len(buttons))
        kind = str(component.get("sub_type", "")).upper()
        if kind != buttons[index]["type"].upper():
            raise broken(
                rules.TEMPLATE_BUTTON, f"buttons: sub_type at index {index} does not match"
            )
        if len(component.get("parameters") or []) != 1:
            raise broken(rules.TEMPLATE_COUNT, f"buttons: index {index} takes one parameter")
        parameters[index] = component["parameters"][0]
    return [_button(index, button, parameters.get(index)) for index, button in enumerate(buttons)]


def _index(component: Dict[str, Any], count: int) -> int:
    try:
        index = int(component.get("index", "none"))
    except (TypeError, ValueError):
        raise broken(rules.TEMPLATE_BUTTON, "buttons: index is not a number") from None
    if not 0 <= index < count:
        raise broken(rules.TEMPLATE_BUTTON, f"buttons: no button at index {index}")
    return index


def _button(
    index: int, button: Dict[str, Any], parameter: Optional[Dict[str, Any]]
) -> Dict[str, Any]:
    kind = button["type"].upper()
    shown: Dict[str, Any] = {"type": kind, "text": button.get("text", "Copy code")}
    if kind == "QUICK_REPLY":
        # Without a payload of its own a quick reply sends back its label.
        shown["payload"] = shown["text"]
        if parameter is not None:
            payload = parameter.get("payload", parameter.get("text"))
            # Meta's own sample sends a bare boolean here.
            payload = str(payload).lower() if isinstance(payload, bool) else payload
            shown["payload"] = text_within(payload, "payload", rules.TEMPLATE_PAYLOAD)
    elif kind == "URL":
        url = str(button.get("url", ""))
        if variables_of(url):
            if parameter is None:
                what = f"buttons: Button at index {index} of type Url"
                raise broken(rules.TEMPLATE_URL_SUFFIX, what)
            suffix = _text_of(parameter)
            url = VARIABLE.sub(lambda _: suffix, url)
        elif parameter is not None:
            raise broken(rules.TEMPLATE_COUNT, f"buttons: index {index} takes no parameter")
        shown["url"] = url
    elif kind == "PHONE_NUMBER":
        shown["phone"] = str(button.get("phone_number", ""))
    return shown
