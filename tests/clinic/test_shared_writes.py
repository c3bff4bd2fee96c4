"""What is to be written at the same moment shares a transaction, and nobody's failure."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Iterator, List, Set

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from clinic.database import Database, now
from clinic.models import Tracker
from clinic.shared_writes import MOST_TOGETHER

Work = Callable[[Session], None]


class Refused(Exception):
    """What a piece of work fails with."""


def keeps(name: str) -> Work:
    return lambda session: session.add(Tracker(sender_id=name, events=[], updated_at=now()))


def fails(name: str) -> Work:
    def work(session: Session) -> None:
        keeps(name)(session)
        session.flush()
        raise Refused(name)

    return work


def kept(db: Database) -> Set[str]:
    with db.reading() as session:
        return set(session.execute(select(Tracker.sender_id)).scalars())


@pytest.fixture
def commits(sqlite_db: Database) -> Iterator[List[Any]]:
    counted: List[Any] = []

    def count(connection: Any) -> None:
        counted.append(connection)

    event.listen(sqlite_db.engine, "commit", count)
    yield counted
    event.remove(sqlite_db.engine, "commit", count)


async def test_what_is_written_is_there_when_it_returns(db: Database) -> None:
    await db.write(keeps("asha"))
    assert kept(db) == {"asha"}


async def test_what_comes_at_once_is_one_commit(sqlite_db: Database, commits: List[Any]) -> None:
    await asyncio.gather(*(sqlite_db.write(keeps(str(n))) for n in range(MOST_TOGETHER)))
    assert len(commits) == 1
    assert len(kept(sqlite_db)) == MOST_TOGETHER


async def test_no_more_than_so_many_share_one(sqlite_db: Database, commits: List[Any]) -> None:
    await asyncio.gather(*(sqlite_db.write(keeps(str(n))) for n in range(MOST_TOGETHER + 1)))
    assert len(commits) == 2


async def test_who_can_go_on_meanwhile_writes_in_the_same_commit(
    sqlite_db: Database, commits: List[Any]
) -> None:
    async def thinks_first() -> None:
        await asyncio.sleep(0)
        await sqlite_db.write(keeps("second"))

    await asyncio.gather(sqlite_db.write(keeps("first")), thinks_first())
    assert len(commits) == 1
    assert kept(sqlite_db) == {"first", "second"}


async def test_while_a_webhook_waits_each_is_a_commit_of_its_own(
    sqlite_db: Database, commits: List[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_db, "somebody_waits", lambda: True)
    await asyncio.gather(*(sqlite_db.write(keeps(str(n))) for n in range(4)))
    assert len(commits) == 4
    assert len(kept(sqlite_db)) == 4


async def test_what_fails_costs_the_others_nothing(db: Database) -> None:
    works = [keeps("asha"), fails("bina"), keeps("charu")]
    done = await asyncio.gather(*(db.write(work) for work in works), return_exceptions=True)
    assert [type(one) for one in done] == [type(None), Refused, type(None)]
    assert kept(db) == {"asha", "charu"}


async def test_a_commit_that_fails_is_tried_again_for_each_alone(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tries = Session.commit, []

    def commit(session: Session) -> None:
        tries.append(1)
        if len(tries) in (1, 3):
            raise OperationalError("COMMIT", {}, Exception("disk I/O error"))
        real(session)

    monkeypatch.setattr(Session, "commit", commit)
    writes = [sqlite_db.write(keeps(name)) for name in ("asha", "bina", "charu")]
    done = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(one) for one in done] == [type(None), OperationalError, type(None)]
    assert kept(sqlite_db) == {"asha", "charu"}


async def test_who_was_given_up_writes_nothing(sqlite_db: Database) -> None:
    patient = asyncio.ensure_future(sqlite_db.write(keeps("asha")))
    given_up = asyncio.ensure_future(sqlite_db.write(keeps("bina")))
    await asyncio.sleep(0)
    given_up.cancel()
    await patient
    assert kept(sqlite_db) == {"asha"}
    # and the next one is not held up by it
    await sqlite_db.write(keeps("charu"))
    assert kept(sqlite_db) == {"asha", "charu"}


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(st.sampled_from(["keeps", "fails", "given up"]), st.integers(0, 3)), max_size=20
    ),
    st.lists(st.booleans(), min_size=1, max_size=5),
)
def test_each_hears_what_became_of_its_own(
    sqlite_db: Database, people: List[Any], rings: List[bool]
) -> None:
    """Whoever comes when, fails or is given up, and whether or not webhooks wait."""
    ringing = iter(rings * 100)
    sqlite_db.somebody_waits = lambda: next(ringing)  # type: ignore[method-assign]

    async def writes(name: str, how: str, after: int) -> None:
        for _ in range(after):
            await asyncio.sleep(0)
        await sqlite_db.write(fails(name) if how == "fails" else keeps(name))

    async def all_of_them() -> List[Any]:
        tasks = [
            asyncio.ensure_future(writes(str(number), how, after))
            for number, (how, after) in enumerate(people)
        ]
        await asyncio.sleep(0)
        for task, (how, _after) in zip(tasks, people, strict=True):
            if how == "given up":
                task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    with sqlite_db.transaction() as session:
        session.query(Tracker).delete()
    ends = asyncio.run(all_of_them())
    there = kept(sqlite_db)
    for number, ((how, _after), end) in enumerate(zip(people, ends, strict=True)):
        assert (str(number) in there) == (end is None)
        assert isinstance(end, Refused) == (how == "fails")
        assert end is None or how != "keeps"
