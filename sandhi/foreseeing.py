"""`sandhi worker --once --dry-run`: what would go, when, by what, and why the rest would not."""

from __future__ import annotations

from datetime import datetime
from typing import Optional
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from clinic.database import Database, now
from clinic.decision import Writer
from clinic.setup import current_profile
from worker.dry_run import foresee

LIMIT = 1000


def print_foreseen(
    database: Database, moment: Optional[datetime], writer: Writer, out: Console
) -> None:
    """Print a line for each due message; ids and codes, never a word or a number of a patient's.

    Raises:
        clinic.setup.NoProfile: if `sandhi init` has not been run.
    """
    moment = moment or now()
    zone = ZoneInfo(current_profile(database).time_zone)
    with out.status("Looking"):
        found = foresee(database, moment, writer, LIMIT)
    table = Table("due", "message", "contact", "cause", "what", "by or why")
    for one in found:
        due = f"{one.due_at.astimezone(zone):%Y-%m-%d %H:%M}"
        what = one.by or one.reason
        table.add_row(due, str(one.message_id), str(one.contact_id), one.cause, one.outcome, what)
    if found:
        out.print(table)
    going = sum(one.outcome == "sent" for one in found)
    more = f" The list ends after {LIMIT}." if len(found) == LIMIT else ""
    out.print(
        f"As of {moment.astimezone(zone):%Y-%m-%d %H:%M}: {going} would go, "
        f"{len(found) - going} would not.{more} Nothing was sent."
    )
