"""The whole house as real processes, for tests and for taking pictures."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Set

import requests
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine
from sqlalchemy.pool import NullPool

from clinic.crypto import lookup_hash, new_key, new_secret
from clinic.settings import settings
from tests.patients import Patient, Reply, eventually
from tests.tool import ROOT, run_sandhi

__all__ = ["House", "Patient", "Reply", "eventually", "free_port"]

READY_WITHIN = 180.0
PROCESSES = {
    "simulator": ["-m", "channels.simulator"],
    "actions": ["-m", "actions"],
    "assistant": ["-m", "assistant"],
    "worker": ["-m", "sandhi", "worker"],
    "inbox": ["-m", "sandhi.inbox"],
}
SERVERS = ("simulator", "actions", "assistant", "inbox")


def free_port() -> int:
    """A port of the loopback that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class House:
    """Five processes on free ports, with a database and keys of their own."""

    def __init__(self, folder: Path, model: Path, **environment: str) -> None:
        self.folder = folder
        self.ports = {name: free_port() for name in SERVERS}
        simulator = f"http://127.0.0.1:{self.ports['simulator']}"
        assistant = f"http://127.0.0.1:{self.ports['assistant']}"
        self.environment: Dict[str, str] = {
            **{name: value for name, value in os.environ.items() if not _ours(name)},
            "DATABASE_URL": f"sqlite:///{folder / 'house.db'}",
            "SANDHI_SECRET_KEY": new_secret(),
            "SANDHI_ENCRYPTION_KEYS": new_key(),
            "SANDHI_CLINIC": str(ROOT / "clinic.yml"),
            "SANDHI_MODEL": str(model),
            "WHATSAPP_PHONE_NUMBER_ID": "100000000000001",
            "WHATSAPP_ACCESS_TOKEN": new_secret(),
            "WHATSAPP_APP_SECRET": new_secret(),
            "WHATSAPP_VERIFY_TOKEN": new_secret(),
            "INBOX_API_TOKEN": new_secret(),
            "WHATSAPP_GRAPH_URL": simulator,
            "SIMULATOR_WEBHOOK_URL": f"{assistant}/webhooks/whatsapp/webhook",
            "SIMULATOR_INBOX_URL": f"http://127.0.0.1:{self.ports['inbox']}",
            "SIMULATOR_PAIR_SECONDS": "0",
            "ASSISTANT_PORT": str(self.ports["assistant"]),
            "ACTIONS_PORT": str(self.ports["actions"]),
            "INBOX_PORT": str(self.ports["inbox"]),
            "SIMULATOR_PORT": str(self.ports["simulator"]),
            "LOG_LEVEL": "DEBUG",
            "RASA_TELEMETRY_ENABLED": "false",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **environment,
        }
        self.running: Dict[str, subprocess.Popen[bytes]] = {}
        self._changed: Set[str] = set()

    def sandhi(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command line tool in this house."""
        return run_sandhi(arguments, self.environment, timeout=300)

    def open(self, demo: bool = True) -> "House":
        """Set the database up and start everything; returns when every server is ready."""
        for command in ["init", "demo"] if demo else ["init"]:
            done = self.sandhi(command)
            assert done.returncode == 0, done.stderr
        for name in PROCESSES:
            self.start(name)
        for name in SERVERS:
            self.wait_until_ready(name)
        return self

    def start(self, name: str, program: str = "", **environment: str) -> None:
        """Start a process of the house, or as `name` a further one of the kind `program`.

        `environment` is changed for this process alone.
        """
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, *PROCESSES[program or name]],
                cwd=ROOT,
                env={**self.environment, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        (self._changed.add if environment else self._changed.discard)(name)

    def as_usual(self) -> None:
        """Every process runs, and is ready, in the house's own environment.

        A test that failed half-way leaves nothing frozen, dead or without a model to the next.
        """
        for name, process in list(self.running.items()):
            if process.poll() is not None:
                continue
            self.thaw(name)
            if name in self._changed:
                self.stop(name)
        self.start_ready(*(name for name in PROCESSES if not self._runs(name)))

    def _runs(self, name: str) -> bool:
        return name in self.running and self.running[name].poll() is None

    def start_ready(self, *names: str, **environment: str) -> None:
        """Start processes beside each other, and wait until those that serve are ready."""
        for name in names:
            self.start(name, **environment)
        for name in names:
            if name in self.ports:
                self.wait_until_ready(name)

    def freeze(self, name: str) -> None:
        """The process takes connections, as its kernel does for it, and does nothing."""
        os.killpg(self.running[name].pid, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        os.killpg(self.running[name].pid, signal.SIGCONT)

    def kill(self, name: str) -> None:
        """kill -9, as a power cut would."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=20)

    def stop(self, name: str) -> int:
        """TERM, as the supervisor would; the exit code."""
        process = self.running.pop(name)
        process.terminate()
        return process.wait(timeout=30)

    def close(self) -> None:
        for process in self.running.values():
            process.terminate()
            # one that a failing test left frozen hears nothing
            os.killpg(process.pid, signal.SIGCONT)
        for process in self.running.values():
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        self.running.clear()

    def rows(self, query: str, **values: Any) -> List[Any]:
        """What the database holds, as it is stored."""
        with self._engine().connect() as connection:
            return list(connection.execute(text(query), values))

    def change(self, statement: str, **values: Any) -> None:
        """Change the database, as the passing of time would."""
        with self._engine().begin() as connection:
            connection.execute(text(statement), values)

    def _engine(self) -> Engine:
        """An engine that keeps no connection.

        A test that reads the database's file as bytes makes the kernel drop the locks this
        process has on it; a connection that is kept would then go on reading a WAL file that the
        house has deleted, and never see another change.
        """
        url = self.environment["DATABASE_URL"]
        return create_engine(url, poolclass=NullPool, future=True)

    def contact_id(self, phone: str) -> int:
        """The id of the contact with this number; 0 where there is none yet."""
        kept = os.environ.get("SANDHI_SECRET_KEY")
        os.environ["SANDHI_SECRET_KEY"] = self.environment["SANDHI_SECRET_KEY"]
        settings.cache_clear()
        try:
            wanted = lookup_hash(phone)
        finally:
            if kept is None:
                del os.environ["SANDHI_SECRET_KEY"]
            else:
                os.environ["SANDHI_SECRET_KEY"] = kept
            settings.cache_clear()
        found = self.rows("SELECT id FROM contacts WHERE phone_hash = :hash", hash=wanted)
        return int(found[0][0]) if found else 0

    def url(self, server: str, path: str = "") -> str:
        return f"http://127.0.0.1:{self.ports[server]}{path}"

    def wait_until_ready(self, server: str) -> None:
        until = time.monotonic() + READY_WITHIN
        while time.monotonic() < until:
            process = self.running.get(server)
            if process is not None and process.poll() is not None:
                raise AssertionError(f"{server} ended: {self.log(server)[-1500:]}")
            try:
                if requests.get(self.url(server, "/health/ready"), timeout=5).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
        raise AssertionError(f"{server} was not ready in time: {self.log(server)[-1500:]}")

    def log(self, name: str) -> str:
        """What a process has printed so far."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def control(self, path: str, **order: Any) -> Dict[str, Any]:
        """An order to the simulator's control API."""
        answer = requests.post(self.url("simulator", f"/control/{path}"), json=order, timeout=30)
        assert answer.status_code < 300, answer.text
        return dict(answer.json())

    def simulated(self, path: str) -> Dict[str, Any]:
        """What the simulator's control API shows."""
        return dict(requests.get(self.url("simulator", f"/control/{path}"), timeout=30).json())

    def api(self, method: str, path: str, body: Optional[Dict[str, Any]] = None) -> Any:
        """A request to the inbox API; its JSON."""
        answer = requests.request(
            method,
            self.url("inbox", f"/api/v1{path}"),
            json=body,
            headers={"Authorization": f"Bearer {self.environment['INBOX_API_TOKEN']}"},
            timeout=30,
        )
        assert answer.status_code < 300, f"{answer.status_code}: {answer.text}"
        return answer.json()

    def patient(self, phone: str, name: str = "Riya Demo") -> "Patient":
        return Patient(self, phone, name)


def _ours(name: str) -> bool:
    prefixes = ("SANDHI_", "WHATSAPP_", "SIMULATOR_", "INBOX_", "ASSISTANT_", "ACTIONS_")
    return name.startswith(prefixes) or name in {"DATABASE_URL", "REDIS_URL", "LOG_LEVEL"}
