"""Draining the outbox."""

from __future__ import annotations

import os
import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Any, List, Optional, Protocol, Set

from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from clinic.claiming import LEASE, claim
from clinic.database import Database, now
from clinic.decision import Writer
from clinic.delivery import Report, record
from clinic.logs import logger
from clinic.sending import Letter, begin_sending

log = logger("worker.sending")

MOST_IN_FLIGHT = 96
# what has begun by then has its answer, or its time-out, before its lease is over
BEGIN_WITHIN_SECONDS = LEASE.total_seconds() - 30.0
CLAIM_AT_ONCE = 64
# what has come back is written down by then, however slow the others are
LONGEST_WAIT_SECONDS = 0.25


class Sender(Protocol):
    """Sends a letter and says what became of it."""

    def send(self, letter: Letter) -> Report: ...


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
    """Claims due letters and sends them, a few at once, each contact's in order.

    What became of letters is written in the transaction that claims the next ones, so that a
    crowd of them costs few commits.
    """

    def __init__(
        self,
        database: Database,
        sender: Sender,
        threads: int = 8,
        per_second: float = 80.0,
        writer: Optional[Writer] = None,
    ) -> None:
        self._database = database
        self._sender = sender
        self._writer = writer
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="send")
        # a reply that comes now waits for no more than these: a quarter of a second at most
        self._room = max(threads * 2, min(MOST_IN_FLIGHT, int(per_second / 4)))
        self._pace = Pace(per_second)
        self._owner = f"{socket.gethostname()[:40]}:{os.getpid()}"
        self._flying: Set["Future[Optional[Report]]"] = set()
        self._reports: List[Report] = []
        self._closing = threading.Event()

    def drain(self, moment: Optional[datetime] = None) -> int:
        """Send what is due until nothing is, and return how many letters were taken up."""
        total = 0
        while True:
            flew = bool(self._flying)
            taken = self.step(moment)
            total += taken
            # what has just come back may be due again, or have made way for another
            if taken or (flew and not self._flying):
                continue
            if not self._flying:
                return total
            wait(self._flying, return_when="FIRST_COMPLETED")

    @property
    def in_flight(self) -> bool:
        """Whether letters are on their way, or what became of some is not written down yet."""
        return bool(self._flying or self._reports)

    def step(self, moment: Optional[datetime] = None) -> int:
        """Write down what came back, claim what is due now, start sending it; how many."""
        self._wait_for_room()
        self._collect()
        limit = min(self._room - len(self._flying), CLAIM_AT_ONCE)
        due = limit > 0 and self._anything_due(moment)
        if not self._reports and not due:
            return 0
        ids: List[int] = []
        letters: List[Letter] = []
        try:
            # one transaction: what is claimed is decided at once, and a crash undoes both
            with self._database.transaction() as session:
                if self._reports:
                    record(session, self._reports)
                if due:
                    ids = claim(session, self._owner, limit, moment)
                    letters = begin_sending(
                        session, ids, self._owner, writer=self._writer, moment=moment
                    )
        except (IntegrityError, DataError):
            if not self._reports:
                raise
            self._record_singly()
            return 0
        self._reports = []
        begin_by = time.monotonic() + BEGIN_WITHIN_SECONDS
        for letter in letters:
            self._flying.add(self._pool.submit(self._send, letter, begin_by))
        return len(ids)

    def _wait_for_room(self) -> None:
        """Wait a moment until half are back: a transaction for one costs as much as for many."""
        until = time.monotonic() + LONGEST_WAIT_SECONDS
        waiting = self._flying
        while len(waiting) > self._room // 2 and time.monotonic() < until:
            left = max(0.0, until - time.monotonic())
            waiting = wait(waiting, left, return_when="FIRST_COMPLETED").not_done

    def _collect(self) -> None:
        done = {future for future in self._flying if future.done()}
        self._flying -= done
        self._reports += [report for report in (each.result() for each in done) if report]

    def _record_singly(self) -> None:
        """One answer that cannot be stored must not cost the others theirs."""
        for report in self._reports:
            try:
                with self._database.transaction() as session:
                    record(session, [report])
            except (IntegrityError, DataError):
                # the row stays `sending`; when its lease is over it becomes `unknown`
                log.exception("outcome not recorded", message=report.message_id)
        self._reports = []

    def _anything_due(self, moment: Optional[datetime]) -> bool:
        """A glance before asking for the writers' queue; nearly free when there is nothing."""
        with self._database.engine.connect() as connection:
            return bool(connection.execute(_GLANCE, {"moment": moment or now()}).first())

    def _send(self, letter: Letter, begin_by: float) -> Optional[Report]:
        self._pace.wait()
        if self._closing.is_set():
            # whoever stops this worker waits for one letter per thread, not for a queue of them
            return Report(letter.message_id, detail="not begun: stopping", retry_in=timedelta(0))
        if time.monotonic() > begin_by:
            # others were so slow that its lease could end on the way: it has not gone, so again
            return Report(letter.message_id, detail="not begun in time", retry_in=timedelta(0))
        try:
            return self._sender.send(letter)
        except Exception:
            # the row stays `sending`; when its lease is over it becomes `unknown`
            log.exception("outcome not known", message=letter.message_id)
            return None

    def close(self) -> None:
        """Let what is on its way end, and write down what became of it; the rest waits again."""
        self._closing.set()
        self._pool.shutdown(wait=True)
        self._collect()
        if not self._reports:
            return
        try:
            with self._database.transaction() as session:
                record(session, self._reports)
            self._reports = []
        except SQLAlchemyError:
            log.exception("outcomes not recorded", count=len(self._reports))


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
