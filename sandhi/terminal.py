"""What every command shares: where it prints, how it refuses, the database it works on."""

from __future__ import annotations

from typing import Any

from rich.console import Console

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Refusal(Exception):
    """The command cannot be carried out; the message says what is wrong and what to do."""


def open_database() -> Any:
    """The clinic database.

    Raises:
        Refusal: if DATABASE_URL names none that can be used.
    """
    from clinic.database import database

    try:
        return database()
    except (ValueError, OSError) as error:
        raise Refusal(f"DATABASE_URL: {error}") from None
