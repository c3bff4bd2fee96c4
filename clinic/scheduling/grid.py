"""Slots and the grid of cells they are taken by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import List

from clinic.profile_values import GRID_MINUTES

CELL = timedelta(minutes=GRID_MINUTES)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_STAMP = "%Y%m%dT%H%MZ"


@dataclass(frozen=True)
class Slot:
    """A bookable time: codes of clinician and service, aware UTC start and end."""

    clinician: str
    service: str
    starts_at: datetime
    ends_at: datetime

    @property
    def key(self) -> str:
        """A short text for a button's payload: `neha/session/20261124T1200Z/40`."""
        minutes = int((self.ends_at - self.starts_at).total_seconds() // 60)
        stamp = self.starts_at.astimezone(timezone.utc).strftime(_STAMP)
        return f"{self.clinician}/{self.service}/{stamp}/{minutes}"

    @classmethod
    def from_key(cls, key: str) -> Slot:
        """The slot that `key` names; whether it can be booked is for `booking` to say.

        Raises:
            ValueError: if it is not the key of a slot.
        """
        clinician, service, stamp, minutes = key.split("/")
        starts_at = datetime.strptime(stamp, _STAMP).replace(tzinfo=timezone.utc)
        return cls(clinician, service, starts_at, starts_at + timedelta(minutes=int(minutes)))


def cells(starts_at: datetime, ends_at: datetime) -> List[datetime]:
    """The beginnings of every grid cell that [starts_at, ends_at) overlaps, in order, UTC."""
    first = starts_at - (starts_at - _EPOCH) % CELL
    count = -((first - ends_at) // CELL)
    return [(first + CELL * step).astimezone(timezone.utc) for step in range(count)]
