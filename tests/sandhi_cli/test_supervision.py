"""`sandhi up`: everything starts, what dies comes back, and everything ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
import requests

from assistant.training import model_path
from clinic.demo_staff import demo_logins
from tests.house import PROCESSES, ROOT, SERVERS, eventually, free_port

pytestmark = pytest.mark.processes

READY_WITHIN = 240.0
MARK = "SANDHI_TEST_RUN"


class Run:
    """One `sandhi up`, with a folder and ports of its own."""

    def __init__(self, folder: Path, environment: Dict[str, str], *arguments: str) -> None:
        self.ports = {name: free_port() for name in SERVERS}
        self.output = folder / f"output-{self.ports['assistant']}"
        self.environment = {
            **environment,
            **{f"{name.upper()}_PORT": str(port) for name, port in self.ports.items()},
            # by which every process of this run is known, whoever its parent is
            MARK: str(folder),
            "PYTHONUNBUFFERED": "1",
        }
        if arguments:
            # the demo names the database itself
            del self.environment["DATABASE_URL"]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sandhi", "up", *arguments],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def wait_until_ready(self) -> None:
        assert eventually(self._ready_or_ended, READY_WITHIN, every=0.2), self.said()
        assert self.process.poll() is None, self.said()

    def _ready_or_ended(self) -> bool:
        return "Sandhi is ready" in self.said() or self.process.poll() is not None

    def pids(self) -> List[int]:
        """Every process of this run."""
        mark = f"{MARK}={self.environment[MARK]}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def pid_of(self, module: str) -> int:
        """The oldest process that runs this module."""
        for pid in sorted(self.pids()):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            if " ".join(command[1:]).strip().startswith(module):
                return pid
        raise AssertionError(f"nobody runs {module}")

    def get(self, server: str, path: str) -> requests.Response:
        return requests.get(f"http://127.0.0.1:{self.ports[server]}{path}", timeout=30)

    def post(self, server: str, path: str, body: Any) -> requests.Response:
        address = f"http://127.0.0.1:{self.ports[server]}{path}"
        return requests.post(address, json=body, timeout=30)

    def end(self) -> None:
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(timeout=20)


@pytest.fixture(autouse=True)
def trained() -> None:
    """`make test` trains before it tests; a start would train and take a minute more."""
    assert model_path().exists(), "no model of the present files: run `make train`"


@pytest.fixture
def ended(tmp_path: Path) -> Iterator[List[Run]]:
    """Runs that are put to an end however the test goes."""
    runs: List[Run] = []
    yield runs
    for run in runs:
        run.end()


def test_the_demo_starts_restarts_what_dies_and_ends_at_ctrl_c(
    tmp_path: Path, surroundings: Dict[str, str], ended: List[Run]
) -> None:
    for name in [name for name in surroundings if name.startswith(("WHATSAPP_", "INBOX_API"))]:
        del surroundings[name]
    del surroundings["SANDHI_SECRET_KEY"], surroundings["SANDHI_ENCRYPTION_KEYS"]
    run = Run(tmp_path, surroundings, "--demo")
    ended.append(run)
    run.wait_until_ready()
    for server in SERVERS:
        assert run.get(server, "/health/ready").status_code == 200
    kept = tmp_path / "var" / "demo" / "env"
    assert kept.stat().st_mode & 0o777 == 0o600
    for _login, _role, password in demo_logins(secrets_of(kept)["SANDHI_SECRET_KEY"]):
        assert password in run.said()
    assert (tmp_path / "var" / "demo" / "sandhi.db").exists()
    assert asks_and_hears(run)

    for name, command in PROCESSES.items():
        killed = run.pid_of(" ".join(command))
        os.kill(killed, signal.SIGKILL)
        again = re.compile(rf"exited: {name} \(terminated by SIGKILL.*spawned: '{name}'", re.DOTALL)
        assert eventually(lambda look=again: look.search(run.said()), within=30), run.said()
        new = eventually(lambda old=killed, like=command: other_than(run, old, like), within=30)
        assert new, f"{name} did not come back"
    for server in SERVERS:
        assert eventually(lambda at=server: answers(run, at), READY_WITHIN, every=0.2), server

    os.killpg(run.process.pid, signal.SIGINT)
    assert run.process.wait(timeout=30) == 0
    assert eventually(lambda: run.pids() == [], within=5), run.pids()

    began = time.monotonic()
    second = Run(tmp_path, surroundings, "--demo")
    ended.append(second)
    second.wait_until_ready()
    print(f"second start: {time.monotonic() - began:.1f} s")
    assert "The model is up to date." in second.said()
    assert "Trained" not in second.said()
    second.process.terminate()
    assert second.process.wait(timeout=30) == 0
    assert eventually(lambda: second.pids() == [], within=5), second.pids()
    for file in (tmp_path / "var").rglob("supervisord.conf"):
        for secret in secrets_of(kept).values():
            assert secret not in file.read_text(encoding="utf-8")


def secrets_of(env_file: Path) -> Dict[str, str]:
    lines = env_file.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def other_than(run: Run, old: int, command: List[str]) -> bool:
    try:
        return run.pid_of(" ".join(command)) != old
    except (AssertionError, OSError):
        return False


def answers(run: Run, server: str) -> bool:
    try:
        return run.get(server, "/health/ready").status_code == 200
    except requests.RequestException:
        return False


def asks_and_hears(run: Run) -> bool:
    phone = "+919000500001"
    order = {"from": phone, "name": "Riya Demo", "text": "where can I park my car?"}
    run.post("simulator", "/control/inbound", order)
    heard = run.get("simulator", f"/control/sent?to={phone[1:]}&wait=60").json()
    return bool(heard["items"])


def test_real_use_starts_no_simulator_and_talks_to_the_graph_it_is_given(
    tmp_path: Path, surroundings: Dict[str, str], ended: List[Run]
) -> None:
    port = free_port()
    graph = f"http://127.0.0.1:{port}"
    surroundings["WHATSAPP_GRAPH_URL"] = graph
    run = Run(tmp_path, surroundings)
    ended.append(run)
    stand_in = subprocess.Popen(
        [sys.executable, *PROCESSES["simulator"]],
        cwd=ROOT,
        env={
            **surroundings,
            "SIMULATOR_PORT": str(port),
            "SIMULATOR_WEBHOOK_URL": (
                f"http://127.0.0.1:{run.ports['assistant']}/webhooks/whatsapp/webhook"
            ),
        },
    )
    try:
        run.wait_until_ready()
        assert not answers(run, "simulator")
        commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in run.pids()]
        assert not [command for command in commands if b"simulator" in command]
        run.ports["simulator"] = port
        assert asks_and_hears(run)
        assert surroundings["INBOX_API_TOKEN"] not in run.said()

        run.process.terminate()
        assert run.process.wait(timeout=30) == 0
        assert eventually(lambda: run.pids() == [], within=5), run.pids()
    finally:
        stand_in.terminate()
        stand_in.wait(timeout=20)
