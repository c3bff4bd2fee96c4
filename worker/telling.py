"""Telling other systems: webhooks, and Chatwoot where a clinic uses it; beside the sending."""

from __future__ import annotations

import threading
from typing import Callable, List

from sqlalchemy.exc import SQLAlchemyError

from clinic import webhooks
from clinic.database import Database
from clinic.logs import logger
from worker.outgoing import post

log = logger("worker.telling")

LOOK_EVERY_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
Step = Callable[[Database], int]


def tell_webhooks(database: Database) -> int:
    """Plan and send what is due; how many deliveries were tried."""
    with database.reading() as session:
        if not webhooks.anything_to_do(session):
            return 0
    with database.transaction() as session:
        webhooks.plan_due(session)
        due = webhooks.take_due(session)
    for delivery in due:
        outcome = post(delivery.url, delivery.body, delivery.headers)
        with database.transaction() as session:
            webhooks.conclude(session, delivery.id, outcome.good, outcome.answer)
        if not outcome.good:
            log.warning("webhook not taken", delivery=delivery.id, answer=outcome.answer)
    return len(due)


def run_forever(database: Database, steps: List[Step], stopping: threading.Event) -> None:
    """Take each step every second until `stopping` is set; none stops another."""
    pause = LOOK_EVERY_SECONDS
    while not stopping.is_set():
        good = True
        for step in steps:
            try:
                step(database)
            except SQLAlchemyError:
                log.exception("database does not answer")
                good = False
            except Exception:
                log.exception("telling failed", step=step.__name__)
                good = False
        pause = LOOK_EVERY_SECONDS if good else min(pause * 2, LONGEST_PAUSE_SECONDS)
        stopping.wait(pause)
