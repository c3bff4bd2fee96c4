"""What a contact agreed to, per purpose, and what therefore may be sent.

Notice, consent per purpose, withdrawal as easy as consent, and proof of each (DPDP Act 2023,
sections 5 and 6): every decision is a row that is never changed; the latest of a purpose holds.
Answers to what a patient asked, staff's own words and the notice need no consent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import AbstractSet, Any, Collection, Dict, List, Optional, Set, Tuple

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session

from clinic.contacts import ids_of
from clinic.database import connection_of, now
from clinic.guardians import MINOR, WITHOUT_GUARDIAN, guardian_states
from clinic.models import Consent, Contact, NoticeGiven
from clinic.models.consent import BUTTON, HOW, MARKETING, PURPOSES, WORDS
from clinic.upsert import insert_new

# what goes without consent: answers, people's own words, and the notice that asks for it
FREE = frozenset({"reply", "staff", "notice"})
NOTICE = "notice"

# asked of everybody who writes, so of what is never encrypted, and put together once
_NOTICE_DUE = select(Contact.id).where(
    Contact.id == bindparam("contact"),
    Contact.opted_out_at.is_(None),
    ~exists().where(
        NoticeGiven.contact_id.in_(ids_of(bindparam("contact"))),
        NoticeGiven.version == bindparam("version"),
    ),
)


@dataclass(frozen=True)
class State:
    """Where a purpose stands; `since`, `version` and `how` are None where nothing was decided."""

    granted: bool = False
    since: Optional[datetime] = None
    version: Optional[str] = None
    how: Optional[str] = None


def allows(session: Session, contact_id: int, purpose: str) -> bool:
    """Whether a message of this purpose may be sent to this contact at this moment."""
    return obstacle(session, contact_id, purpose) is None


def obstacle(session: Session, contact_id: int, purpose: str) -> Optional[str]:
    """Why a message of this purpose may not be sent now; None where it may.

    Returns:
        `opted out`, `minor: <purpose>`, `no guardian consent` or `no consent: <purpose>`.
    """
    return obstacles(session, [(contact_id, purpose)])[contact_id, purpose]


def obstacles(
    session: Session, wanted: Collection[Tuple[int, str]]
) -> Dict[Tuple[int, str], Optional[str]]:
    """`obstacle` of many contacts and purposes, asked of the database at once."""
    asked = {pair for pair in wanted if pair[1] not in FREE}
    ids = {contact_id for contact_id, _ in asked}
    contacts = _contacts(session, ids)
    states = guardian_states(session, ids)
    granted = _granted(session, asked)
    found: Dict[Tuple[int, str], Optional[str]] = dict.fromkeys(wanted)
    for contact_id, purpose in asked:
        contact, state = contacts.get(contact_id), states.get(contact_id)
        if contact is None or contact.opted_out_at is not None:
            found[contact_id, purpose] = "opted out"
        elif purpose == MARKETING and state in MINOR:
            found[contact_id, purpose] = f"minor: {purpose}"
        elif state in WITHOUT_GUARDIAN:
            found[contact_id, purpose] = "no guardian consent"
        elif (contact_id, purpose) not in granted:
            found[contact_id, purpose] = f"no consent: {purpose}"
    return found


def record(
    session: Session,
    contact_id: int,
    purpose: str,
    granted: bool,
    *,
    how: str,
    language: str = "en",
    wamid: Optional[str] = None,
    recorded_by: Optional[str] = None,
    at: Optional[datetime] = None,
) -> None:
    """Write down one decision.

    What a patient grants in their own words or by a button ends an opt-out, whose withdrawals
    stand for the other purposes. The same decision about the same moment is written once.

    Args:
        purpose: one of `clinic.models.consent.PURPOSES`.
        how: one of `clinic.models.consent.HOW`.
        wamid: of the message that decided.
        recorded_by: the member of staff, for `staff`.
        at: when it was decided; a moment in the future counts as now.

    Raises:
        ValueError: for an unknown purpose or way.
    """
    if purpose not in PURPOSES or how not in HOW:
        raise ValueError(f"unknown purpose or way: {purpose}, {how}")
    # a worker that decides about this contact now is waited for, or waits for us (PostgreSQL)
    session.execute(select(Contact.id).where(Contact.id == contact_id).with_for_update())
    moment = min(at or now(), now())
    if at is not None and _is_written(session, contact_id, purpose, granted, how, moment):
        return
    session.add(
        Consent(
            contact_id=contact_id,
            purpose=purpose,
            granted=granted,
            notice_version=notice_version(session, contact_id),
            language=language,
            wamid=wamid,
            how=how,
            recorded_by=recorded_by,
            at=moment,
        )
    )
    if granted and how in (BUTTON, WORDS):
        contact = session.get(Contact, contact_id)
        if contact is not None:
            contact.opted_out_at = None
    session.flush()


def withdraw_all(
    session: Session,
    contact_id: int,
    *,
    how: str,
    language: str = "en",
    wamid: Optional[str] = None,
) -> None:
    """Withdraw every purpose at once; nothing is sent of our own accord from this moment on.

    Withdrawing again changes nothing but what was granted meanwhile.
    """
    contact = session.get(Contact, contact_id)
    if contact is None:
        return
    again, moment = contact.opted_out_at is not None, now()
    if not again:
        contact.opted_out_at = moment
    for purpose, state in of_contact(session, contact_id).items():
        if again and not state.granted:
            continue
        record(
            session,
            contact_id,
            purpose,
            False,
            how=how,
            language=language,
            wamid=wamid,
            at=moment,
        )


def restore_all(
    session: Session,
    contact_id: int,
    *,
    how: str,
    language: str = "en",
    wamid: Optional[str] = None,
) -> List[str]:
    """Undo `withdraw_all`: what it withdrew is granted again, and nothing else.

    Returns:
        The purposes granted again, in the order of `PURPOSES`; [] where there is none.
    """
    contact = session.get(Contact, contact_id)
    if contact is None or contact.opted_out_at is None:
        return []
    stopped_at, contact.opted_out_at = contact.opted_out_at, None
    restored = []
    for purpose in PURPOSES:
        rows = _decisions(session, contact_id, purpose, limit=2)
        was_withdrawn_then = len(rows) == 2 and not rows[0].granted and rows[0].at == stopped_at
        if was_withdrawn_then and rows[1].granted:
            record(session, contact_id, purpose, True, how=how, language=language, wamid=wamid)
            restored.append(purpose)
    session.flush()
    return restored


def of_contact(session: Session, contact_id: int) -> Dict[str, State]:
    """Where each purpose stands, in the order of `PURPOSES`."""
    states = {}
    for purpose in PURPOSES:
        latest = _latest(session, contact_id, purpose)
        states[purpose] = (
            State()
            if latest is None
            else State(latest.granted, latest.at, latest.notice_version, latest.how)
        )
    return states


def history(session: Session, contact_id: int) -> List[Consent]:
    """Every decision of a contact, oldest first."""
    rows = session.execute(
        select(Consent)
        .where(Consent.contact_id.in_(ids_of(contact_id)))
        .order_by(Consent.at, Consent.id)
    )
    return list(rows.scalars())


def notice_due(session: Session, contact_id: int, version: str) -> bool:
    """Whether this version of the notice has to be given: not yet given, and not stopped."""
    asked = {"contact": contact_id, "version": version}
    return connection_of(session).execute(_NOTICE_DUE, asked).first() is not None


def mark_notice_given(session: Session, contact_id: int, version: str, language: str) -> bool:
    """Note that the notice goes to this contact; False where it had been given before."""
    values = {"contact_id": contact_id, "version": version, "language": language}
    return insert_new(session, NoticeGiven, values) is not None


def notice_version(session: Session, contact_id: int) -> Optional[str]:
    """The notice that the contact was given last; None where none was."""
    return session.execute(
        select(NoticeGiven.version)
        .where(NoticeGiven.contact_id.in_(ids_of(contact_id)))
        .order_by(NoticeGiven.at.desc(), NoticeGiven.id.desc())
        .limit(1)
    ).scalar_one_or_none()


def _is_written(
    session: Session, contact_id: int, purpose: str, granted: bool, how: str, at: datetime
) -> bool:
    same = select(Consent.id).where(
        Consent.contact_id.in_(ids_of(contact_id)),
        Consent.purpose == purpose,
        Consent.granted.is_(granted),
        Consent.how == how,
        Consent.at == at,
    )
    return session.execute(same.limit(1)).first() is not None


def _latest(session: Session, contact_id: int, purpose: str) -> Optional[Consent]:
    rows = _decisions(session, contact_id, purpose, limit=1)
    return rows[0] if rows else None


def _decisions(session: Session, contact_id: int, purpose: str, limit: int) -> List[Consent]:
    """The newest decisions about a purpose, newest first."""
    rows = session.execute(
        select(Consent)
        .where(Consent.contact_id.in_(ids_of(contact_id)), Consent.purpose == purpose)
        .order_by(Consent.at.desc(), Consent.id.desc())
        .limit(limit)
    )
    return list(rows.scalars())


def _contacts(session: Session, ids: AbstractSet[int]) -> Dict[int, Any]:
    """The contacts by id; those that the session holds already, and locked, as they are there."""
    found = {contact_id: session.get(Contact, contact_id) for contact_id in ids}
    return {contact_id: contact for contact_id, contact in found.items() if contact is not None}


def _granted(session: Session, asked: AbstractSet[Tuple[int, str]]) -> Set[Tuple[int, str]]:
    """Of these contacts and purposes those whose latest decision is a yes."""
    ids = {contact_id for contact_id, _ in asked}
    if not ids:
        return set()
    # a decision keeps the contact it was written for, and holds for whom that was merged into
    holds_for: Dict[int, List[int]] = {contact_id: [contact_id] for contact_id in ids}
    merged = select(Contact.id, Contact.merged_into_id).where(Contact.merged_into_id.in_(ids))
    for contact_id, into in session.execute(merged):
        holds_for.setdefault(int(contact_id), []).append(int(into))
    rows = session.execute(
        select(Consent.contact_id, Consent.purpose, Consent.granted)
        .where(
            Consent.contact_id.in_(holds_for),
            Consent.purpose.in_({purpose for _, purpose in asked}),
        )
        .order_by(Consent.at, Consent.id)
    )
    latest: Dict[Tuple[int, str], bool] = {}
    for contact_id, purpose, granted in rows:
        for whom in holds_for[int(contact_id)]:
            latest[whom, str(purpose)] = bool(granted)
    return {pair for pair in asked if latest.get(pair)}
