"""Writing down several things in one transaction, where they come at the same moment.

A commit waits for the disk, and SQLite has one writer at a time: four turns that end together cost
little more than one. What is alone waits for nobody.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Callable, List, Optional, Tuple

from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from clinic.database import Database

# so long as nobody urgent waits for the end of it
MOST_TOGETHER = 8

Work = Callable[[Session], None]
_Waiting = Tuple[Work, "asyncio.Future[None]"]


class SharedWrites:
    """Writes what the tasks of one event loop hand in; each hears of its own work alone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: List[_Waiting] = []
        self._writing: Optional["asyncio.Task[None]"] = None

    async def write(self, work: Work) -> None:
        """Do `work` in a transaction that is committed when this returns.

        Where one that shares its transaction fails, each is done again in one of its own: it must
        be fit to be repeated.

        Raises:
            Exception: what `work` itself, or the commit, raises; nothing of it is written then.
        """
        done: "asyncio.Future[None]" = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._writing is None:
            self._writing = asyncio.ensure_future(self._write_all())
        await done

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                # whoever can go on now does so first, and may have something to write by then
                await asyncio.sleep(0)
                together, rest = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
                self._waiting = []
                left = self._write(together)
                self._waiting = left + rest + self._waiting
        finally:
            self._writing = None

    def _write(self, together: List[_Waiting]) -> List[_Waiting]:
        """Write some, as far as nobody urgent waits; those that are left."""
        written = 0
        try:
            with self._database.transaction() as session:
                for work, done in together:
                    if written and self._database.somebody_waits():
                        break
                    written += 1
                    # who was given up meanwhile has nothing to say any more
                    if not done.done():
                        work(session)
        except Exception as error:
            if written > 1:
                for one in together[:written]:
                    self._write([one])
            else:
                _tell(together[:1], error)
            return together[written:]
        _tell(together[:written], None)
        return together[written:]


def _tell(writers: List[_Waiting], error: Optional[Exception]) -> None:
    for _work, done in writers:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
