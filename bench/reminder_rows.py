"""Many visits with invented patients, written straight into a database of the bench's own."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import List

from sqlalchemy import insert, select

from clinic.crypto import lookup_hash
from clinic.database import Database
from clinic.models import Appointment, Clinician, Consent, Contact, Message, Service
from clinic.models.consent import BUTTON, CARE
from clinic.models.schedule import BOOKED
from clinic.profile_file import load_profile
from clinic.reminders import replan_all
from clinic.reminders.planning import upcoming_ids
from clinic.setup import write_profile

AT_ONCE = 2000


def fill(db: Database, clinic_file: str, count: int, starts_at: datetime, heard: datetime) -> None:
    """`count` contacts who wrote and agreed to care messages at `heard`, each with a visit at
    `starts_at`.
    """
    write_profile(db, load_profile(Path(clinic_file)))
    with db.transaction() as session:
        clinician = session.execute(select(Clinician.id).limit(1)).scalar_one()
        service = session.execute(select(Service.id).limit(1)).scalar_one()
    for begin in range(0, count, AT_ONCE):
        numbers = range(begin, min(begin + AT_ONCE, count))
        phones = [f"+9190{number:08}" for number in numbers]
        contacts = [
            {
                "id": number + 1,
                "phone": phone,
                "phone_hash": lookup_hash(phone),
                "last_inbound_at": heard,
            }
            for number, phone in zip(numbers, phones, strict=True)
        ]
        consents = [
            {
                "contact_id": number + 1,
                "purpose": CARE,
                "granted": True,
                "language": "en",
                "how": BUTTON,
                "at": heard,
            }
            for number in numbers
        ]
        visits = [
            {
                "contact_id": number + 1,
                "clinician_id": clinician,
                "service_id": service,
                "starts_at": starts_at,
                "ends_at": starts_at + timedelta(minutes=40),
                "status": BOOKED,
            }
            for number in numbers
        ]
        with db.transaction() as session:
            session.execute(insert(Contact), contacts)
            session.execute(insert(Consent), consents)
            session.execute(insert(Appointment), visits)


def plan_all(db: Database, moment: datetime) -> int:
    """Plan the reminders of every visit ahead; how many visits that are."""
    last, planned = 0, 0
    while True:
        with db.transaction() as session:
            ids = upcoming_ids(session, moment, last)
            if not ids:
                return planned
            replan_all(session, ids, now=moment)
        last = ids[-1]
        planned += len(ids)


def fill_log(db: Database, count: int, due: int, moment: datetime) -> None:
    """A log of `count` messages, of which `due` reminders wait since before `moment`.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: if the contacts 1 … `due` are not there.
    """
    for begin in range(0, count, AT_ONCE):
        numbers = range(begin, min(begin + AT_ONCE, count))
        rows: List[dict[str, object]] = [
            {
                "contact_id": number % due + 1,
                "direction": "out",
                "kind": "reminder",
                "author": "bot",
                "purpose": "care",
                "state": "planned" if number < due else "delivered",
                "due_at": moment - timedelta(minutes=10),
            }
            for number in numbers
        ]
        with db.transaction() as session:
            session.execute(insert(Message), rows)
