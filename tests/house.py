"""The whole house as real processes, for tests and for taking pictures."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

import requests

from clinic.crypto import new_key, new_secret

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN = 180.0
PROCESSES = {
    "simulator": ["-m", "channels.simulator"],
    "actions": ["-m", "actions"],
    "assistant": ["-m", "assistant"],
    "worker": ["-m", "sandhi", "worker"],
    "inbox": ["-m", "inbox"],
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

    def sandhi(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command line tool in this house."""
        return subprocess.run(
            [sys.executable, "-m", "sandhi", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

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

    def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, *PROCESSES[name]],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

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
        for process in self.running.values():
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        self.running.clear()

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


class Patient:
    """Somebody with a phone: writes, taps, and reads what comes."""

    def __init__(self, house: House, phone: str, name: str) -> None:
        self.house = house
        self.phone = phone
        self.name = name
        self._seen = 0

    def writes(self, text: str) -> "Reply":
        """Write a text and read the answer."""
        return self._acts(text=text)

    def taps(self, title: str) -> "Reply":
        """Tap the newest button or list row whose title begins so, and read the answer."""
        for message in reversed(self.sent()):
            for kind, item in _choices(message["body"]):
                if item["title"].startswith(title):
                    order = {"id": item["id"], "title": item["title"]}
                    return self._acts(**{kind: order})
        raise AssertionError(f"nobody offered a button that begins with {title!r}")

    def sends(self, **act: Any) -> "Reply":
        """Any other act of the control API (media, location, sticker ...)."""
        return self._acts(**act)

    def sent(self) -> List[Dict[str, Any]]:
        """Everything the clinic has sent to this phone."""
        answer = requests.get(
            self.house.url("simulator", "/control/sent"), params={"to": self.phone}, timeout=30
        )
        return list(answer.json()["items"])

    def hears(self, within: float = 30.0) -> "Reply":
        """What came since the last reading; waits for the first message."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            fresh = self.sent()[self._seen :]
            if fresh:
                self._seen += len(fresh)
                return Reply([message["body"] for message in fresh])
            time.sleep(0.05)
        return Reply([])

    def writes_to_nobody(self, text: str, within: float = 2.0) -> "Reply":
        """Write a text that nothing may answer; what came all the same."""
        self._seen = len(self.sent())
        self.house.control("inbound", **{"from": self.phone, "name": self.name, "text": text})
        return self.hears(within)

    def _acts(self, **act: Any) -> "Reply":
        self._seen = len(self.sent())
        self.house.control("inbound", **{"from": self.phone, "name": self.name, **act})
        return self.hears()


class Reply:
    """What the clinic sent in answer."""

    def __init__(self, bodies: List[Dict[str, Any]]) -> None:
        self.bodies = bodies

    @property
    def text(self) -> str:
        return "\n".join(_text(body) for body in self.bodies)

    @property
    def titles(self) -> List[str]:
        return [item["title"] for body in self.bodies for _, item in _choices(body)]

    def __contains__(self, words: str) -> bool:
        return words in self.text

    def __repr__(self) -> str:
        return f"<{self.text!r} {self.titles}>"


def _choices(body: Dict[str, Any]) -> List[Any]:
    action = (body.get("interactive") or {}).get("action") or {}
    buttons = [("tap", button["reply"]) for button in action.get("buttons") or []]
    rows = [
        ("list_tap", row)
        for section in action.get("sections") or []
        for row in section.get("rows") or []
    ]
    return buttons + rows


def _text(body: Dict[str, Any]) -> str:
    if "interactive" in body:
        return str(body["interactive"]["body"]["text"])
    return str((body.get("text") or {}).get("body") or body.get("type"))


def _ours(name: str) -> bool:
    prefixes = ("SANDHI_", "WHATSAPP_", "SIMULATOR_", "INBOX_", "ASSISTANT_", "ACTIONS_")
    return name.startswith(prefixes) or name in {"DATABASE_URL", "REDIS_URL", "LOG_LEVEL"}
