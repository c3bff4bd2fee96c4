"""What may become of a claimed message at the moment of sending, and who writes it then."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Dict, List, Mapping, Protocol, Sequence, Tuple, Union

from sqlalchemy.orm import Session

# kinds of messages that are planned without words
ANNOUNCEMENT = "announcement"
EXERCISES = "exercises"
UNWRITTEN = ("reminder", "nudge", ANNOUNCEMENT, EXERCISES)


@dataclass(frozen=True)
class Go:
    """It goes as `bubble`; `covers` are further reminders (visit, kind, version) it speaks for."""

    bubble: Any
    covers: List[Tuple[int, str, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Stop:
    """It ends here, in `state`, for a reason that holds no word of a patient's."""

    state: str
    reason: str


@dataclass(frozen=True)
class Later:
    """Not now: to be decided again at `until`."""

    until: datetime
    reason: str


@dataclass(frozen=True)
class AsWritten:
    """It goes with the words that it was planned with."""


Decision = Union[Go, AsWritten, Stop, Later]


class Writer(Protocol):
    """Decides about messages that are planned without words, and writes those that go."""

    def decide(
        self,
        session: Session,
        messages: Sequence[Any],
        contacts: Mapping[int, Any],
        moment: datetime,
    ) -> Dict[int, Decision]:
        """A decision for each of the messages, all locked by this transaction, by its id."""
        ...
