"""Whether anything was written to the database since: asked often, for next to nothing.

Thirty open pages ask every moment whether there is news, and nearly always there is none. Both
databases can say that in one look: SQLite counts the commits of others (`PRAGMA data_version`),
PostgreSQL describes which transactions one would see. Where that has not changed, what was found
before is what would be found now.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import contextmanager
from typing import Any, Callable, Dict, Hashable, Iterator, Optional, Tuple

from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from clinic.database import Database

LOOK = {"sqlite": "PRAGMA data_version", "postgresql": "SELECT txid_current_snapshot()::text"}
# what depends on the clock as well is found anew at every such tick of it: the same ones for
# everything, so that what was found before one is never part of what is found after it
TICK_SECONDS = 10
MOST = 2000
_NOTHING = object()


class _Turn:
    """Whoever looks for one thing, one after the other."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.wanted_by = 0


class Pulse:
    """Remembers what was found, until something is written or the clock ticks.

    Args:
        keep_seconds: for so long one look serves everybody.
    """

    def __init__(self, database: Database, keep_seconds: float = 0.05) -> None:
        self.keep_seconds = keep_seconds
        self._database = database
        self._look = LOOK[database.url.get_backend_name()]
        self._lock = threading.Lock()
        self._connection: Optional[Connection] = None
        # a number for each connection: what two of them say cannot be compared
        self._connected = 0
        self._last: Tuple[float, Hashable] = (-1.0, None)
        self._kept: "OrderedDict[Hashable, Tuple[Hashable, Any]]" = OrderedDict()
        self._turns: Dict[Hashable, _Turn] = {}

    def beat(self, exact: bool = False) -> Hashable:
        """Differs from every earlier one if anything was committed between the two.

        Args:
            exact: look now. Everybody's next look is then at least as new: whoever has just
                written something asks so first, and finds it in whatever they are shown.

        Raises:
            SQLAlchemyError: the database does not answer.
        """
        with self._lock:
            if exact or time.monotonic() - self._last[0] >= self.keep_seconds:
                # dated before the look: what is committed during it is seen by the next
                began = time.monotonic()
                self._last = (began, self._ask())
            return self._last[1]

    def _ask(self) -> Hashable:
        kept = self._connection is not None
        try:
            return self._ask_once()
        except SQLAlchemyError:
            self._let_go()
            if not kept:
                raise
        # a connection that was kept may be one of before a restart of the database
        return self._ask_once()

    def _ask_once(self) -> Hashable:
        if self._connection is None:
            self._connected += 1
            opened = self._database.engine.connect()
            if not self._database.is_sqlite:
                # SQLite's are so from the start (`clinic.database`), and must not be reset
                opened = opened.execution_options(isolation_level="AUTOCOMMIT")
            self._connection = opened
        return self._connected, self._connection.exec_driver_sql(self._look).scalar_one()

    def _let_go(self) -> None:
        broken, self._connection = self._connection, None
        if broken is not None:
            broken.invalidate()
            broken.close()

    def same(self, key: Hashable, work: Callable[[], Any]) -> Any:
        """What `work` finds, or found for this key if nothing was written since.

        However many ask at once, one of them works and the others wait for it. What is None is
        not remembered. `work` may ask for other keys, but never, by whatever way, for its own.

        What is found may be newer than another thing that was found for the same beat: whoever
        names a version of something has to find it before that thing, in the same `work`.
        """
        found = self._known(key, self._moment())
        if found is not _NOTHING:
            return found
        with self._turn(key):
            # before the work, which then sees at least as much as this says
            moment = self._moment()
            found = self._known(key, moment)
            if found is _NOTHING:
                found = work()
                self._keep(key, moment, found)
        return found

    def _moment(self) -> Hashable:
        return self.beat(), _tick()

    def _known(self, key: Hashable, moment: Hashable) -> Any:
        with self._lock:
            known = self._kept.get(key)
        return known[1] if known is not None and known[0] == moment else _NOTHING

    def _keep(self, key: Hashable, moment: Hashable, found: Any) -> None:
        if found is None:
            return
        with self._lock:
            if moment != (self._last[1], _tick()):
                # over while we worked: nobody will ask for it again
                return
            self._kept[key] = (moment, found)
            self._kept.move_to_end(key)
            # the same goes for what is there of earlier moments, and it may be patients' words
            while len(self._kept) > MOST or next(iter(self._kept.values()))[0] != moment:
                self._kept.popitem(last=False)

    @contextmanager
    def _turn(self, key: Hashable) -> Iterator[None]:
        with self._lock:
            turn = self._turns.setdefault(key, _Turn())
            turn.wanted_by += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._lock:
                turn.wanted_by -= 1
                if not turn.wanted_by:
                    del self._turns[key]


def _tick() -> int:
    return int(time.time() // TICK_SECONDS)
