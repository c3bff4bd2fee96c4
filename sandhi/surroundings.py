"""The environment of a run: the demo's own, made once, or the operator's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict

from dotenv import dotenv_values

from clinic.crypto import new_key, new_secret
from clinic.settings import DEMO_PREFIX

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
DEMO = VAR / "demo"
DEMO_ENV = DEMO / "env"


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)


def demo_environment() -> Dict[str, str]:
    """The demo's settings: keys made for it once, and kept while `var/demo` is.

    What the process environment says wins, except where messages would leave this machine: the
    demo talks to the simulator only. `.env`, which is for real use, is not read.
    """
    if not DEMO_ENV.exists():
        write_private(
            DEMO_ENV,
            "# Made for the demo; `make serve` refuses these.\n"
            f"SANDHI_SECRET_KEY={DEMO_PREFIX}{new_secret()}\n"
            f"SANDHI_ENCRYPTION_KEYS={new_key()}\n"
            f"WHATSAPP_PHONE_NUMBER_ID=100000000000001\n"
            f"WHATSAPP_ACCESS_TOKEN={DEMO_PREFIX}{new_secret()}\n"
            f"WHATSAPP_APP_SECRET={DEMO_PREFIX}{new_secret()}\n"
            f"WHATSAPP_VERIFY_TOKEN={DEMO_PREFIX}{new_secret()}\n"
            f"INBOX_API_TOKEN={DEMO_PREFIX}{new_secret()[:12]}\n",
        )
    made = {name: value for name, value in dotenv_values(DEMO_ENV).items() if value}
    made["DATABASE_URL"] = f"sqlite:///{DEMO / 'sandhi.db'}"
    environment = {**made, **{name: os.environ[name] for name in made if os.environ.get(name)}}
    simulator = os.environ.get("SIMULATOR_PORT") or "8010"
    assistant = os.environ.get("ASSISTANT_PORT") or "5005"
    inbox = os.environ.get("INBOX_PORT") or "8000"
    environment["WHATSAPP_GRAPH_URL"] = f"http://127.0.0.1:{simulator}"
    environment["SIMULATOR_WEBHOOK_URL"] = f"http://127.0.0.1:{assistant}/webhooks/whatsapp/webhook"
    environment["SIMULATOR_INBOX_URL"] = f"http://127.0.0.1:{inbox}"
    return environment
