"""Draining the outbox."""

from __future__ import annotations

import os
import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Any, Optional, Protocol, Set

from clinic.claiming import claim
from clinic.database import Database, now
from clinic.delivery import Letter, begin_sending
from clinic.logs import logger

log = logger("worker.sending")

CLAIM_AT_ONCE = 32


class Sender(Protocol):
    """Sends a letter and records what became of it; raises only where it could not record."""

    def send(self, letter: Letter) -> None: ...


class Pace:
    """Keeps to a number of messages a second (the limit of a WhatsApp number)."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1.0 / per_second
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next message may go."""
        with self._lock:
            moment = time.monotonic()
            # an idle second is not saved up for a burst above the limit
            at = max(self._next, moment)
            self._next = at + self._gap
        if at > moment:
            time.sleep(at - moment)


class Outbox:
    """Claims due letters and sends them, a few at once, each contact's in order."""

    def __init__(
        self, database: Database, sender: Sender, threads: int = 8, per_second: float = 80.0
    ) -> None:
        self._database = database
        self._sender = sender
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="send")
        self._threads = threads
        self._pace = Pace(per_second)
        self._owner = f"{socket.gethostname()[:40]}:{os.getpid()}"
        self._flying: Set["Future[None]"] = set()

    def drain(self, moment: Optional[datetime] = None) -> int:
        """Send what is due until nothing is, and return how many letters were taken up."""
        total = 0
        while True:
            taken = self.step(moment)
            total += taken
            if taken:
                continue
            if not self._flying:
                return total
            wait(self._flying)

    def step(self, moment: Optional[datetime] = None) -> int:
        """Claim what is due now and start sending it; how many were claimed."""
        self._flying = {future for future in self._flying if not future.done()}
        room = self._threads * 2 - len(self._flying)
        if room <= 0:
            wait(self._flying, return_when="FIRST_COMPLETED")
            room = 1
        if not self._anything_due(moment):
            return 0
        # one transaction: what is claimed is decided at once, and a crash undoes both
        with self._database.transaction() as session:
            ids = claim(session, self._owner, min(room, CLAIM_AT_ONCE), moment)
            letters = begin_sending(session, ids, self._owner)
        for letter in letters:
            self._flying.add(self._pool.submit(self._send, letter))
        return len(ids)

    def _anything_due(self, moment: Optional[datetime]) -> bool:
        """A glance before asking for the writers' queue; nearly free when there is nothing."""
        with self._database.engine.connect() as connection:
            return bool(connection.execute(_GLANCE, {"moment": moment or now()}).first())

    def _send(self, letter: Letter) -> None:
        self._pace.wait()
        try:
            self._sender.send(letter)
        except Exception:
            # the row stays `sending`; when its lease is over it becomes `unknown`
            log.exception("outcome not recorded", message=letter.message_id)

    def close(self) -> None:
        """Let what is on its way end."""
        self._pool.shutdown(wait=True)


def _glance() -> Any:
    from sqlalchemy import bindparam, select

    from clinic.claiming import in_state
    from clinic.database import UtcDateTime
    from clinic.models import Message
    from clinic.models.message import PLANNED

    return (
        select(Message.id)
        .where(
            in_state(PLANNED),
            Message.due_at <= bindparam("moment", type_=UtcDateTime()),
        )
        .limit(1)
    )


_GLANCE = _glance()
