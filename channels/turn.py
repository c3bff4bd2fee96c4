"""One turn of a conversation: what is known while Rasa works on a message.

The turn travels in a context variable, so that the output channel, the tracker store and the
action endpoint, which Rasa calls without saying for whom, all write into the same turn. Nothing
leaves the turn until it is committed whole: replies, tracker, handoff and "handled" in one
transaction (`clinic.turns.commit_turn`).
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional

from clinic.afterwords import Afterwords


@dataclass
class Turn:
    """What one message causes.

    `failure` is a short code once something failed that makes the turn's replies unfit to send.
    `afterwords` makes what may follow an answer, in a language.
    `committed` turns true when the turn is in the database.
    """

    message_id: int
    contact_id: int
    language: str
    language_chosen: bool = False
    bubbles: List[Any] = field(default_factory=list)
    parse: Dict[str, Any] = field(default_factory=dict)
    failure: Optional[str] = None
    afterwords: Optional[Callable[[str], Afterwords]] = None
    committed: bool = False

    def fail(self, code: str) -> None:
        """Note the first thing that failed; the replies of this turn will not be sent."""
        if self.failure is None:
            self.failure = code


current_turn: ContextVar[Optional[Turn]] = ContextVar("current_turn", default=None)
