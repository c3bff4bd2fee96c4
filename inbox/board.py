"""The figures of the whole queue, found once for everybody who looks between two writes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Dict, List, Optional, Tuple

from clinic.database import Database, now
from clinic.pulse import Pulse
from clinic.targets import Targets, read_targets
from inbox.handoff_list import Group, Wanted, group_waiting, queue_state

KEEP_TARGETS = timedelta(seconds=20)


class Board:
    """What open pages ask for again and again.

    Thirty people who look at one queue cost one count of it, not thirty. Each method opens a
    session of its own where it has to look: call it while you hold none.
    """

    def __init__(self, database: Database, pulse: Pulse) -> None:
        self._database = database
        self._pulse = pulse
        self._targets: Optional[Tuple[datetime, Targets]] = None

    def targets(self) -> Optional[Targets]:
        """The clinic's response targets as of (almost) now."""
        moment = now()
        kept = self._targets
        if kept is not None and timedelta(0) <= moment - kept[0] < KEEP_TARGETS:
            return kept[1]
        with self._database.reading() as session:
            targets = read_targets(session, moment)
        self._targets = (moment, targets) if targets is not None else None
        return targets

    def late_before(self) -> Dict[str, datetime]:
        """By priority: what was opened before is late; empty without a profile."""
        targets = self.targets()
        if targets is None:
            return {}
        return {priority: targets.late_before(priority) for priority in targets.minutes}

    def groups(self) -> List[Group]:
        """Every unresolved handoff, counted by kind."""

        def count() -> List[Group]:
            late = self.late_before()
            with self._database.reading() as session:
                return group_waiting(session, now(), late)

        return list(self._pulse.same("groups", count))

    def state(self, wanted: Wanted) -> Tuple[Any, ...]:
        """`queue_state` of one view; its rows begin with the handoffs' ids."""

        def look() -> Tuple[Any, ...]:
            with self._database.reading() as session:
                return tuple(queue_state(session, wanted))

        # only what is one's own differs from person to person
        whose = wanted.claimed_by if wanted.view == "mine" else None
        key = ("state", wanted.view, wanted.reason, wanted.after, wanted.limit, whose)
        return tuple(self._pulse.same(key, look))
