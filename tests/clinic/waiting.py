"""Short ways to a waitlist: a Friday that is full, and who waits for it."""

from __future__ import annotations

import itertools
from datetime import date, datetime
from typing import List

from clinic import consent
from clinic.database import Database
from clinic.models import Contact
from clinic.models.consent import BUTTON, CARE
from clinic.scheduling.booking import book
from clinic.scheduling.slots import free_slots
from clinic.texts import domain_texts
from clinic.waitlist import Wanted, join
from clinic.waitlist_offers import offer_where_due

FRIDAY = date(2026, 11, 27)
_causes = itertools.count()


def waits(db: Database, contact: int, now: datetime) -> None:
    with db.transaction() as session:
        session.get(Contact, contact).last_inbound_at = now
        if not consent.allows(session, contact, CARE):
            consent.record(session, contact, CARE, True, how=BUTTON)
        join(session, contact, Wanted("session", FRIDAY, FRIDAY), now)


def fills(db: Database, contact: int, now: datetime) -> List[int]:
    """Book Friday full; the visits."""
    with db.transaction() as session:
        found = []
        while slots := free_slots(
            session, service="session", start=FRIDAY, end=FRIDAY, limit=1, now=now
        ):
            cause = f"fill:{next(_causes)}"
            found.append(book(session, slots[0], contact, "Y", cause, now=now).appointment_id)
        return found


def rounds(db: Database, now: datetime) -> List[int]:
    """What the worker does every few seconds: offer what became free; the new offers."""
    return offer_where_due(db, now, domain_texts())
