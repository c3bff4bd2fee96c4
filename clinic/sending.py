"""The moment of sending: each claimed message is decided by the facts as they are now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple

from sqlalchemy import bindparam, insert, select, tuple_, update
from sqlalchemy.orm import Session, defer

from clinic.claiming import CLAIMED_BY, LEASE
from clinic.consent import FREE
from clinic.consent import obstacles as consent_obstacles
from clinic.crypto import CannotDecrypt
from clinic.database import UtcDateTime, connection_of, now
from clinic.decision import UNWRITTEN, AsWritten, Decision, Go, Later, Stop, Writer
from clinic.delivery import give_up, give_up_unread, window_open
from clinic.models import Announcement, Contact, Message, Offer, Reminder
from clinic.models.message import FAILED, PLANNED, SENDING, SKIPPED
from clinic.outbox import write

WITHOUT_NAME = [defer(Contact.profile_name)]

# statements are written once: putting one together costs more than the database takes for it
_OURS = CLAIMED_BY.where(
    Message.lease_until > bindparam("moment", type_=UtcDateTime())
).with_for_update()
_WHOLE = (
    select(Message)
    .where(Message.id.in_(bindparam("ids", expanding=True)))
    .order_by(Message.id)
    # what a reader of the transcript sees travels as `content`
    .options(defer(Message.text))
    .execution_options(populate_existing=True)
)
# locked, so that a withdrawal that is being written is waited for, or waits for us
_ADDRESSED = (
    select(Contact)
    .where(Contact.id.in_(bindparam("ids", expanding=True)))
    .order_by(Contact.id)
    .options(*WITHOUT_NAME)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True)
class Letter:
    """What a sender needs to send one message."""

    message_id: int
    contact_id: int
    phone: Optional[str]
    bsuid: Optional[str]
    content: Dict[str, Any]
    reply_to: Optional[str]
    attempts: int


def begin_sending(
    session: Session,
    ids: Sequence[int],
    owner: str,
    *,
    writer: Optional[Writer] = None,
    moment: Optional[datetime] = None,
    clock: Optional[datetime] = None,
) -> List[Letter]:
    """Decide each claimed message, and mark what goes as `sending`.

    Whatever may not go any more ends here with its reason: `too late`, `unreachable`, `opted
    out` and what else `clinic.consent` says, `window closed` (a reply outside the 24-hour
    window; staff are told), `cannot be decrypted`, and what `writer` finds of reminders and
    nudges, which are written here. A claim whose lease is over is no longer ours to send.

    Args:
        writer: decides about reminders, nudges and announcements, and writes what was planned
            without words; without one, that fails.
        moment: the time to decide by (default: now).
        clock: the time by which leases count, where that is another (default: now).
    """
    clock = clock or now()
    moment = moment or clock
    # only what is never encrypted: a row that cannot be read must not stop its neighbours
    given = {"ids": list(ids), "owner": owner, "moment": clock}
    rows = connection_of(session).execute(_OURS, given).all()
    locked = [int(row[0]) for row in rows]
    messages, contacts = _readable(session, locked)
    return _Beginning(session, contacts, moment, clock).letters(messages, writer)


class _Beginning:
    """One batch of messages that are decided together."""

    def __init__(
        self, session: Session, contacts: Dict[int, Any], moment: datetime, clock: datetime
    ) -> None:
        self._session = session
        self._contacts = contacts
        self._moment = moment
        self._clock = clock
        self._refused: Dict[Tuple[int, str], Optional[str]] = {}
        self._offers: List[Dict[str, Any]] = []
        self._covered: List[Tuple[int, List[Tuple[int, str, int]]]] = []

    def letters(self, messages: List[Any], writer: Optional[Writer]) -> List[Letter]:
        going, undecided = [], []
        announced = self._announced(messages) if writer is not None else set()
        self._refused = consent_obstacles(self._session, {_purpose(each) for each in messages})
        for message in messages:
            to_decide = message.kind in UNWRITTEN or int(message.id) in announced
            found = self._obstacle(message, to_decide)
            if found is not None:
                give_up(self._session, message, found.state, found.reason)
            elif to_decide:
                undecided.append(message)
            else:
                going.append(self._letter(message, message.content))
        if undecided:
            going += self._decided(undecided, writer)
        self._session.flush()
        self._store()
        return going

    def _announced(self, messages: List[Any]) -> Set[int]:
        """Those of the messages that announce something which may have changed since."""
        written = [m for m in messages if m.kind != "template" and m.kind not in UNWRITTEN]
        ids = [int(m.id) for m in written if m.purpose not in FREE]
        if not ids:
            return set()
        rows = self._session.execute(
            select(Announcement.message_id).where(Announcement.message_id.in_(ids))
        )
        return {int(row[0]) for row in rows}

    def _obstacle(self, message: Any, to_decide: bool) -> Optional[Stop]:
        """What stops any message, whoever wrote it."""
        contact = self._contacts[int(message.contact_id)]
        if message.not_after is not None and message.not_after <= self._moment:
            return Stop(SKIPPED, "too late")
        if contact.unreachable_at is not None:
            return Stop(SKIPPED, "unreachable")
        refused = self._refused[_purpose(message)]
        if refused is not None:
            return Stop(SKIPPED, refused)
        free = message.kind != "template" and not to_decide
        if free and not window_open(contact, self._moment):
            return Stop(FAILED, "window closed")
        return None

    def _decided(self, messages: List[Any], writer: Optional[Writer]) -> List[Letter]:
        decisions: Dict[int, Decision] = {}
        if writer is not None:
            decisions = writer.decide(self._session, messages, self._contacts, self._moment)
        letters = []
        for message in messages:
            decision = decisions.get(int(message.id), Stop(FAILED, "nobody writes it"))
            if isinstance(decision, Stop):
                give_up(self._session, message, decision.state, decision.reason)
            elif isinstance(decision, Later):
                message.state, message.due_at = PLANNED, decision.until
                message.detail = decision.reason
                message.lease_until = message.lease_owner = None
            elif isinstance(decision, AsWritten):
                letters.append(self._letter(message, message.content))
            else:
                letters.append(self._write(message, decision))
        return letters

    def _write(self, message: Any, decision: Go) -> Letter:
        shown, offers = write(message, decision.bubble)
        message.occurred_at, message.detail = self._moment, None
        self._offers += offers
        if decision.covers:
            self._covered.append((int(message.id), decision.covers))
        return self._letter(message, shown.dict(exclude_none=True))

    def _letter(self, message: Any, content: Dict[str, Any]) -> Letter:
        contact = self._contacts[int(message.contact_id)]
        message.state, message.lease_until = SENDING, self._clock + LEASE
        message.attempts += 1
        return Letter(
            message_id=int(message.id),
            contact_id=int(contact.id),
            phone=contact.phone,
            bsuid=contact.bsuid,
            content=content,
            reply_to=message.reply_to,
            attempts=int(message.attempts),
        )

    def _store(self) -> None:
        if self._offers:
            self._session.execute(insert(Offer), self._offers)
        key = tuple_(Reminder.appointment_id, Reminder.kind, Reminder.time_version)
        for message_id, covers in self._covered:
            self._session.execute(
                update(Reminder)
                .where(key.in_(covers))
                .values(said_in=message_id)
                .execution_options(synchronize_session=False)
            )


def _purpose(message: Any) -> Tuple[int, str]:
    """To whom and what for: what a consent is asked by."""
    return int(message.contact_id), str(message.purpose)


def _readable(session: Session, ids: List[int]) -> Tuple[List[Any], Dict[int, Any]]:
    """The messages and their contacts, by id; what cannot be decrypted ends here."""
    if not ids:
        return [], {}
    try:
        # a read that fails leaves the session's transaction as it was
        return _read(session, ids)
    except CannotDecrypt:
        messages: List[Any] = []
        contacts: Dict[int, Any] = {}
        for message_id in ids:
            try:
                found, whose = _read(session, [message_id])
            except CannotDecrypt:
                give_up_unread(session, message_id)
            else:
                messages += found
                contacts.update(whose)
        return messages, contacts


def _read(session: Session, ids: List[int]) -> Tuple[List[Any], Dict[int, Any]]:
    messages = list(session.execute(_WHOLE, {"ids": ids}).scalars())
    whom = sorted({int(message.contact_id) for message in messages})
    contacts = session.execute(_ADDRESSED, {"ids": whom}).scalars()
    return messages, {int(contact.id): contact for contact in contacts}
