"""The worker's day: send what is due at once, and every few seconds what the clock asks for."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Callable, Hashable, Optional, Tuple

from sqlalchemy.exc import SQLAlchemyError

from clinic.courses import expire_courses
from clinic.database import Database, now
from clinic.logs import logger
from clinic.pulse import Pulse
from clinic.recovery import recover
from clinic.retention import purge
from clinic.scheduling.booking import expire_holds
from clinic.setup import has_profile
from clinic.texts import domain_texts
from clinic.waitlist_offers import offer_where_due
from worker.planning import plan_ahead
from worker.sending import Outbox

log = logger("worker")

# a look whether anything was written at all costs next to nothing; what is due is asked for when
# something was, and every quarter of a second, for the clock alone makes things due too
LOOK_EVERY_SECONDS = 0.008
DUE_EVERY_SECONDS = 0.25
CHORES_EVERY_SECONDS = 5.0
ROUNDS_EVERY_SECONDS = 15.0
LONGEST_PAUSE_SECONDS = 10.0
# a transaction costs about as much for one letter as for several, and others wait for it: so the
# next one waits twice as long as the last one took, and several come together
BREATHS_PER_STEP = 3.0
LONGEST_BREATH_SECONDS = 0.06
PLAN_EVERY_SECONDS = 3600.0
PURGE_EVERY_SECONDS = 3600.0


def chores(database: Database, moment: Optional[datetime] = None) -> None:
    """What a crashed worker left, and what ran out by `moment` (default: now)."""
    with database.transaction() as session:
        # a lease is the word of a living worker, whatever time this run pretends to be in
        recovered = recover(session)
        expired = expire_holds(session, moment or now())
    if any(recovered.values()) or expired:
        log.info("chores", recovered=recovered, expired_holds=len(expired))


def rounds(database: Database, moment: Optional[datetime] = None) -> None:
    """What the clinic looks after less often: freed slots for who waits, courses that are over."""
    at = moment or now()
    with database.reading() as session:
        if not has_profile(session):
            return
    offered = offer_where_due(database, at, domain_texts())
    with database.transaction() as session:
        over = expire_courses(session, at)
    if offered or over:
        log.info("rounds", offered_slots=len(offered), courses_over=len(over))


def let_go(database: Database, moment: Optional[datetime] = None) -> None:
    """Delete what was kept for a time, and has had it."""
    counts = {table: count for table, count in purge(database, moment or now()).items() if count}
    if counts:
        log.info("purged", **counts)


def run_once(database: Database, outbox: Outbox, moment: Optional[datetime] = None) -> int:
    """Do everything that is due, once; how many letters were taken up."""
    chores(database, moment)
    rounds(database, moment)
    plan_ahead(database, moment or now())
    let_go(database, moment)
    return outbox.drain(moment)


def run_forever(database: Database, outbox: Outbox, stopping: threading.Event) -> None:
    """Work until `stopping` is set; a database that does not answer is asked again."""
    jobs = [_Job(every, work, database) for every, work in BY_THE_CLOCK]
    pulse = Pulse(database, keep_seconds=0.0)
    seen: Hashable = None
    next_look = 0.0
    pause = LOOK_EVERY_SECONDS
    while not stopping.is_set():
        breath = 0.0
        try:
            for job in jobs:
                job.do_if_due()
            beat = pulse.beat()
            if beat != seen or outbox.in_flight or time.monotonic() >= next_look:
                began = time.monotonic()
                outbox.step()
                breath = BREATHS_PER_STEP * (time.monotonic() - began)
                seen, next_look = beat, time.monotonic() + DUE_EVERY_SECONDS
            pause = LOOK_EVERY_SECONDS
        except SQLAlchemyError:
            log.exception("database does not answer")
            pause = min(max(pause, 0.25) * 2, LONGEST_PAUSE_SECONDS)
        stopping.wait(max(pause, min(breath, LONGEST_BREATH_SECONDS)))
    outbox.close()


class _Job:
    """Something done again and again; first at once."""

    def __init__(
        self, every_seconds: float, work: Callable[[Database], object], database: Database
    ) -> None:
        self._every = every_seconds
        self._work = work
        self._database = database
        self._next = 0.0

    def do_if_due(self) -> None:
        if time.monotonic() >= self._next:
            self._work(self._database)
            self._next = time.monotonic() + self._every


BY_THE_CLOCK: Tuple[Tuple[float, Callable[[Database], object]], ...] = (
    (CHORES_EVERY_SECONDS, chores),
    (ROUNDS_EVERY_SECONDS, rounds),
    (PLAN_EVERY_SECONDS, lambda database: plan_ahead(database, now())),
    (PURGE_EVERY_SECONDS, let_go),
)
