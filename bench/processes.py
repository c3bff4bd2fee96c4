"""Processes of the bench: each in its own group, ended when the bench ends, however it ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import psutil
import requests

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "var" / "bench"

STOP_SECONDS = 20.0
PR_SET_PDEATHSIG = 1


class BenchError(Exception):
    """A measurement cannot be made; the message says why and where to look."""


def free_ports(count: int) -> List[int]:
    """Ports of the loopback that nobody has at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class Process:
    """A running command whose output goes to `var/bench/<name>.log`."""

    def __init__(
        self, name: str, command: Sequence[str], env: Dict[str, str], cwd: Path = ROOT
    ) -> None:
        self.name = name
        self.log = LOGS / f"{name}.log"
        LOGS.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as output:
            self._popen = subprocess.Popen(
                list(command),
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_as_supervised,
            )
        self.began = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._popen.poll() is None

    def resident_bytes(self) -> int:
        """Resident memory of the process and its children; what they share is counted once."""
        try:
            top = psutil.Process(self._popen.pid)
            return sum(_resident_of(one) for one in (top, *top.children(recursive=True)))
        except psutil.NoSuchProcess:
            return 0

    def cpu_seconds(self) -> float:
        """How long the process and its living children have kept a core busy so far."""
        top = psutil.Process(self._popen.pid)
        times = [one.cpu_times() for one in (top, *top.children(recursive=True))]
        return float(sum(each.user + each.system for each in times))

    def finish(self, seconds: float) -> float:
        """Wait for it to end by itself; how many seconds it ran.

        Raises:
            BenchError: it ended with an error, or not within `seconds`.
        """
        try:
            code: Optional[int] = self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        took = time.monotonic() - self.began
        self.stop()
        if code is None:
            raise BenchError(f"{self.name} did not end within {seconds:.0f} s; see {self._where}")
        if code != 0:
            raise BenchError(f"{self.name} failed ({code}); the end of {self._where} says why")
        return took

    def stop(self) -> None:
        """Ask it to end, then make it."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(STOP_SECONDS)
        # a group outlives its leader where a child does
        self._signal(signal.SIGKILL)
        self._popen.wait()

    def check(self) -> None:
        """Raises BenchError where it has died."""
        if not self.alive:
            raise BenchError(f"{self.name} died; the end of {self._where} says why")

    @property
    def _where(self) -> str:
        return str(self.log.relative_to(ROOT))

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._popen.pid, number)
        except (ProcessLookupError, PermissionError):
            return


def _resident_of(process: psutil.Process) -> int:
    """A process's part of the memory: Linux tells a page of several to each in equal parts."""
    full = process.memory_full_info()
    return int(getattr(full, "pss", full.rss))


def _as_supervised() -> None:
    """A group of its own within the session, as supervisord starts it.

    In a session of its own, Linux (`sched_autogroup`) would weigh a process's priority against
    its own children alone, and not against the rest of the house.
    """
    os.setpgrp()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def wait_until_ready(
    urls: Dict[str, str], processes: Sequence[Process], seconds: float
) -> Dict[str, float]:
    """Ask each address until it answers 200; after how many seconds each did.

    Raises:
        BenchError: a process died, or one is not ready within `seconds`.
    """
    began = time.monotonic()
    ready: Dict[str, float] = {}
    while len(ready) < len(urls):
        for process in processes:
            process.check()
        for name, url in urls.items():
            if name not in ready and _answers(url):
                ready[name] = time.monotonic() - began
        if time.monotonic() - began > seconds:
            missing = ", ".join(sorted(set(urls) - set(ready)))
            raise BenchError(f"not ready within {seconds:.0f} s: {missing}; see var/bench/")
        time.sleep(0.05)
    return ready


def _answers(url: str) -> bool:
    try:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(url, timeout=5).status_code == 200
    except requests.RequestException:
        return False
