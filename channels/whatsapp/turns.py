"""Working off what was stored: per contact strictly in order, contacts beside each other.

Turns run on an event loop of their own thread, so that Rasa's thinking never makes a webhook
wait for its answer. Whatever happens to a turn, its message ends up answered, laid before a
person, or still waiting in the database for the next try.
"""

from __future__ import annotations

import asyncio
import random
import threading
from typing import Any, Dict, Optional, Set

from prometheus_client import Counter, Histogram
from sqlalchemy.exc import SQLAlchemyError

from channels.locks import ConversationLocks
from channels.whatsapp.conversation import Conversation
from clinic.database import Database
from clinic.inbound import EVERYBODY, Share, contacts_waiting
from clinic.logs import logger

log = logger("channel.turns")

TURNS = Counter("sandhi_turns_total", "Turns taken, by how they ended", ["outcome"])
TURN_SECONDS = Histogram("sandhi_turn_seconds", "Time from taking a message up to its commit")

CONTACTS_AT_ONCE = 8
LOOK_EVERY_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0


class Turns:
    """Takes up waiting conversations until it is stopped.

    `share` says which contacts are looked after here, where several processes share them.
    """

    def __init__(
        self,
        database: Database,
        conversation: Conversation,
        locks: ConversationLocks,
        share: Share = EVERYBODY,
    ) -> None:
        self._database = database
        self._conversation = conversation
        self._locks = locks
        self._share = share
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="turns", daemon=True)
        self._running: Dict[int, "asyncio.Task[None]"] = {}
        self._again: Set[int] = set()
        self._places: Optional[asyncio.Semaphore] = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin; what an earlier process left unhandled is taken up first."""
        self._thread.start()

    def stop(self) -> None:
        """Let the running turns end (a few seconds at most), then stop."""
        self._stopping.set()
        self._thread.join(timeout=15)

    def wake(self, contacts: Set[int]) -> None:
        """These contacts have new messages; callable from any thread."""
        if not self._stopping.is_set():
            self._loop.call_soon_threadsafe(self._take_up, contacts)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._main())

    async def _main(self) -> None:
        self._places = asyncio.Semaphore(CONTACTS_AT_ONCE)
        while not self._stopping.is_set():
            # also finds what another replica stored and died upon
            await self._look()
            for _ in range(int(LOOK_EVERY_SECONDS / 0.1)):
                if self._stopping.is_set():
                    break
                await asyncio.sleep(0.1)
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=10)

    async def _look(self) -> None:
        def waiting() -> Set[int]:
            with self._database.reading() as session:
                return set(contacts_waiting(session, self._share))

        try:
            found = await asyncio.to_thread(waiting)
            # who is being worked on is looked after already
            self._take_up(found - self._running.keys())
        except Exception:
            # whatever it was, this loop must live: it is what finds every forgotten message
            log.exception("waiting conversations not read")

    def _take_up(self, contacts: Set[int]) -> None:
        for contact_id in contacts:
            if contact_id in self._running:
                self._again.add(contact_id)
            elif not self._stopping.is_set():
                self._running[contact_id] = self._loop.create_task(self._work_off(contact_id))

    async def _work_off(self, contact_id: int) -> None:
        assert self._places is not None  # noqa: S101 - set before the first task
        try:
            async with self._places, self._locks.hold(contact_id) as held:
                if held:
                    await self._turns_of(contact_id)
        except Exception:
            log.exception("conversation left for the next look", contact=contact_id)
        finally:
            del self._running[contact_id]
            if contact_id in self._again:
                self._again.discard(contact_id)
                self._take_up({contact_id})

    async def _turns_of(self, contact_id: int) -> None:
        pause = 0.2
        while not self._stopping.is_set():
            try:
                with TURN_SECONDS.time():
                    outcome = await self._conversation.next_turn(contact_id)
            except SQLAlchemyError:
                # the message is safe in the database; try again when it answers
                log.exception("turn waits for the database", contact=contact_id)
                TURNS.labels("waiting").inc()
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            if outcome is None:
                return
            pause = 0.2
            TURNS.labels(outcome).inc()

    def state(self) -> Dict[str, Any]:
        """For the health page: how many conversations are being worked on."""
        return {"alive": self._thread.is_alive(), "conversations": len(self._running)}
