"""The thinking process: kept alive, told who has written, and ended with the web process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest

from assistant.thinking_apart import ThinkingApart

# stands in for Rasa: says that it is ready, and writes down whom it is told of
THINKER = """
import os, signal, socket, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
line = socket.socket(fileno=int(sys.argv[2]))
print(os.getpid(), "began", file=open(sys.argv[1], "a"), flush=True)
line.sendall(b"%b\\n" % SAYS)
for named in line.makefile("r"):
    print(os.getpid(), named.strip(), file=open(sys.argv[1], "a"), flush=True)
print(os.getpid(), "ended", file=open(sys.argv[1], "a"), flush=True)
"""

Apart = Callable[..., ThinkingApart]


@pytest.fixture
def heard(tmp_path: Path) -> Path:
    return tmp_path / "heard"


@pytest.fixture
def started(heard: Path) -> Iterator[Apart]:
    running = []

    def start(says: str = "ready") -> ThinkingApart:
        code = THINKER.replace("SAYS", repr(says.encode()))
        apart = ThinkingApart([sys.executable, "-c", code, str(heard)])
        apart.start()
        running.append(apart)
        return apart

    yield start
    for apart in running:
        apart.stop()


def until(what: Callable[[], object]) -> None:
    ending = time.monotonic() + 20
    while not what():
        assert time.monotonic() < ending, "did not come true"
        time.sleep(0.02)


def said(heard: Path) -> list[str]:
    lines = heard.read_text().splitlines() if heard.exists() else []
    return [line.split(" ", 1)[1] for line in lines]


def test_it_is_told_who_has_written(started: Apart, heard: Path) -> None:
    apart = started()
    until(lambda: apart.state() == {"alive": True, "model": True})
    apart.wake({12})
    apart.wake({15, 16})
    until(lambda: len(said(heard)) == 3)
    assert said(heard)[:2] == ["began", "12"]
    assert set(said(heard)[2].split()) == {"15", "16"}


def test_one_without_a_model_says_so(started: Apart) -> None:
    apart = started(says="no model")
    until(lambda: apart.state()["alive"])
    assert apart.state() == {"alive": True, "model": False}


def test_before_it_has_loaded_nothing_is_lost_but_time(heard: Path) -> None:
    apart = ThinkingApart([sys.executable, "-c", "import time; time.sleep(600)", str(heard)])
    apart.wake({1})
    assert apart.state() == {"alive": False, "model": False}
    apart.start()
    until(lambda: apart._process is not None)
    apart.wake({2})
    assert apart.state() == {"alive": False, "model": False}
    apart._process.kill()
    apart.stop()


def test_one_that_dies_is_started_again(started: Apart, heard: Path) -> None:
    apart = started()
    until(lambda: apart.state()["model"])
    os.kill(apart._process.pid, signal.SIGKILL)
    until(lambda: said(heard).count("began") == 2 and apart.state()["model"])
    apart.wake({7})
    until(lambda: "7" in said(heard))


def test_stopping_lets_it_come_to_its_end(started: Apart, heard: Path) -> None:
    apart = started()
    until(lambda: apart.state()["model"])
    apart.stop()
    assert said(heard)[-1] == "ended"
    assert apart.state() == {"alive": False, "model": False}
    apart.wake({9})  # too late, and harmless


def test_it_ends_with_the_web_process_even_at_kill_9(heard: Path) -> None:
    code = (
        "import sys, time\n"
        "from assistant.thinking_apart import ThinkingApart\n"
        f"apart = ThinkingApart([sys.executable, '-c', {THINKER.replace('SAYS', repr(b'ready'))!r},"
        f" {str(heard)!r}])\n"
        "apart.start()\n"
        "time.sleep(600)\n"
    )
    web = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: "began" in said(heard))
    web.kill()
    web.wait()
    until(lambda: "ended" in said(heard))
