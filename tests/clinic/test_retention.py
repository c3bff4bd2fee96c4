"""What had its time goes; evidence, and whatever is still wanted, stays."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, List

import pytest
from sqlalchemy import func, select, update

from clinic import audit, retention, webhooks
from clinic.canned import save_canned, store_file
from clinic.consent import record
from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.inbound import store_dead_letter
from clinic.models import AuditEntry, Consent, DeadLetter, StoredFile, WebhookDelivery

NOW = datetime(2026, 11, 23, 6, tzinfo=timezone.utc)
LONG_AGO = NOW - timedelta(days=300)


def count(db: Database, model: Any) -> int:
    with db.reading() as session:
        return int(session.execute(select(func.count()).select_from(model)).scalar_one())


@pytest.fixture
def deliveries(db: Database) -> List[int]:
    """Three test events of one webhook."""
    with db.transaction() as session:
        webhook, _secret = webhooks.add(session, "https://desk.example/hook")
        number = int(webhook.id)
        return [webhooks.plan_test(session, number) for _ in range(3)]


def change(db: Database, model: Any, number: int, **values: Any) -> None:
    with db.transaction() as session:
        session.execute(update(model).where(model.id == number).values(**values))


def test_deliveries_go_when_they_are_over_and_old(db: Database, deliveries: List[int]) -> None:
    waiting, told, fresh = deliveries
    old = NOW - timedelta(days=31)
    change(db, WebhookDelivery, waiting, created_at=old)
    change(db, WebhookDelivery, told, created_at=old, state="delivered")
    change(db, WebhookDelivery, fresh, created_at=NOW - timedelta(days=29), state="given_up")
    assert retention.purge(db, NOW)["webhook_deliveries"] == 1
    with db.reading() as session:
        left = set(session.execute(select(WebhookDelivery.id)).scalars())
    assert left == {waiting, fresh}


def test_deliveries_are_kept_longer_than_events_are_looked_for() -> None:
    assert webhooks.LOOK_BACK + timedelta(days=7) < retention.DELIVERIES_KEPT


def test_what_could_not_be_read_goes_after_a_month(db: Database) -> None:
    with db.transaction() as session:
        old = store_dead_letter(session, "no sender", {"n": 1})
        store_dead_letter(session, "no sender", {"n": 2})
    change(db, DeadLetter, old, created_at=NOW - timedelta(days=31))
    assert retention.purge(db, NOW)["dead_letters"] == 1
    assert count(db, DeadLetter) == 1


def test_files_go_when_no_ready_answer_carries_them(db: Database) -> None:
    with db.transaction() as session:
        kept, left, fresh = (store_file(session, b"%PDF-", "application/pdf", n) for n in "abc")
        save_canned(session, None, "Exercises", {"en": "Here"}, False, "Asha", kept)
    for number in (kept, left):
        change(db, StoredFile, number, created_at=NOW - timedelta(days=2))
    change(db, StoredFile, fresh, created_at=NOW - timedelta(hours=1))
    assert retention.purge(db, NOW)["stored_files"] == 1
    with db.reading() as session:
        assert set(session.execute(select(StoredFile.id)).scalars()) == {kept, fresh}


def test_many_go_a_few_at_a_time(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    with db.transaction() as session:
        letters = [store_dead_letter(session, "x", {"n": number}) for number in range(5)]
    for number in letters:
        change(db, DeadLetter, number, created_at=LONG_AGO)
    assert retention.purge(db, NOW)["dead_letters"] == 5
    assert count(db, DeadLetter) == 0


def test_evidence_stays_however_old(db: Database) -> None:
    with db.transaction() as session:
        contact = int(ensure_contact(session, "+919000000001", None).id)
        record(session, contact, "care", True, how="button", language="en", wamid="wamid.1")
        audit.record(session, "cli", "export", f"contact:{contact}")
    retention.purge(db, NOW + timedelta(days=4000))
    assert (count(db, Consent), count(db, AuditEntry)) == (1, 1)
