"""The clinic and its assistant in this process: the real channel, actions and model, no socket."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any, Iterator, List, Optional
from unittest.mock import patch
from zoneinfo import ZoneInfo

import time_machine
from rasa.core.agent import Agent
from rasa.utils.endpoints import ClientResponseError
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection
from sqlalchemy.exc import OperationalError

from assistant.action_endpoint import ActionEndpoint, _result
from assistant.tracker_store import ClinicTrackerStore
from assistant.words import ClinicWords
from channels.texts import PatientTexts
from channels.whatsapp.conversation import Conversation
from clinic.contacts import ensure_contact
from clinic.database import Database, now
from clinic.facts import Facts
from clinic.scheduling.booking import book, expire_holds
from clinic.scheduling.grid import Slot
from clinic.scheduling.slots import free_slots
from clinic.texts import Texts
from tests.conversations.chat import Patient

PUNE = ZoneInfo("Asia/Kolkata")
CHRISTMAS = date(2026, 12, 25)  # a public holiday, within the days that can be booked
_numbers = itertools.count(1)


class InProcessActions(ActionEndpoint):
    """The action server without its socket: the same JSON in and out."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:0/webhook", enable_selective_domain=True)
        self.executor = ActionExecutor()
        self.executor.register_package("actions")
        self.calls: List[str] = []
        self.broken: Optional[str] = None

    async def request(
        self,
        method: str = "post",
        subpath: Optional[str] = None,
        content_type: Optional[str] = "application/json",
        compress: bool = False,
        **kwargs: Any,
    ) -> Optional[Any]:
        body = json.loads(json.dumps(kwargs["json"]))
        action = str(body["next_action"])
        self.calls.append(action)
        try:
            if self.broken in (action, "every"):
                raise RuntimeError("the action broke")
            return _result(json.loads(json.dumps(await self.executor.run(body))))
        except ActionExecutionRejection as error:
            refusal = {"error": str(error), "action_name": error.action_name}
            raise ClientResponseError(400, "rejected", json.dumps(refusal)) from error
        except Exception as error:
            self._failed(body, type(error).__name__)
            raise


class Clinic:
    """The clinic with its assistant: one database, one conversation engine, one clock."""

    def __init__(
        self,
        database: Database,
        agent: Agent,
        actions: InProcessActions,
        words: Texts,
        loop: asyncio.AbstractEventLoop,
        clock: time_machine.Traveller,
    ) -> None:
        self.database = database
        self.agent = agent
        self.actions = actions
        self.actions.calls.clear()
        self.actions.broken = None
        self.texts = words
        self._loop = loop
        self._clock = clock
        agent.tracker_store = ClinicTrackerStore(domain=agent.domain, clinic_database=database)
        agent.processor.tracker_store = agent.tracker_store
        self._read_facts()

    def _read_facts(self) -> None:
        """Begin anew with what the clinic says of itself: its facts are kept for some seconds."""
        facts = Facts(self.database)
        words = ClinicWords(domain=self.agent.domain, facts=facts)
        self.agent.nlg = self.agent.processor.nlg = words
        self.conversation = Conversation(
            self.database,
            self.agent.handle_message,
            self.agent.processor.parse_message,
            PatientTexts(self.texts, facts),
            after=lambda wamid: None,
        )

    def patient(self, name: str = "Riya Demo") -> Patient:
        """Somebody who has never written here."""
        return Patient(self, f"+9190002{next(_numbers):05d}", name)

    def answer(self, contact_id: int) -> List[str]:
        """Take this contact's waiting turns; how each ended."""
        return self._loop.run_until_complete(self._answer(contact_id))

    async def _answer(self, contact_id: int) -> List[str]:
        outcomes: List[str] = []
        while (outcome := await self.conversation.next_turn(contact_id)) is not None:
            outcomes.append(outcome)
        return outcomes

    def passes(self, **time: float) -> None:
        """Let time pass: `clinic.passes(hours=3)`; holds that ran out are given back."""
        self._clock.shift(timedelta(**time))
        with self.database.transaction() as session:
            expire_holds(session, now())
        self._read_facts()

    def moves_to(self, moment: datetime) -> None:
        """Let it be that moment."""
        self._clock.move_to(moment)
        self._read_facts()

    @property
    def today(self) -> date:
        return now().astimezone(PUNE).date()

    def free(self, day: date, service: str = "assessment") -> List[Slot]:
        """Everything that can be booked on a day, with whomever."""
        with self.database.reading() as session:
            return free_slots(session, service=service, start=day, end=day, limit=500, now=now())

    def fills(self, day: date) -> None:
        """Book a day full, as the front desk might."""
        with self.database.transaction() as session:
            other = ensure_contact(session, "+919000299999", None, "Somebody Else")
            session.flush()
            for service in ("assessment", "session"):
                while slots := free_slots(
                    session, service=service, start=day, end=day, limit=1, now=now()
                ):
                    cause = f"fill:{slots[0].key}"
                    book(session, slots[0], other.id, "Somebody Else", cause, now=now())

    def takes(self, slot: Slot) -> None:
        """Another patient books this slot by telephone."""
        with self.database.transaction() as session:
            other = ensure_contact(session, "+919000299998", None, "Somebody Else")
            session.flush()
            book(session, slot, other.id, "Somebody Else", f"takes:{slot.key}", now=now())

    @contextmanager
    def crash_before_commit(self) -> Iterator[None]:
        """The next turn does all its work and then cannot commit, as in a crash."""

        def crash(_session: Any, _result: Any) -> None:
            raise OperationalError("commit", {}, Exception("gone"))

        with patch("assistant.tracker_store.commit_turn", crash):
            yield
