"""Processes that think beside each other, forked from one that has loaded Rasa and waits.

Each looks after the contacts of its share, so that a contact's messages stay in order. They share
the memory of what was loaded, and one that dies has a successor at once: nothing is loaded again.
What forks must be one thread, with nothing open that two processes cannot share.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import socket
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Optional, Set

from assistant.keeping import Pauses, named_in, tell
from clinic.inbound import Share
from clinic.logs import logger

log = logger("assistant.thinkers")

# a little less than the web process waits for all of this to end
STOP_SECONDS = 16.0

_fork = multiprocessing.get_context("fork")


Think = Callable[[socket.socket, Share], None]


@dataclass
class _Place:
    """One share, and whoever looks after it."""

    share: Share
    process: Any = None
    line: Optional[socket.socket] = None
    began: float = 0.0
    pauses: Pauses = field(default_factory=Pauses)
    due: float = field(default_factory=time.monotonic)

    def hang_up(self) -> None:
        if self.line is not None:
            self.line.close()
            self.line = None


class Thinkers:
    """Keeps `count` processes thinking and tells each who of its share has written.

    Args:
        think: takes turns until its line ends; every line names contacts by id (`12 15`).
    """

    def __init__(self, count: int, think: Think) -> None:
        self._think = think
        self._places = [_Place(Share(number, count)) for number in range(count)]
        self._upper: Optional[socket.socket] = None

    def serve(self, line: socket.socket, greeting: str) -> None:
        """Fork them, say `greeting` on the line, and pass on what comes over it until it ends.

        Then let every process end its running turns.
        """
        self._upper = line
        try:
            self._fork_due()
            line.sendall(f"{greeting}\n".encode())
            rest = b""
            while True:
                self._wait()
                self._bury()
                self._fork_due()
                try:
                    heard = line.recv(1 << 16, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    continue
                if not heard:
                    return
                *lines, rest = (rest + heard).split(b"\n")
                self._tell(set().union(*(named_in(named.decode()) for named in lines)))
        except OSError:
            log.warning("the web process is gone")
        finally:
            self._end()

    def _tell(self, contacts: Set[int]) -> None:
        for place in self._places:
            theirs = [contact for contact in contacts if place.share.has(contact)]
            if theirs and place.line is not None:
                tell(place.line, theirs)

    def _wait(self) -> None:
        """Until the line has something, a process has died, or one is due to be forked."""
        running = [place.process.sentinel for place in self._places if place.process]
        due = [place.due - time.monotonic() for place in self._places if not place.process]
        timeout = max(0.0, min(due)) if due else None
        multiprocessing.connection.wait([self._upper, *running], timeout)  # type: ignore[list-item]

    def _bury(self) -> None:
        for place in self._places:
            if place.process is None or place.process.is_alive():
                continue
            code = place.process.exitcode
            place.process.close()
            place.process = None
            place.hang_up()
            pause = place.pauses.after(time.monotonic() - place.began)
            place.due = time.monotonic() + pause
            log.error("a thinking process died and has a successor", code=code, pause=pause)

    def _fork_due(self) -> None:
        for place in self._places:
            if place.process is None and place.due <= time.monotonic():
                self._fork(place)

    def _fork(self, place: _Place) -> None:
        ours, theirs = socket.socketpair()
        place.line = ours
        place.began = time.monotonic()
        name = f"thinker-{place.share.number}"
        process = _fork.Process(target=self._child, args=(place.share, theirs), name=name)
        with theirs:
            try:
                process.start()
            except OSError as error:
                place.hang_up()
                pause = place.pauses.after(0.0)
                place.due = time.monotonic() + pause
                log.error("the system refuses a process to think", code=error.errno, pause=pause)
                return
        place.process = process

    def _child(self, share: Share, line: socket.socket) -> None:
        # a line ends when nobody holds its other end: not a brother, not oneself
        for place in self._places:
            place.hang_up()
        if self._upper is not None:
            self._upper.close()
        self._think(line, share)

    def _end(self) -> None:
        for place in self._places:
            place.hang_up()
        ending = time.monotonic() + STOP_SECONDS
        for place in self._places:
            if place.process is not None:
                place.process.join(max(0.0, ending - time.monotonic()))
                # a turn that is cut off here is taken up again by the next start
                place.process.kill()
