"""A clinic around the inbox's tests: its profile, a working day, and visits of that day."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Optional
from zoneinfo import ZoneInfo

from clinic.bubbles import Text
from clinic.database import Database
from clinic.outbox import plan
from clinic.profile_file import load_profile
from clinic.scheduling.booking import book
from clinic.scheduling.grid import Slot
from clinic.setup import write_profile

ROOT = Path(__file__).resolve().parents[2]
ZONE = ZoneInfo("Asia/Kolkata")
# a Monday on which the demo clinic and all three clinicians' calendars are ordinary
MONDAY = date(2026, 11, 23)


def at(hour: int, minute: int = 0, day: date = MONDAY) -> datetime:
    """A local time as an aware moment, UTC."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE).astimezone(
        timezone.utc
    )


def open_clinic(db: Database) -> None:
    """Write the demo clinic's profile."""
    write_profile(db, load_profile(ROOT / "clinic.yml"))


def slot(starts_at: datetime, clinician: str = "neha") -> Slot:
    """A session of forty minutes."""
    return Slot(clinician, "session", starts_at, starts_at + timedelta(minutes=40))


def visit(
    db: Database,
    contact_id: int,
    starts_at: datetime,
    name: str = "Ravi Invented",
    clinician: str = "neha",
    booked_at: Optional[datetime] = None,
) -> int:
    """The id of a booked session."""
    with db.transaction() as session:
        made = book(
            session,
            slot(starts_at, clinician),
            contact_id,
            name,
            f"test:{contact_id}:{starts_at.isoformat()}",
            now=booked_at or starts_at - timedelta(days=1),
        )
        return made.appointment_id


def says(db: Database, contact_id: int, text: str, number: int) -> None:
    """The bot says something."""
    with db.transaction() as session:
        plan(session, contact_id, Text(text=text), cause=f"turn:{number}:x")
