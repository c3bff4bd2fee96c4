"""What every view needs: the database, the fixed texts, the clinic's zone, the secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, List, Protocol
from zoneinfo import ZoneInfo

from flask import current_app

from clinic.bubbles import Choice
from clinic.database import Database
from clinic.pulse import Pulse
from clinic.setup import NoProfile, current_profile
from inbox.board import Board
from inbox.files import FileLine, NoFiles

DEFAULT_ZONE = "Asia/Kolkata"
KEY = "sandhi"


class FixedTexts(Protocol):
    """The reviewed words for patients, by the name of the response (`clinic.texts.Texts`)."""

    def say(self, name: str, language: str, **slots: Any) -> str:
        """The words of the response `name` in `language`."""

    def buttons(self, name: str, language: str, **slots: Any) -> List[Choice]:
        """The buttons of the response `name`."""


@dataclass(frozen=True)
class House:
    """One application's surroundings; read it with `house()`."""

    database: Database
    texts: FixedTexts
    api_token: str
    files: FileLine = field(default_factory=NoFiles)
    pulse: Pulse = field(init=False)
    board: Board = field(init=False)

    def __post_init__(self) -> None:
        """Feel the pulse of this very database."""
        object.__setattr__(self, "pulse", Pulse(self.database))
        object.__setattr__(self, "board", Board(self.database, self.pulse))

    def zone(self) -> ZoneInfo:
        """The clinic's time zone; India's until a profile was written."""
        return ZoneInfo(str(self.pulse.same("zone", self._zone)))

    def _zone(self) -> str:
        try:
            return current_profile(self.database).time_zone
        except NoProfile:
            return DEFAULT_ZONE


def house() -> House:
    """The surroundings of the application that answers this request."""
    found: House = current_app.extensions[KEY]
    return found
