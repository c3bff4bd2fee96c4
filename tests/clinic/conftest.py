"""A small invented clinic in a temporary database, on SQLite and on PostgreSQL.

The clock of these tests stands at Monday 23 November 2026, 08:00 in Pune. Tuesday is a public
holiday (Guru Nanak Jayanti), Thursday the clinic's own closure.
"""

from __future__ import annotations

import contextlib
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Callable, Iterator
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from clinic import consent
from clinic.contacts import ensure_contact
from clinic.crypto import new_key, new_secret
from clinic.database import Database
from clinic.profile import Profile
from clinic.profile_file import load_profile
from clinic.scheduling.slots import Slot, free_slots
from clinic.settings import settings
from clinic.setup import write_profile
from tests.clinic.exercises import a_programme
from tests.reminding import wrote

SMALL_CLINIC = Path(__file__).parent / "small_clinic.yml"
PUNE = ZoneInfo("Asia/Kolkata")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fresh keys, as `.env` would give them; whatever settings were read before are forgotten."""
    monkeypatch.setenv("SANDHI_ENCRYPTION_KEYS", new_key())
    monkeypatch.setenv("SANDHI_SECRET_KEY", new_secret())
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture(scope="session")
def small_profile() -> Profile:
    """The clinic of small_clinic.yml."""
    return load_profile(SMALL_CLINIC)


@pytest.fixture
def clinic(db: Database, small_profile: Profile) -> Database:
    """A database that knows the small clinic."""
    write_profile(db, small_profile)
    return db


@pytest.fixture
def hasty(db: Database) -> Database:
    """The database without waiting for the disk: nobody pulls the plug in a state machine."""
    pragma = "PRAGMA synchronous=OFF" if db.is_sqlite else "SET synchronous_commit TO off"

    def hurry(connection: Any, _record: Any) -> None:
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute(pragma)
        connection.commit()

    event.listen(db.engine, "connect", hurry)
    db.dispose()
    return db


@pytest.fixture
def local() -> Callable[..., datetime]:
    """`local(25, 9, 30)`: 09:30 in Pune on 25 November 2026."""

    def moment(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
        return datetime(2026, month, day, hour, minute, tzinfo=PUNE)

    return moment


@pytest.fixture
def now(local: Callable[..., datetime]) -> datetime:
    """Monday 23 November 2026, 08:00 in Pune."""
    return local(23, 8)


@pytest.fixture
def patient(clinic: Database) -> Callable[[int], int]:
    """`patient(1)`: the contact id of invented patient 1, of 20; all agreed to care messages."""
    with clinic.transaction() as session:
        ids = [ensure_contact(session, f"+9190000010{number:02}", None).id for number in range(20)]
        for contact_id in ids:
            consent.record(session, int(contact_id), "care", True, how="staff")
    return ids.__getitem__


@pytest.fixture
def free(clinic: Database, now: datetime) -> Callable[..., list[Slot]]:
    """`free(day=25, clinician="asha")`: the free sessions of one November day."""

    def slots(day: int, **wishes: Any) -> list[Slot]:
        on = date(2026, 11, day)
        question = {"service": "session", "limit": 100, "now": now, **wishes}
        with clinic.reading() as session:
            return free_slots(session, start=on, end=on, **question)

    return slots


@pytest.fixture
def slot_at(local: Callable[..., datetime], small_profile: Profile) -> Callable[..., Slot]:
    """`slot_at(25, time(9))`: asha's session on 25 November at 09:00, free or not."""

    def slot(day: int, at: time, clinician: str = "asha", service: str = "session") -> Slot:
        starts_at = local(day, at.hour, at.minute)
        key = Slot(clinician, service, starts_at, starts_at).key.rsplit("/", 1)[0]
        return Slot.from_key(f"{key}/{small_profile.service(service).minutes}")

    return slot


@pytest.fixture
def meena(clinic: Database, patient: Callable[[int], int], now: datetime) -> int:
    """Patient 1, who wrote at eight and has a programme for nine and six o'clock."""
    wrote(clinic, patient(1), now)
    a_programme(clinic, patient(1), now)
    return patient(1)
