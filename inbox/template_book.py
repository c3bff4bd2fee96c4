"""The message templates that staff may send when the 24 hours are over.

`data/templates/*.yml` holds them; only those without buttons or files, whose gaps the inbox can
fill, are offered: a button's meaning belongs to the message that the system plans itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from ruamel.yaml import YAML

from clinic.bubbles import Template
from clinic.canned import GAPS

FOLDER = Path(__file__).resolve().parents[1] / "data" / "templates"
_GAP = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class StaffTemplate:
    """A template: words by language code as WhatsApp knows it, with named {gaps} in order."""

    name: str
    texts: Mapping[str, str]

    def code_for(self, language: str) -> str:
        """Which of its languages this patient gets; Hinglish is registered as English."""
        for code in ({"hinglish": "en"}.get(language, language), "en"):
            if code in self.texts:
                return code
        return next(iter(self.texts))

    def filled(self, language: str, values: Mapping[str, str]) -> Optional[Template]:
        """The bubble for this patient; None where a gap has no value."""
        code = self.code_for(language)
        gaps = _GAP.findall(self.texts[code])
        if any(not values.get(gap) for gap in gaps):
            return None
        lines = {gap: " ".join(values[gap].split()) for gap in gaps}
        text = _GAP.sub(lambda found: lines[found[1]], self.texts[code])
        return Template(name=self.name, language=code, text=text, body=[lines[gap] for gap in gaps])


@lru_cache(maxsize=1)
def staff_templates() -> List[StaffTemplate]:
    """Every template that staff may send, by name."""
    found: List[StaffTemplate] = []
    for file in sorted(FOLDER.glob("*.yml")):
        content: Dict[str, Any] = YAML(typ="safe", pure=True).load(file) or {}
        for entry in content.get("staff_templates") or []:
            texts = {str(code): str(words).strip() for code, words in entry["texts"].items()}
            if all(gap in GAPS for words in texts.values() for gap in _GAP.findall(words)):
                found.append(StaffTemplate(str(entry["name"]), texts))
    return found
