"""Processes that think beside each other: each has its share, and a dead one has a successor."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest

from clinic.inbound import Share

# stands in for the process that has loaded Rasa: what its children hear is written down
KEEPER = """
import os, socket, sys
from assistant import thinkers
from assistant.thinkers import Thinkers

refusals = [True] * int(sys.argv[4])
start_of_system = thinkers._fork.Process.start

def start(process):
    if refusals:
        refusals.pop()
        raise BlockingIOError(11, "too many processes")
    start_of_system(process)

thinkers._fork.Process.start = start

def note(*words):
    with open(sys.argv[1], "a") as file:
        print(*words, file=file, flush=True)

def think(line, share):
    note(os.getpid(), share.number, "began")
    with line.makefile("r") as reader:
        for named in reader:
            note(os.getpid(), share.number, *sorted(named.split()))
    note(os.getpid(), share.number, "ended")

Thinkers(int(sys.argv[3]), think).serve(socket.socket(fileno=int(sys.argv[2])), "ready")
"""


class Keeper:
    """The process that forks, as the web process sees it."""

    def __init__(self, heard: Path, count: int, refused: int = 0) -> None:
        self.heard = heard
        self.line, theirs = socket.socketpair()
        self.line.settimeout(20)
        with theirs:
            arguments = [str(heard), str(theirs.fileno()), str(count), str(refused)]
            command = [sys.executable, "-c", KEEPER, *arguments]
            self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        assert self.line.recv(100) == b"ready\n"

    def tells(self, *contacts: int) -> None:
        self.line.sendall((" ".join(map(str, contacts)) + "\n").encode())

    def said(self, share: int) -> list[str]:
        """What the processes of a share noted, in order."""
        lines = self.heard.read_text().splitlines() if self.heard.exists() else []
        return [line.split(" ", 2)[2] for line in lines if line.split()[1] == str(share)]

    def told(self, share: int) -> list[str]:
        """The contacts that a share heard of, in order, however they were put together."""
        return " ".join(said for said in self.said(share) if said[0].isdigit()).split()

    def pid(self, share: int) -> int:
        """Of the process that looks after a share now."""
        lines = self.heard.read_text().splitlines()
        return [int(line.split()[0]) for line in lines if line.split()[1] == str(share)][-1]


Started = Callable[..., Keeper]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    running = []

    def start(count: int = 2, refused: int = 0) -> Keeper:
        running.append(Keeper(tmp_path / "heard", count, refused))
        return running[-1]

    yield start
    for keeper in running:
        keeper.line.close()
        keeper.process.kill()
        keeper.process.wait()


def until(what: Callable[[], object]) -> None:
    ending = time.monotonic() + 20
    while not what():
        assert time.monotonic() < ending, "did not come true"
        time.sleep(0.02)


def test_every_contact_is_one_process_s() -> None:
    shares = [Share(number, 3) for number in range(3)]
    for contact in range(1, 50):
        assert sum(share.has(contact) for share in shares) == 1
    assert all(Share().has(contact) for contact in range(1, 50))


def test_each_hears_of_its_share_and_no_other(started: Started) -> None:
    keeper = started()
    keeper.tells(12, 15, 16)
    keeper.tells(17)
    until(lambda: keeper.told(0) == ["12", "16"])
    until(lambda: keeper.told(1) == ["15", "17"])
    assert keeper.pid(0) != keeper.pid(1)


def test_one_alone_hears_of_everybody(started: Started) -> None:
    keeper = started(1)
    keeper.tells(12, 15)
    until(lambda: keeper.said(0) == ["began", "12 15"])


def test_words_that_come_in_pieces_are_put_together(started: Started) -> None:
    keeper = started(1)
    keeper.line.sendall(b"1")
    time.sleep(0.1)
    keeper.line.sendall(b"2\n1")
    until(lambda: keeper.said(0) == ["began", "12"])
    keeper.line.sendall(b"4\n")
    until(lambda: keeper.said(0) == ["began", "12", "14"])


def test_one_that_dies_has_a_successor_and_its_brother_goes_on(started: Started) -> None:
    keeper = started()
    until(lambda: keeper.said(0) == keeper.said(1) == ["began"])
    dead, brother = keeper.pid(0), keeper.pid(1)
    os.kill(dead, signal.SIGKILL)
    keeper.tells(15)
    until(lambda: keeper.said(1) == ["began", "15"])
    until(lambda: keeper.said(0) == ["began", "began"])
    assert keeper.pid(0) != dead
    keeper.tells(12, 17)
    until(lambda: keeper.told(0) == ["12"] and keeper.told(1) == ["15", "17"])
    assert keeper.pid(1) == brother


def test_where_the_system_refuses_a_process_it_is_asked_again(started: Started) -> None:
    keeper = started(refused=2)
    keeper.tells(12, 15)
    until(lambda: "began" in keeper.said(0) and "began" in keeper.said(1))
    keeper.tells(16, 17)
    until(lambda: keeper.told(0) == ["16"] and keeper.told(1) == ["17"])


def test_all_come_to_their_end_with_the_line(started: Started) -> None:
    keeper = started()
    until(lambda: keeper.said(0) == keeper.said(1) == ["began"])
    keeper.line.close()
    assert keeper.process.wait(20) == 0
    assert keeper.said(0) == keeper.said(1) == ["began", "ended"]


def test_all_end_where_the_one_that_forked_them_is_killed(started: Started) -> None:
    keeper = started()
    until(lambda: keeper.said(0) == keeper.said(1) == ["began"])
    keeper.process.kill()
    until(lambda: keeper.said(0)[-1] == keeper.said(1)[-1] == "ended")


def test_a_successor_holds_nobody_s_line_open(started: Started) -> None:
    keeper = started()
    until(lambda: keeper.said(0) == keeper.said(1) == ["began"])
    os.kill(keeper.pid(1), signal.SIGKILL)
    until(lambda: keeper.said(1) == ["began", "began"])
    keeper.process.kill()
    until(lambda: keeper.said(0)[-1] == keeper.said(1)[-1] == "ended")
