"""What the clinical gate says of a message that Rasa is not asked to answer.

While a person has the conversation, and where a turn failed, nobody but the gate looks at the
words before staff do: by its mark they are shown to whoever may read them, and to nobody else.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Awaitable, Callable, Dict, Optional

from rasa.core.channels.channel import UserMessage

from clinic.logs import logger
from safety.decision import CLINICAL, RED_FLAG
from safety.intents import CLINICAL_INTENTS, EMERGENCY

log = logger("channel.judging")

LONGEST_READING_SECONDS = 15.0
# a clinical message of which no more is known
UNNAMED = "other_medical"

Parser = Callable[[UserMessage], Awaitable[Dict[str, Any]]]


@dataclass(frozen=True)
class Judged:
    """A message as the gate sees it; nothing at all where there was nothing to judge.

    `intent` is a clinical one, or None: what else it may be does not matter here.
    """

    marks: Dict[str, Any] = field(default_factory=dict)
    intent: Optional[str] = None

    @classmethod
    def of_intent(cls, intent: str) -> Judged:
        """What a tap on one of our own buttons is, by the intent it stands for."""
        return cls(intent=intent) if intent in CLINICAL_INTENTS else cls()

    @property
    def red_flag(self) -> Optional[str]:
        """The category of the red flag, where it is one."""
        return self.marks.get("red_flag")

    @property
    def reason(self) -> Optional[str]:
        """For which reason it goes to a person, where the gate says so."""
        if self.red_flag:
            return RED_FLAG
        return CLINICAL if self.intent is not None else None

    def parts(self) -> Dict[str, Any]:
        """What of it `clinic.turns.TurnResult` keeps."""
        return {"red_flag": self.red_flag, "intent": self.intent, "marks": self.marks or None}


async def judge(parse: Parser, contact_id: int, message_id: int, text: str) -> Judged:
    """Let the gate read `text`; nothing is known where it fails, or takes too long."""
    if not text:
        return Judged()
    message = UserMessage(text=text, sender_id=str(contact_id))
    try:
        parsed = await asyncio.wait_for(parse(message), LONGEST_READING_SECONDS)
    except Exception:
        log.exception("gate failed", message=message_id)
        return Judged()
    marks = dict(parsed.get("gate") or {})
    if marks.get("red_flag"):
        return Judged(marks, EMERGENCY)
    if not marks.get("clinical"):
        return Judged(marks)
    named = (parsed.get("intent") or {}).get("name")
    return Judged(marks, named if named in CLINICAL_INTENTS else UNNAMED)
