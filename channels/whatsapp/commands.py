"""What Rasa is given to read: a typed text that can be no command, or a tap's payload.

Rasa executes a text such as `/restart` or `/book{"slot": …}`. What a patient types is never a
command, so the marks that make one are taken off before Rasa reads it (the log keeps the text
as typed). A tap's payload is one of ours, kept beside the button when it was offered, and goes
in already parsed: no language model has to guess at our own words.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Optional, Tuple

_PAYLOAD = re.compile(r"^/(?P<intent>[a-z_]+)(?P<entities>\{.*\})?$", re.DOTALL)
_MARKS = re.compile(r"^(?:\s*(?:/|EXTERNAL\s*:))+\s*", re.IGNORECASE)
_NUL_AND_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# what the app lets a patient type; a red flag may stand at the very end
LONGEST_READ = 65_536


def harmless_text(text: Optional[str]) -> str:
    """The text for Rasa: no command marks, no control characters, at most 65,536 characters."""
    clean = _NUL_AND_CONTROL.sub(" ", text or "")[:LONGEST_READ]
    return _MARKS.sub("", clean).strip()


def parse_payload(payload: str) -> Optional[Tuple[str, Dict[str, Any]]]:
    """Intent and entities of a payload such as `/inform{"day": "2026-11-24"}`; None otherwise."""
    match = _PAYLOAD.match(payload)
    if match is None:
        return None
    try:
        entities = json.loads(match["entities"] or "{}")
    except ValueError:
        return None
    return match["intent"], entities


def tap_parse_data(text: str, intent: str, entities: Dict[str, Any]) -> Dict[str, Any]:
    """Rasa's parse of a tap: certain, and marked as a tap for the clinical gate's policy."""
    listed: List[Dict[str, Any]] = [
        {"entity": name, "value": value, "start": 0, "end": 0, "extractor": "tap"}
        for name, value in entities.items()
    ]
    return {
        "text": text,
        "intent": {"name": intent, "confidence": 1.0},
        "entities": listed,
        "tap": True,
    }
