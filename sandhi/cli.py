"""The command line tool `sandhi`."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Callable, Optional

import requests
import typer
from rich.console import Console

from clinic.settings import Settings, SettingsError, settings

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Sandhi: a WhatsApp assistant for physiotherapy clinics.",
    pretty_exceptions_enable=False,
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Refusal(Exception):
    """The command cannot be carried out; the message says what is wrong and what to do."""


def refuse_if(problems: list[str]) -> None:
    """Stop with these sentences, if there are any."""
    if problems:
        raise Refusal("\n".join(problems))


def _database() -> Any:
    from clinic.database import database

    try:
        return database()
    except (ValueError, OSError) as error:
        raise Refusal(f"DATABASE_URL: {error}") from None


def _migrate() -> None:
    from sqlalchemy.exc import SQLAlchemyError

    from clinic.migrate import migrate

    try:
        migrate(_database())
    except (SQLAlchemyError, OSError) as error:
        raise Refusal(
            f"The database could not be set up ({type(error).__name__}): "
            "check DATABASE_URL, that the server runs and that the disk is not full."
        ) from None


def _write_profile(configured: Settings) -> None:
    from clinic.profile_file import ProfileError, load_profile
    from clinic.setup import write_profile

    try:
        profile = load_profile(Path(configured.clinic_profile))
    except ProfileError as error:
        raise Refusal(str(error)) from None
    write_profile(_database(), profile)


@app.command()
def keys() -> None:
    """Print fresh secrets, ready for .env."""
    from clinic.crypto import new_key, new_secret

    out.print(f"SANDHI_SECRET_KEY={new_secret()}", soft_wrap=True)
    out.print(f"SANDHI_ENCRYPTION_KEYS={new_key()}", soft_wrap=True)
    out.print(f"WHATSAPP_VERIFY_TOKEN={new_secret()}", soft_wrap=True)
    out.print(f"INBOX_API_TOKEN={new_secret()}", soft_wrap=True)


@app.command()
def init() -> None:
    """Set up the database and write the clinic's profile into it; may be repeated."""
    configured = settings()
    configured.encryption_key_list()
    with out.status("Setting up the database"):
        _migrate()
        _write_profile(configured)
    out.print(f"The profile {configured.clinic_profile} is in the database.")


@app.command()
def demo() -> None:
    """Seed invented patients, visits and a course; may be repeated."""
    from clinic.database import now
    from clinic.demo import seed_demo

    with out.status("Seeding the demo"):
        seed_demo(_database(), now())
    out.print("The demo's patients, visits and course are in the database.")


@app.command()
def train() -> None:
    """Train the model if data, domain, config or components changed."""
    from assistant.training import model_path
    from assistant.training import train as train_model
    from sandhi.surroundings import VAR

    if model_path().exists():
        out.print("The model is up to date.")
        return
    began = time.monotonic()
    log_file = VAR / "log" / "train.log"
    try:
        with out.status("Training the model"):
            train_model(log_file)
    except (RuntimeError, Exception) as error:
        raise Refusal(
            f"Training failed ({type(error).__name__}); the end of {log_file} says why."
        ) from None
    out.print(f"Trained in {time.monotonic() - began:.0f} s.")


@app.command()
def worker(
    once: bool = typer.Option(False, "--once", help="Do what is due, then end."),
    as_of: Optional[str] = typer.Option(
        None, "--as-of", metavar="TIME", help="With --once: what is due at this time (ISO 8601)."
    ),
) -> None:
    """Send what is due and do what the clock asks for."""
    from channels.whatsapp.graph import GraphClient
    from channels.whatsapp.sender import GraphSender
    from clinic.logs import configure_logs
    from worker.loop import run_forever, run_once
    from worker.sending import Outbox

    configured = settings()
    configured.encryption_key_list()
    moment = _moment(as_of, once)
    configure_logs(configured.log_level)
    database = _database()
    try:
        client = GraphClient(
            configured.whatsapp_graph_url,
            configured.whatsapp_api_version,
            configured.whatsapp_phone_number_id,
            configured.whatsapp_access_token,
        )
    except ValueError as error:
        raise Refusal(f"The WhatsApp settings are wrong: {error}") from None
    outbox = Outbox(database, GraphSender(client, database))
    if once:
        count = run_once(database, outbox, moment)
        outbox.close()
        out.print(f"{count} messages taken up.")
        return
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    run_forever(database, outbox, stopping)


def _moment(as_of: Optional[str], once: bool) -> Optional[datetime]:
    if as_of is None:
        return None
    if not once:
        raise Refusal("--as-of goes with --once.")
    try:
        moment = datetime.fromisoformat(as_of)
    except ValueError:
        raise Refusal("--as-of takes a time such as 2026-11-24T17:30+05:30.") from None
    if moment.tzinfo is None:
        raise Refusal("--as-of needs an offset, such as 2026-11-24T17:30+05:30.")
    return moment


@app.command()
def up(
    demo_clinic: bool = typer.Option(False, "--demo", help="The demo clinic with the simulator."),
) -> None:
    """Start every process under a supervisor (what `make run` and `make serve` do)."""
    from assistant.training import model_path
    from sandhi import supervise
    from sandhi.surroundings import demo_environment

    environment = {}
    if demo_clinic:
        environment = demo_environment()
        os.environ.update(environment)
        settings.cache_clear()
    configured = settings()
    if not demo_clinic:
        refuse_if(configured.missing_for_real_use())
    refuse_if(supervise.busy_ports(configured, demo_clinic))
    train()
    init()
    if demo_clinic:
        demo()
    environment["SANDHI_MODEL"] = str(model_path())
    out.print("Starting; this takes a few seconds.")
    supervise.run(environment, demo_clinic)


@app.command(hidden=True)
def welcome(demo_clinic: bool = typer.Option(False, "--demo")) -> None:
    """Wait until every server is ready, and say where they are."""
    configured = settings()
    servers = {
        "assistant": configured.assistant_port,
        "actions": configured.actions_port,
        "inbox": configured.inbox_port,
    }
    if demo_clinic:
        servers["simulator"] = configured.simulator_port
    began = time.monotonic()
    for port in servers.values():
        _wait_until_ready(port)
    out.print(f"Sandhi is ready after {time.monotonic() - began:.0f} s. Ctrl-C stops it.")
    if demo_clinic:
        out.print(f"  Write as a patient:  http://127.0.0.1:{configured.simulator_port}/")
        out.print(f"  Answer as staff:     http://127.0.0.1:{configured.inbox_port}/")
        out.print(f"    sign in with:      {configured.inbox_api_token}")
    else:
        out.print(f"  Inbox:    http://{configured.host}:{configured.inbox_port}/")
        out.print(
            f"  Webhook:  http://{configured.host}:{configured.assistant_port}"
            "/webhooks/whatsapp/webhook"
        )


def _wait_until_ready(port: int) -> None:
    while True:
        try:
            answer = requests.get(f"http://127.0.0.1:{port}/health/ready", timeout=5)
            if answer.status_code == 200:
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)


def main(run: Callable[[], Any] = app) -> None:
    """Run the tool; a refusal is a sentence and a non-zero exit, never a traceback."""
    try:
        run()
    except (Refusal, SettingsError) as error:
        err.print(str(error), style="red", soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
