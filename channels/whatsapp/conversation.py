"""One turn: the next stored message of a contact, answered or laid before a person.

The clinic database is asked before Rasa sees a word: while a handoff is unresolved, what the
patient writes goes to the inbox only. Whatever Rasa fails at ends in the fixed text and a
handoff; only a database that does not answer leaves the message waiting.
"""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable, Dict, List, Optional, Tuple

from rasa.core.channels.channel import UserMessage
from sqlalchemy.exc import SQLAlchemyError

from channels.decisions import (
    INTENT_OF,
    STOP,
    stop_or_start,
    tapped_coming,
    tapped_decision,
    tapped_hurts,
)
from channels.judging import Judged, Parser, judge
from channels.texts import PatientTexts
from channels.turn import Turn, current_turn
from channels.whatsapp.commands import harmless_text, parse_payload, tap_parse_data
from channels.whatsapp.opening import Begun, Opening, open_turn
from channels.whatsapp.output import WhatsAppOutput
from clinic.database import Database
from clinic.inbound import revoke
from clinic.logs import logger
from clinic.outbox import more_of
from clinic.turns import AlreadyHandled, NoLongerMuted, TurnResult, commit_turn
from safety.decision import CLINICAL
from safety.language import detect

log = logger("channel.conversation")

LONGEST_TURN_SECONDS = 45.0
MOST_ATTEMPTS = 3

# ends of a turn that leave nothing: another process took it; it is the bot's again, and begins anew
ELSEWHERE, AGAIN = "elsewhere", "again"

READ_BY_RASA = frozenset({"text", "edit", "tap", "welcome"})
SILENT = frozenset({"sticker", "reaction", "revoke", "system"})

Handler = Callable[[UserMessage], Awaitable[Any]]


class Conversation:
    """Takes turns with Rasa on behalf of contacts.

    Args:
        handle: Rasa's handling of a user message (`Agent.handle_message`).
        parse: Rasa's reading of a text without answering it.
        texts: the fixed texts a turn needs when Rasa is not asked.
        after: called with the wamid of every message whose turn was committed and not muted.
    """

    def __init__(
        self,
        database: Database,
        handle: Handler,
        parse: Parser,
        texts: PatientTexts,
        after: Callable[[str], None],
    ) -> None:
        self._database = database
        self._handle = handle
        self._parse = parse
        self._texts = texts
        self._after = after
        self._output = WhatsAppOutput()
        self._begun = Begun()

    async def next_turn(self, contact_id: int) -> Optional[str]:
        """Take the next turn of a contact; how it ended, or None when nothing waits.

        Raises:
            SQLAlchemyError: the database does not answer; the message waits.
        """
        opening = await self._database.aside(open_turn, self._database, contact_id, self._begun)
        if opening is None:
            return None
        self._begun.add(opening.message_id)
        outcome = await self._outcome(opening)
        self._begun.discard(opening.message_id)
        if outcome in (ELSEWHERE, AGAIN):
            return outcome
        if not opening.muted:
            self._after(opening.wamid)
        log.info("turn", message=opening.message_id, contact=contact_id, outcome=outcome)
        return outcome

    async def _outcome(self, opening: Opening) -> str:
        try:
            return await self._take(opening)
        except AlreadyHandled:
            return ELSEWHERE
        except NoLongerMuted:
            return AGAIN
        except SQLAlchemyError:
            raise
        except Exception:
            log.exception("turn broke", message=opening.message_id)
            return await self._give_up(opening)

    async def _take(self, opening: Opening) -> str:
        if opening.muted:
            return await self._lay_before_staff(opening)
        if opening.attempts > MOST_ATTEMPTS:
            return await self._fail(opening, "attempts")
        if opening.kind in SILENT:
            return await self._stay_silent(opening)
        if opening.kind not in READ_BY_RASA:
            return await self._hand_over_unreadable(opening)
        if opening.spent and _hurts(opening) is None:
            return await self._say(opening, "utter_button_used")
        more = more_of(opening.payload) if opening.payload else None
        if more is not None:
            await self._commit(opening, bubbles=[more], intent="more")
            return "answered"
        return await self._ask_rasa(opening)

    async def _ask_rasa(self, opening: Opening) -> str:
        turn = Turn(
            message_id=opening.message_id,
            contact_id=opening.contact_id,
            language=opening.language,
            language_chosen=opening.language_chosen,
            afterwords=self._texts.afterwords,
        )
        token = current_turn.set(turn)
        try:
            await asyncio.wait_for(self._handle(self._user_message(opening)), LONGEST_TURN_SECONDS)
        except (SQLAlchemyError, AlreadyHandled):
            raise
        except asyncio.TimeoutError:
            turn.fail("timeout")
        except Exception:
            log.exception("turn failed", message=opening.message_id)
            turn.fail("assistant")
        finally:
            current_turn.reset(token)
        if turn.committed:
            return "answered"
        return await self._fail(opening, turn.failure or "no answer")

    def _user_message(self, opening: Opening) -> UserMessage:
        text = harmless_text(opening.text)
        parse_data = None
        command = _command(opening)
        if command is not None:
            intent, entities = command
            typed = opening.kind in ("text", "edit")
            language = self._language(opening) if typed else opening.language
            entities.setdefault("language", language)
            parse_data = tap_parse_data(text, intent, entities)
        return UserMessage(
            text=text or "-",
            output_channel=self._output,
            sender_id=str(opening.contact_id),
            parse_data=parse_data,
            input_channel="whatsapp",
            message_id=str(opening.message_id),
            metadata={
                "language": opening.language,
                "language_chosen": opening.language_chosen,
            },
        )

    async def _lay_before_staff(self, opening: Opening) -> str:
        """A person has this conversation: the inbox shows the message, the bot says nothing.

        Only a red flag is answered even now, with the emergency text, at most once an hour. What is
        clinical is marked so, and makes the handoff one for those who may read it. A tapped "I am
        coming" is kept on the visit, "It hurts" on the exercises, without a word to the patient.
        """
        judged = await self._judge(opening)
        bubbles = []
        if judged.red_flag and opening.emergency_text_due:
            bubbles = [await self._emergency(opening, judged.red_flag)]
        if opening.kind == "revoke":
            await self._revoke(opening)
        await self._commit(
            opening,
            bubbles=bubbles,
            muted=True,
            handoff=judged.reason or _clinical(opening),
            detail="human",
            coming=_coming(opening),
            hurts=_hurts(opening),
            **judged.parts(),
            **_decided(opening),
        )
        return "staff"

    async def _hand_over_unreadable(self, opening: Opening) -> str:
        """What nobody here can read (a picture, a voice note, a pin) goes to a person."""
        judged = await self._judge(opening)
        if judged.red_flag:
            bubble = await self._emergency(opening, judged.red_flag)
        else:
            bubble = await self._text(opening, "utter_handoff_media")
        await self._commit(
            opening,
            bubbles=[bubble],
            handoff="red_flag" if judged.red_flag else "media",
            forget=True,
            **judged.parts(),
        )
        return "handoff"

    async def _stay_silent(self, opening: Opening) -> str:
        if opening.kind == "revoke":
            await self._revoke(opening)
        await self._commit(opening, detail="silent")
        return "silent"

    async def _say(self, opening: Opening, response: str) -> str:
        await self._commit(opening, bubbles=[await self._text(opening, response)])
        return "answered"

    async def _fail(self, opening: Opening, code: str) -> str:
        """Anything failing fails to a human, with the fixed text; a red flag keeps its own."""
        log.warning("turn handed over", message=opening.message_id, failure=code)
        judged = await self._judge(opening)
        if judged.red_flag:
            bubble = await self._emergency(opening, judged.red_flag)
        else:
            bubble = await self._text(opening, "utter_handoff_failure")
        await self._commit(
            opening,
            bubbles=[bubble],
            handoff=judged.reason or _clinical(opening) or "failure",
            forget=True,
            detail=code,
            hurts=_hurts(opening),
            **judged.parts(),
            **_decided(opening),
        )
        return "failure"

    async def _give_up(self, opening: Opening) -> str:
        """When even a fixed text cannot be said: a person has the conversation all the same."""
        try:
            decided = _decided(opening)
            decided.update(handoff=_clinical(opening) or "failure", hurts=_hurts(opening))
            await self._commit(opening, forget=True, detail="channel", **decided)
        except AlreadyHandled:
            return ELSEWHERE
        return "failure"

    async def _judge(self, opening: Opening) -> Judged:
        """What the clinical gate says of words that Rasa will not answer."""
        # what broke every attempt so far may be the reading itself
        if opening.kind in SILENT or opening.attempts > MOST_ATTEMPTS:
            return Judged()
        if opening.payload:
            # the words on our own button are ours; what tapping it means was written by us too
            command = parse_payload(opening.payload)
            return Judged.of_intent(command[0]) if command else Judged()
        return await judge(
            self._parse, opening.contact_id, opening.message_id, harmless_text(opening.text)
        )

    async def _revoke(self, opening: Opening) -> None:
        target = opening.content.get("target")

        def write() -> None:
            with self._database.transaction() as session:
                revoke(session, opening.contact_id, str(target))

        if target:
            await self._database.aside(write)

    def _language(self, opening: Opening) -> str:
        if opening.language_chosen:
            return opening.language
        return detect(opening.text or "") or opening.language

    async def _text(self, opening: Opening, response: str) -> Any:
        return await self._database.aside(self._texts.bubble, response, self._language(opening))

    async def _emergency(self, opening: Opening, red_flag: str) -> Any:
        return await self._database.aside(self._texts.emergency, red_flag, self._language(opening))

    async def _commit(self, opening: Opening, **parts: Any) -> None:
        if parts.get("bubbles"):
            language = self._language(opening)
            parts["more_title"] = self._texts.say("utter_more_row", opening.language)
            parts["afterwords"] = await self._database.aside(self._texts.afterwords, language)
        result = TurnResult(message_id=opening.message_id, contact_id=opening.contact_id, **parts)
        await self._database.write(lambda session: commit_turn(session, result))


def _command(opening: Opening) -> Optional[Tuple[str, Dict[str, Any]]]:
    """Intent and entities that need no reading: a tap's, a welcome's, a bare STOP's or START's."""
    if opening.payload:
        return parse_payload(opening.payload)
    if opening.kind == "welcome":
        return "greet", {}
    meaning = stop_or_start(opening.text)
    return (INTENT_OF[meaning], {}) if meaning is not None else None


def _decided(opening: Opening) -> Dict[str, Any]:
    """What the patient decided about our messages in a turn that Rasa does not take."""
    command = _command(opening)
    if command is None or opening.spent:
        return {}
    if command[0] == INTENT_OF[STOP]:
        return {"stop": True}
    return {"decision": tapped_decision(*command)}


def _coming(opening: Opening) -> List[Tuple[int, int]]:
    """The visits to which the patient said, by our own button, that they come."""
    command = _command(opening) if opening.payload else None
    return tapped_coming(*command) if command is not None else []


def _hurts(opening: Opening) -> Optional[str]:
    """Which occasion of home exercises hurt, by our own button; None of any other message."""
    command = _command(opening) if opening.payload else None
    return tapped_hurts(*command) if command is not None else None


def _clinical(opening: Opening) -> Optional[str]:
    """The reason of the handoff that a tapped "It hurts" asks for."""
    return CLINICAL if _hurts(opening) is not None else None
