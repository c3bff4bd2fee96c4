"""The command line tool `sandhi`."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Callable, Optional

import requests
import typer

from clinic.settings import Settings, SettingsError, settings
from sandhi import (
    absences,
    calendars,
    courses,
    staff_commands,
    templates_cli,
    token_commands,
    webhook_commands,
)
from sandhi.console import Refusal, err, open_database, out

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Sandhi: a WhatsApp assistant for physiotherapy clinics.",
    pretty_exceptions_enable=False,
)
app.add_typer(templates_cli.app, name="templates")
app.add_typer(courses.app, name="course")
app.add_typer(absences.app, name="leave")
app.command()(calendars.calendar)
app.add_typer(staff_commands.app, name="staff")
app.add_typer(token_commands.app, name="token")
app.add_typer(webhook_commands.app, name="webhook")
# a server that is not ready by then is worth a word
PATIENCE_SECONDS = 60.0


def refuse_if(problems: list[str]) -> None:
    """Stop with these sentences, if there are any."""
    if problems:
        raise Refusal("\n".join(problems))


def _migrate() -> None:
    from sqlalchemy.exc import SQLAlchemyError

    from clinic.migrate import migrate

    try:
        migrate(open_database())
    except (SQLAlchemyError, OSError) as error:
        raise Refusal(
            f"The database could not be set up ({type(error).__name__}): "
            "check DATABASE_URL, that the server runs and that the disk is not full."
        ) from None


def _check_pooling() -> None:
    """Refuse a pooler under which conversations could not be locked; Redis locks need none."""
    from clinic.pooling import keeps_sessions

    if settings().redis_url or keeps_sessions(open_database()):
        return
    raise Refusal(
        "DATABASE_URL leads to a pooler that gives every transaction another session: set it to "
        "session pooling (PgBouncer: pool_mode = session), or set REDIS_URL."
    )


def _check_keys() -> None:
    """Refuse keys that the database was not written with: they would read no patient's words."""
    from sqlalchemy import select

    from clinic.crypto import CannotDecrypt, lookup_hash
    from clinic.models import Contact, Profile

    phone, known_hash = None, None
    try:
        with open_database().reading() as session:
            session.execute(select(Profile.content)).first()
            newest = select(Contact.phone, Contact.phone_hash).order_by(Contact.id.desc())
            found = session.execute(newest.where(Contact.phone_hash.is_not(None))).first()
            if found is not None:
                phone, known_hash = found
    except CannotDecrypt:
        raise Refusal(
            "SANDHI_ENCRYPTION_KEYS does not open this database: put the key it was written with "
            "into the list (a new key goes before the old ones)."
        ) from None
    if phone is not None and lookup_hash(phone) != known_hash:
        raise Refusal(
            "SANDHI_SECRET_KEY is not the one this database was written with, so that no patient "
            "would be known again: set it back."
        )


def _write_profile(configured: Settings) -> None:
    from clinic.profile_file import ProfileError, load_profile
    from clinic.setup import write_profile

    try:
        profile = load_profile(Path(configured.clinic_profile))
    except ProfileError as error:
        raise Refusal(str(error)) from None
    write_profile(open_database(), profile)


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
        _check_pooling()
        _check_keys()
        _write_profile(configured)
    out.print(f"The profile {configured.clinic_profile} is in the database.")


@app.command()
def demo() -> None:
    """Seed invented patients, visits, a course and staff; may be repeated."""
    from clinic.database import now
    from clinic.demo import seed_demo
    from clinic.demo_staff import add_demo_staff

    with out.status("Seeding the demo"):
        seed_demo(open_database(), now())
        with open_database().transaction() as session:
            add_demo_staff(session, settings().secret_key)
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
    except Exception as error:
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
    dry_run: bool = typer.Option(
        False, "--dry-run", help="With --once: list what would go, and why not; send nothing."
    ),
) -> None:
    """Send what is due and do what the clock asks for."""
    from channels.whatsapp.graph import GraphClient
    from channels.whatsapp.sender import GraphSender
    from clinic.logs import configure_logs
    from clinic.templates import TemplateError
    from sandhi.foreseeing import print_foreseen
    from sandhi.writing import reminder_writer
    from worker import telling
    from worker.loop import run_forever, run_once
    from worker.sending import Outbox

    configured = settings()
    configured.encryption_key_list()
    moment = _moment(as_of, once)
    if dry_run and not once:
        raise Refusal("--dry-run goes with --once.")
    configure_logs(configured.log_level)
    database = open_database()
    try:
        writer = reminder_writer()
    except TemplateError as error:
        raise Refusal(str(error)) from None
    if dry_run:
        print_foreseen(database, moment, writer, out)
        return
    try:
        client = GraphClient(
            configured.whatsapp_graph_url,
            configured.whatsapp_api_version,
            configured.whatsapp_phone_number_id,
            configured.whatsapp_access_token,
        )
    except ValueError as error:
        raise Refusal(f"The WhatsApp settings are wrong: {error}") from None
    outbox = Outbox(
        database,
        GraphSender(client),
        per_second=configured.messages_per_second,
        writer=writer,
    )
    steps: list[telling.Step] = [telling.tell_webhooks, *_connectors(configured)]
    if once:
        count = run_once(database, outbox, moment)
        for step in steps:
            step(database)
        outbox.close()
        out.print(f"{count} messages taken up.")
        return
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    threading.Thread(
        target=telling.run_forever, args=(database, steps, stopping), daemon=True
    ).start()
    run_forever(database, outbox, stopping)


def _connectors(configured: Settings) -> list[Callable[[Any], int]]:
    """Where handoffs are answered beside the inbox, if anywhere."""
    if not configured.uses_chatwoot:
        return []
    from clinic.texts import Texts
    from sandhi.surroundings import ROOT
    from worker.chatwoot import Connector
    from worker.chatwoot_client import ChatwootClient

    refuse_if(configured.chatwoot_problems())
    client = ChatwootClient(
        configured.chatwoot_url,
        configured.chatwoot_account_id,
        configured.chatwoot_inbox_id,
        configured.chatwoot_token,
    )
    return [Connector(client, Texts.load(ROOT / "domain")).step]


@app.command()
def safety(
    file: Path = typer.Argument(..., help="UTF-8 CSV with a header and a column `text`."),
    expect: Optional[str] = typer.Option(
        None, "--expect", metavar="clinical|logistics", help="What every row should be."
    ),
    json_out: Optional[Path] = typer.Option(
        None, "--json", metavar="OUT", help="Write each row's outcome to this file."
    ),
) -> None:
    """Send each row as a fresh contact's message through model and policies, and report."""
    from assistant.training import model_path
    from safety.run_file import run_file

    if not model_path().exists():
        train()
    try:
        run_file(file, expect, json_out, model_path(), out)
    except (FileNotFoundError, ValueError, OSError) as error:
        raise Refusal(str(error)) from None


def _moment(as_of: Optional[str], once: bool) -> Optional[datetime]:
    if as_of is None:
        return None
    if not once:
        raise Refusal("--as-of goes with --once.")
    try:
        # Python 3.10 does not read the Z that ISO 8601 ends UTC times with
        moment = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", as_of))
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
    from sandhi.surroundings import ROOT, demo_environment

    # the processes run there: relative paths must mean the same here
    os.chdir(ROOT)
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
    from sandhi.supervise import LOGS

    patience = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = requests.get(f"http://{host}:{port}/health/ready", timeout=5)
            if answer.status_code == 200:
                return
        except requests.RequestException:
            pass
        if time.monotonic() > patience:
            log_file = LOGS / f"{name}.log"
            out.print(f"Still waiting for {name}; {log_file} says why.", soft_wrap=True)
            patience = time.monotonic() + PATIENCE_SECONDS
        time.sleep(0.2)


def main(run: Callable[[], Any] = app) -> None:
    """Run the tool; a refusal is a sentence and a non-zero exit, never a traceback."""
    # the embedding's two threads sleep while they wait for each other, and do not spin; it is read
    # when the engine is loaded, which is later
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        run()
    except (Refusal, SettingsError) as error:
        err.print(str(error), style="red", soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not _of_the_database(error):
            raise
        err.print(
            f"The database does not do its work ({type(error).__name__}): run `sandhi init` if it "
            "was never set up; otherwise check DATABASE_URL, that its server runs and that the "
            "disk is not full.",
            style="red",
            soft_wrap=True,
        )
        sys.exit(1)


def _of_the_database(error: Exception) -> bool:
    from sqlalchemy.exc import SQLAlchemyError

    return isinstance(error, SQLAlchemyError)
