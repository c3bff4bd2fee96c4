"""Alembic's entry: migrates the database that `clinic.migrate` names."""

from __future__ import annotations

from typing import Any, Literal, Union

from alembic import context

from clinic.crypto import EncryptedJson, EncryptedText, SealedText
from clinic.database import UtcDateTime
from clinic.models import Base

target_metadata = Base.metadata


def plain_type(kind: str, item: Any, _context: Any) -> Union[str, Literal[False]]:
    """Write migrations in plain column types: they outlive the code that made them."""
    if kind == "type" and isinstance(item, (EncryptedText, EncryptedJson, SealedText)):
        return "sa.LargeBinary()"
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run() -> None:
    """Run the migrations on the connection that the caller opened."""
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=target_metadata,
        render_item=plain_type,
        # SQLite cannot alter a column in place
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


run()
