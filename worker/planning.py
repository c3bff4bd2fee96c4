"""What is planned ahead by the clock: nudges, exercises, and reminders that no change planned."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from clinic.database import Database
from clinic.exercises.planning import plan_page
from clinic.logs import logger
from clinic.reminders import replan_all
from clinic.reminders.missed import plan_drop_offs
from clinic.reminders.planning import upcoming_ids
from clinic.setup import NoProfile

log = logger("worker")


def plan_ahead(database: Database, moment: datetime) -> None:
    """Plan nudges, and sweep over visits and exercises ahead; doing it again changes nothing.

    The sweep finds visits of before an update, and follows a change of the quiet hours. It goes
    in pages of a transaction each, so that nobody waits long for it.
    """
    try:
        with database.transaction() as session:
            planned = plan_drop_offs(session, moment)
    except NoProfile:
        # a database that `sandhi init` has not filled yet has no visits either
        return
    if planned:
        log.info("nudges planned", count=len(planned))
    for page in PAGES:
        last = 0
        while True:
            with database.transaction() as session:
                last = page(session, moment, last)
            if not last:
                break


def _page(session: Session, moment: datetime, after: int) -> int:
    """Replan one page of visits; the last id, 0 at the end."""
    ids = upcoming_ids(session, moment, after)
    replan_all(session, ids, now=moment)
    return ids[-1] if ids else 0


PAGES = (_page, plan_page)


def plan_within(session: Session, moment: datetime) -> None:
    """All of `plan_ahead` in one transaction of the caller's, to look at and undo."""
    plan_drop_offs(session, moment)
    for page in PAGES:
        last = page(session, moment, 0)
        while last:
            last = page(session, moment, last)
