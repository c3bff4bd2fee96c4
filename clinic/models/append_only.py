"""Tables whose rows are evidence: they can be added to, never changed or taken away.

Two guards, for two kinds of mistake: SQLAlchemy refuses an object that was changed, and the
database itself refuses every UPDATE, DELETE and (PostgreSQL) TRUNCATE, whoever asks.
"""

from __future__ import annotations

from typing import Any, List

from sqlalchemy import DDL, event


class AppendOnly(Exception):
    """A row that is evidence was to be changed or deleted; the message names the table."""


def append_only(model: Any) -> None:
    """Let rows of `model` be inserted and nothing else, in Python and in the database."""
    table = model.__table__
    for dialect in ("sqlite", "postgresql"):
        for statement in guard_statements(str(table.name), dialect):
            event.listen(table, "after_create", DDL(statement).execute_if(dialect=dialect))
    event.listen(model, "before_update", _refuse)
    event.listen(model, "before_delete", _refuse)


def guard_statements(table: str, dialect: str) -> List[str]:
    """The SQL that makes the database refuse changes to `table`; a migration runs the same."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for what in ("UPDATE", "DELETE")
        ]
    return [
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'this table is append-only'; END $$",
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    ]


def _refuse(_mapper: Any, _connection: Any, target: Any) -> None:
    raise AppendOnly(str(target.__tablename__))
