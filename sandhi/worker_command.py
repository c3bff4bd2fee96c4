"""`sandhi worker`: what happens by the clock."""

from __future__ import annotations

import re
import signal
import threading
from datetime import datetime
from typing import Any, Callable, Optional

import typer

from clinic.settings import Settings, settings
from sandhi.console import Refusal, open_database, out, refuse_if


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
    from worker.exercise_files import ExerciseFiles
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
    files = ExerciseFiles(_uploading(client))
    steps: list[telling.Step] = [telling.tell_webhooks, files.step, *_connectors(configured)]
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


def _uploading(client: Any) -> Callable[[bytes, str, str], str]:
    """A way to put files at WhatsApp, for a worker that knows no wire."""
    from channels.whatsapp.graph import GraphError
    from worker.exercise_files import NotTaken

    def upload(content: bytes, mime_type: str, filename: str) -> str:
        try:
            return str(client.upload(content, mime_type, filename))
        except (GraphError, ValueError):
            raise NotTaken from None

    return upload


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
