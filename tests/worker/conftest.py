"""The worker's tests write and read encrypted rows."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def with_keys(keys: None) -> None:
    """Every test has keys of its own."""
