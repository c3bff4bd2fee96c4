"""What other systems are told: signed webhooks, and conversations held in Chatwoot."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    text,
)

from clinic.crypto import EncryptedJson, EncryptedText
from clinic.database import UtcDateTime, now
from clinic.models.base import Base, BigId

WAITING, DELIVERED_TO, GIVEN_UP = "waiting", "delivered", "given_up"


class Webhook(Base):
    """An address that is told of events. Its URL may hold a secret and is encrypted too."""

    __tablename__ = "webhooks"

    id = Column(BigId, primary_key=True)
    url = Column(EncryptedText, nullable=False)
    secret = Column(EncryptedText, nullable=False)
    events = Column(String(200), nullable=False)
    active = Column(Boolean, nullable=False, default=True)
    created_at = Column(UtcDateTime, nullable=False, default=now)


class WebhookDelivery(Base):
    """One event on its way to one webhook, at least once; `event_id` stays through every try."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("webhook_id", "event_id"),
        CheckConstraint("state IN ('waiting', 'delivered', 'given_up')", name="state"),
        Index(
            "ix_webhook_deliveries_due",
            "due_at",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    id = Column(BigId, primary_key=True)
    webhook_id = Column(BigId, ForeignKey("webhooks.id"), nullable=False)
    handoff_id = Column(BigId, index=True)
    event_id = Column(String(80), nullable=False)
    event = Column(String(40), nullable=False)
    payload = Column(EncryptedJson, nullable=False)
    state = Column(String(12), nullable=False, default=WAITING)
    attempts = Column(Integer, nullable=False, default=0)
    due_at = Column(UtcDateTime, nullable=False, default=now)
    last_answer = Column(String(40))
    created_at = Column(UtcDateTime, nullable=False, default=now)
    delivered_at = Column(UtcDateTime)


class ChatwootLink(Base):
    """Where a contact's handoff is in Chatwoot, and how far it was told.

    Each step is recorded after it was taken, so that a restart goes on where it stopped: the
    contact made (`source_id`), the conversation made, the note written, the status set.
    `told_message_id` is the last message of the log that Chatwoot has; `refused` are agents' messages
    that did not go, `[their id, code]`, of which the last `refusals_to_tell` wait to be told there.
    """

    __tablename__ = "chatwoot_links"
    handoff_id = Column(BigId, ForeignKey("handoffs.id"), primary_key=True, autoincrement=False)
    contact_id = Column(BigId, ForeignKey("contacts.id"), nullable=False, index=True)
    source_id = Column(String(120))
    their_contact_id = Column(BigId)
    conversation_id = Column(BigId, index=True)
    note_written = Column(Boolean, nullable=False, default=False)
    opened = Column(Boolean, nullable=False, default=False)
    closed = Column(Boolean, nullable=False, default=False)
    told_message_id = Column(BigId, nullable=False, default=0)
    refused = Column(EncryptedJson)
    refusals_to_tell = Column(Integer, nullable=False, default=0)
    attempts = Column(Integer, nullable=False, default=0)
    due_at = Column(UtcDateTime, nullable=False, default=now)
    created_at = Column(UtcDateTime, nullable=False, default=now)
