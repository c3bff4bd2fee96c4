"""Everything that takes turns: the conversation with Rasa, its locks, and the blue ticks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Protocol, Set

from channels.locks import locks_for
from channels.texts import PatientTexts
from channels.whatsapp.conversation import Conversation, Handler, Parser
from channels.whatsapp.graph import GraphClient
from channels.whatsapp.receipts import Receipts
from channels.whatsapp.turns import Turns
from clinic.database import Database
from clinic.facts import Facts
from clinic.inbound import EVERYBODY, Share
from clinic.settings import Settings
from clinic.texts import Texts

DOMAIN = Path(__file__).resolve().parents[2] / "domain"


class Thinker(Protocol):
    """What the webhook knows of whoever takes the turns: here, or in a process of its own."""

    def start(self) -> None:
        """Begin with what was left unhandled."""

    def stop(self) -> None:
        """Let the running turns end."""

    def wake(self, contacts: Set[int]) -> None:
        """These contacts have new messages; callable from any thread."""

    def state(self) -> Dict[str, Any]:
        """For the health page: `alive`, and `model` where it is known whether one is loaded."""


class Thinking:
    """Takes turns in this process.

    Args:
        handle: Rasa's handling of a user message (`Agent.handle_message`).
        parse: Rasa's reading of a text without answering it.
        share: which contacts are looked after here, where several processes share them.
    """

    def __init__(
        self,
        configured: Settings,
        database: Database,
        handle: Handler,
        parse: Parser,
        share: Share = EVERYBODY,
    ) -> None:
        client = GraphClient(
            configured.whatsapp_graph_url,
            configured.whatsapp_api_version,
            configured.whatsapp_phone_number_id,
            configured.whatsapp_access_token,
            timeout=(2.0, 5.0),
            pool=1,
        )
        self._receipts = Receipts(client)
        conversation = Conversation(
            database,
            handle,
            parse,
            PatientTexts(Texts.load(DOMAIN), Facts(database)),
            after=self._receipts.read,
        )
        self._turns = Turns(database, conversation, locks_for(configured, database), share)

    def start(self) -> None:
        self._receipts.start()
        self._turns.start()

    def stop(self) -> None:
        self._turns.stop()
        self._receipts.stop()

    def wake(self, contacts: Set[int]) -> None:
        self._turns.wake(contacts)

    def state(self) -> Dict[str, Any]:
        return self._turns.state()
