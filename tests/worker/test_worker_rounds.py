"""What the worker looks after besides sending: freed slots for who waits, courses that are over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, List
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from clinic import consent
from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.models import Contact, Course, SlotOffer
from clinic.profile import Profile
from clinic.setup import write_profile
from clinic.waitlist import Wanted, join
from tests.clinic.courses import a_course
from worker.loop import rounds, run_once

TEN_AT_THE_CLINIC = datetime(2026, 12, 7, 10, tzinfo=ZoneInfo("Asia/Kolkata"))


class NoOutbox:
    """An outbox in which nothing ever waits."""

    def drain(self, moment: Any) -> int:
        return 0


@pytest.fixture
def contact(sqlite_db: Database, demo_profile: Profile) -> int:
    """Somebody who has just written to the clinic, and agreed to care messages."""
    write_profile(sqlite_db, demo_profile)
    with sqlite_db.transaction() as session:
        found: Contact = ensure_contact(session, "+919000001001", None)
        found.last_inbound_at = TEN_AT_THE_CLINIC
        consent.record(session, int(found.id), "care", True, how="staff")
        return int(found.id)


def test_a_database_without_a_clinic_is_left_alone(sqlite_db: Database) -> None:
    rounds(sqlite_db, TEN_AT_THE_CLINIC)


def test_one_run_offers_slots_and_ends_courses(sqlite_db: Database, contact: int) -> None:
    day = TEN_AT_THE_CLINIC.date()
    course = a_course(
        sqlite_db, contact, TEN_AT_THE_CLINIC, expires_on=day - timedelta(days=1), clinician="neha"
    )
    with sqlite_db.transaction() as session:
        wanted = Wanted("session", day, day + timedelta(days=3))
        join(session, contact, wanted, TEN_AT_THE_CLINIC)
    outbox: Any = NoOutbox()
    for _ in range(2):
        assert run_once(sqlite_db, outbox, TEN_AT_THE_CLINIC) == 0
    with sqlite_db.reading() as session:
        offers: List[SlotOffer] = session.execute(select(SlotOffer)).scalars().all()
        assert [offer.status for offer in offers] == ["open"]
        assert session.get(Course, course).status == "expired"
