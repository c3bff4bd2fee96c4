"""Engines, sessions and the way writers queue.

SQLite (WAL, synchronous FULL so that an acknowledged message survives a power cut) is the
embedded default, PostgreSQL the way to more than one machine; the same models serve both.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Iterator, Optional, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import DateTime, create_engine, event, text
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool
from sqlalchemy.types import TypeDecorator

from clinic.settings import SettingsError, settings
from clinic.shared_writes import SharedWrites
from clinic.writer_queue import WriterQueue

BUSY_SECONDS = 30
_BEGIN = text("BEGIN IMMEDIATE")

Found = TypeVar("Found")


class UtcDateTime(TypeDecorator):  # type: ignore[type-arg]
    """Aware UTC datetimes on both databases (SQLite itself keeps no zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: Optional[datetime], dialect: Any) -> Optional[datetime]:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a zone cannot be stored")
        value = value.astimezone(timezone.utc)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Optional[datetime], dialect: Any) -> Optional[datetime]:
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=timezone.utc)
        return value.astimezone(timezone.utc)


def connection_of(session: Session) -> Connection:
    """The connection of a session's transaction, for statements that ask for columns.

    There they take half as long as by the session, which looks for objects in them; what the
    session has yet to write is written first. Most of what a writer does while all others wait
    for it is of that kind.
    """
    session.flush()
    return session.connection()


def now() -> datetime:
    """This moment, aware, UTC."""
    return datetime.now(timezone.utc)


class Database:
    """One database: reading sessions, and writing transactions that queue.

    Raises:
        SettingsError: if `url` names no database that can be used; the message never quotes it,
            for it may hold a password.
    """

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self.url = _database_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.writers: Optional[WriterQueue] = None
        self.engine = self._engine(pool_size)
        self._shared: "WeakKeyDictionary[Any, SharedWrites]" = WeakKeyDictionary()

    def _engine(self, pool_size: int) -> Engine:
        # hide_parameters: an error message must never carry a patient's words
        common = {"future": True, "hide_parameters": True}
        if not self.is_sqlite:
            return create_engine(
                self.url,
                pool_size=pool_size,
                max_overflow=20,
                pool_pre_ping=True,
                # many rows changed at once are one round trip
                executemany_mode="values_plus_batch",
                **common,
            )
        path = self.url.database
        if not path or path == ":memory:":
            raise SettingsError(
                "DATABASE_URL is wrong: an in-memory database cannot be shared; name a file."
            )
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.writers = WriterQueue(path)
        engine = create_engine(
            self.url,
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
            # 1.4's default for a file opens a connection for every session
            poolclass=QueuePool,
            pool_size=pool_size,
            max_overflow=20,
            **common,
        )
        event.listen(engine, "connect", _prepare_sqlite)
        return engine

    def session(self) -> Session:
        """A session for reading; whoever writes uses `transaction`."""
        return Session(self.engine, future=True, expire_on_commit=False)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that is closed at the end and never commits."""
        with self.session() as session:
            yield session

    @contextmanager
    def transaction(self, urgent: bool = False) -> Iterator[Session]:
        """A writing session: committed whole at the end, rolled back whole on an exception.

        Args:
            urgent: goes before other writers that wait (SQLite): for webhooks only.
        """
        if self.writers is None:
            with self.session() as session, session.begin():
                yield session
            return
        with self.writers.turn(urgent), self.session() as session:
            session.connection().execute(_BEGIN)
            yield session
            session.commit()

    async def aside(self, work: Callable[..., Found], *given: Any) -> Found:
        """What `work(*given)` gives, which reads or writes this database, for whoever thinks on an
        event loop of their own.

        PostgreSQL is waited for in another thread. SQLite is not: there each statement would wait
        for the interpreter while this one thinks, and every other writer for that (`make bench`:
        webhooks took twice as long).
        """
        if self.is_sqlite:
            return work(*given)
        return await asyncio.to_thread(work, *given)

    async def write(self, work: Callable[[Session], None]) -> None:
        """Do `work` in a writing transaction, on SQLite together with what else is handed in now.

        `work` may be done twice, the first time for nothing (`clinic.shared_writes`).

        Raises:
            Exception: what `work` or the commit raises; nothing of it is written then.
        """
        if not self.is_sqlite:
            await self.aside(self._write_alone, work)
            return
        loop = asyncio.get_running_loop()
        if loop not in self._shared:
            self._shared[loop] = SharedWrites(self)
        await self._shared[loop].write(work)

    def somebody_waits(self) -> bool:
        """Whether an urgent writer waits for whoever writes now (SQLite)."""
        return self.writers is not None and self.writers.somebody_rings()

    def _write_alone(self, work: Callable[[Session], None]) -> None:
        with self.transaction() as session:
            work(session)

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
        if self.writers is not None:
            self.writers.close()


def _database_url(url: str) -> URL:
    try:
        parsed = make_url(url)
        known = parsed.get_dialect().name in {"sqlite", "postgresql"}
    except (ArgumentError, NoSuchModuleError, ValueError):
        known = False
    if not known:
        raise SettingsError(
            "DATABASE_URL is wrong: write sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME."
        )
    return parsed


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # pysqlite's own BEGIN comes too late for BEGIN IMMEDIATE; transactions are ours to open
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


@lru_cache(maxsize=1)
def database() -> Database:
    """The clinic database of this process."""
    return Database(settings().database_url)
