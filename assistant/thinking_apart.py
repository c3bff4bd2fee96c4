"""Rasa in a process of its own, so that its thinking never makes a webhook wait.

A Python process runs one thread at a time. In one process with Rasa a webhook at 80 messages a
second took over 20 ms, nearly all of it spent waiting for the interpreter (`make bench`).
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from typing import Any, Dict, List, Optional, Set

from assistant.keeping import Pauses, tell
from clinic.logs import logger

log = logger("assistant.thinking")

# what the thinking process says when it takes turns
READY, WITHOUT_MODEL = "ready", "no model"

STOP_SECONDS = 17.0


class ThinkingApart:
    """Keeps the thinking process alive and tells it who has written.

    While it is down or still loading, messages wait in the database; it asks there first.
    """

    def __init__(self, command: Optional[List[str]] = None) -> None:
        self._command = command or [sys.executable, "-m", "assistant.thinker"]
        self._line: Optional[socket.socket] = None
        self._process: Optional["subprocess.Popen[bytes]"] = None
        self._said: Optional[str] = None
        self._stopping = threading.Event()
        self._writing = threading.Lock()
        self._keeper = threading.Thread(target=self._keep, name="thinking", daemon=True)

    def start(self) -> None:
        self._keeper.start()

    def stop(self) -> None:
        """Ask it to end its running turns, and see that it is gone."""
        self._stopping.set()
        self._hang_up()
        process = self._process
        if process is not None:
            try:
                process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                # a turn that is cut off here is taken up again by the next start
                process.kill()
        if self._keeper.is_alive():
            self._keeper.join(timeout=2)

    def wake(self, contacts: Set[int]) -> None:
        with self._writing:
            if self._line is not None:
                tell(self._line, contacts)

    def state(self) -> Dict[str, Any]:
        alive = self._process is not None and self._process.poll() is None
        return {"alive": alive and self._said is not None, "model": alive and self._said == READY}

    def _keep(self) -> None:
        pauses = Pauses()
        while not self._stopping.is_set():
            began = time.monotonic()
            self._live()
            if self._stopping.is_set():
                return
            pause = pauses.after(time.monotonic() - began)
            code = self._process.wait() if self._process is not None else None
            log.error("the thinking process died and is started again", code=code, pause=pause)
            self._stopping.wait(pause)

    def _live(self) -> None:
        """Start the process; returns when its end of the line is closed."""
        ours, theirs = socket.socketpair()
        self._said = None
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [*self._command, str(theirs.fileno())], pass_fds=[theirs.fileno()]
            )
        with self._writing:
            self._line = ours
        if self._stopping.is_set():
            self._hang_up()
        with contextlib.suppress(OSError), ours.makefile("r", encoding="ascii") as reader:
            for said in reader:
                self._said = said.strip()
                log.info("thinking", state=self._said)
        self._hang_up()

    def _hang_up(self) -> None:
        with self._writing:
            if self._line is not None:
                with contextlib.suppress(OSError):
                    self._line.shutdown(socket.SHUT_RDWR)
                self._line.close()
                self._line = None
