"""What a contact was told and agreed to, who agreed for a child, and which ad they came from."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
)

from clinic.crypto import EncryptedText, SealedText
from clinic.database import UtcDateTime, now
from clinic.models.append_only import append_only
from clinic.models.base import Base, BigId

CARE, EXERCISES, FOLLOW_UP, MARKETING = "care", "exercises", "follow_up", "marketing"
PURPOSES = (CARE, EXERCISES, FOLLOW_UP, MARKETING)

BUTTON, WORDS, USER_PREFERENCES, STAFF = "button", "words", "user_preferences", "staff"
HOW = (BUTTON, WORDS, USER_PREFERENCES, STAFF)

# of a guardian: an age was said and nobody asked yet; asked; agreed; declined; no child after all
SUSPECTED, ASKED, AGREED, DECLINED, ADULT = "suspected", "asked", "agreed", "declined", "adult"
GUARDIAN_STATES = (SUSPECTED, ASKED, AGREED, DECLINED, ADULT)


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class Consent(Base):
    """One decision of a contact about one purpose; the latest row of a purpose holds.

    `at` is when the contact decided, `created_at` when we wrote it down. `wamid` is the message
    that decided, `notice_version` the notice the contact had been given by then.
    """

    __tablename__ = "consents"
    __table_args__ = (
        _one_of("purpose", PURPOSES),
        _one_of("how", HOW),
        Index("ix_consents_contact_id_purpose", "contact_id", "purpose", "at", "id"),
    )

    id = Column(BigId, primary_key=True)
    contact_id = Column(BigId, ForeignKey("contacts.id"), nullable=False)
    purpose = Column(String(16), nullable=False)
    granted = Column(Boolean, nullable=False)
    notice_version = Column(String(20))
    language = Column(String(8), nullable=False)
    channel = Column(String(16), nullable=False, default="whatsapp")
    wamid = Column(SealedText)
    how = Column(String(20), nullable=False)
    recorded_by = Column(String(120))
    at = Column(UtcDateTime, nullable=False)
    created_at = Column(UtcDateTime, nullable=False, default=now)


class NoticeGiven(Base):
    """A version of the privacy notice was put before a contact, in a language."""

    __tablename__ = "notices_given"
    __table_args__ = (UniqueConstraint("contact_id", "version"),)

    id = Column(BigId, primary_key=True)
    contact_id = Column(BigId, ForeignKey("contacts.id"), nullable=False)
    version = Column(String(20), nullable=False)
    language = Column(String(8), nullable=False)
    at = Column(UtcDateTime, nullable=False, default=now)


class Guardian(Base):
    """Who decides for a patient under 18; the newest row of a contact holds.

    `confirmed_at` is when staff saw the guardian, at the first visit.
    """

    __tablename__ = "guardians"
    __table_args__ = (_one_of("state", GUARDIAN_STATES),)

    id = Column(BigId, primary_key=True)
    contact_id = Column(BigId, ForeignKey("contacts.id"), nullable=False, index=True)
    state = Column(String(12), nullable=False)
    name = Column(EncryptedText)
    relation = Column(EncryptedText)
    wamid = Column(SealedText)
    decided_at = Column(UtcDateTime)
    confirmed_by = Column(String(120))
    confirmed_at = Column(UtcDateTime)
    created_at = Column(UtcDateTime, nullable=False, default=now)


class Referral(Base):
    """The ad or post from which a contact began to write, as WhatsApp told it."""

    __tablename__ = "referrals"

    id = Column(BigId, primary_key=True)
    contact_id = Column(BigId, ForeignKey("contacts.id"), nullable=False, index=True)
    source_type = Column(String(20), nullable=False)
    source_id = Column(String(64))
    headline = Column(EncryptedText)
    ctwa_clid = Column(EncryptedText)
    wamid = Column(SealedText, nullable=False, unique=True)
    at = Column(UtcDateTime, nullable=False)


append_only(Consent)
append_only(NoticeGiven)
