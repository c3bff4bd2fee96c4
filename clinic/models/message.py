"""The message log: transcript, inbound queue and outbox in one table."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import relationship

from clinic.crypto import EncryptedJson, EncryptedText, SealedText
from clinic.database import UtcDateTime, now
from clinic.models.base import Base, BigId
from clinic.models.contact import Contact

IN = "in"
OUT = "out"

# inbound: stored, then either answered/handed over, or laid before staff only
RECEIVED, HANDLED = "received", "handled"

# outbound, in the order a message moves; see "What always holds", rule 2
PLANNED, CLAIMED, SENDING, SENT = "planned", "claimed", "sending", "sent"
DELIVERED, READ = "delivered", "read"
SKIPPED, CANCELLED, FAILED, UNKNOWN = "skipped", "cancelled", "failed", "unknown"

STATES = (
    RECEIVED,
    HANDLED,
    PLANNED,
    CLAIMED,
    SENDING,
    SENT,
    DELIVERED,
    READ,
    SKIPPED,
    CANCELLED,
    FAILED,
    UNKNOWN,
)


class Message(Base):
    """One bubble in either direction.

    `cause` makes an outgoing message unique: `turn:<id of the message answered>:<n>`, `staff:<key>`,
    `handoff:<id>:<text>`, `appointment:<id>:<kind>:<version>`, `programme:<id>:<day>:<time>`.
    `content` of an outgoing message is a `clinic.bubbles` bubble, null while one that is planned
    without words waits for its moment, in which it is written; of an incoming one the parsed parts (tap, media,
    location, referral ...). `text` is what a reader of the transcript sees.
    `detail` says why a state was reached (an error code, a skip reason).
    `lease_until` is how long a worker may keep what it claimed or sends; of a refused reply that
    is planned again, that it goes before what was planned after it; of an unknown one, until when
    a status is waited for.
    """

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("direction IN ('in', 'out')", name="direction"),
        CheckConstraint("state IN ({})".format(", ".join(f"'{s}'" for s in STATES)), name="state"),
        Index("ix_messages_contact_id_id", "contact_id", "id"),
        Index(
            "ix_messages_inbound_queue",
            "contact_id",
            "id",
            sqlite_where=text("state = 'received'"),
            postgresql_where=text("state = 'received'"),
        ),
        Index(
            "ix_messages_outbound_queue",
            "due_at",
            "id",
            sqlite_where=text("state = 'planned'"),
            postgresql_where=text("state = 'planned'"),
        ),
        Index(
            "ix_messages_reply_queue",
            "due_at",
            "id",
            sqlite_where=text("state = 'planned' AND purpose = 'reply'"),
            postgresql_where=text("state = 'planned' AND purpose = 'reply'"),
        ),
        Index(
            "ix_messages_in_flight",
            "contact_id",
            "lease_until",
            sqlite_where=text("lease_until IS NOT NULL"),
            postgresql_where=text("lease_until IS NOT NULL"),
        ),
    )

    id = Column(BigId, primary_key=True)
    contact_id = Column(BigId, ForeignKey("contacts.id"), nullable=False)
    direction = Column(String(3), nullable=False)
    wamid = Column(SealedText, unique=True)
    cause = Column(String(300), unique=True)
    kind = Column(String(32), nullable=False)
    author = Column(String(120), nullable=False)
    purpose = Column(String(32), nullable=False, default="reply")
    text = Column(EncryptedText)
    content = Column(EncryptedJson)
    reply_to = Column(SealedText)
    state = Column(String(16), nullable=False)
    detail = Column(String(200))
    intent = Column(String(64))
    due_at = Column(UtcDateTime)
    not_after = Column(UtcDateTime)
    lease_until = Column(UtcDateTime)
    lease_owner = Column(String(64))
    attempts = Column(Integer, nullable=False, default=0)
    sent_at = Column(UtcDateTime)
    delivered_at = Column(UtcDateTime)
    read_at = Column(UtcDateTime)
    handled_at = Column(UtcDateTime)
    occurred_at = Column(UtcDateTime, nullable=False, default=now)
    created_at = Column(UtcDateTime, nullable=False, default=now)

    contact = relationship(Contact)


class Offer(Base):
    """A button or list row that was offered to a contact, and whether it was taken.

    `token` is what travels as the button's id; `payload` is what a tap on it means; `taken_by` is
    the message that tapped it.
    """

    __tablename__ = "offers"
    __table_args__ = (UniqueConstraint("contact_id", "token"),)

    id = Column(BigId, primary_key=True)
    contact_id = Column(BigId, ForeignKey("contacts.id"), nullable=False)
    message_id = Column(BigId, ForeignKey("messages.id"), nullable=False, index=True)
    token = Column(String(64), nullable=False)
    title = Column(EncryptedText, nullable=False)
    payload = Column(EncryptedText, nullable=False)
    taken_by = Column(BigId, ForeignKey("messages.id"))
    taken_at = Column(UtcDateTime)
    created_at = Column(UtcDateTime, nullable=False, default=now)
