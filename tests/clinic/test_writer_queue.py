"""Before SQLite's one place for writers: who is urgent rings, and whoever writes can hear it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import pytest

from clinic.writer_queue import WriterQueue

# an urgent writer of another process: says when it is about to wait, and when it is inside
RINGS = """
import sys
from clinic.writer_queue import WriterQueue
queue = WriterQueue(sys.argv[1])
print("coming", flush=True)
with queue.turn(urgent=True):
    print("inside", flush=True)
    sys.stdin.readline()
"""


def until_it_rings(queue: WriterQueue) -> None:
    ending = time.monotonic() + 20
    while not queue.somebody_rings():
        assert time.monotonic() < ending, "nobody rang"
        time.sleep(0.005)


@pytest.fixture
def queue(tmp_path: Path) -> WriterQueue:
    return WriterQueue(str(tmp_path / "clinic.db"))


def test_nobody_rings_where_nobody_waits(queue: WriterQueue) -> None:
    assert not queue.somebody_rings()
    with queue.turn(urgent=False):
        assert not queue.somebody_rings()
    with queue.turn(urgent=True):
        assert not queue.somebody_rings()


def test_an_urgent_writer_rings_until_it_is_inside(queue: WriterQueue, tmp_path: Path) -> None:
    command = [sys.executable, "-c", RINGS, str(tmp_path / "clinic.db")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with queue.turn(urgent=False):
        other = subprocess.Popen(command, **pipes)  # type: ignore[call-overload]
        assert other.stdout.readline() == "coming\n"
        until_it_rings(queue)
    assert other.stdout.readline() == "inside\n"
    assert not queue.somebody_rings()
    other.communicate("go\n", timeout=20)
    assert other.returncode == 0


def test_of_this_process_too(queue: WriterQueue) -> None:
    with another_waits(queue, urgent=True):
        until_it_rings(queue)
    assert not queue.somebody_rings()


def test_who_is_not_urgent_waits_in_silence(queue: WriterQueue) -> None:
    with another_waits(queue, urgent=False):
        time.sleep(0.1)
        assert not queue.somebody_rings()


@contextmanager
def another_waits(queue: WriterQueue, urgent: bool) -> Iterator[None]:
    """While this thread writes another waits, and has its turn at the end."""

    def write() -> None:
        with queue.turn(urgent):
            pass

    waiting = threading.Thread(target=write)
    with queue.turn(urgent=False):
        waiting.start()
        yield
    waiting.join(20)
    assert not waiting.is_alive()
