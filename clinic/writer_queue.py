"""Who writes next: a queue of threads and processes before SQLite's one place for writers."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import ExitStack, contextmanager
from typing import Iterator, Optional


class _Gate:
    """A lock between threads and processes; the kernel grants it the moment it is free."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._threads = threading.Lock()
        self._file: Optional[int] = None

    def acquire(self) -> None:
        self._threads.acquire()
        try:
            fcntl.flock(self._open(), fcntl.LOCK_EX)
        except BaseException:
            self._threads.release()
            raise

    def release(self) -> None:
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()

    def is_taken(self) -> bool:
        """Whether somebody holds it at this moment, in this process or another."""
        if not self._threads.acquire(blocking=False):
            return True
        try:
            fcntl.flock(self._open(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(self._open(), fcntl.LOCK_UN)
            return False
        except BlockingIOError:
            return True
        finally:
            self._threads.release()

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        if self._file is None:
            self._file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        return self._file


class WriterQueue:
    """Lets SQLite's writers wait for each other in a queue with two doors.

    SQLite has one writer at a time, and its own wait is a sleep that doubles: under load, one
    writer in fifty then waits for a tenth of a second. Here a writer passes a waiting room that
    holds one, then the door; a webhook, which somebody waits for, goes straight to the door and
    so waits for one writer at most. It rings a bell meanwhile, for whoever writes several things
    to come to an end.
    """

    def __init__(self, path: str) -> None:
        self._room = _Gate(f"{path}.queue")
        self._door = _Gate(f"{path}.writers")
        self._bell = _Gate(f"{path}.urgent")
        self._inside: Optional[int] = None

    @contextmanager
    def turn(self, urgent: bool) -> Iterator[None]:
        """Wait until nobody else writes.

        Raises:
            RuntimeError: if this thread is writing already; it would wait for itself for ever.
        """
        if self._inside == threading.get_ident():
            raise RuntimeError("a transaction inside a transaction of the same thread")
        with ExitStack() as waiting:
            before_the_door = self._bell if urgent else self._room
            before_the_door.acquire()
            waiting.callback(before_the_door.release)
            self._door.acquire()
            try:
                if urgent:
                    waiting.close()
                self._inside = threading.get_ident()
                yield
            finally:
                self._inside = None
                self._door.release()

    def somebody_rings(self) -> bool:
        """Whether an urgent writer waits for the one who writes now."""
        return self._bell.is_taken()

    def close(self) -> None:
        """Close the lock files."""
        self._room.close()
        self._door.close()
        self._bell.close()
