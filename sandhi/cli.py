"""The command line tool `sandhi`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any, Callable, Optional

import typer

from clinic.settings import SettingsError, settings
from sandhi import (
    absences,
    calendars,
    courses,
    staff_commands,
    templates_cli,
    token_commands,
    webhook_commands,
    welcome,
    worker_command,
)
from sandhi.console import Refusal, err, open_database, out, refuse_if
from sandhi.preparing import check_keys, check_pooling, migrate_database, write_clinic_profile

# training takes every processor for minutes, and patients may wait for one on the same machine
TRAINING_GIVES_WAY_BY = 19

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
app.command()(worker_command.worker)
app.command(hidden=True)(welcome.welcome)


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
        migrate_database()
        check_pooling()
        check_keys()
        write_clinic_profile(configured)
    out.print(f"The profile {configured.clinic_profile} is in the database.")


@app.command()
def demo() -> None:
    """Seed invented patients, visits, courses, bills and staff; may be repeated."""
    from clinic.database import now
    from clinic.demo import seed_demo
    from clinic.demo_staff import add_demo_staff

    with out.status("Seeding the demo"):
        seed_demo(open_database(), now())
        with open_database().transaction() as session:
            add_demo_staff(session, settings().secret_key)
    out.print("The demo's patients, visits, courses and bills are in the database.")


@app.command("train")
def train_beside_others() -> None:
    """Train the model if data, domain, config or components changed."""
    os.nice(TRAINING_GIVES_WAY_BY)
    train()


def train() -> None:
    """Train the model where there is none of the present files."""
    from assistant.training import model_path
    from assistant.training import train as train_model
    from sandhi.surroundings import logs

    if model_path().exists():
        out.print("The model is up to date.")
        return
    began = time.monotonic()
    log_file = logs() / "train.log"
    try:
        with out.status("Training the model"):
            train_model(log_file)
    except Exception as error:
        raise Refusal(
            f"Training failed ({type(error).__name__}); the end of {log_file} says why."
        ) from None
    out.print(f"Trained in {time.monotonic() - began:.0f} s.")


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

    # the quick part first: a mistyped name must not wait until a model is trained
    refuse_if([] if file.is_file() else [f"{file} is not a file."])
    if not model_path().exists():
        train()
    try:
        run_file(file, expect, json_out, model_path(), out)
    except (FileNotFoundError, ValueError, OSError) as error:
        raise Refusal(str(error)) from None


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
    # the quick part first: a fault in clinic.yml must not wait until a model is trained
    init()
    if demo_clinic:
        demo()
    train()
    environment["SANDHI_MODEL"] = str(model_path())
    out.print("Starting; this takes a few seconds.")
    supervise.run(environment, demo_clinic)


def main(run: Callable[[], Any] = app) -> None:
    """Run the tool; a refusal is a sentence and a non-zero exit, never a traceback."""
    try:
        run()
    except (Refusal, SettingsError) as error:
        err.print(str(error), style="red", soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.filename is None:
            raise
        err.print(
            f"{error.filename}: {error.strerror}. Check that the place exists, that you may write "
            "there and that the disk is not full.",
            style="red",
            soft_wrap=True,
        )
        sys.exit(1)
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
