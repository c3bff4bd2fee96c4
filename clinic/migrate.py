"""Bringing the database to the present schema."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from clinic.database import Database

HERE = Path(__file__).parent / "migrations"

# any number, the same in every process that migrates
MIGRATING = 4_711


def _config(connection: Optional[Connection] = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = connection
    return config


def migrate(database: Database) -> None:
    """Run every migration that has not run yet, all or none; who comes second waits."""
    with database.transaction() as session:
        if not database.is_sqlite:
            session.execute(select(func.pg_advisory_xact_lock(MIGRATING)))
        command.upgrade(_config(session.connection()), "head")


def is_current(database: Database) -> bool:
    """Whether every migration has run."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head


def new_revision(database: Database, message: str) -> None:
    """Write the migration from the database's schema to the models' (for developers)."""
    with database.engine.connect() as connection:
        command.revision(_config(connection), message=message, autogenerate=True)
