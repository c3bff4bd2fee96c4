"""What tests do to the database and the handoffs of a running house."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import Iterator

from tests.house import House, Patient


@contextmanager
def writers_wait(house: House) -> Iterator[None]:
    """Nobody can write to the database."""
    descriptor = os.open(house.folder / "house.db.writers", os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


def time_passes(house: House, person: Patient) -> None:
    """Every lease on this person's messages runs out."""
    house.change(
        "UPDATE messages SET lease_until = '2020-01-01 00:00:00.000000' "
        "WHERE lease_until IS NOT NULL AND contact_id = :id",
        id=person.contact_id,
    )


def hand_back(house: House, person: Patient) -> None:
    listed = house.api("GET", "/handoffs?status=open&limit=100")["items"]
    handoff = next(item for item in listed if item["phone"] == person.phone)
    house.api("POST", f"/handoffs/{handoff['id']}/claim", {"staff": "Neha"})
    house.api(
        "POST",
        f"/handoffs/{handoff['id']}/resolve",
        {"hand_back": True, "outcome": "called", "staff": "Neha"},
    )
