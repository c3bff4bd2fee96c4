"""The environment of a run: the demo's own, made once, or the operator's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict

from dotenv import dotenv_values

from clinic.crypto import new_key, new_secret
from clinic.settings import DEMO_PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent
DEMO_ACCOUNT = "100000000000002"


def var() -> Path:
    """What a run leaves behind: logs, the demo, the supervisor's files."""
    return Path(os.environ.get("SANDHI_VAR") or ROOT / "var").absolute()


def logs() -> Path:
    """Where every process has its log file."""
    return var() / "log"


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    # the mode above is for a new file only
    os.fchmod(descriptor, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)


def demo_environment() -> Dict[str, str]:
    """The demo's settings: keys made for it once, and kept while `var/demo` is.

    What the process environment says wins, except where messages would leave this machine: the
    demo talks to the simulator only. `.env`, which is for real use, is not read.
    """
    demo = var() / "demo"
    if not (demo / "env").exists():
        write_private(
            demo / "env",
            "# Made for the demo; `make serve` refuses these.\n"
            f"SANDHI_SECRET_KEY={DEMO_PREFIX}{new_secret()}\n"
            f"SANDHI_ENCRYPTION_KEYS={new_key()}\n"
            f"WHATSAPP_PHONE_NUMBER_ID=100000000000001\n"
            f"WHATSAPP_ACCESS_TOKEN={DEMO_PREFIX}{new_secret()}\n"
            f"WHATSAPP_APP_SECRET={DEMO_PREFIX}{new_secret()}\n"
            f"WHATSAPP_VERIFY_TOKEN={DEMO_PREFIX}{new_secret()}\n"
            f"INBOX_API_TOKEN={DEMO_PREFIX}{new_secret()[:12]}\n",
        )
    made = {name: value for name, value in dotenv_values(demo / "env").items() if value}
    made["DATABASE_URL"] = f"sqlite:///{demo / 'sandhi.db'}"
    # every setting by name, for what is missing from the environment is read from `.env`
    environment = {**_defaults(), **made}
    environment.update({name: os.environ[name] for name in environment if os.environ.get(name)})
    environment["WHATSAPP_BUSINESS_ACCOUNT_ID"] = (
        environment["WHATSAPP_BUSINESS_ACCOUNT_ID"] or DEMO_ACCOUNT
    )
    ports = {name: environment[f"{name}_PORT"] for name in ("SIMULATOR", "ASSISTANT", "INBOX")}
    environment["WHATSAPP_GRAPH_URL"] = f"http://127.0.0.1:{ports['SIMULATOR']}"
    environment["CHATWOOT_URL"] = ""
    environment["SIMULATOR_WEBHOOK_URL"] = (
        f"http://127.0.0.1:{ports['ASSISTANT']}/webhooks/whatsapp/webhook"
    )
    environment["SIMULATOR_INBOX_URL"] = f"http://127.0.0.1:{ports['INBOX']}"
    return environment


def _defaults() -> Dict[str, str]:
    return {
        field.field_info.extra["env"]: "" if field.default is None else str(field.default)
        for field in Settings.__fields__.values()
    }
