"""What the bench's patients write, read from `phrases.yml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List

from ruamel.yaml import YAML

FILE = Path(__file__).with_name("phrases.yml")
QUESTION = "faq_"


@dataclass(frozen=True)
class Phrase:
    """Words, and the intent the assistant should find in them."""

    text: str
    intent: str

    @property
    def is_question(self) -> bool:
        """Whether it asks about the clinic (and no custom action answers it)."""
        return self.intent.startswith(QUESTION)


@lru_cache(maxsize=1)
def _content() -> Dict[str, Any]:
    return dict(YAML(typ="safe").load(FILE))


def patient_phrases() -> List[Phrase]:
    """Greetings and questions in three languages, each answered by one bubble."""
    return [Phrase(item["text"], item["intent"]) for item in _content()["patients"]]


def booking_opening() -> Phrase:
    """What begins a booking."""
    opening = _content()["booking"]["opening"]
    return Phrase(opening["text"], opening["intent"])


def booking_name() -> str:
    """Whom the booking is for."""
    return str(_content()["booking"]["name"])


def baseline_texts() -> List[str]:
    """What is written to `rasa init`'s assistant."""
    return [str(text) for text in _content()["baseline"]]
