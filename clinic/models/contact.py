"""Who writes to the clinic, and what the conversation remembers between turns."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String
from sqlalchemy.orm import relationship

from clinic.crypto import EncryptedJson, EncryptedText
from clinic.database import UtcDateTime, now
from clinic.models.base import Base, BigId


class Contact(Base):
    """One person on WhatsApp, known by a phone number, by a business-scoped user id, or both.

    `phone_hash` and `bsuid_hash` are keyed hashes (`clinic.crypto.lookup_hash`) of the E.164
    number and of the id: what a look-up uses, since the values themselves are encrypted.
    """

    __tablename__ = "contacts"

    id = Column(BigId, primary_key=True)
    phone = Column(EncryptedText)
    phone_hash = Column(String(64), unique=True)
    bsuid = Column(EncryptedText)
    bsuid_hash = Column(String(64), unique=True)
    profile_name = Column(EncryptedText)
    language = Column(String(8), nullable=False, default="en")
    language_chosen = Column(Boolean, nullable=False, default=False)
    opted_out_at = Column(UtcDateTime)
    unreachable_at = Column(UtcDateTime)
    last_inbound_at = Column(UtcDateTime)
    emergency_text_at = Column(UtcDateTime)
    merged_into_id = Column(BigId, ForeignKey("contacts.id"))
    created_at = Column(UtcDateTime, nullable=False, default=now)


class Tracker(Base):
    """A conversation as Rasa remembers it: the last turns and the slots, encrypted whole."""

    __tablename__ = "trackers"

    sender_id = Column(String(80), primary_key=True)
    events = Column(EncryptedJson, nullable=False)
    updated_at = Column(UtcDateTime, nullable=False, default=now)


class DoneWork(Base):
    """What a custom action has done for one cause, so that its repetition finds it done.

    `cause` is the id of the message that asked and the name of the work (`4711:book`); the row is
    written in the transaction of the work itself.
    """

    __tablename__ = "done_work"

    cause = Column(String(300), primary_key=True)
    result = Column(EncryptedJson, nullable=False)
    created_at = Column(UtcDateTime, nullable=False, default=now)


class DeadLetter(Base):
    """An update of a webhook that could not be read, kept for a person to look at."""

    __tablename__ = "dead_letters"

    id = Column(BigId, primary_key=True)
    reason = Column(String(120), nullable=False)
    raw = Column(EncryptedJson, nullable=False)
    digest = Column(String(64), nullable=False, unique=True)
    seen = Column(Integer, nullable=False, default=1)
    created_at = Column(UtcDateTime, nullable=False, default=now)


Index("ix_contacts_merged_into_id", Contact.merged_into_id)
Contact.merged_into = relationship(Contact, remote_side=[Contact.id])
