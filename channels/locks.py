"""One process at a time works on a conversation.

With one assistant (SQLite) the turns of a contact are already in one task. With several, a lock
that dies with its holder keeps them apart: Redis (REDIS_URL) where it is set, else PostgreSQL's
advisory locks.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import AsyncIterator, Optional

import redis
from redis.exceptions import LockError, RedisError
from sqlalchemy import text
from sqlalchemy.engine import Connection

from clinic.database import Database
from clinic.logs import logger
from clinic.settings import Settings

log = logger("channel.locks")

LOCK_SPACE = 0x5A4D
LIFETIME_SECONDS = 120
RENEW_SECONDS = 30
# a Redis that takes connections and does not answer must not hold every conversation for ever
ANSWER_SECONDS = 5.0


class ConversationLocks:
    """Locks that always grant: enough where one process does all the work."""

    @asynccontextmanager
    async def hold(self, contact_id: int) -> AsyncIterator[bool]:
        """Hold the conversation; False where another process has it (and will see to it)."""
        yield True


class PostgresLocks(ConversationLocks):
    """Advisory locks: held by a database session, gone the moment it is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def hold(self, contact_id: int) -> AsyncIterator[bool]:
        connection = await asyncio.to_thread(self._connect)
        try:
            params = {"space": LOCK_SPACE, "contact": contact_id % 2**31}
            query = text("SELECT pg_try_advisory_lock(:space, :contact)")
            held = bool((await asyncio.to_thread(connection.execute, query, params)).scalar())
            try:
                yield held
            finally:
                if held:
                    free = text("SELECT pg_advisory_unlock(:space, :contact)")
                    await asyncio.to_thread(connection.execute, free, params)
        finally:
            await asyncio.to_thread(connection.close)

    def _connect(self) -> Connection:
        # a turn may think for long, and an open transaction would stand idle all the while
        return self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")


class RedisLocks(ConversationLocks):
    """redis-py's lock (SET NX with a token, released by script), renewed while it is held."""

    def __init__(self, url: str) -> None:
        self._redis = client(url)

    @asynccontextmanager
    async def hold(self, contact_id: int) -> AsyncIterator[bool]:
        lock = self._redis.lock(
            f"sandhi:conversation:{contact_id}", timeout=LIFETIME_SECONDS, thread_local=False
        )
        held = bool(await asyncio.to_thread(lock.acquire, blocking=False))
        renewal = asyncio.ensure_future(_renew(lock)) if held else None
        try:
            yield held
        finally:
            if renewal is not None:
                renewal.cancel()
                # one that ran out is refused; the database still allows no second commit of a turn
                with contextlib.suppress(LockError):
                    await asyncio.to_thread(lock.release)


async def _renew(lock: "redis.lock.Lock") -> None:
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        try:
            await asyncio.to_thread(lock.reacquire)
        except LockError:
            log.warning("conversation lock ran out")
            return
        except RedisError:
            log.exception("conversation lock not renewed, trying again")


def client(url: str) -> "redis.Redis[bytes]":
    """A client of the Redis at `url` that does not wait for ever."""
    return redis.Redis.from_url(
        url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
    )


def redis_is_down(settings: Settings) -> bool:
    """Whether a Redis is configured and does not answer: no conversation can be taken up then."""
    if not settings.redis_url:
        return False
    try:
        with client(settings.redis_url) as asked:
            return not asked.ping()
    except RedisError:
        log.exception("redis does not answer")
        return True


def locks_for(settings: Settings, database: Database) -> ConversationLocks:
    """The locks that fit the engines in use."""
    url: Optional[str] = settings.redis_url
    if url:
        return RedisLocks(url)
    if not database.is_sqlite:
        return PostgresLocks(database)
    return ConversationLocks()
