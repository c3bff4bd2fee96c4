"""Single values out of JSON whose shape nobody promised: each reader gives a value or None."""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from typing import Any

import phonenumbers

# Meta's own payloads are about ten deep. A limit here keeps every later reader, printer and
# serialiser away from Python's recursion limit.
MAX_DEPTH = 64
TOO_DEEP = "[nested too deeply]"

LONGEST_ID = 1000  # bytes; Meta's are under 300

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_DIGITS = re.compile(r"\+?([0-9]{4,20})")
_WRITTEN = re.compile(r"\+?[0-9 ().\-\u00a0]{5,40}")
_SECONDS = re.compile(r"[0-9]{1,12}")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_YEAR_2100 = 4_102_444_800


def clean_text(text: str) -> str:
    """`text` as PostgreSQL and UTF-8 can hold it: no NUL, lone surrogates become U+FFFD."""
    return _LONE_SURROGATE.sub("\ufffd", text.replace("\x00", ""))


def cleaned(value: Any, depth: int = 0) -> Any:
    """A copy of a JSON value that every database and serialiser accepts.

    Texts (also keys) pass through `clean_text`, NaN and infinities become None, containers
    below `MAX_DEPTH` become the text `TOO_DEEP`.
    """
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (dict, list)) and depth >= MAX_DEPTH:
        return TOO_DEEP
    if isinstance(value, dict):
        return {clean_text(str(key)): cleaned(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [cleaned(item, depth + 1) for item in value]
    return value


def mapping(value: Any) -> dict[str, Any]:
    """`value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The JSON objects in `value` if it is a list; anything else in it is passed over."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def string(value: Any) -> str | None:
    """A non-empty text, untouched."""
    return value if isinstance(value, str) and value else None


def whole(value: Any) -> int | None:
    """An integer, also when it was sent as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    return None


def identifier(value: Any) -> str | None:
    """An id: a text without surrounding blanks, also when it was sent as an integer.

    What is longer than `LONGEST_ID` is none: PostgreSQL could not keep it in an index, and one
    such id would hold up every update that came with it.
    """
    if isinstance(value, str):
        written = value.strip()
        return written if 0 < len(written.encode()) <= LONGEST_ID else None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**20:
        return str(value)
    return None


def number(value: Any) -> float | None:
    """A finite number, also when it was sent as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def moment(value: Any) -> datetime | None:
    """Unix seconds, as text or integer, between 1970 and 2100; anything else is no time."""
    if isinstance(value, str):
        value = int(value) if _SECONDS.fullmatch(value.strip()) else None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < _YEAR_2100:
        return None
    return datetime.fromtimestamp(value, tz=timezone.utc)


def phone(value: Any) -> str | None:
    """A WhatsApp id or phone number as E.164 with a leading `+`.

    Digits are taken as they come: a WhatsApp id is already international, and a library that
    knows numbering plans would refuse Meta's test numbers and rewrite Mexican ids. Only a
    number written for people (`+91 90000-00001`) is read with that library.
    """
    written = identifier(value)
    if written is None:
        return None
    plain = _DIGITS.fullmatch(written)
    if plain:
        return f"+{plain.group(1)}"
    if not _WRITTEN.fullmatch(written):
        return None
    try:
        parsed = phonenumbers.parse(written if written.startswith("+") else f"+{written}")
    except phonenumbers.NumberParseException:
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def raw_object(value: Any) -> dict[str, Any]:
    """What a dead letter keeps: the JSON object itself, or `{"value": …}` around anything else."""
    return value if isinstance(value, dict) else {"value": value}
