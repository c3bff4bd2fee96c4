"""Storing webhooks before they are answered.

One thread writes. Webhooks that come in while it writes are stored together in its next
transaction, so a burst costs a few commits and each webhook still has its own all-or-nothing:
its answer waits for the commit that holds it.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from dataclasses import dataclass, field
from typing import Callable, List, Optional, Sequence, Set

from prometheus_client import Counter
from sqlalchemy.exc import (
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from channels.whatsapp.arrivals import arrival_of, status_of
from channels.whatsapp.updates import (
    ContactChange,
    DeadLetter,
    DeliveryStatus,
    Ignored,
    InboundMessage,
    MarketingPreference,
    TemplateChange,
    Update,
)
from clinic.consent import record
from clinic.contacts import change_identity, find_contact
from clinic.database import Database
from clinic.delivery import apply_status
from clinic.inbound import store_arrival, store_dead_letter
from clinic.logs import logger
from clinic.models.consent import MARKETING, USER_PREFERENCES
from clinic.templates import keep_status

log = logger("channel.receiver")

UPDATES = Counter("sandhi_webhook_updates_total", "Updates received, by kind", ["kind"])
DUPLICATES = Counter("sandhi_webhook_duplicates_total", "Messages received again")
DEAD_LETTERS = Counter("sandhi_webhook_dead_letters_total", "Updates that could not be read")

MAX_TOGETHER = 64

# trying each webhook by itself would only make each wait as long again
_DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeoutError, OSError)


@dataclass
class _Job:
    updates: Sequence[Update]
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[None]"
    contacts: Set[int] = field(default_factory=set)


class Receiver:
    """Stores updates durably, then says whose conversations have something new."""

    def __init__(self, database: Database, on_stored: Callable[[Set[int]], None]) -> None:
        self._database = database
        self._on_stored = on_stored
        self._jobs: "queue.Queue[Optional[_Job]]" = queue.Queue()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write, name="webhook-store", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Store what has been taken in, and end."""
        self._jobs.put(None)
        self._thread.join(timeout=10)

    async def store(self, updates: Sequence[Update]) -> None:
        """Return once the updates are in the database.

        Raises:
            Exception: whatever the database raised; nothing of this webhook is stored then.
        """
        loop = asyncio.get_running_loop()
        job = _Job(updates, loop, loop.create_future())
        self._jobs.put(job)
        if self._ended.is_set():
            self._refuse_waiting()
        await job.done

    def _write(self) -> None:
        self._write_until_stopped()
        self._ended.set()
        self._refuse_waiting()

    def _refuse_waiting(self) -> None:
        """Whoever came after the end is told so, and WhatsApp sends it again."""
        with contextlib.suppress(queue.Empty):
            while True:
                job = self._jobs.get_nowait()
                if job is not None:
                    _finish(job, RuntimeError("stopping"))

    def _write_until_stopped(self) -> None:
        while True:
            first = self._jobs.get()
            if first is None:
                return
            jobs = [first]
            stopping = False
            while len(jobs) < MAX_TOGETHER:
                try:
                    following = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    stopping = True
                    break
                jobs.append(following)
            self._store_together(jobs)
            if stopping:
                return

    def _store_together(self, jobs: List[_Job], apart: bool = False) -> None:
        try:
            with self._database.transaction(urgent=True) as session:
                for job in jobs:
                    job.contacts = self._store_updates(session, job.updates, apart)
        except Exception as error:
            if apart or isinstance(error, _DATABASE_AWAY):
                log.exception("webhooks not stored", webhooks=len(jobs))
                for job in jobs:
                    _finish(job, error)
                return
            # one bad update must not cost its neighbours: again, each with a savepoint of its own
            for job in jobs:
                self._store_together([job], apart=True)
            return
        for job in jobs:
            if job.contacts:
                self._on_stored(job.contacts)
            _finish(job, None)

    def _store_updates(self, session: Session, updates: Sequence[Update], apart: bool) -> Set[int]:
        contacts: Set[int] = set()
        for update in updates:
            try:
                with session.begin_nested() if apart else contextlib.nullcontext():
                    contact = self._store_one(session, update)
            except Exception as error:
                if not apart or not _is_data_error(error):
                    raise
                log.exception("update kept as dead letter")
                DEAD_LETTERS.inc()
                store_dead_letter(session, type(error).__name__, {"value": repr(update)})
                continue
            if contact is not None:
                contacts.add(contact)
        return contacts

    def _store_one(self, session: Session, update: Update) -> Optional[int]:
        UPDATES.labels(type(update).__name__).inc()
        if isinstance(update, InboundMessage):
            contact = store_arrival(session, arrival_of(update))
            if contact is None:
                DUPLICATES.inc()
            return contact
        if isinstance(update, DeliveryStatus):
            apply_status(session, status_of(update))
        elif isinstance(update, ContactChange):
            change_identity(
                session, update.old_phone, update.old_bsuid, update.new_phone, update.new_bsuid
            )
        elif isinstance(update, MarketingPreference):
            contact_row = find_contact(session, phone=update.phone, bsuid=update.bsuid)
            if contact_row is not None:
                record(
                    session,
                    int(contact_row.id),
                    MARKETING,
                    update.value == "resume",
                    how=USER_PREFERENCES,
                    language=str(contact_row.language),
                    at=update.at,
                )
        elif isinstance(update, TemplateChange):
            keep_status(
                session,
                update.name,
                update.language,
                status=update.status,
                category=update.category,
                reason=update.reason,
            )
            log.info("template changed", status=update.status, category=update.category)
        elif isinstance(update, DeadLetter):
            DEAD_LETTERS.inc()
            letter = store_dead_letter(session, update.reason, update.raw)
            log.warning("update could not be read", dead_letter=letter)
        elif isinstance(update, Ignored):
            pass
        return None


def _is_data_error(error: Exception) -> bool:
    """Whether the update itself (or our reading of it) is at fault, and not the database."""
    if isinstance(error, (DataError, IntegrityError)) or type(error) is StatementError:
        return True
    return not isinstance(error, (SQLAlchemyError, OSError))


def _finish(job: _Job, error: Optional[Exception]) -> None:
    def settle() -> None:
        if job.done.done():
            return
        if error is None:
            job.done.set_result(None)
        else:
            job.done.set_exception(error)

    job.loop.call_soon_threadsafe(settle)
