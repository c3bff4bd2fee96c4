"""An inbox on its worst day: thousands who wait, a patient of years, thirty people at work."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import List

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bench.phrases import patient_phrases
from bench.processes import ROOT, BenchError
from bench.wire import phone_of
from clinic.bubbles import Choice, Choices, Text
from clinic.database import Database, now
from clinic.handoffs import open_handoff
from clinic.inbound import Arrival, store_arrival
from clinic.models import Contact, Message
from clinic.models.handoff import REASONS
from clinic.outbox import plan
from clinic.profile_file import load_profile
from clinic.setup import write_profile
from clinic.staff import add

PASSWORD = "seven invented words of the bench"
AT_ONCE = 1000
_numbers = itertools.count(1)


def open_house(db: Database, staff: int) -> List[str]:
    """The clinic's profile and so many accounts of physiotherapists; their logins."""
    write_profile(db, load_profile(ROOT / "clinic.yml"))
    logins = [f"staff{number}@clinic.example" for number in range(staff)]
    with db.transaction() as session:
        for number, login in enumerate(logins):
            add(session, login, f"Bench Person {number}", "physiotherapist", PASSWORD)
    return logins


def fill_queue(db: Database, count: int) -> None:
    """`count` people who wrote and wait for a person, for every reason there is."""
    for begin in range(0, count, AT_ONCE):
        with db.transaction() as session:
            for number in range(begin, min(begin + AT_ONCE, count)):
                contact = _writes(session, phone_of(number))
                handoff = open_handoff(session, contact, REASONS[number % len(REASONS)])
                handoff.opened_at = now() - timedelta(minutes=number % 600)
            session.execute(update(Message).values(state="handled", handled_at=now()))


def fill_conversation(db: Database, count: int) -> int:
    """A contact with `count` messages to and fro, who waits for a person; their id."""
    phone = phone_of(99_000)
    with db.transaction() as session:
        contact = _writes(session, phone)
        open_handoff(session, contact, "clinical")
    for begin in range(0, count, AT_ONCE):
        with db.transaction() as session:
            for number in range(begin, min(begin + AT_ONCE, count), 2):
                _writes(session, phone)
                plan(session, contact, _answer(number), cause=f"turn:bench:{number}")
            for direction, state in (("in", "handled"), ("out", "read")):
                theirs = update(Message).where(Message.direction == direction)
                session.execute(theirs.values(state=state))
    return contact


def writes_once_more(db: Database, contact: int) -> None:
    """The patient writes; the assistant lays it before staff at once."""
    with db.transaction() as session:
        phone = session.execute(select(Contact.phone).where(Contact.id == contact)).scalar_one()
        _writes(session, str(phone))
        session.execute(
            update(Message)
            .where(Message.contact_id == contact, Message.state == "received")
            .values(state="handled", handled_at=now())
        )


def _writes(session: Session, phone: str) -> int:
    """A message of this number is stored; the contact's id."""
    number = next(_numbers)
    phrases = patient_phrases()
    text = phrases[number % len(phrases)].text
    arrival = Arrival(f"wamid.bench.{number}", "text", phone, profile_name="Bench", text=text)
    contact = store_arrival(session, arrival)
    if contact is None:
        raise BenchError("a message of the bench was stored before")
    return contact


def _answer(number: int) -> object:
    if number % 5:
        return Text(text="Your visit is on Monday 23 November at 5:30 pm with Neha. See you then!")
    choices = [Choice(title=title, payload="/book") for title in ("Morning", "Noon", "Evening")]
    return Choices(text="When would it suit you?", choices=choices)
