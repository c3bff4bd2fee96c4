"""The clinic as tests of the channel and the assistant meet it: its words, its opening hours."""

from __future__ import annotations

from functools import lru_cache

from clinic.facts import Facts
from clinic.texts import Texts
from tests.house import ROOT


class OpenFacts(Facts):
    """The clinic's facts at an hour when somebody is there."""

    def is_open(self) -> bool:
        return True


@lru_cache(maxsize=1)
def domain_texts() -> Texts:
    """The fixed texts of the domain, read once."""
    return Texts.load(ROOT / "domain")
