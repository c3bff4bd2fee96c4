"""What the front desk keeps of its own: private notes, ready answers, the files they carry."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String

from clinic.crypto import EncryptedJson, EncryptedText
from clinic.database import UtcDateTime, now
from clinic.models.base import Base, BigId


class Note(Base):
    """A private note of staff beside a conversation; it never leaves the house.

    `after_message_id` is the newest message at the time of writing: where the note stands in
    the transcript, whatever clock the messages came with.
    """

    __tablename__ = "notes"
    __table_args__ = (Index("ix_notes_contact_id_id", "contact_id", "id"),)

    id = Column(BigId, primary_key=True)
    contact_id = Column(BigId, ForeignKey("contacts.id"), nullable=False)
    after_message_id = Column(BigId, nullable=False, default=0)
    author = Column(String(120), nullable=False)
    text = Column(EncryptedText, nullable=False)
    created_at = Column(UtcDateTime, nullable=False, default=now)


class StoredFile(Base):
    """A file of ready answers and exercises, encrypted; `media_id` is WhatsApp's while it lives there.

    `content` is a ciphertext of `clinic.crypto.encrypt`.
    """

    __tablename__ = "stored_files"

    id = Column(BigId, primary_key=True)
    filename = Column(EncryptedText, nullable=False)
    mime_type = Column(String(80), nullable=False)
    size = Column(Integer, nullable=False)
    content = Column(LargeBinary, nullable=False)
    media_id = Column(String(128))
    uploaded_at = Column(UtcDateTime)
    created_at = Column(UtcDateTime, nullable=False, default=now)


class CannedReply(Base):
    """An answer that staff send often: a title for staff, words per language for patients.

    `texts` maps a language code to its words, with {placeholders}. `clinical` ones are for
    physiotherapists only.
    """

    __tablename__ = "canned_replies"

    id = Column(BigId, primary_key=True)
    title = Column(EncryptedText, nullable=False)
    texts = Column(EncryptedJson, nullable=False)
    clinical = Column(Boolean, nullable=False, default=False)
    file_id = Column(BigId, ForeignKey("stored_files.id"))
    written_by = Column(String(120), nullable=False)
    updated_at = Column(UtcDateTime, nullable=False, default=now)
