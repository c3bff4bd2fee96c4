"""The message templates that staff may send when the 24 hours are over.

`data/templates/*.yml` holds every template of the clinic; offered are those without buttons, whose
gaps the inbox can fill: what a button means belongs to the message that the system plans itself.
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
class Wording:
    """A template in one language: its name and language code at WhatsApp, its {gaps} in order."""

    name: str
    code: str
    body: str

    def filled(self, values: Mapping[str, str]) -> Optional[Template]:
        """The bubble for a patient; None where a gap has no value."""
        gaps = list(dict.fromkeys(_GAP.findall(self.body)))
        if any(not values.get(gap) for gap in gaps):
            return None
        # Meta takes no line break in a variable
        lines = {gap: " ".join(values[gap].split()) for gap in gaps}
        return Template(
            name=self.name,
            language=self.code,
            text=_GAP.sub(lambda found: lines[found[1]], self.body),
            body=[lines[gap] for gap in gaps],
        )


@dataclass(frozen=True)
class StaffTemplate:
    """A template in every language that it has, by ours."""

    name: str
    wordings: Mapping[str, Wording]

    def filled(self, language: str, values: Mapping[str, str]) -> Optional[Template]:
        """The bubble for a patient of that language (else in English); None with a gap open."""
        wording = self.wordings.get(language) or self.wordings["en"]
        return wording.filled(values)


@lru_cache(maxsize=1)
def staff_templates() -> List[StaffTemplate]:
    """Every template that staff may send, by name."""
    found = (_template(file) for file in sorted(FOLDER.glob("*.yml")))
    return [one for one in found if one is not None]


def _template(file: Path) -> Optional[StaffTemplate]:
    content: Dict[str, Any] = YAML(typ="safe", pure=True).load(file)
    texts: Dict[str, Any] = content["texts"]
    for text in texts.values():
        if text.get("buttons") or any(gap not in GAPS for gap in _GAP.findall(text["body"])):
            return None
    wordings = {
        language: Wording(text.get("name", content["name"]), text["language"], text["body"].strip())
        for language, text in texts.items()
    }
    return StaffTemplate(str(content["name"]), wordings)
