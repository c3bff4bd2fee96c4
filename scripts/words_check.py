"""Checks that words for patients live where they belong, in all three languages, within limits."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = {"en", "hi", "hinglish"}
BUTTON_TITLE, LIST_TITLE, OPENER = 20, 24, 20
PATIENT_ROOMS = ("actions", "channels/whatsapp", "worker", "clinic")
COMPOSED = re.compile(r"utter_message\(\s*(?:text\s*=|f?[\"'])")
DEVANAGARI = re.compile(r"[\u0904-\u0939\u0958-\u0961]")
# patterns that read what patients wrote, not words that are said to them
READS_DEVANAGARI = {"actions/booking.py"}
SAID_IN_CODE = re.compile(r"[\"'](utter_[a-z_]+)[\"']")


def responses() -> Dict[str, List[Dict[str, Any]]]:
    """Every response of the domain."""
    yaml = YAML(typ="safe", pure=True)
    found: Dict[str, List[Dict[str, Any]]] = {}
    for file in sorted((ROOT / "domain").glob("*.yml")):
        found.update((yaml.load(file) or {}).get("responses") or {})
    return found


def language_of(variation: Dict[str, Any]) -> str:
    for condition in variation.get("condition") or []:
        if condition.get("name") == "language":
            return str(condition["value"])
    return "en"


def faults_of_response(name: str, variations: List[Dict[str, Any]]) -> Iterator[str]:
    only_facts = all(re.fullmatch(r"\{[a-z_]+\}", v.get("text", "")) for v in variations)
    said_in = {language_of(variation) for variation in variations}
    if not only_facts and said_in != LANGUAGES:
        yield f"{name} is not said in {', '.join(sorted(LANGUAGES - said_in))}"
    for variation in variations:
        buttons = variation.get("buttons") or []
        limit = BUTTON_TITLE if len(buttons) <= 3 else LIST_TITLE
        for button in buttons:
            if len(button["title"]) > limit:
                yield f"{name}: the title {button['title']!r} is over {limit} characters"
        opener = (variation.get("custom") or {}).get("opener")
        if opener and len(opener) > OPENER:
            yield f"{name}: the opener {opener!r} is over {OPENER} characters"
        if len(variation.get("text", "")) > 1024:
            yield f"{name}: the text is over 1024 characters"


def faults_of_code(known: Dict[str, Any]) -> Iterator[str]:
    for room in PATIENT_ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            name = str(file.relative_to(ROOT))
            text = file.read_text(encoding="utf-8")
            if COMPOSED.search(text):
                yield f"{name} composes a sentence; use a response of the domain"
            if name not in READS_DEVANAGARI and DEVANAGARI.search(_without_comments(text)):
                yield f"{name} holds words in Devanagari; they belong into a data file"
            # `utter_action` is a field of Rasa's events
            for response in set(SAID_IN_CODE.findall(text)) - {"utter_action"}:
                if response not in known and not response.endswith("_"):
                    yield f"{name} says {response}, which the domain does not have"


def _without_comments(text: str) -> str:
    text = re.sub(r'"""(?:.|\n)*?"""', "", text)
    return re.sub(r"#.*", "", text)


def main() -> int:
    known = responses()
    faults = [fault for name, said in known.items() for fault in faults_of_response(name, said)]
    faults += faults_of_code(known)
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201 - its output
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
