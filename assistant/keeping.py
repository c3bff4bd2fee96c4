"""What whoever keeps thinking processes alive does alike: whom to tell, and how long to wait."""

from __future__ import annotations

import contextlib
import socket
from typing import Iterable, Set

SHORTEST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# one that has lived this long did not die of how it was started
SETTLED_SECONDS = 60.0


class Pauses:
    """How long to wait before what has died is started again: longer each time, unless it lived."""

    def __init__(self) -> None:
        self._next = SHORTEST_PAUSE_SECONDS

    def after(self, lived_seconds: float) -> float:
        """Seconds to wait after one that lived so long."""
        if lived_seconds > SETTLED_SECONDS:
            self._next = SHORTEST_PAUSE_SECONDS
        pause, self._next = self._next, min(self._next * 2, LONGEST_PAUSE_SECONDS)
        return pause


def tell(line: socket.socket, contacts: Iterable[int]) -> None:
    """Say who has written: ids in a line of their own (`12 15`)."""
    named = " ".join(map(str, contacts)) + "\n"
    # one that is dying, or so far behind that the line is full, looks for itself
    with contextlib.suppress(OSError):
        line.send(named.encode(), socket.MSG_DONTWAIT)


def named_in(line: str) -> Set[int]:
    """Who is named in such a line."""
    return {int(contact) for contact in line.split()}
