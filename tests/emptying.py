"""A database emptied for the next history, evidence included."""

from __future__ import annotations

from sqlalchemy import text

from clinic.database import Database
from clinic.models import Base


def empty(database: Database) -> None:
    """Delete every row; the triggers that guard evidence are out of the way meanwhile."""
    with database.engine.begin() as connection:
        guards = []
        if database.is_sqlite:
            found = connection.execute(
                text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            )
            guards = [(str(name), str(sql)) for name, sql in found]
            for name, _sql in guards:
                connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
        else:
            # a replica's triggers do not fire
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
        for _name, sql in guards:
            connection.exec_driver_sql(sql)
