"""Reading fields of a JSON object the way Meta does: unknown ones are refused, not skipped."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Iterable, List

from channels.simulator import rules
from channels.simulator.refusal import broken
from channels.simulator.rules import Rule

NONE: FrozenSet[str] = frozenset()


def object_at(
    value: Any, path: str, required: Iterable[str] = (), optional: Iterable[str] = ()
) -> Dict[str, Any]:
    """`value` as an object holding every required field and none but the named ones.

    Raises:
        RefusalError: not an object, a required field absent, or a field that is not known.
    """
    if not isinstance(value, dict):
        raise broken(rules.SHAPE, path)
    needed = set(required)
    for name in needed:
        if value.get(name) is None:
            raise broken(rules.MISSING, f"{path}.{name}" if path else name)
    for name in value:
        if name not in needed and name not in optional:
            raise broken(rules.UNKNOWN, f"{path}.{name}" if path else name)
    return value


def list_at(value: Any, path: str) -> List[Any]:
    if not isinstance(value, list):
        raise broken(rules.SHAPE, path)
    return value


def string_at(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise broken(rules.SHAPE, path)
    return value


def text_within(value: Any, path: str, rule: Rule, least: int = 1) -> str:
    """`value` as text of `least` to the rule's limit in code points; blanks count as empty."""
    text = string_at(value, path)
    if len(text.strip()) < least or len(text) > (rule.limit or 0):
        raise broken(rule, path)
    return text
