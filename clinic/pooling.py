"""Whether a connection to PostgreSQL keeps the session that it began with.

Conversations are locked by advisory locks, which a session holds. A pooler that gives every
transaction another session (PgBouncer's `transaction` and `statement` modes) would let two
assistants work on one conversation, and leave locks behind that nobody frees.
"""

from __future__ import annotations

import secrets

from sqlalchemy import text
from sqlalchemy.engine import Connection

from clinic.database import Database

_TAKE = text("SELECT pg_try_advisory_lock(:key)")
_FREE = text("SELECT pg_advisory_unlock(:key)")


def keeps_sessions(database: Database) -> bool:
    """Whether a lock that one connection holds is refused to another, as it must be.

    A pooler with several sessions to give may happen to give two different ones and pass; a quiet
    one, as at the start, gives the same again and is seen.
    """
    if database.is_sqlite:
        return True
    key = {"key": secrets.randbelow(2**62)}
    with _connect(database) as one, _connect(database) as other:
        one.execute(_TAKE, key)
        shared = bool(other.execute(_TAKE, key).scalar())
        if shared:
            other.execute(_FREE, key)
        one.execute(_FREE, key)
    return not shared


def _connect(database: Database) -> Connection:
    return database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
