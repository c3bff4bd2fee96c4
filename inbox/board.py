"""The figures of the whole queue, counted once for everybody who looks at the same moment."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import Any, Dict, List, Optional, Tuple

from sqlalchemy.orm import Session

from clinic.database import now
from clinic.targets import Targets, read_targets
from inbox.handoff_list import Group, Wanted, group_waiting, queue_state

KEEP_TARGETS = timedelta(seconds=20)
LARGEST = 500


class Board:
    """What open pages ask for again and again, kept for `keep_seconds`.

    Thirty people who look at one queue then cost one count of it, not thirty.
    """

    def __init__(self, keep_seconds: float = 0.5) -> None:
        self.keep_seconds = keep_seconds
        self._lock = threading.Lock()
        self._kept: Dict[Any, Tuple[float, Any]] = {}
        self._targets: Optional[Tuple[datetime, Targets]] = None

    def targets(self, session: Session) -> Optional[Targets]:
        """The clinic's response targets as of (almost) now."""
        moment = now()
        kept = self._targets
        if kept is not None and timedelta(0) <= moment - kept[0] < KEEP_TARGETS:
            return kept[1]
        targets = read_targets(session, moment)
        self._targets = (moment, targets) if targets is not None else None
        return targets

    def late_before(self, session: Session) -> Dict[str, datetime]:
        """By priority: what was opened before is late; empty without a profile."""
        targets = self.targets(session)
        if targets is None:
            return {}
        return {priority: targets.late_before(priority) for priority in targets.minutes}

    def groups(self, session: Session, fresh: bool = False) -> List[Group]:
        """Every unresolved handoff, counted by kind; `fresh` counts anew."""
        late = self.late_before(session)
        return list(self._once("groups", lambda: group_waiting(session, now(), late), fresh))

    def state(self, session: Session, wanted: Wanted, fresh: bool = False) -> List[Any]:
        """`queue_state` of one view."""
        # only what is one's own differs from person to person
        whose = wanted.claimed_by if wanted.view == "mine" else None
        key = (wanted.view, wanted.reason, wanted.after, wanted.limit, whose)
        return list(self._once(key, lambda: queue_state(session, wanted), fresh))

    def _once(self, key: Any, work: Any, fresh: bool) -> Any:
        kept = self._kept.get(key)
        if not fresh and kept is not None and time.monotonic() - kept[0] < self.keep_seconds:
            return kept[1]
        with self._lock:
            again = self._kept.get(key)
            if not fresh and again is not None and again is not kept:
                return again[1]
            found = work()
            if len(self._kept) > LARGEST:
                self._kept.clear()
            self._kept[key] = (time.monotonic(), found)
        return found
