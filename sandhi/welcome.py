"""What `make run` says once every server is ready (hidden command `sandhi welcome`)."""

from __future__ import annotations

import contextlib
import time

import requests
import typer

from clinic.settings import settings
from sandhi import templates_cli
from sandhi.console import Refusal, open_database, out

# a server that is not ready by then is worth a word
PATIENCE_SECONDS = 60.0


def welcome(demo_clinic: bool = typer.Option(False, "--demo")) -> None:
    """Wait until every server is ready, and say where they are."""
    from clinic.demo_staff import demo_logins
    from clinic.staff import everyone

    configured = settings()
    servers = {
        "assistant": configured.assistant_port,
        "actions": configured.actions_port,
        "inbox": configured.inbox_port,
    }
    if demo_clinic:
        servers["simulator"] = configured.simulator_port
    began = time.monotonic()
    host = _reachable(configured.host)
    for name, port in servers.items():
        _wait_until_ready(name, host if name in {"assistant", "inbox"} else "127.0.0.1", port)
    out.print(f"Sandhi is ready after {time.monotonic() - began:.0f} s. Ctrl-C stops it.")
    if demo_clinic:
        out.print(f"  Write as a patient:  http://127.0.0.1:{configured.simulator_port}/")
        out.print(f"  Answer as staff:     http://127.0.0.1:{configured.inbox_port}/")
        for login, role, password in demo_logins(configured.secret_key):
            out.print(f"    {login:<9}{password}   {role.replace('_', ' ')}")
        # the simulator begins without them
        with contextlib.suppress(Refusal):
            templates_cli.submit_missing()
    else:
        out.print(f"  Inbox:    http://{configured.host}:{configured.inbox_port}/")
        out.print(
            f"  Webhook:  http://{configured.host}:{configured.assistant_port}"
            "/webhooks/whatsapp/webhook"
        )
        with open_database().reading() as session:
            if not everyone(session):
                out.print("  Nobody can sign in yet: .venv/bin/sandhi staff add --help")


def _reachable(host: str) -> str:
    """The address by which this machine reaches a server that binds to `host`."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - nothing is bound here
        return "127.0.0.1" if host == "0.0.0.0" else "[::1]"  # noqa: S104
    return f"[{host}]" if ":" in host else host


def _wait_until_ready(name: str, host: str, port: int) -> None:
    from sandhi.surroundings import logs

    patience = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = requests.get(f"http://{host}:{port}/health/ready", timeout=5)
            if answer.status_code == 200:
                return
        except requests.RequestException:
            pass
        if time.monotonic() > patience:
            log_file = logs() / f"{name}.log"
            out.print(f"Still waiting for {name}; {log_file} says why.", soft_wrap=True)
            patience = time.monotonic() + PATIENCE_SECONDS
        time.sleep(0.2)
