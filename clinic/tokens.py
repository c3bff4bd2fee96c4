"""Keys for programs: made once, shown once, kept as a keyed hash, limited to scopes."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import FrozenSet, Iterable, List, Optional, Tuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.audit import record
from clinic.crypto import lookup_hash
from clinic.database import now
from clinic.models import ApiToken

SCOPES = (
    "handoffs:read",
    "handoffs:write",
    "messages:read",
    "messages:write",
    "clinical:read",
    "appointments:read",
    "appointments:write",
)
PREFIX = "sandhi_"
USED_EVERY = timedelta(minutes=5)


class TokenError(Exception):
    """A token cannot be made or revoked like that; the message is a sentence for people."""


def add(
    session: Session, label: str, scopes: Iterable[str], by: str = "cli"
) -> Tuple[ApiToken, str]:
    """A new token and its clear form, which nobody can see again.

    Raises:
        TokenError: if a scope is unknown, none is given, or the label is empty or too long.
    """
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown or not wanted:
        raise TokenError(f"Scopes are {', '.join(SCOPES)}.")
    name = " ".join(label.split())
    if not 0 < len(name) <= 80:
        raise TokenError("Say in 1 to 80 characters what the token is for.")
    clear = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(label=name, token_hash=lookup_hash(clear), scopes=" ".join(wanted))
    session.add(token)
    session.flush()
    record(session, by, "token_added", f"token:{token.id}", {"scopes": ",".join(wanted)})
    return token, clear


def find(session: Session, clear: str) -> Optional[ApiToken]:
    """The token that is this and was not revoked."""
    if not clear.startswith(PREFIX):
        return None
    return session.execute(
        select(ApiToken).where(
            ApiToken.token_hash == lookup_hash(clear), ApiToken.revoked_at.is_(None)
        )
    ).scalar_one_or_none()


def scopes_of(token: ApiToken) -> FrozenSet[str]:
    """What the token may."""
    return frozenset(token.scopes.split())


def everything(session: Session) -> List[ApiToken]:
    """Every token ever made, oldest first."""
    return list(session.execute(select(ApiToken).order_by(ApiToken.id)).scalars())


def revoke(session: Session, token_id: int, by: str = "cli") -> None:
    """End a token at once.

    Raises:
        TokenError: if there is none of that number that still works.
    """
    token = session.get(ApiToken, token_id)
    if token is None or token.revoked_at is not None:
        raise TokenError("There is no such token, or it was revoked before.")
    token.revoked_at = now()
    record(session, by, "token_revoked", f"token:{token.id}")
