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
from typing import Any, Callable, Hashable, Optional, Tuple

from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from clinic.database import Database

LOOK = {"sqlite": "PRAGMA data_version", "postgresql": "SELECT txid_current_snapshot()::text"}
# what depends on the clock as well is found anew after this
LONGEST_SECONDS = 10.0
MOST = 4000


class Pulse:
    """Remembers what was found, until something is written.

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
        self._kept: "OrderedDict[Hashable, Tuple[Hashable, float, Any]]" = OrderedDict()

    def beat(self) -> Hashable:
        """Differs from every earlier one if anything was committed between the two.

        Raises:
            SQLAlchemyError: the database does not answer.
        """
        with self._lock:
            if time.monotonic() - self._last[0] >= self.keep_seconds:
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

        What is None is not remembered.
        """
        # before the work, which then sees at least as much as this says
        beat, moment = self.beat(), time.time()
        with self._lock:
            known = self._kept.get(key)
        if known is not None and known[0] == beat and 0 <= moment - known[1] < LONGEST_SECONDS:
            return known[2]
        found = work()
        if found is not None:
            with self._lock:
                self._kept[key] = (beat, moment, found)
                self._kept.move_to_end(key)
                while len(self._kept) > MOST:
                    self._kept.popitem(last=False)
        return found
