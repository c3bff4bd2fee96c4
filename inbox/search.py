"""Finding a conversation by a phone number, a name, words, or a visit.

Names and words are encrypted, so they are found by decrypting a bounded part, newest first:
`MOST_CONTACTS` contacts that wrote last (with their patients' names), and `MOST_MESSAGES`
messages of the last `TEXT_DAYS` days, of which only those count that the viewer may read. A
whole phone number is found by its hash, however old; a part of one among the same contacts as
names. A visit is found by its number (`#12`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Dict, List, Optional

import phonenumbers
from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.contacts import find_contact
from clinic.database import now
from clinic.models import Appointment, Contact, Message, Patient
from clinic.models.schedule import HELD
from inbox.access.sight import first_readable

MOST_CONTACTS = 2000
MOST_MESSAGES = 5000
TEXT_DAYS = 90
MOST_RESULTS = 40
SHORTEST = 2
SHORTEST_DIGITS = 4
HOME_REGION = "IN"
AROUND = 40
LARGEST_ID = 2**63 - 1
_VISIT = re.compile(r"#\s*(\d{1,18})")
_NUMBER_LIKE = re.compile(r"[+\d][\d\s()./-]*")


@dataclass(frozen=True)
class Hit:
    """A conversation that was found, by what (`phone`, `name`, `words`, `visit`), and the words
    around the match or the patient's name."""

    contact: Contact
    by: str
    excerpt: str = ""
    message_id: Optional[int] = None


def search(session: Session, asked: str) -> List[Hit]:
    """Conversations that fit, best first, each once; at most `MOST_RESULTS`."""
    wanted = " ".join(asked.split()).casefold()
    if len(wanted) < SHORTEST:
        return []
    visit = _VISIT.fullmatch(wanted)
    if visit is not None:
        return _by_visit(session, int(visit[1]))
    found: Dict[int, Hit] = {}
    for hit in _by_number(session, wanted) + _by_name(session, wanted):
        found.setdefault(int(hit.contact.id), hit)
    if len(found) < MOST_RESULTS:
        for hit in _by_words(session, wanted):
            found.setdefault(int(hit.contact.id), hit)
    return list(found.values())[:MOST_RESULTS]


def _by_visit(session: Session, appointment_id: int) -> List[Hit]:
    row = session.get(Appointment, appointment_id) if appointment_id <= LARGEST_ID else None
    if row is None or row.status == HELD:
        return []
    name = str(row.patient.name) if row.patient is not None else ""
    return [Hit(row.contact, "visit", name)]


def _by_number(session: Session, wanted: str) -> List[Hit]:
    if not _NUMBER_LIKE.fullmatch(wanted):
        return []
    try:
        number = phonenumbers.parse(wanted, HOME_REGION)
    except phonenumbers.NumberParseException:
        return []
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    contact = find_contact(session, phone=e164)
    return [Hit(contact, "phone")] if contact is not None else []


def _recent(session: Session) -> List[Contact]:
    rows = session.execute(
        select(Contact)
        .where(Contact.merged_into_id.is_(None))
        .order_by(Contact.last_inbound_at.desc().nulls_last(), Contact.id.desc())
        .limit(MOST_CONTACTS)
    )
    return list(rows.scalars())


def _by_name(session: Session, wanted: str) -> List[Hit]:
    contacts = _recent(session)
    digits = re.sub(r"\D", "", wanted)
    part = digits if _NUMBER_LIKE.fullmatch(wanted) and len(digits) >= SHORTEST_DIGITS else None
    found = []
    for contact in contacts:
        if part is not None and part in (contact.phone or ""):
            found.append(Hit(contact, "phone"))
        elif wanted in (contact.profile_name or "").casefold():
            found.append(Hit(contact, "name"))
    by_id = {int(contact.id): contact for contact in contacts}
    patients = session.execute(
        select(Patient).order_by(Patient.id.desc()).limit(MOST_CONTACTS)
    ).scalars()
    for patient in patients:
        if wanted in patient.name.casefold():
            contact = by_id.get(int(patient.contact_id)) or patient.contact
            found.append(Hit(contact, "name", str(patient.name)))
    return found


def _by_words(session: Session, wanted: str) -> List[Hit]:
    newest = (
        select(Message.id)
        .where(Message.created_at > now() - timedelta(days=TEXT_DAYS))
        .order_by(Message.id.desc())
        .limit(MOST_MESSAGES)
        .subquery()
    )
    rows = session.execute(
        select(Message.id, Message.text)
        .where(Message.id.in_(select(newest.c.id)), Message.text.is_not(None))
        .order_by(Message.id.desc())
    )
    fitting = [int(message_id) for message_id, text in rows if wanted in text.casefold()]
    hits = []
    for entry in first_readable(session, fitting, MOST_RESULTS):
        contact = session.get(Contact, entry.contact_id)
        if contact is not None:
            hits.append(Hit(contact, "words", _around(entry.text or "", wanted), entry.id))
    return hits


def _around(text: str, wanted: str) -> str:
    place = max(0, text.casefold().find(wanted))
    return text[max(0, place - AROUND) : place + len(wanted) + AROUND]
