"""Telling other systems of handoffs: which addresses, what is due, how it is signed.

At least once: every event has an id that stays the same through every try, so that a receiver
can tell a repetition. What is to be told is read from the handoffs themselves, so that nothing is
forgotten, whoever opened or resolved them. By default it says no name, number or word.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Dict, Iterable, List, Optional, Tuple
from urllib.parse import urlsplit

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from clinic.audit import record
from clinic.crypto import new_secret
from clinic.database import now
from clinic.models import Handoff, Webhook, WebhookDelivery
from clinic.models.outgoing import DELIVERED_TO, GIVEN_UP, WAITING
from clinic.settings import is_loopback
from clinic.upsert import insert_new

OPENED, RESOLVED, TEST = "handoff.opened", "handoff.resolved", "test"
EVENTS = (OPENED, RESOLVED)
# how far back an event is still told, should the worker have stood still
LOOK_BACK = timedelta(days=7)
# a try that was begun and never recorded (a crash) is repeated after this
TRY_TAKES = timedelta(seconds=60)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)
MOST_TRIES = 40
LONGEST_URL = 1000
AT_ONCE = 200


class WebhookError(Exception):
    """A webhook cannot be set up like that; the message is a sentence for people."""


@dataclass(frozen=True)
class Delivery:
    """What one try sends: the exact bytes, the headers that sign them, and where."""

    id: int
    url: str
    body: bytes
    headers: Dict[str, str]


def add(
    session: Session, url: str, events: Iterable[str] = EVENTS, by: str = "cli"
) -> Tuple[Webhook, str]:
    """A new webhook and its signing secret, which is shown once.

    Raises:
        WebhookError: if the address or an event will not do.
    """
    check_url(url)
    wanted = sorted(set(events))
    if not wanted or any(event not in EVENTS for event in wanted):
        raise WebhookError(f"Events are {', '.join(EVENTS)}.")
    secret = new_secret()
    webhook = Webhook(url=url, secret=secret, events=" ".join(wanted))
    session.add(webhook)
    session.flush()
    detail = {"events": ",".join(wanted)}
    record(session, by, "webhook_added", f"webhook:{webhook.id}", detail)
    return webhook, secret


def check_url(url: str) -> None:
    """Only https, or plain http that stays on this machine.

    What the host's name leads to is checked at every try (`worker.outgoing`), since it can change.

    Raises:
        WebhookError: saying what is wrong.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise WebhookError("This is not an address.") from None
    if not host or len(url) > LONGEST_URL or not url.isprintable() or " " in url:
        raise WebhookError("This is not an address.")
    if parts.username or parts.password:
        raise WebhookError("An address with a user name or password is not taken.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise WebhookError("Only https is taken; plain http only on this machine (127.0.0.1).")


def everything(session: Session) -> List[Webhook]:
    """Every webhook that is not removed."""
    return list(
        session.execute(
            select(Webhook).where(Webhook.active.is_(True)).order_by(Webhook.id)
        ).scalars()
    )


def remove(session: Session, webhook_id: int, by: str = "cli") -> None:
    """Tell this address nothing more; what still waited is given up.

    Raises:
        WebhookError: if there is none of that number.
    """
    webhook = session.get(Webhook, webhook_id)
    if webhook is None or not webhook.active:
        raise WebhookError("There is no such webhook.")
    webhook.active = False
    session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.state == WAITING)
        .values(state=GIVEN_UP, last_answer="removed")
    )
    record(session, by, "webhook_removed", f"webhook:{webhook_id}")


def plan_due(session: Session) -> int:
    """Write a delivery for every event that has none yet; how many. Repeating it adds nothing."""
    planned = 0
    for webhook in everything(session):
        since = max(webhook.created_at, now() - LOOK_BACK)
        for event in webhook.events.split():
            for handoff in _untold(session, int(webhook.id), event, since):
                planned += _plan(session, int(webhook.id), event, handoff)
    return planned


def anything_to_do(session: Session) -> bool:
    """Whether there is a webhook at all: nearly free where there is none."""
    known = select(Webhook.id).where(Webhook.active.is_(True)).limit(1)
    return session.execute(known).first() is not None


def _untold(session: Session, webhook_id: int, event: str, since: datetime) -> List[Handoff]:
    told = exists().where(
        WebhookDelivery.webhook_id == webhook_id,
        WebhookDelivery.event == event,
        WebhookDelivery.handoff_id == Handoff.id,
    )
    column = Handoff.opened_at if event == OPENED else Handoff.resolved_at
    query = select(Handoff).where(column >= since, ~told).order_by(Handoff.id).limit(AT_ONCE)
    if event == RESOLVED:
        query = query.where(Handoff.status == "resolved")
    return list(session.execute(query).scalars())


def _plan(session: Session, webhook_id: int, event: str, handoff: Handoff) -> int:
    event_id = f"{event}:{handoff.id}"
    values = {
        "webhook_id": webhook_id,
        "handoff_id": int(handoff.id),
        "event_id": event_id,
        "event": event,
        "payload": _payload(event, event_id, handoff),
    }
    return 1 if insert_new(session, WebhookDelivery, values) is not None else 0


def _payload(event: str, event_id: str, handoff: Handoff) -> Dict[str, Any]:
    resolved = handoff.resolved_at
    return {
        "id": event_id,
        "event": event,
        "occurred_at": (handoff.opened_at if event == OPENED else resolved).isoformat(),
        "handoff": {
            "id": int(handoff.id),
            "contact_id": int(handoff.contact_id),
            "reason": handoff.reason,
            "priority": handoff.priority,
            "red_flag": handoff.red_flag,
            "status": handoff.status,
            "outcome": handoff.outcome,
            "opened_at": handoff.opened_at.isoformat(),
            "resolved_at": resolved.isoformat() if resolved else None,
        },
    }


def plan_test(session: Session, webhook_id: int) -> int:
    """Plan an event `test` for one webhook; the delivery's id.

    Raises:
        WebhookError: if there is none of that number.
    """
    webhook = session.get(Webhook, webhook_id)
    if webhook is None or not webhook.active:
        raise WebhookError("There is no such webhook.")
    event_id = f"{TEST}:{secrets.token_hex(8)}"
    payload = {"id": event_id, "event": TEST, "occurred_at": now().isoformat()}
    delivery = WebhookDelivery(
        webhook_id=webhook_id, event_id=event_id, event=TEST, payload=payload
    )
    session.add(delivery)
    session.flush()
    return int(delivery.id)


def take_due(session: Session, limit: int = 20, only: Optional[int] = None) -> List[Delivery]:
    """Begin a try of what is due, longest waiting first.

    The next try is planned before this one is made: one that a crash swallowed is made again.
    """
    query = (
        select(WebhookDelivery, Webhook)
        .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
        .where(WebhookDelivery.state == WAITING, WebhookDelivery.due_at <= now())
        .order_by(WebhookDelivery.due_at, WebhookDelivery.id)
        .limit(limit)
    )
    if only is not None:
        query = query.where(WebhookDelivery.id == only)
    if session.get_bind().dialect.name != "sqlite":
        query = query.with_for_update(skip_locked=True, of=WebhookDelivery)
    taken = []
    for row, webhook in session.execute(query):
        row.attempts += 1
        row.due_at = now() + max(TRY_TAKES, pause_after(row.attempts))
        taken.append(_signed(row, webhook))
    return taken


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many tries in vain: doubling from 5 seconds to an hour."""
    return min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE)


def conclude(session: Session, delivery_id: int, good: bool, answer: str) -> None:
    """Record what a try came to; after `MOST_TRIES` (a day and a half) it is given up."""
    row = session.get(WebhookDelivery, delivery_id)
    if row is None or row.state != WAITING:
        return
    row.last_answer = answer[:40]
    if good:
        row.state, row.delivered_at = DELIVERED_TO, now()
    elif row.attempts >= MOST_TRIES:
        row.state = GIVEN_UP
    else:
        row.due_at = now() + pause_after(row.attempts)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """`sha256=` and the HMAC-SHA256 of `<timestamp>.<body>`, hex: proves sender and time."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


def _signed(row: WebhookDelivery, webhook: Webhook) -> Delivery:
    body = json.dumps(row.payload, separators=(",", ":"), ensure_ascii=False).encode()
    timestamp = str(int(now().timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Sandhi-Webhook/1",
        "X-Sandhi-Event": row.event,
        "X-Sandhi-Delivery": row.event_id,
        "X-Sandhi-Timestamp": timestamp,
        "X-Sandhi-Signature": sign(webhook.secret, timestamp, body),
    }
    return Delivery(int(row.id), webhook.url, body, headers)
