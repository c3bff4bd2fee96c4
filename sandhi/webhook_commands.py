"""`sandhi webhook`: other systems that are told of handoffs."""

from __future__ import annotations

from typing import List

import typer
from rich.table import Table

from sandhi.console import Refusal, open_database, out

app = typer.Typer(no_args_is_help=True, help="Addresses that are told of handoffs, signed.")

NUMBER = typer.Argument(..., metavar="NUMBER", help="As `sandhi webhook list` shows it.")


@app.command()
def add(
    url: str = typer.Argument(..., help="https, or http on this machine."),
    event: List[str] = typer.Option(
        ["handoff.opened", "handoff.resolved"], "--event", help="May be given several times."
    ),
) -> None:
    """Add a webhook; its signing secret is printed once."""
    from clinic import webhooks

    try:
        with open_database().transaction() as session:
            webhook, secret = webhooks.add(session, url, event)
            number = int(webhook.id)
    except webhooks.WebhookError as error:
        raise Refusal(str(error)) from None
    out.print(f"Webhook {number}. Signing secret, shown this once: {secret}", soft_wrap=True)


@app.command("list")
def list_all() -> None:
    """Every webhook and what became of its deliveries."""
    from sqlalchemy import func, select

    from clinic import webhooks
    from clinic.models import WebhookDelivery

    table = Table("webhook", "address", "events", "waiting", "delivered", "given up", box=None)
    with open_database().reading() as session:
        for webhook in webhooks.everything(session):
            states = dict(
                session.execute(
                    select(WebhookDelivery.state, func.count())
                    .where(WebhookDelivery.webhook_id == webhook.id)
                    .group_by(WebhookDelivery.state)
                ).all()
            )
            counts = [str(states.get(s, 0)) for s in ("waiting", "delivered", "given_up")]
            table.add_row(str(webhook.id), webhook.url, webhook.events, *counts)
    out.print(table)


@app.command()
def remove(number: int = NUMBER) -> None:
    """Tell this address nothing more."""
    from clinic import webhooks

    try:
        with open_database().transaction() as session:
            webhooks.remove(session, number)
    except webhooks.WebhookError as error:
        raise Refusal(str(error)) from None
    out.print(f"Webhook {number} is removed.")


@app.command()
def test(number: int = NUMBER) -> None:
    """Send an event `test` now and say what the other side answered."""
    from clinic import webhooks
    from worker.outgoing import post

    database = open_database()
    try:
        with database.transaction() as session:
            delivery_id = webhooks.plan_test(session, number)
            due = webhooks.take_due(session, only=delivery_id)
    except webhooks.WebhookError as error:
        raise Refusal(str(error)) from None
    with out.status("Waiting for the other side"):
        outcome = post(due[0].url, due[0].body, due[0].headers)
    with database.transaction() as session:
        webhooks.conclude(session, delivery_id, outcome.good, outcome.answer)
    if not outcome.good:
        raise Refusal(f"It was not taken: {outcome.answer}.")
    out.print(f"Taken: {outcome.answer}.")
