"""Insert a row unless its unique key is already there, on either database."""

from __future__ import annotations

from typing import Any, Dict, Optional

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session


def insert_new(session: Session, model: Any, values: Dict[str, Any]) -> Optional[int]:
    """Insert `values`; the new primary key, or None where a unique key already stood."""
    dialect = session.get_bind().dialect.name
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    key = model.__table__.primary_key.columns.values()[0]
    statement = insert(model.__table__).values(**values).on_conflict_do_nothing()
    if dialect == "sqlite":
        # SQLite 3.34 knows no RETURNING
        result = session.execute(statement)
        return result.lastrowid if result.rowcount == 1 else None
    return session.execute(statement.returning(key)).scalar_one_or_none()
