"""What the assistant can recognise, for the question "what should it have understood?"."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, List

from ruamel.yaml import YAML

from inbox.access.sight import CLINICAL_INTENTS

DOMAIN = Path(__file__).resolve().parents[1] / "domain"
OTHER = "something_new"


@lru_cache(maxsize=1)
def answerable_intents() -> List[str]:
    """The intents of the domain that the bot may answer, sorted; nothing clinical is among them."""
    found: List[str] = []
    for file in sorted(DOMAIN.glob("*.yml")):
        content = YAML(typ="safe", pure=True).load(file) or {}
        for intent in content.get("intents") or []:
            found.append(_name(intent))
    return sorted(name for name in set(found) if name not in CLINICAL_INTENTS)


def _name(intent: Any) -> str:
    return str(next(iter(intent))) if isinstance(intent, dict) else str(intent)
