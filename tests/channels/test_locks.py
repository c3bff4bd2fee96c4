"""Locks between processes: one holder at a time, and none left behind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest
import redis
from sqlalchemy import text

from channels import locks as locks_module
from channels.locks import ConversationLocks, PostgresLocks, RedisLocks, locks_for
from clinic.database import Database
from clinic.settings import Settings


@pytest.fixture(params=["postgresql", "redis"])
def process(request) -> Callable[[], ConversationLocks]:
    """`process()`: the locks of one more process."""
    if request.param == "redis":
        url = request.getfixturevalue("redis_url")
        return lambda: RedisLocks(url)
    db = request.getfixturevalue("postgres_db")
    return lambda: PostgresLocks(db)


async def test_one_process_at_a_time(process):
    one, other = process(), process()
    async with one.hold(7) as first, other.hold(7) as second, other.hold(8) as elsewhere:
        assert (first, second, elsewhere) == (True, False, True)
    async with other.hold(7) as now_free:
        assert now_free


async def test_is_free_again_after_an_exception(process):
    one, other = process(), process()
    with contextlib.suppress(RuntimeError):
        async with one.hold(7) as held:
            assert held
            raise RuntimeError
    async with other.hold(7) as held:
        assert held


async def test_of_many_that_try_at_once_one_holds(process):
    most = now = 0

    async def work(lock: ConversationLocks) -> bool:
        nonlocal most, now
        async with lock.hold(7) as held:
            if held:
                now += 1
                most = max(most, now)
                await asyncio.sleep(0.05)
                now -= 1
            return held

    outcomes = await asyncio.gather(*(work(process()) for _ in range(8)))
    assert most == 1
    assert any(outcomes)


async def test_ids_beyond_32_bits_are_fine(process):
    async with process().hold(2**40 + 7) as held:
        assert held


async def test_postgres_frees_the_lock_of_a_dead_process(postgres_url, postgres_db):
    dying = Database(postgres_url)
    async with PostgresLocks(postgres_db).hold(1):
        pass
    with contextlib.suppress(Exception):
        async with PostgresLocks(dying).hold(7):
            with postgres_db.engine.connect() as connection:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_locks "
                        "WHERE locktype = 'advisory' AND objid = 7"
                    )
                )
    async with PostgresLocks(postgres_db).hold(7) as held:
        assert held
    dying.dispose()


async def test_postgres_holds_no_transaction_open_meanwhile(postgres_db):
    async with PostgresLocks(postgres_db).hold(7):
        with postgres_db.engine.connect() as connection:
            idle = connection.execute(
                text(
                    "SELECT count(*) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid "
                    "WHERE l.locktype = 'advisory' AND a.state = 'idle in transaction'"
                )
            ).scalar_one()
    assert idle == 0


async def test_redis_frees_the_lock_of_a_dead_process(redis_url, monkeypatch):
    monkeypatch.setattr(locks_module, "LIFETIME_SECONDS", 0.2)
    dead = RedisLocks(redis_url)._redis.lock("sandhi:conversation:7", timeout=0.2)
    assert dead.acquire(blocking=False)
    async with RedisLocks(redis_url).hold(7) as too_early:
        assert not too_early
    await asyncio.sleep(0.3)
    async with RedisLocks(redis_url).hold(7) as held:
        assert held


async def test_redis_keeps_the_lock_of_a_long_turn(redis_url, monkeypatch):
    monkeypatch.setattr(locks_module, "LIFETIME_SECONDS", 0.6)
    monkeypatch.setattr(locks_module, "RENEW_SECONDS", 0.1)
    async with RedisLocks(redis_url).hold(7):
        await asyncio.sleep(1.2)
        async with RedisLocks(redis_url).hold(7) as second:
            assert not second


async def test_redis_renewal_survives_a_hiccup(redis_url, monkeypatch):
    monkeypatch.setattr(locks_module, "RENEW_SECONDS", 0.02)
    calls = []

    class Hiccup:
        def reacquire(self) -> None:
            calls.append(1)
            if len(calls) == 1:
                raise redis.exceptions.ConnectionError
            if len(calls) == 3:
                raise redis.exceptions.LockNotOwnedError

    await asyncio.wait_for(locks_module._renew(Hiccup()), 5)  # ends once the lock is lost
    assert len(calls) == 3


async def test_a_lock_that_ran_out_is_let_go_in_peace(redis_url, monkeypatch):
    monkeypatch.setattr(locks_module, "LIFETIME_SECONDS", 0.05)
    async with RedisLocks(redis_url).hold(9) as held:
        assert held
        await asyncio.sleep(0.1)


def test_the_engines_in_use_choose(sqlite_db, postgres_db, redis_url):
    plain = Settings(_env_file=None, redis_url=None)
    shared = Settings(_env_file=None, redis_url=redis_url)
    assert type(locks_for(plain, sqlite_db)) is ConversationLocks
    assert type(locks_for(plain, postgres_db)) is PostgresLocks
    assert type(locks_for(shared, postgres_db)) is RedisLocks
    assert type(locks_for(shared, sqlite_db)) is RedisLocks
