"""Engines, sessions and the way writers queue.

SQLite (WAL, synchronous FULL so that an acknowledged message survives a power cut) is the
embedded default, PostgreSQL the way to more than one machine; the same models serve both.
"""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any, Iterator, Optional

from sqlalchemy import DateTime, create_engine, event, text
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool
from sqlalchemy.types import TypeDecorator

from clinic.settings import settings

BUSY_SECONDS = 30


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


def now() -> datetime:
    """This moment, aware, UTC."""
    return datetime.now(timezone.utc)


class WriterQueue:
    """Lets SQLite's writers wait for each other in a queue.

    SQLite has one writer at a time, and its own wait is a sleep that doubles: under load, one
    writer in fifty then waits for a tenth of a second. A lock on a file beside the database is
    granted by the kernel the moment it is free, to threads and processes alike.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._threads = threading.Lock()
        self._file: Optional[int] = None

    def acquire(self) -> None:
        self._threads.acquire()
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except BaseException:
            self._threads.release()
            raise

    def release(self) -> None:
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()


class Database:
    """One database: reading sessions, and writing transactions that queue."""

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.writers: Optional[WriterQueue] = None
        self.engine = self._engine(pool_size)

    def _engine(self, pool_size: int) -> Engine:
        # hide_parameters: an error message must never carry a patient's words
        common = {"future": True, "hide_parameters": True}
        if not self.is_sqlite:
            return create_engine(
                self.url, pool_size=pool_size, max_overflow=20, pool_pre_ping=True, **common
            )
        path = self.url.database
        if not path or path == ":memory:":
            raise ValueError("DATABASE_URL: an in-memory database cannot be shared; name a file.")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.writers = WriterQueue(f"{path}.writers")
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
    def transaction(self) -> Iterator[Session]:
        """A writing session: committed whole at the end, rolled back whole on an exception."""
        if self.writers is None:
            with self.session() as session, session.begin():
                yield session
            return
        self.writers.acquire()
        try:
            with self.session() as session:
                session.execute(text("BEGIN IMMEDIATE"))
                yield session
                session.commit()
        finally:
            self.writers.release()

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


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
