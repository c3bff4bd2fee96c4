"""Who may enter the inbox: people with a role, and programs with scopes."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Integer, String

from clinic.crypto import EncryptedText, SealedText
from clinic.database import UtcDateTime, now
from clinic.models.base import Base, BigId

FRONT_DESK, PHYSIOTHERAPIST, MANAGER = "front_desk", "physiotherapist", "manager"
ROLES = (FRONT_DESK, PHYSIOTHERAPIST, MANAGER)


class Staff(Base):
    """A person who signs in.

    `login` is sealed (unreadable at rest, still unique); `name_hash` keeps names unique too, since
    a handoff is claimed in a name. `session_epoch` is part of every session: raising it signs the
    person out everywhere. `totp_pending` is a secret that was shown and not yet confirmed;
    `totp_last_step` is the last 30-second step whose code was used, so that none is used twice.
    """

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint("role IN ({})".format(", ".join(f"'{r}'" for r in ROLES)), name="role"),
    )

    id = Column(BigId, primary_key=True)
    login = Column(SealedText, nullable=False, unique=True)
    name = Column(EncryptedText, nullable=False)
    name_hash = Column(String(64), nullable=False, unique=True)
    role = Column(String(16), nullable=False)
    password_hash = Column(String(200), nullable=False)
    must_change_password = Column(Boolean, nullable=False, default=False)
    totp_secret = Column(EncryptedText)
    totp_pending = Column(EncryptedText)
    totp_last_step = Column(BigId, nullable=False, default=0)
    session_epoch = Column(Integer, nullable=False, default=0)
    failed_tries = Column(Integer, nullable=False, default=0)
    locked_until = Column(UtcDateTime)
    active = Column(Boolean, nullable=False, default=True)
    last_seen_at = Column(UtcDateTime)
    created_at = Column(UtcDateTime, nullable=False, default=now)


class ApiToken(Base):
    """A program's key to the API: only its keyed hash is kept. `scopes` are separated by blanks."""

    __tablename__ = "api_tokens"

    id = Column(BigId, primary_key=True)
    label = Column(String(80), nullable=False)
    token_hash = Column(String(64), nullable=False, unique=True)
    scopes = Column(String(200), nullable=False)
    created_at = Column(UtcDateTime, nullable=False, default=now)
    last_used_at = Column(UtcDateTime)
    revoked_at = Column(UtcDateTime)
