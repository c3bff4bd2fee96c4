"""Who a number or a business-scoped user id belongs to."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Optional

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import Session

from clinic.crypto import lookup_hash
from clinic.database import connection_of, now
from clinic.handoffs import raise_priority, unresolved_handoff
from clinic.models import (
    Appointment,
    Bill,
    Contact,
    ExerciseProgramme,
    Guardian,
    Handoff,
    Message,
    Note,
    Offer,
    Patient,
    Referral,
    Tracker,
    WaitingPatient,
)
from clinic.upsert import insert_new


def find_contact(
    session: Session, phone: Optional[str] = None, bsuid: Optional[str] = None
) -> Optional[Contact]:
    """The contact of an E.164 phone number or a business-scoped user id, if there is one."""
    for column, value in ((Contact.phone_hash, phone), (Contact.bsuid_hash, bsuid)):
        if value:
            found = session.execute(
                select(Contact).where(column == lookup_hash(value))
            ).scalar_one_or_none()
            if found is not None:
                return found
    return None


def ids_of(contact_id: Any) -> Any:
    """A subquery: this contact's id, and those of the contacts that were merged into it.

    For rows that may not be changed, and so keep the contact they were written for.
    """
    return select(Contact.id).where(
        or_(Contact.id == contact_id, Contact.merged_into_id == contact_id)
    )


_KNOWN = select(Contact.id, Contact.bsuid_hash, Contact.profile_name)
_BY_PHONE = _KNOWN.where(Contact.phone_hash == bindparam("hash"))
_BY_BSUID = _KNOWN.where(Contact.bsuid_hash == bindparam("hash"))


def known_as(
    session: Session, phone: Optional[str], bsuid: Optional[str], profile_name: Optional[str]
) -> Optional[int]:
    """The contact of whom exactly this is known already; None where anything would change.

    What nearly every message asks, answered without reading what need not be decrypted.
    """
    value = phone or bsuid
    if not value:
        return None
    by = _BY_PHONE if phone else _BY_BSUID
    found = connection_of(session).execute(by, {"hash": lookup_hash(value)}).one_or_none()
    if found is None or (profile_name and found.profile_name != profile_name):
        return None
    if bsuid and found.bsuid_hash != lookup_hash(bsuid):
        return None
    return int(found.id)


def new_contact(
    session: Session,
    phone: Optional[str],
    bsuid: Optional[str],
    profile_name: Optional[str] = None,
    last_inbound_at: Optional[datetime] = None,
) -> Optional[int]:
    """The id of a contact made for somebody unknown; None where the number or the id stands.

    On PostgreSQL another process may have been first, and that is None too.
    """
    return insert_new(
        session,
        Contact,
        {
            "phone": phone,
            "phone_hash": lookup_hash(phone) if phone else None,
            "bsuid": bsuid,
            "bsuid_hash": lookup_hash(bsuid) if bsuid else None,
            "profile_name": profile_name,
            "last_inbound_at": last_inbound_at,
        },
    )


def ensure_contact(
    session: Session,
    phone: Optional[str],
    bsuid: Optional[str],
    profile_name: Optional[str] = None,
) -> Contact:
    """The contact known by `phone` or `bsuid`, made or linked where needed.

    Where the number and the id belong to two contacts, they are one person, and the contact of
    the id is merged into the contact of the number; unless the number's contact has another id:
    then the number has passed from one person to another, and takes none of their past along.
    A contact found by its id has the number it writes from now; answers must not go to the old.

    Raises:
        ValueError: if neither is given.
    """
    if not phone and not bsuid:
        raise ValueError("a contact needs a phone number or a business-scoped user id")
    by_phone = find_contact(session, phone=phone) if phone else None
    by_bsuid = find_contact(session, bsuid=bsuid) if bsuid else None
    if by_phone is not None and by_bsuid is not None and by_phone.id != by_bsuid.id:
        if by_phone.bsuid_hash is None:
            _merge(session, by_bsuid, into=by_phone)
            by_bsuid = None
        else:
            by_phone.phone = by_phone.phone_hash = None
            session.flush()
            by_phone = None
    contact = by_phone or by_bsuid
    if contact is None:
        new_contact(session, phone, bsuid, profile_name)
        # on PostgreSQL another process may have been first: read what stands
        contact = find_contact(session, phone=phone, bsuid=bsuid)
        assert contact is not None  # noqa: S101 - the row was inserted or stood there
    if phone and contact.phone_hash != lookup_hash(phone):
        contact.phone, contact.phone_hash = phone, lookup_hash(phone)
    if bsuid and contact.bsuid_hash != lookup_hash(bsuid):
        contact.bsuid, contact.bsuid_hash = bsuid, lookup_hash(bsuid)
    if profile_name and contact.profile_name != profile_name:
        contact.profile_name = profile_name
    return contact


def change_identity(
    session: Session,
    old_phone: Optional[str],
    old_bsuid: Optional[str],
    new_phone: Optional[str],
    new_bsuid: Optional[str],
) -> Optional[Contact]:
    """A person changed their number or user id: the same contact, found by the new one.

    Returns None where the old identity is not known.
    """
    contact = find_contact(session, phone=old_phone, bsuid=old_bsuid)
    if contact is None:
        return None
    for attribute, value in (("phone", new_phone), ("bsuid", new_bsuid)):
        if not value:
            continue
        other = find_contact(session, **{attribute: value})
        if other is not None and other.id != contact.id:
            _merge(session, other, into=contact)
        setattr(contact, attribute, value)
        setattr(contact, f"{attribute}_hash", lookup_hash(value))
    session.flush()
    return contact


def _merge(session: Session, source: Contact, into: Contact) -> None:
    """Everything of `source` becomes `into`'s; `source` stays as a pointer."""
    _keep_one_handoff(session, source, into)
    moving = (
        *(Message, Offer, Appointment, Patient, Handoff, Note, Bill),
        *(Guardian, Referral, WaitingPatient, ExerciseProgramme),
    )
    for model in moving:
        session.execute(
            update(model).where(model.contact_id == source.id).values(contact_id=into.id)
        )
    # consents stay as they were written: every id that a person ever had points at this contact
    session.execute(
        update(Contact).where(Contact.merged_into_id == source.id).values(merged_into_id=into.id)
    )
    tracker = session.get(Tracker, str(source.id))
    if tracker is not None:
        session.delete(tracker)
    bsuid, phone = source.bsuid, source.phone
    source.phone_hash = source.bsuid_hash = source.phone = source.bsuid = None
    source.merged_into_id = into.id
    session.flush()
    if bsuid and into.bsuid_hash is None:
        into.bsuid, into.bsuid_hash = bsuid, lookup_hash(bsuid)
    if phone and into.phone_hash is None:
        into.phone, into.phone_hash = phone, lookup_hash(phone)
    into.last_inbound_at = _later(into.last_inbound_at, source.last_inbound_at)
    into.emergency_text_at = _later(into.emergency_text_at, source.emergency_text_at)
    # who said stop has said it, under whichever name
    into.opted_out_at = _later(into.opted_out_at, source.opted_out_at)
    if source.language_chosen and not into.language_chosen:
        into.language, into.language_chosen = source.language, True
    into.profile_name = into.profile_name or source.profile_name
    session.flush()


def _keep_one_handoff(session: Session, source: Contact, into: Contact) -> None:
    """Of two unresolved handoffs the one of `into` stays, as urgent as the more urgent of both."""
    standing = unresolved_handoff(session, int(into.id))
    other = unresolved_handoff(session, int(source.id))
    if standing is None or other is None:
        return
    raise_priority(standing, str(other.reason), other.red_flag)
    other.status, other.outcome, other.resolved_at = "resolved", "merged", now()
    session.flush()


def _later(one: Any, other: Any) -> Optional[datetime]:
    known = [moment for moment in (one, other) if moment is not None]
    return max(known) if known else None
