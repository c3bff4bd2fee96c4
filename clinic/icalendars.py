"""Visits as iCalendar (RFC 5545): one for a patient's own calendar, and a clinician's feed.

Neither holds a patient's name or words: a patient reads their own visit, a clinician the initials
and the service. Both are read by a secret address; of a feed's only a keyed hash is kept, and that
of a visit is its id and a keyed hash of it.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any, List, Optional

from icalendar import Calendar, Event, vGeo, vText
from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.courses import number_of
from clinic.crypto import lookup_hash
from clinic.models import Appointment, CalendarFeed, Clinician
from clinic.models.schedule import ARRIVED, BOOKED, COMPLETED, CONFIRMED
from clinic.scheduling.errors import UnknownClinician
from clinic.setup import profile_in
from clinic.texts import Texts

PRODUCT = "-//Sandhi//clinic calendar//EN"
UID_DOMAIN = "sandhi.invalid"
SHOWN = (BOOKED, CONFIRMED, ARRIVED, COMPLETED)
BEHIND, AHEAD = timedelta(days=14), timedelta(days=90)
REFRESH = timedelta(minutes=15)
SIGNED = 32


def visit_calendar(session: Session, appointment: Appointment, texts: Texts) -> bytes:
    """One visit as it stands now, for the patient's calendar; a cancelled one says so.

    A calendar that has the visit already replaces it: the id stays, the sequence rises.
    """
    profile = profile_in(session)
    language = str(appointment.contact.language)
    event = _event(appointment)
    summary = profile.service(appointment.service.code).name.said_in(language)
    place = number_of(session, appointment)
    if place is not None:
        word = texts.say(
            "utter_word_session_number", language, number=str(place[0]), total=str(place[1])
        )
        summary = f"{summary} ({word})"
    event.add("summary", summary)
    event.add("location", vText(profile.address.said_in(language)))
    event.add("geo", vGeo((profile.pin.lat, profile.pin.lon)))
    event.add("contact", f"{profile.name.said_in(language)}, {profile.phone}")
    calendar = _calendar(profile.name.said_in(language))
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def visit_link_key(appointment_id: int) -> str:
    """What stands in the address of a visit's calendar file: nobody can make up another's."""
    return f"{appointment_id}-{lookup_hash(f'visit calendar {appointment_id}')[:SIGNED]}"


def visit_by_link_key(session: Session, key: str) -> Optional[Appointment]:
    """The appointment that a key of `visit_link_key` names; None for any other text."""
    number = key.split("-")[0]
    if not (number.isascii() and number.isdecimal() and len(number) <= 18):
        return None
    if not hmac.compare_digest(visit_link_key(int(number)).encode(), key.encode()):
        return None
    found: Optional[Appointment] = session.get(Appointment, int(number))
    return found


def new_feed(session: Session, clinician: str, now: datetime) -> str:
    """A fresh secret for a clinician's feed; the earlier address shows nothing any more.

    Raises:
        UnknownClinician.
    """
    person = _clinician(session, clinician)
    token = secrets.token_urlsafe(32)
    feed = session.get(CalendarFeed, person.id)
    if feed is None:
        feed = CalendarFeed(clinician_id=person.id)
        session.add(feed)
    feed.token_hash, feed.made_at = lookup_hash(f"calendar feed {token}"), now
    session.flush()
    return token


def has_feed(session: Session, clinician: str) -> bool:
    """Whether a clinician has a feed.

    Raises:
        UnknownClinician.
    """
    return session.get(CalendarFeed, _clinician(session, clinician).id) is not None


def feed_calendar(session: Session, token: str, now: datetime) -> Optional[bytes]:
    """The visits of the clinician whose secret this is, two weeks back and three months ahead.

    None where it is nobody's.
    """
    feed = session.execute(
        select(CalendarFeed).where(CalendarFeed.token_hash == lookup_hash(f"calendar feed {token}"))
    ).scalar_one_or_none()
    if feed is None:
        return None
    profile = profile_in(session)
    person = session.get(Clinician, feed.clinician_id)
    code = str(person.code) if person is not None else ""
    known = [one for one in profile.clinicians if one.code == code]
    name = known[0].name.said_in("en") if known else code
    calendar = _calendar(f"{profile.name.said_in('en')}: {name}")
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", REFRESH)
    for row in _visits(session, int(feed.clinician_id), now):
        event = _event(row)
        service = profile.service(row.service.code).name.said_in("en")
        event.add("summary", f"{initials(row.patient.name if row.patient else '')}, {service}")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def initials(name: str) -> str:
    """`A.V.` of "Asha Verma", `?` of nothing."""
    return "".join(f"{word[0]}." for word in name.split()[:3]) or "?"


def _visits(session: Session, clinician_id: int, now: datetime) -> List[Any]:
    rows = session.execute(
        select(Appointment)
        .where(
            Appointment.clinician_id == clinician_id,
            Appointment.status.in_(SHOWN),
            Appointment.starts_at >= now - BEHIND,
            Appointment.starts_at < now + AHEAD,
        )
        .order_by(Appointment.starts_at, Appointment.id)
    ).scalars()
    return list(rows)


def _clinician(session: Session, code: str) -> Clinician:
    person = session.execute(
        select(Clinician).where(Clinician.code == code, Clinician.active.is_(True))
    ).scalar_one_or_none()
    if person is None:
        raise UnknownClinician(f"clinician {code}")
    return person


def _calendar(name: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    return calendar


def _event(row: Appointment) -> Event:
    """Times are UTC, which every calendar shows as its owner's own."""
    event = Event()
    event.add("uid", f"visit-{row.id}@{UID_DOMAIN}")
    event.add("dtstamp", row.created_at)
    event.add("sequence", int(row.version))
    event.add("dtstart", row.starts_at)
    event.add("dtend", row.ends_at)
    event.add("status", "CONFIRMED" if row.status in SHOWN else "CANCELLED")
    event.add("class", "PRIVATE")
    return event
